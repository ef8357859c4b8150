"""What network policies let through, in the languages that they are written in."""

import ipaddress

from policy import resource_types as types
from policy.networks import LAST_PORT, is_world
from policy.properties import Findings, Properties
from policy.view import Resource

PEERS = {"ingress": "from", "egress": "to"}
_NEARLY_ALL = LAST_PORT - 5000
"""Ranges of as many ports hold whatever a pod listens at."""


def in_force(policy: Resource, direction: str) -> bool:
    """Whether a NetworkPolicy is about ingress or egress.

    Silent ones are about ingress, and about egress if they have rules for it:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """
    given = policy.texts("spec.policyTypes")
    return direction.title() in given if given else direction == "ingress" or policy.count("spec.egress") > 0


def allows_all(rule: Properties, direction: str) -> bool:
    """Whether a rule of a NetworkPolicy lets anybody through at any port, however it says so."""
    peers = rule.nodes(PEERS[direction])
    return (not peers or any(_is_anybody(peer, direction) for peer in peers)) and _any_port(rule)


def allows_anybody(rule: Properties) -> bool:
    """Whether a rule for ingress lets anybody through at some port that is not for everybody."""
    peers = rule.nodes("from")
    return (not peers or any(_is_anybody(peer, "ingress") for peer in peers)) and not _is_common(rule)


_COMMON = ("53", "9443", "10250", "dns", "dns-tcp", "webhook", "webhook-server", "webhooks", "metrics", "http-metrics")
"""Ports of name servers, of webhooks, which the control plane calls, and of monitoring."""


def _is_common(rule: Properties) -> bool:
    return all(each.text("port").removesuffix(".0") in _COMMON for each in rule.nodes("ports"))


_METADATA = [ipaddress.ip_address(each) for each in ("169.254.169.254", "fd00:ec2::254")]
_LINK_LOCAL = [ipaddress.ip_network(each) for each in ("169.254.0.0/16", "fd00:ec2::/32")]


def reaches_metadata(peer: Properties) -> Findings:
    """Find a way to the node's metadata service, which gives its role: named, not as a part of the world."""
    cidr = peer.text("ipBlock.cidr")
    if _holds_metadata(cidr) and not any(map(_holds_metadata, peer.texts("ipBlock.except"))):
        yield peer.at("ipBlock.cidr"), "reaches the metadata service of the node, which gives its role"


def _holds_metadata(cidr: str) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    near = any(network.version == each.version and network.prefixlen >= each.prefixlen for each in _LINK_LOCAL)
    return near and any(address in network for address in _METADATA)


def _is_anybody(peer: Properties, direction: str) -> bool:
    if peer.has("ipBlock"):
        # To reach the internet alone is a limit; to be reached from there is none.
        limited = direction == "egress" and any(map(_is_inside, peer.texts("ipBlock.except")))
        return is_world(peer.text("ipBlock.cidr")) and not limited
    if peer.has("namespaceSelector"):
        return selects_all(peer, "namespaceSelector") and (
            not peer.has("podSelector") or selects_all(peer, "podSelector")
        )
    return not peer.has("podSelector")


def selects_all(node: Properties, path: str) -> bool:
    """Whether a label selector is empty."""
    return not node.get(f"{path}.matchLabels") and not node.get(f"{path}.matchExpressions")


def _is_inside(cidr: str) -> bool:
    """Whether an exception is a private network as a whole, which leaves the internet alone."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen <= _PRIVATE_PREFIX
    except ValueError:
        return False


_PRIVATE_PREFIX = 16
"""Of the private networks, 192.168.0.0/16 is the smallest."""


def _any_port(rule: Properties) -> bool:
    entries = rule.nodes("ports")
    return not entries or any(map(_is_any_port, entries))


def _is_any_port(entry: Properties) -> bool:
    if not entry.has("port"):
        return entry.text("protocol") in ("", "TCP")
    first, last = entry.number("port"), entry.number("endPort")
    return first is not None and last is not None and last - first >= _NEARLY_ALL


_WORLD = frozenset({"all", "world"})


def foreign(policy: Resource) -> Findings:
    """Yield what lets everything through in a policy of Cilium, of Calico or of the whole cluster."""
    if policy.type in types.CILIUM_POLICY:
        nodes = policy.nodes("specs") if policy.has("specs") else policy.nodes("spec")
        for node in nodes:
            for direction, way in PEERS.items():
                yield from node.each(direction, lambda rule, way=way: _cilium(rule, way))
    else:
        for direction, way in PEERS.items():
            yield from policy.each(f"spec.{direction}", lambda rule, way=way: _ordered(policy, rule, way))


def _cilium(rule: Properties, way: str) -> Findings:
    """https://docs.cilium.io/en/stable/security/policy/language/"""
    keys = [key for key in rule.keys("") if key.startswith(way)]
    if rule.count("toPorts"):
        return
    if not keys:
        yield rule.at(), "allows everything"
    for key in keys:
        if _is_everybody(rule, key, key.removeprefix(way)):
            yield rule.at(key), "allows everybody"


def _is_everybody(rule: Properties, key: str, what: str) -> bool:
    match what:
        case "Entities":
            return bool(_WORLD & set(rule.texts(key)))
        case "CIDR":
            return any(map(is_world, rule.texts(key)))
        case "CIDRSet":
            return any(is_world(each.text("cidr")) for each in rule.nodes(key))
        case "Endpoints":
            return any(_is_empty(each) for each in rule.nodes(key))
        case _:
            return False


def _is_empty(selector: Properties) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def _ordered(policy: Resource, rule: Properties, way: str) -> Findings:
    """Look at a rule with an action: of Calico, or of policies of the whole cluster.

    https://docs.tigera.io/calico/latest/reference/resources/networkpolicy,
    https://network-policy-api.sigs.k8s.io/reference/spec/
    """
    if rule.text("action").lower() not in ("allow", "accept"):
        return
    if "calico" in policy.type:
        ends = [rule.get(side) for side in ("source", "destination")]
        nets = rule.texts("source.nets" if way == "from" else "destination.nets")
        if not any(ends) or any(map(is_world, nets)):
            yield rule.at(), "allows everything"
    elif not rule.nodes("ports") and any(_is_any_peer(each) for each in rule.nodes(way)):
        yield rule.at(), "allows everybody, whatever the network policies of namespaces say"


def _is_any_peer(peer: Properties) -> bool:
    if peer.has("namespaces"):
        return selects_all(peer, "namespaces")
    if peer.has("networks"):
        return any(map(is_world, peer.texts("networks")))
    return peer.has("pods") and selects_all(peer, "pods.namespaceSelector") and selects_all(peer, "pods.podSelector")
