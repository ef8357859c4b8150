"""Namespaces, their network policies, and exposed services."""

import ipaddress
import re
from collections.abc import Mapping

from policy import resource_types as types
from policy.flows import PEERS, allows_all, allows_anybody, foreign, in_force, reaches_metadata
from policy.objects import name_of, objects
from policy.pods import kind
from policy.properties import UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, Context, rule
from policy.view import Resource

_LABEL = 'metadata.labels["pod-security.kubernetes.io/enforce"]'
_PLACED = (
    *types.WORKLOADS,
    *types.SERVICE,
    *types.SERVICE_ACCOUNT,
    *types.CONFIG_MAP,
    *types.K8S_SECRET,
    *types.INGRESS,
    *types.EXTERNAL_SECRET,
    *types.CANARY,
)
_BUILT_IN = {("Service", "kubernetes"), ("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
"""Objects that the cluster itself creates in the namespace `default`."""


@rule(
    "k8s-ns",
    "Resources are in their own namespace, which enforces a pod security standard",
    types=(*_PLACED, *types.HELM_RELEASE, *types.NAMESPACE),
    kind="stack",
    severity=HIGH,
    controls=("CKV_K8S_21",),
    paths=("metadata.namespace", "metadata.name", "namespace", _LABEL),
    why="Network policies, quotas and permissions apply per namespace; all resources in `default` share them.",
    fix="Set metadata.namespace, and the label pod-security.kubernetes.io/enforce=restricted on the Namespace.",
    config={
        "levels": {"type": "array", "items": {"type": "string"}, "default": ["baseline", "restricted"]},
        # Of manifests without one, the namespace that they are applied to, as after `helm template`.
        "namespace": {"type": "string", "default": "default"},
    },
)
def namespaces(resource: Resource, context: Context) -> Findings:
    if resource.type in types.NAMESPACE:
        if resource.text(_LABEL) not in context.config["levels"]:
            yield _LABEL, "no pod security standard is enforced"
        return
    path = "namespace" if resource.type in types.HELM_RELEASE else "metadata.namespace"
    if resource.peek(path) is UNKNOWN:
        # Only the name of a Namespace of the program is unknown, and that is never `default`.
        if not context.stack.targets(resource, path, *types.NAMESPACE):
            raise Undetermined(path)
        return
    provider = context.stack.provider(resource)
    given = resource.text(path) or (provider.text("namespace") if provider else "") or context.config["namespace"]
    if given == "default" and (kind(resource), resource.text("metadata.name")) not in _BUILT_IN:
        said = bool(resource.text(path))
        yield path, "in the default namespace" + ("" if said else ", unless whoever applies it names another one")


@rule(
    "ns-netpol",
    "Namespaces deny traffic by default, and no workload is left out",
    types=(*types.NAMESPACE, *types.WORKLOADS),
    kind="stack",
    severity=HIGH,
    controls=("CKV2_K8S_6",),
    paths=("metadata.name", "metadata.namespace", "spec.template.metadata.labels.*"),
    why="Without a policy every pod can reach every other pod: one compromised pod can reach all of them.",
    fix="Add a NetworkPolicy with an empty pod_selector, policy_types Ingress and Egress, and no rules.",
    config={
        "directions": {
            "type": "array",
            "items": {"type": "string", "enum": ["Ingress", "Egress"]},
            "default": ["Ingress", "Egress"],
        }
    },
)
def default_deny(resource: Resource, context: Context) -> Findings:
    check = _denies if resource.type in types.NAMESPACE else _is_isolated
    for direction in context.config["directions"]:
        yield from attempt(check, resource, direction.lower(), context)


def _denies(namespace: Resource, direction: str, context: Context) -> Findings:
    known = objects(context.stack)
    policies = known.policies_for_all(namespace, direction)
    if any(allows_all(node, direction) for policy in policies for node in policy.nodes(f"spec.{direction}")):
        yield "", f"a policy allows all {direction}"
        return
    known.be_sure_of_policies()
    if not any(policy.count(f"spec.{direction}") == 0 for policy in policies):
        namespace.get("metadata.name")  # raises where policies may name it
        yield "", f"no policy denies {direction} by default"


def _is_isolated(workload: Resource, direction: str, context: Context) -> Findings:
    known = objects(context.stack)
    # Of a Namespace in the stack, all pods are judged at once.
    if known.has_namespace(known.place(workload)):
        return
    if not known.is_isolated(workload, direction):
        yield "", f"no network policy restricts its {direction}"


@rule(
    "netpol-open",
    "Network policies name who may connect, and are in force",
    types=(*types.NETWORK_POLICY, *types.FOREIGN_POLICY),
    kind="stack",
    severity=HIGH,
    paths=(
        "spec.ingress[].from[].ipBlock.cidr",
        "spec.egress[].to[].ipBlock.cidr",
        "spec.policyTypes[]",
    ),
    why="Policies add up: what one of them allows, no other refuses, and all of them read as if traffic were limited.",
    fix="In from and to, select pods and namespaces or give networks; list ports; and name both policy_types.",
)
def open_policies(policy: Resource, context: Context) -> Findings:
    if policy.type in types.FOREIGN_POLICY:
        yield from foreign(policy)
        return
    for direction in PEERS:
        yield from attempt(_is_open, policy, direction)
    yield from attempt(_selects_nothing, policy, context)


def _is_open(policy: Resource, direction: str) -> Findings:
    path = f"spec.{direction}"
    if not in_force(policy, direction):
        if policy.count(path):
            yield path, f"not in force: policyTypes does not name {direction.title()}"
        return

    def check(node: Properties) -> Findings:
        if allows_all(node, direction):
            yield node.at(), f"allows all {direction}"
        elif direction == "ingress" and allows_anybody(node) and not _is_for_everybody(policy):
            yield node.at(), "whoever reaches the pods may connect to these ports"
        elif direction == "egress":
            yield from node.each("to", reaches_metadata)

    yield from policy.each(path, check)


_ENTRANCE = re.compile(
    r"(^|[-./_])(ingress|gateway|gw|edge|proxy|lb|load-?balancer|webhooks?|dns|coredns|public)([-./_]|$)"
)
"""Words for pods that serve whoever comes: entrances, webhooks for the control plane, whose addresses are not the
cluster's, and name servers."""


def _is_for_everybody(policy: Resource) -> bool:
    chosen = policy.get("spec.podSelector.matchLabels", {})
    words = [name_of(policy), *(str(value) for value in chosen.values())] if isinstance(chosen, Mapping) else []
    return any(_ENTRANCE.search(each.lower()) for each in words)


def _selects_nothing(policy: Resource, context: Context) -> Findings:
    if not objects(context.stack).selected(policy):
        yield "spec.podSelector", "selects none of the namespace's pods"


_INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
}
"""Annotations that keep a load balancer inside the network; the AWS controller reads the second one as well:
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/"""


@rule(
    "svc-exposed",
    "Services are public only through the load balancer with the WAF",
    types=types.SERVICE,
    severity=HIGH,
    paths=(
        "spec.type",
        "spec.externalName",
        "spec.externalIPs[]",
        "spec.loadBalancerClass",
        "spec.loadBalancerSourceRanges[]",
        *(f'metadata.annotations["{key}"]' for key in _INTERNAL),
    ),
    why="A separate load balancer or a node port bypasses the WAF, its rate limits and its logs.",
    fix="Use type ClusterIP, and bind the service to the target group of the platform's load balancer.",
    strict=True,
)
def exposed(service: Resource, _: Context) -> Findings:
    def outside() -> Findings:
        match service.text("spec.type"):
            case "LoadBalancer":
                if not _is_internal(service):
                    yield "spec.type", "a public load balancer without the WAF"
            case "NodePort":
                yield "spec.type", "opens a port on every node"
            case "ExternalName" if _INSIDE.fullmatch(service.text("spec.externalName").lower().rstrip(".")):
                yield "spec.externalName", "leads to another namespace, or to the node, past its network policies"
            case _:
                pass

    def addresses() -> Findings:
        if service.count("spec.externalIPs"):
            yield "spec.externalIPs", "accepts traffic for external IPs"

    yield from attempt(outside)
    yield from attempt(addresses)


_SCHEME = 'metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"]'
_TYPE = 'metadata.annotations["service.beta.kubernetes.io/aws-load-balancer-type"]'
_INSIDE = re.compile(r"(.*\.)?svc(\.cluster\.local)?|localhost|127\..*|169\.254\..*|instance-data|\[?::1\]?")


def _by_controller(service: Resource) -> bool:
    """Whether the AWS Load Balancer Controller serves it, whose load balancers are internal unless they say otherwise.

    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/nlb/
    """
    classes = ("service.k8s.aws/nlb", "eks.amazonaws.com/nlb")
    return service.text("spec.loadBalancerClass") in classes or service.text(_TYPE) in ("external", "nlb-ip")


def _is_internal(service: Resource) -> bool:
    for key, values in _INTERNAL.items():
        if service.text(f'metadata.annotations["{key}"]').lower() in values:
            return True
    if _by_controller(service) and service.text(_SCHEME) != "internet-facing":
        return True
    ranges = service.texts("spec.loadBalancerSourceRanges")
    return bool(ranges) and all(_is_private(each) for each in ranges)


_PRIVATE = [
    ipaddress.ip_network(each)
    for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
]


def _is_private(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return False
    return any(network.overlaps(each) and network.prefixlen >= each.prefixlen for each in _PRIVATE)
