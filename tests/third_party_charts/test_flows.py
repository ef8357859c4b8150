"""What the charts' pods need of each other, of the API server and of AWS is let through, and nothing else is."""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from rights import Rights
from support import STACKS, recorded
from third_party import Manifest, everything, needs_charts, plain

from components.load_balancer import HEALTH_PORT, TARGET_PORT
from components.namespaces import APPLICATION, ARGO_CD, DATABASE_ACCESS, FLAGGER, GATEWAY, KUBE_SYSTEM, MONITORING
from recording.graph import Graph, Resource
from settings.address_plan import allocate

pytestmark = needs_charts

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")
POD_IDENTITY = "169.254.170.23"
API_SERVICES = ("10.100.0.1", "172.20.0.1")
"""Addresses of the API server's Service, of which EKS gives a cluster one."""
ELSEWHERE = "203.0.113.1"
"""Stands for the internet."""
INJECTED = {"http-envoy-prom": 15090}
"""Ports of sidecars, which no chart names: https://istio.io/latest/docs/ops/deployment/application-requirements/"""

Place = str
"""A namespace, an address, or the name of something in the VPC."""


@dataclass(frozen=True)
class Need:
    """What somebody has to reach."""

    source: Place
    target: Place
    port: int
    why: str


DOCUMENTED = (
    Need(GATEWAY, APPLICATION, TARGET_PORT, "requests"),
    Need(FLAGGER, APPLICATION, TARGET_PORT, "the load tester calls the new version"),
    Need(FLAGGER, FLAGGER, 8080, "Flagger calls the load tester, as Canaries say"),
    Need(MONITORING, ARGO_CD, 9001, "the notifications controller, in stacks that tell of failures"),
    Need(DATABASE_ACCESS, "the database", 5432, "the application's role and rights"),
    Need(DATABASE_ACCESS, ELSEWHERE, 443, "the authorities of the database's certificate"),
    Need(ARGO_CD, ELSEWHERE, 443, "git, the company's log-in, and the webhook that is told of failures"),
    Need(MONITORING, ELSEWHERE, 443, "SNS, as everything of AWS without an endpoint in the VPC"),
)
"""What no chart's objects tell of, and what it is for."""


@dataclass(frozen=True)
class Rule:
    """One peer and one port of a namespace's policy; every port where that is None."""

    namespace: str
    direction: str
    peer: str
    """As JSON."""
    port: int | None

    def covers(self, place: Place, port: int, vpc: str) -> bool:
        """Whether the rule lets traffic from or to a place pass."""
        return self.port in (None, port) and self._is(place, vpc)

    def _is(self, place: Place, vpc: str) -> bool:
        peer = json.loads(self.peer)
        if "ipBlock" in peer:
            # Pods have addresses of the VPC.
            address = ipaddress.ip_address(place if place[0].isdigit() else vpc)
            excepted = peer["ipBlock"].get("except", [])
            return address in self.network and all(address not in ipaddress.ip_network(each) for each in excepted)
        if "namespaceSelector" in peer:
            return peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == place
        return place == self.namespace

    @property
    def network(self) -> ipaddress.IPv4Network:
        """Return the addresses of the peer; of one that is selected by labels a single one, as the narrowest."""
        return ipaddress.IPv4Network(json.loads(self.peer).get("ipBlock", {}).get("cidr", ELSEWHERE))


def rules(policy: Resource) -> Iterator[Rule]:
    """Yield the rules of a NetworkPolicy, one for each peer and port."""
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in plain(policy["spec"]).get(direction, []):
            for peer in rule[side]:
                for port in [each["port"] for each in rule.get("ports", [])] or [None]:
                    yield Rule(policy["metadata"]["namespace"], direction, json.dumps(peer, sort_keys=True), port)


