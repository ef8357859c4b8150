"""One app alone, in a cluster of the test's own, and what it registered there."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from alone import build

from components.apps.installer import Installer
from recording.graph import Graph, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
NAMESPACE = "kubernetes:core/v1:Namespace"
CHARTS = "oci://charts.example.com/mirror"
NAMESPACES = (
    *("ai-prism", "argocd", "database-access", "external-secrets", "flagger-system", "istio-ingress"),
    *("istio-system", "logging", "monitoring"),
)
HOSTS = (
    *("docker.io", "ghcr.io", "nvcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io"),
)  # fmt: skip
"""Registries whose images are cached."""
WEB_TIER = {"tier": "web"}
"""Where controllers run: on demand, since the spot market would move them."""
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, and a root that is read only."""
ONE_AT_A_TIME = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
"""A budget that never holds up a drain."""


def in_cluster(
    make: Callable[[Installer, pulumi.Resource, pulumi.ResourceOptions], object],
    *,
    replicas: int = 2,
    known: bool = True,
) -> Graph:
    """Return what `make` registers; it takes an installer, what has to be there before its pods, and options.

    The installer waits for the namespaces and for `earlier`; what has to be there before the pods is called `role`.
    """

    def make_all(_: pulumi.ResourceOptions) -> None:
        opts = pulumi.ResourceOptions(provider=kubernetes.Provider("kubernetes", kubeconfig="{}"))
        namespaces = {
            name: kubernetes.core.v1.Namespace(name, metadata={"name": name}, opts=opts) for name in NAMESPACES
        }
        installer = Installer(
            namespaces=namespaces,
            ready=[*namespaces.values()],
            charts=CHARTS,
            images={host: cached(host) for host in HOSTS},
            replicas=replicas,
            after=[kubernetes.core.v1.ConfigMap("earlier", opts=opts)],
        )
        make(installer, kubernetes.core.v1.ConfigMap("role", opts=opts), opts)

    return build(make_all, known=known)


def cached(image: str) -> str:
    """Return where the test's stack pulls an image."""
    return f"cache.example.com/{image}"


def release(graph: Graph, name: str) -> Resource:
    return graph.named(RELEASE, name)


def values(graph: Graph, name: str) -> dict[str, Any]:
    return release(graph, name)["values"]


def origin(graph: Graph, name: str) -> tuple[str, str, str]:
    """Return the name, the namespace and the chart of a release."""
    found = release(graph, name)
    return found["name"], found["namespace"], found["chart"].removeprefix(f"{CHARTS}/")


def waits_for(graph: Graph, resource: Resource) -> set[str]:
    """Return the names of what must exist before a resource, namespaces left out."""
    needed = [graph.by_urn[urn] for urn in resource.dependencies]
    return {each.name for each in needed if each.type != NAMESPACE}


def namespace(graph: Graph, name: str) -> str:
    """Return the URN of a namespace."""
    return graph.named(NAMESPACE, name).urn


def of_kind(graph: Graph, kind: str, name: str) -> Resource:
    """Return the custom resource of a kind and a name."""
    (found,) = [each for each in graph.resources if each.get("kind") == kind and each.name == name]
    return found


def spread_over(**labels: str) -> list[dict[str, Any]]:
    """Return constraints by which replicas are in different zones and on different nodes, as far as there are any."""
    selector = {"labelSelector": {"matchLabels": {key.replace("__", "/"): label for key, label in labels.items()}}}
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", **(selector if labels else {})}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def asks(cpu: str, memory: str, *, limit: str = "") -> dict[str, Any]:
    """Return what a container requests, and its limit of memory; of CPU it may use what others leave."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit or memory}}
