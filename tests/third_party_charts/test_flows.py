"""What monitors, webhooks and aggregated APIs have to reach is let in by the namespaces' network policies."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest
from support import STACKS, recorded
from third_party import Manifest, everything, needs_charts, plain

from components.namespaces import MONITORING
from prismctl.graph import Graph

pytestmark = needs_charts

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
API_SERVER = "the API server"


def namespace(release: Any, manifest: Manifest) -> str:
    return manifest["metadata"].get("namespace") or release["namespace"]


class Cluster:
    """The objects of a stack, and who may reach what among them."""

    def __init__(self, stack: str) -> None:
        self.graph: Graph = recorded(stack, known=True)
        self.objects = [(namespace(release, each), each) for release, each in everything(stack)]
        self._rules = {
            policy["metadata"]["namespace"]: plain(policy["spec"]).get("ingress", [])
            for policy in self.graph.of_type(POLICY)
            if policy["metadata"]["name"] == "needed-flows"
        }

    def lets_in(self, where: str, port: int, source: str) -> bool:
        """Whether pods of a namespace are reached at a port, from another namespace or from the API server."""
        if where not in self._rules:
            return True  # kube-system is not the program's own.
        return any(
            any(self._is(peer, source, where) for peer in rule.get("from", []))
            and (not rule.get("ports") or port in [each["port"] for each in rule["ports"]])
            for rule in self._rules[where]
        )

    def _is(self, peer: Manifest, source: str, where: str) -> bool:
        if "ipBlock" in peer:
            vpc = ipaddress.ip_network(self.graph.of_type("aws:ec2/vpc:Vpc")[0]["cidrBlock"])
            return source == API_SERVER and ipaddress.ip_network(peer["ipBlock"]["cidr"]) == vpc
        if "namespaceSelector" in peer:
            return peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == source
        return source == where

    def of(self, *kinds: str) -> Iterator[tuple[str, Manifest]]:
        return ((where, each) for where, each in self.objects if each["kind"] in kinds)

    def ports(self, where: str, service: Manifest, port: Any) -> set[int]:
        """Return the pods' ports behind a port of a service, by its name or number."""
        for each in service["spec"]["ports"]:
            if port in (each.get("name"), each["port"]):
                return self.numbers(where, service["spec"].get("selector") or {}, each.get("targetPort", each["port"]))
        return set()

    def numbers(self, where: str, selector: dict[str, str], port: Any) -> set[int]:
        if isinstance(port, int):
            return {port}
        return {
            each["containerPort"]
            for _, pod in self._pods(where, selector)
            for container in pod["spec"]["containers"]
            for each in container.get("ports") or []
            if each.get("name") == port
        }

    def _pods(self, where: str, selector: dict[str, str]) -> Iterator[tuple[str, Manifest]]:
        for there, workload in self.of(*WORKLOADS):
            template = workload["spec"]["template"]
            if there == where and selector.items() <= template["metadata"]["labels"].items():
                yield there, template


@pytest.fixture(scope="module", params=STACKS)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(request.param)


def read(cluster: Cluster) -> Iterator[tuple[str, str, int]]:
    """Yield what monitors read: which monitor, in which namespace, at which port of pods."""
    for home, monitor in cluster.of("ServiceMonitor", "PodMonitor"):
        spec, name = monitor["spec"], monitor["metadata"]["name"]
        labels = spec["selector"].get("matchLabels") or {}
        ports = [each.get("port") or each.get("targetPort") for each in spec.get("endpoints", [])]
        among = (spec.get("namespaceSelector") or {}).get("matchNames") or [home]
        for where, service in cluster.of("Service") if ports else ():
            if where in among and labels.items() <= (service["metadata"].get("labels") or {}).items():
                yield from ((name, where, number) for port in ports for number in cluster.ports(where, service, port))
        for endpoint in spec.get("podMetricsEndpoints", []):
            yield from ((name, home, number) for number in cluster.numbers(home, labels, endpoint["port"]))


def test_every_monitor_reaches_what_it_reads(cluster: Cluster) -> None:
    found = list(read(cluster))

    assert len(found) > 8
    assert [each for each in found if not cluster.lets_in(each[1], each[2], MONITORING)] == []


def called(cluster: Cluster) -> Iterator[tuple[str, str, int]]:
    """Yield the services that the API server calls: for which object, where, and at which port of theirs."""
    for _, each in cluster.of("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for webhook in each["webhooks"]:
            service = webhook["clientConfig"].get("service")
            if service:
                yield each["metadata"]["name"], f"{service['namespace']}/{service['name']}", service.get("port", 443)
    for _, each in cluster.of("APIService"):
        service = each["spec"]["service"]
        yield each["metadata"]["name"], f"{service['namespace']}/{service['name']}", service.get("port", 443)


def test_the_api_server_reaches_every_webhook_and_aggregated_api(cluster: Cluster) -> None:
    services = {f"{where}/{each['metadata']['name']}": (where, each) for where, each in cluster.of("Service")}
    asked = list(called(cluster))

    assert len(asked) > 4
    for name, service, port in asked:
        assert service in services, f"{name} calls {service}, which no chart makes"
        where, manifest = services[service]
        ports = cluster.ports(where, manifest, port)
        assert ports, f"{name}: no pod of {service} listens at its port {port}"
        for each in ports:
            assert cluster.lets_in(where, each, API_SERVER), f"{name}: {service} at {each}"


def test_a_flow_that_is_not_allowed_is_told(cluster: Cluster) -> None:
    assert not cluster.lets_in("argocd", 8080, "ai-prism")
    assert not cluster.lets_in("external-secrets", 10250, MONITORING)
    assert cluster.lets_in("external-secrets", 10250, API_SERVER)
