"""Who may talk to the pods, and whom they may talk to."""

import ipaddress

import pytest
from chart import ALL_WORKLOADS, render, selects

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
@pytest.mark.parametrize("port", [8081, 15020, 15090])
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
        ("10.0.200.10", 5432, "TCP"),
        ("10.0.200.10", 6379, "TCP"),
        ("169.254.170.23", 80, "TCP"),
        ("10.0.1.1", 443, "TCP"),
        ("52.216.0.1", 443, "TCP"),
    ],
    ids=str,
)
def test_pods_reach_what_they_need(name, other, port, protocol):
    assert _allows(name, "egress", other, port, protocol)


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
