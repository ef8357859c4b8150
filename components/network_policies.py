"""Which packets may go where in the cluster, as rules of NetworkPolicies: pure functions."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Peer = Mapping[str, Any]

_METADATA = "169.254.169.254/32"
_POD_IDENTITY = "169.254.170.23/32"
"""Where the agent on each node gives pods their credentials (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html)."""


@dataclass(frozen=True)
class Flow:
    """Packets that are let in or out: from or to any of `peers`, at any of `ports`; all ports where none is named."""

    direction: Literal["Ingress", "Egress"]
    peers: Sequence[Peer]
    ports: Sequence[int] = ()
    protocols: Sequence[str] = ("TCP",)

    @property
    def rule(self) -> dict[str, Any]:
        """Return the flow as NetworkPolicies have it."""
        ports = [{"port": port, "protocol": protocol} for port in self.ports for protocol in self.protocols]
        rule: dict[str, Any] = {"from" if self.direction == "Ingress" else "to": list(self.peers)}
        return {**rule, "ports": ports} if ports else rule


def policy(flows: Sequence[Flow]) -> Any:
    """Return the spec of a NetworkPolicy that allows `flows` to and from all pods, and nothing else."""
    rules = {
        direction.lower(): [flow.rule for flow in flows if flow.direction == direction]
        for direction in ("Ingress", "Egress")
    }
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        **{key: rule for key, rule in rules.items() if rule},
    }


def _namespace(name: str) -> Peer:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _block(network: ipaddress.IPv4Network) -> Peer:
    return {"ipBlock": {"cidr": str(network)}}


def from_namespace(*names: str, ports: Sequence[int]) -> Flow:
    """Let pods of other namespaces in."""
    return Flow("Ingress", [_namespace(name) for name in names], ports)


def to_namespace(*names: str, ports: Sequence[int]) -> Flow:
    """Let pods reach those of other namespaces."""
    return Flow("Egress", [_namespace(name) for name in names], ports)


def from_network(*networks: ipaddress.IPv4Network, ports: Sequence[int]) -> Flow:
    """Let addresses in: the API server that calls a webhook, or a load balancer."""
    return Flow("Ingress", [_block(network) for network in networks], ports)


def to_network(*networks: ipaddress.IPv4Network, ports: Sequence[int] = ()) -> Flow:
    """Let pods reach addresses."""
    return Flow("Egress", [_block(network) for network in networks], ports)


def to_world() -> Flow:
    """Let pods reach TLS anywhere: services of AWS without an endpoint in the VPC, S3 by its gateway, git."""
    return Flow("Egress", [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [_METADATA]}}], [443])


def to_dns() -> Flow:
    """Let pods ask the cluster's DNS."""
    peer = {**_namespace("kube-system"), "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return Flow("Egress", [peer], [53], ("UDP", "TCP"))


def to_pod_identity() -> Flow:
    """Let pods fetch the credentials of their role."""
    return Flow("Egress", [{"ipBlock": {"cidr": _POD_IDENTITY}}], [80])


def within() -> tuple[Flow, Flow]:
    """Let the pods of a namespace speak to each other."""
    peers = [{"podSelector": {}}]
    return Flow("Ingress", peers), Flow("Egress", peers)