class Cluster:
    """The objects of a stack, and who may reach what among them."""

    def __init__(self, stack: str) -> None:
        self.graph: Graph = recorded(stack, known=True)
        self.objects = [
            (each["metadata"].get("namespace") or release["namespace"], each) for release, each in everything(stack)
        ]
        self.objects += [
            (each["metadata"]["namespace"], plain(dict(each.inputs)))
            for kind in ("ServiceMonitor", "PodMonitor")
            for each in self.graph.of_type(f"kubernetes:monitoring.coreos.com/v1:{kind}")
        ]
        spaces = self.graph.of_type("kubernetes:core/v1:Namespace")
        self.meshed = {each["metadata"]["name"] for each in spaces if "istio-injection" in each["metadata"]["labels"]}
        self.own = {each["metadata"]["name"] for each in spaces}
        self.rules = {rule for policy in self.graph.of_type(POLICY) for rule in rules(policy)}
        self.bound = Rights(stack).accounts()
        """Service accounts with rights in the cluster."""
        self.vpc = ipaddress.ip_network(self.graph.of_type("aws:ec2/vpc:Vpc")[0]["cidrBlock"])
        self.in_vpc = str(self.vpc[-2])

    def passes(self, need: Need) -> list[Rule] | None:
        """Return the rules that a flow rests on, the narrowest of each side; None where it is stopped."""
        used: list[Rule] = []
        for namespace, direction, peer in (
            (need.source, "egress", need.target),
            (need.target, "ingress", need.source),
        ):
            if namespace not in self.own:
                continue
            there = [each for each in self.rules if (each.namespace, each.direction) == (namespace, direction)]
            matching = [each for each in there if each.covers(peer, need.port, self.in_vpc)]
            if not matching and namespace == APPLICATION:
                continue  # Its chart says it, pod by pod (tests/charts/test_network.py).
            if not matching:
                return None
            used.append(max(matching, key=lambda rule: (rule.network.prefixlen, rule.port is not None)))
        return used

    def of(self, *kinds: str) -> Iterator[tuple[str, Manifest]]:
        return ((where, each) for where, each in self.objects if each["kind"] in kinds)

    def ports(self, where: str, service: Manifest, port: Any) -> set[int]:
        """Return the pods' ports behind a port of a service, by its name or number."""
        for each in service["spec"]["ports"]:
            if port in (each.get("name"), each["port"]):
                target = each.get("targetPort") or each["port"]
                return self.numbers(where, service["spec"].get("selector") or {}, target)
        return set()

    def numbers(self, where: str, selector: Mapping[str, str], port: Any) -> set[int]:
        if isinstance(port, int):
            return {port}
        if port in INJECTED:
            return {INJECTED[port]}
        return {
            each["containerPort"]
            for there, pod in self.pods()
            if there == where and selector.items() <= ((pod.get("metadata") or {}).get("labels") or {}).items()
            for container in pod["spec"]["containers"]
            for each in container.get("ports") or []
            if each.get("name") == port
        }

    def pods(self) -> Iterator[tuple[str, Manifest]]:
        """Yield the pods that charts have made, without those of the host's network, which no policy holds."""
        for where, workload in self.of(*WORKLOADS):
            template = workload["spec"]["template"]
            if not template["spec"].get("hostNetwork"):
                yield where, template

    def behind(self, where: str, name: str, port: int) -> set[int]:
        """Return the pods' ports behind a service; that which was asked where an operator makes the service."""
        for there, service in self.of("Service"):
            if (there, service["metadata"]["name"]) == (where, name):
                return self.ports(where, service, port)
        return {port}


@pytest.fixture(scope="module", params=STACKS)
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(request.param)


def read(cluster: Cluster) -> Iterator[Need]:
    """Yield what Prometheus reads, by the monitors of the charts and of the program."""
    for home, monitor in cluster.of("ServiceMonitor", "PodMonitor"):
        spec, name = monitor["spec"], f"monitor {monitor['metadata']['name']}"
        labels = spec["selector"].get("matchLabels") or {}
        ports = [each.get("port") or each.get("targetPort") for each in spec.get("endpoints", [])]
        among = (spec.get("namespaceSelector") or {}).get("matchNames") or [home]
        for where, service in cluster.of("Service") if ports else ():
            if where in among and labels.items() <= (service["metadata"].get("labels") or {}).items():
                for port in ports:
                    yield from (Need(MONITORING, where, each, name) for each in cluster.ports(where, service, port))
        for endpoint in spec.get("podMetricsEndpoints", []):
            for where in among:
                numbers = cluster.numbers(where, labels, endpoint["port"])
                yield from (Need(MONITORING, where, number, name) for number in numbers)


