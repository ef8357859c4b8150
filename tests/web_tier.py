"""What runs on the web tier of a stack, what it asks for, and what the tier's nodes have to give."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recording.graph import Graph, Resource


@dataclass(frozen=True)
class Ask:
    """What is asked of a node, or what it has: millicores, mebibytes, pods."""

    cpu: int
    memory: int
    pods: int = 1

    def __add__(self, other: "Ask") -> "Ask":
        return Ask(self.cpu + other.cpu, self.memory + other.memory, self.pods + other.pods)

    def fits(self, node: "Ask") -> bool:
        return self.cpu <= node.cpu and self.memory <= node.memory and self.pods <= node.pods


NOTHING = Ask(0, 0, 0)
EVERY_NODE = None
"""Instead of a number of pods."""

# vCPUs and GiB: https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, co.html and ac.html. Pods, by the
# interfaces' addresses: https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/eni-max-pods.txt
_SIZES = {
    "t3": {"medium": (2, 4, 17), "large": (2, 8, 35), "xlarge": (4, 16, 58), "2xlarge": (8, 32, 58)},
    "c5": {"large": (2, 4, 29), "xlarge": (4, 8, 58)},
    "g4dn": {"xlarge": (4, 16, 29)},
}
_HYPERVISOR = 0.075
"""Share of the memory that the node never sees: vmMemoryOverheadPercent of https://karpenter.sh/docs/reference/settings/."""


def node(instance_type: str) -> Ask:
    """Return what a node has for pods, after what its image reserves.

    Source: withDefaultReservedResources and defaultKubeletSubConfig of
    https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go
    """
    family, size = instance_type.split(".")
    sizes = _SIZES.get(family.removesuffix("a"), {})
    assert size in sizes, f"say what {instance_type} has"
    cores, gibibytes, pods = sizes[size]
    # 6 % of the first core, 1 % of the second, half a percent of two more, a quarter of the rest.
    reserved_cpu = 60 + 10 + (10 if cores >= 4 else 0) + max(0, cores - 4) * 2.5
    reserved_memory = 255 + 11 * pods + 100
    memory = gibibytes * 1024 * (1 - _HYPERVISOR) - reserved_memory
    return Ask(int(cores * 1000 - reserved_cpu), int(memory), pods)


@dataclass(frozen=True)
class Pods:
    """Pods of one kind: how many, and where the values say what their containers ask for."""

    count: int | str | None
    """A number, the path of it or of a switch in the values, or one on every node."""
    resources: Sequence[str] = ("resources",)
    extra: Ask = NOTHING
    """What containers ask that values do not speak of."""
    volume: str = ""
    """The path in the values where the pods' volume stands, if they have one in this stack."""


_MESH = Ask(100, 128, 0)
"""The mesh's container in a pod: global.proxy.resources of istiod's default values."""
_RELOADER = "prometheusOperator.prometheusConfigReloader.resources"

BY_RELEASE: Mapping[str, Sequence[Pods]] = {
    "aws-load-balancer-controller": [Pods("replicaCount")],
    "aws-load-balancer-controller-crds": [],
    "external-secrets": [
        Pods("replicaCount"),
        Pods("webhook.replicaCount", ["webhook.resources"]),
        Pods("certController.replicaCount", ["certController.resources"]),
    ],
    "kube-prometheus-stack": [
        Pods(1, ["prometheusOperator.resources"]),
        Pods(1, ["prometheusOperator.admissionWebhooks.patch.resources"]),
        Pods(
            "prometheus.prometheusSpec.replicas",
            ["prometheus.prometheusSpec.resources", _RELOADER],
            volume="prometheus.prometheusSpec.storageSpec",
        ),
        Pods(
            "alertmanager.alertmanagerSpec.replicas",
            ["alertmanager.alertmanagerSpec.resources", _RELOADER],
            volume="alertmanager.alertmanagerSpec.storage",
        ),
        Pods("grafana.replicas", ["grafana.resources", "grafana.sidecar.resources", "grafana.sidecar.resources"]),
        Pods(1, ["kube-state-metrics.resources"]),
        Pods(EVERY_NODE, ["prometheus-node-exporter.resources"]),
        Pods(1, ["crds.upgradeJob.resources"]),
    ],
    "prometheus-adapter": [Pods("replicas")],
    "opentelemetry-collector": [Pods("replicaCount")],
    "jaeger": [Pods("jaeger.replicas", ["jaeger.resources"], volume="jaeger.extraVolumes")],
    "fluent-bit": [Pods(EVERY_NODE)],
    "cluster-autoscaler": [Pods("replicaCount")],
    "nvidia-device-plugin": [],
    "istio-base": [],
    "istiod": [Pods("autoscaleMin")],
    "istio-cni": [Pods(EVERY_NODE)],
    "istio-ingressgateway": [Pods("autoscaling.minReplicas")],
    "flagger-crds": [],
    "flagger": [Pods("leaderElection.replicaCount", extra=_MESH)],
    "flagger-loadtester": [Pods(1, extra=_MESH)],
    "argo-cd": [
        Pods(1, ["controller.resources"]),
        Pods("server.replicas", ["server.resources"]),
        Pods("repoServer.replicas", ["repoServer.resources"]),
        Pods("notifications.enabled", ["notifications.resources"]),
        Pods(1, ["redis.resources"]),
        Pods(1, ["redisSecretInit.resources"]),
    ],
}
"""By release. Argo CD's start-up job, the webhook's and the one for definitions are counted as if they stayed."""

