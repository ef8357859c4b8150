"""Who may talk to the pods, and whom they may talk to."""

import ipaddress

import pytest
from chart import ALL_WORKLOADS, NAMESPACE, Rendering, default_values, render, selects

from components import cache, database, namespaces

GATEWAY = ("istio-ingress", {"istio": "ingressgateway"})
LOAD_TESTER = ("flagger-system", {"app": "flagger-loadtester"})
PROMETHEUS = ("monitoring", {"app.kubernetes.io/name": "prometheus"})
DNS = ("kube-system", {"k8s-app": "kube-dns"})
ISTIOD = ("istio-system", {"app": "istiod"})
OWN = ("ai-prism", {"app.kubernetes.io/part-of": "ai-prism", "app.kubernetes.io/component": "web"})
STRANGER = ("ai-prism", {"app": "stranger"})


def _allows(name, direction, other, port, protocol="TCP"):
    """Whether the policy of a workload lets traffic through: https://kubernetes.io/docs/concepts/services-networking/network-policies/"""
    rendering = render("prod", ALL_WORKLOADS)
    spec = rendering.one("NetworkPolicy", f"ai-prism-{name}")["spec"]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}
    peers = {"ingress": "from", "egress": "to"}[direction]
    return any(
        {"port": port, "protocol": protocol} in rule["ports"] and any(_is(peer, other) for peer in rule[peers])
        for rule in spec[direction]
    )


def _is(peer, other):
    if isinstance(other, str):
        block = peer.get("ipBlock")
        address = ipaddress.ip_address(other)
        return bool(block) and (
            address in ipaddress.ip_network(block["cidr"])
            and not any(address in ipaddress.ip_network(each) for each in block.get("except", []))
        )
    if "ipBlock" in peer:
        return False
    namespace, labels = other
    inside = {"matchLabels": {"kubernetes.io/metadata.name": "ai-prism"}}
    return selects(peer.get("namespaceSelector", inside), {"kubernetes.io/metadata.name": namespace}) and selects(
        peer.get("podSelector", {}), labels
    )


@pytest.mark.parametrize("name", ["api", "web"])
@pytest.mark.parametrize("other", [GATEWAY, LOAD_TESTER, OWN], ids=lambda each: each[0])
def test_requests_come_from_the_gateway_the_load_tester_and_our_own(name, other):
    assert _allows(name, "ingress", other, 8080)
    assert not _allows(name, "ingress", other, 8081)


@pytest.mark.parametrize("name", ["api", "web", "worker"])
def test_nobody_else_sends_requests(name):
    others = [STRANGER, PROMETHEUS, DNS, ("istio-ingress", {"app": "stranger"}), ("default", {}), "10.0.1.1", "8.8.8.8"]
    assert [each for each in others if _allows(name, "ingress", each, 8080)] == []


def test_nobody_sends_requests_to_the_worker():
    assert [each for each in (GATEWAY, LOAD_TESTER, OWN) if _allows("worker", "ingress", each, 8080)] == []


@pytest.mark.parametrize("name", ["api", "web", "worker"])
@pytest.mark.parametrize("port", [8081, 15090])
def test_prometheus_alone_reads_metrics(name, port):
    assert _allows(name, "ingress", PROMETHEUS, port)
    assert [
        each for each in (GATEWAY, LOAD_TESTER, OWN, STRANGER, "10.0.1.1") if _allows(name, "ingress", each, port)
    ] == []


@pytest.mark.parametrize("name", ["api", "web", "worker"])
@pytest.mark.parametrize(
    ("other", "port", "protocol"),
    [
        (DNS, 53, "UDP"),
        (DNS, 53, "TCP"),
        (ISTIOD, 15012, "TCP"),
        (("monitoring", {"app.kubernetes.io/name": "opentelemetry-collector"}), 4317, "TCP"),
        (OWN, 8080, "TCP"),
        ("169.254.170.23", 80, "TCP"),
        ("10.0.1.1", 443, "TCP"),
        ("52.216.0.1", 443, "TCP"),
    ],
    ids=str,
)
def test_pods_reach_what_they_need(name, other, port, protocol):
    assert _allows(name, "egress", other, port, protocol)


@pytest.mark.parametrize(
    ("name", "ports"), [("api", {5432, 6379}), ("worker", {5432}), ("web", set())], ids=["api", "worker", "web"]
)
def test_pods_reach_the_database_and_the_cache_where_they_have_access_to_them(name, ports):
    assert {port for port in (5432, 6379) if _allows(name, "egress", "10.0.200.10", port)} == ports


def test_ports_of_database_and_cache_are_those_that_the_platform_opens():
    rendering = render("prod", ALL_WORKLOADS)
    data = rendering.one("ConfigMap", "ai-prism-api-config")["data"]
    assert (data["DATABASE_PORT"], data["CACHE_PORT"]) == (str(database.PORT), str(cache.PORT))
    assert _allows("api", "egress", "10.0.200.10", database.PORT)
    assert _allows("api", "egress", "10.0.200.10", cache.PORT)


def test_neighbours_are_in_the_namespaces_that_the_program_makes(rendering: Rendering):
    found = {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for each in rendering.of("NetworkPolicy")
        for direction, peers in (("ingress", "from"), ("egress", "to"))
        for rule in each["spec"][direction]
        for peer in rule[peers]
        if "namespaceSelector" in peer
    }
    assert found == {
        namespaces.FLAGGER,
        namespaces.GATEWAY,
        namespaces.KUBE_SYSTEM,
        namespaces.MESH,
        namespaces.MONITORING,
    }
    assert NAMESPACE == namespaces.APPLICATION
    assert default_values()["monitoring"]["alerts"]["argocd"]["namespace"] == namespaces.ARGO_CD


@pytest.mark.parametrize(
    ("other", "port"),
    [
        ("169.254.169.254", 80),  # the node's metadata, and with it the node's role
        ("169.254.169.254", 443),
        ("52.216.0.1", 80),
        ("52.216.0.1", 5432),
        ("10.30.200.10", 5432),  # the network of another stack
        (("monitoring", {}), 9090),
        (("argocd", {}), 8080),
        (STRANGER, 8080),
    ],
    ids=str,
)
def test_pods_reach_nothing_else(other, port):
    assert not any(_allows(name, "egress", other, port) for name in ("api", "web", "worker"))