def called(cluster: Cluster) -> Iterator[tuple[str, str, str, int]]:
    """Yield the services that the API server calls: for which object, in which namespace, which, at which port."""
    for _, each in cluster.of("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for webhook in each["webhooks"]:
            service = webhook["clientConfig"].get("service")
            if service:
                yield each["metadata"]["name"], service["namespace"], service["name"], service.get("port", 443)
    for _, each in cluster.of("APIService"):
        service = each["spec"]["service"]
        yield each["metadata"]["name"], service["namespace"], service["name"], service.get("port", 443)


def served(cluster: Cluster) -> Iterator[Need]:
    """Yield what the API server, somewhere in the VPC, has to reach."""
    for name, where, service, port in called(cluster):
        for number in cluster.behind(where, service, port):
            yield Need(cluster.in_vpc, where, number, name)


def addressed(cluster: Cluster) -> Iterator[Need]:
    """Yield what stands as an address in the objects of a namespace: arguments, variables, configuration."""
    homes = "|".join(sorted((*cluster.own, KUBE_SYSTEM)))
    full = re.compile(rf"\b([a-z0-9][a-z0-9-]*)\.({homes})(?:\.svc(?:\.cluster\.local)?)?:(\d+)\b")
    services = [(where, each["metadata"]["name"]) for where, each in cluster.of("Service")]
    for where, each in cluster.of(*WORKLOADS, "ConfigMap", "Secret", "Prometheus", "Alertmanager"):
        if "grafana_dashboard" in (each["metadata"].get("labels") or {}):
            continue
        name = f"{each['kind']} {each['metadata']['name']}"
        text = json.dumps({**each, "metadata": {}})
        # Sidecars are told by their control plane.
        sources = cluster.meshed if name == "ConfigMap istio" else {where}
        found = {(home, service, int(port)) for service, home, port in full.findall(text)}
        found |= {
            (home, service, int(port))
            for home, service in services
            if home == where and each["kind"] != "Service"
            for port in re.findall(rf"(?<![\w.-]){re.escape(service)}:([1-9]\d+)\b", text)
        }
        for home, service, port in found:
            for number in cluster.behind(home, service, port):
                yield from (Need(source, home, number, f"{name} names {service}:{port}") for source in sources)
        if name == "ConfigMap istio":
            for provider in yaml.safe_load(each["data"]["mesh"]).get("extensionProviders", []):
                for told in (value for value in provider.values() if isinstance(value, dict) and "service" in value):
                    home = told["service"].split(".")[1]
                    for source in cluster.meshed:
                        yield Need(source, home, told["port"], f"mesh provider {provider['name']}")


def rested_on(cluster: Cluster) -> Iterator[Need]:
    """Yield what pods rest on: names, the API server for those with rights there, AWS for those with a role."""
    # The application's own pods are those of its chart.
    for namespace in cluster.own:
        yield Need(namespace, KUBE_SYSTEM, 53, "names")
    for where, pod in cluster.pods():
        account = pod["spec"].get("serviceAccountName") or "default"
        # What a proxy knows, its control plane tells it.
        proxies = all(each["image"] == "auto" for each in pod["spec"]["containers"])
        if f"{where}/{account}" in cluster.bound and not proxies:
            for address in (cluster.in_vpc, *API_SERVICES):
                yield Need(where, address, 443, f"{account} asks the API server")
    for each in cluster.graph.of_type(IDENTITY):
        if each["namespace"] in cluster.own - {APPLICATION}:
            yield Need(each["namespace"], POD_IDENTITY, 80, f"credentials of {each['serviceAccount']}")
            yield Need(each["namespace"], cluster.in_vpc, 443, f"endpoints of AWS for {each['serviceAccount']}")


def balanced(cluster: Cluster) -> Iterator[Need]:
    """Yield what the load balancer, in the public subnets, sends to the gateway."""
    zones = sorted({each["availabilityZone"] for each in cluster.graph.of_type("aws:ec2/subnet:Subnet")})
    for (tier, _), block in allocate(cluster.vpc, zones).items():
        if tier == "public":
            yield from (Need(str(block[9]), GATEWAY, port, "load balancer") for port in (TARGET_PORT, HEALTH_PORT))


def needs(cluster: Cluster) -> list[Need]:
    return [
        *(each for find in (read, served, addressed, rested_on, balanced) for each in find(cluster)),
        *DOCUMENTED,
    ]


def test_every_flow_that_is_needed_is_let_through(cluster: Cluster) -> None:
    found = needs(cluster)

    assert {each.why.partition(" ")[0] for each in found} >= {"monitor", "ConfigMap", "Deployment", "mesh", "names"}
    assert [each for each in found if cluster.passes(each) is None] == []


def test_nothing_is_let_through_that_nobody_needs(cluster: Cluster) -> None:
    used = {rule for each in needs(cluster) for rule in cluster.passes(each) or []}

    assert sorted(cluster.rules - used, key=str) == []


def test_the_api_server_finds_a_pod_behind_every_webhook_and_aggregated_api(cluster: Cluster) -> None:
    services = {(where, each["metadata"]["name"]): each for where, each in cluster.of("Service")}
    asked = list(called(cluster))

    assert len(asked) > 4
    for name, where, service, port in asked:
        assert (where, service) in services, f"{name} calls {service} in {where}, which no chart makes"
        manifest = services[where, service]
        assert cluster.ports(where, manifest, port), f"{name}: no pod of {service} listens at its port {port}"


def test_a_flow_that_is_not_allowed_is_stopped(cluster: Cluster) -> None:
    assert cluster.passes(Need(APPLICATION, ARGO_CD, 8080, "")) is None
    assert cluster.passes(Need(FLAGGER, "external-secrets", 10250, "")) is None
    assert cluster.passes(Need(cluster.in_vpc, "external-secrets", 10250, "")) is not None
    assert cluster.passes(Need(GATEWAY, ELSEWHERE, 443, "")) is None
    assert cluster.passes(Need(ARGO_CD, "169.254.169.254", 443, "")) is None