ADDONS: Mapping[str, Sequence[tuple[int | None, Ask]]] = {
    # https://github.com/aws/eks-charts/blob/master/stable/aws-vpc-cni/values.yaml: the plugin and its policy agent.
    "vpc-cni": [(EVERY_NODE, Ask(50, 0))],
    # https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/kube-proxy/kube-proxy-ds.yaml
    "kube-proxy": [(EVERY_NODE, Ask(100, 0))],
    "eks-pod-identity-agent": [(EVERY_NODE, Ask(0, 0))],
    "eks-node-monitoring-agent": [(EVERY_NODE, Ask(0, 0))],
    # https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns/coredns/coredns.yaml.base
    "coredns": [(2, Ask(100, 70))],
    # https://github.com/kubernetes-sigs/metrics-server/blob/master/charts/metrics-server/values.yaml
    "metrics-server": [(2, Ask(100, 200))],
    # https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/charts/aws-ebs-csi-driver/values.yaml:
    # 10m and 40Mi for each of six and of three containers.
    "aws-ebs-csi-driver": [(2, Ask(60, 240)), (EVERY_NODE, Ask(30, 120))],
}
"""What EKS's own add-ons ask for, by the values that they are made of."""


def asked(graph: Graph) -> tuple[Ask, list[Ask]]:
    """Return what every node of the tier is asked for, and what single pods ask for anywhere on it."""
    kinds = [kind for addon in graph.of_type("aws:eks/addon:Addon") for kind in ADDONS[addon["addonName"]]]
    kinds += [_kind(release, pods) for release, pods in _of_releases(graph)]
    everywhere = sum((ask for count, ask in kinds if count is EVERY_NODE), NOTHING)
    return everywhere, [ask for count, ask in kinds if count is not EVERY_NODE for _ in range(count)]


def with_volumes(graph: Graph) -> list[Ask]:
    """Return what the pods ask for that can run in one zone alone, each."""
    kinds = [
        _kind(release, pods)
        for release, pods in _of_releases(graph)
        if pods.volume and _at(release["values"], pods.volume)
    ]
    return [ask for count, ask in kinds for _ in range(count or 0)]


def _of_releases(graph: Graph) -> Iterator[tuple[Resource, Pods]]:
    for release in graph.of_type("kubernetes:helm.sh/v3:Release"):
        assert release["name"] in BY_RELEASE, f"say what pods {release['name']} has"
        yield from ((release, pods) for pods in BY_RELEASE[release["name"]])


def packed(pods: Sequence[Ask], each: Ask, nodes: int, capacity: Ask) -> Iterator[Ask]:
    """Yield the pods for which no node has room, the largest being placed first."""
    used = [each] * nodes
    for pod in sorted(pods, key=lambda ask: (ask.memory, ask.cpu), reverse=True):
        # The emptiest first, as the scheduler spreads.
        place = min(range(nodes), key=lambda index: used[index].memory)
        if not (used[place] + pod).fits(capacity):
            place = next((index for index in range(nodes) if (used[index] + pod).fits(capacity)), -1)
        if place < 0:
            yield pod
        else:
            used[place] += pod


def _kind(release: Resource, pods: Pods) -> tuple[int | None, Ask]:
    values = release["values"]
    count = _at(values, pods.count) if isinstance(pods.count, str) else pods.count
    containers = [_request(_at(values, path)) for path in pods.resources] if count is None or count else []
    return None if count is None else int(count), sum(containers, pods.extra) + Ask(0, 0, 1)


def _request(resources: Mapping[str, Any]) -> Ask:
    requests = resources["requests"]
    cpu, memory = str(requests["cpu"]), str(requests["memory"])
    millicores = int(cpu.removesuffix("m")) if cpu.endswith("m") else int(float(cpu) * 1000)
    units = {"Mi": 1, "Gi": 1024}
    return Ask(millicores, int(memory[:-2]) * units[memory[-2:]], 0)


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for key in path.split("."):
        found = found.get(key, {})
    return found
