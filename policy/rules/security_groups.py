"""Security groups, with rules inline or as separate resources."""

import functools
from collections.abc import Callable, Iterable

from policy import resource_types as types
from policy.networks import EVERY_PROTOCOL, LAST_PORT, TCP, UDP, is_world, ports, protocol
from policy.properties import UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource, Stack

_GROUP = (*types.SECURITY_GROUP, *types.DEFAULT_SECURITY_GROUP)
_INGRESS = (*_GROUP, *types.SECURITY_GROUP_RULE, *types.INGRESS_RULE)
_EGRESS = (*_GROUP, *types.SECURITY_GROUP_RULE, *types.EGRESS_RULE)
_CLASSIC = ("aws:elb/loadBalancer:LoadBalancer", "aws:elasticloadbalancing/loadBalancer:LoadBalancer")

_BALANCERS = (("securityGroups", (*types.LOAD_BALANCER, *_CLASSIC)),)
_DATA_STORES = (
    (
        "vpcSecurityGroupIds",
        (
            *types.RDS_CLUSTER,
            *types.RDS_INSTANCE,
            "aws:docdb/cluster:Cluster",
            "aws:neptune/cluster:Cluster",
            "aws:redshift/cluster:Cluster",
        ),
    ),
    ("securityGroupIds", (*types.REPLICATION_GROUP, *types.CACHE_CLUSTER, "aws:memorydb/cluster:Cluster")),
)


def _entries(resource: Resource, direction: str) -> tuple[Properties, ...]:
    """Return the rules of one direction (ingress or egress) in a group, or the resource itself if it is a rule."""
    if resource.type in _GROUP:
        return resource.nodes(direction)
    if resource.type in types.SECURITY_GROUP_RULE and resource.text("type") != direction:
        return ()
    return (resource.inputs,)


def _paths(direction: str, inline: str, separate: str) -> tuple[str, ...]:
    """Return the paths of properties (names separated by spaces) in inline rules and in separate rules."""
    return (*(f"{direction}[].{name}" for name in inline.split()), *separate.split())


def _each_network(entry: Properties, check: Callable[[Properties], Findings]) -> Findings:
    entry.get_part("")  # raises once if the whole entry is unknown, not once for each path
    for path in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"):
        yield from attempt(entry.each, path, check)


def _groups(resource: Resource, stack: Stack) -> tuple[Resource, ...]:
    """Return the resource itself if it is a group, or the group to which it adds a rule."""
    return (resource,) if resource.type in _GROUP else stack.targets(resource, "securityGroupId", *_GROUP)


@rule(
    "net-sg-world",
    "Only load balancers are open to the internet, on ports 80 and 443",
    types=_INGRESS,
    kind="stack",
    severity=HIGH,
    controls=("EC2.18", "EC2.19", "CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260"),
    paths=_paths(
        "ingress",
        "cidrBlocks[] ipv6CidrBlocks[] prefixListIds[] protocol fromPort toPort",
        "cidrBlocks[] ipv6CidrBlocks[] cidrIpv4 cidrIpv6 prefixListIds[] prefixListId protocol ipProtocol fromPort"
        " toPort type securityGroupId",
    ),
    why="The internet is scanned continuously: every port that is open to all is attacked.",
    fix="Allow named networks or security groups; use a load balancer for public services.",
    config={"ports": {"type": "array", "items": {"type": "integer"}, "default": [80, 443]}},
)
def world(resource: Resource, context: Context) -> Findings:
    for entry in _entries(resource, "ingress"):
        yield from attempt(_open_to_internet, entry, resource, context)


def _open_to_internet(entry: Properties, resource: Resource, context: Context) -> Findings:
    def check(network: Properties) -> Findings:
        if not is_world(network.text("")):
            return
        if not _is_public_service(entry, context.config["ports"]):
            yield network.path, "open to the internet on ports other than the allowed ones"
        elif not any(_is_used_by_load_balancer(group, context.stack) for group in _groups(resource, context.stack)):
            yield network.path, "open to the internet, but not used by a load balancer"

    yield from _each_network(entry, check)
    yield from attempt(_by_prefix_list, entry, resource, context)


def _by_prefix_list(entry: Properties, resource: Resource, context: Context) -> Findings:
    """Yield lists of networks that hold the world: what they let in is no service for everybody."""
    for path in ("prefixListIds", "prefixListId"):
        if not entry.has(path):
            continue
        try:
            lists = context.stack.targets(resource, entry.at(path), *types.PREFIX_LIST)
        except Undetermined:
            if entry.peek(path) is UNKNOWN:
                raise
            continue  # others' lists, such as those of AWS's services
        if any(is_world(each.text("cidr")) for one in lists for each in _listed(one, context.stack)):
            yield entry.at(path), "open to the internet by a prefix list"


def _listed(prefixes: Resource, stack: Stack) -> Iterable[Properties]:
    separate = stack.referrers(prefixes, "prefixListId", *types.PREFIX_LIST_ENTRY)
    return (*prefixes.nodes("entries"), *(each.inputs for each in separate))


def _is_public_service(entry: Properties, public: Iterable[int]) -> bool:
    spoken, (first, last) = protocol(entry), ports(entry)
    if spoken in ("icmp", "1", "icmpv6", "58"):
        # "Fragmentation needed" and "packet too big", without which connections hang:
        # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
        return first == (3 if spoken in ("icmp", "1") else 2)
    allowed = set(public) if spoken in TCP else set(public) & {443} if spoken in UDP else set[int]()
    return first == last and first in allowed


def _is_used_by_load_balancer(group: Resource, stack: Stack) -> bool:
    """Whether a load balancer uses the group, including those that a controller creates for Kubernetes."""
    if group.urn in _named_in_kubernetes(stack) or stack.is_used(group, *_BALANCERS):
        return True
    for each in stack.of_type(*types.INGRESS, *types.SERVICE):
        if not each.needs("metadata"):
            each.get("metadata.annotations")  # raises where it may name the group
    return False


@functools.lru_cache(maxsize=1)
def _named_in_kubernetes(stack: Stack) -> frozenset[str]:
    """Return the URNs of all resources that annotations of ingresses and services refer to."""
    named_by = stack.of_type(*types.INGRESS, *types.SERVICE)
    return frozenset(urn for each in named_by for urns in each.property_dependencies.values() for urn in urns)


@rule(
    "net-sg-allports",
    "Ingress rules name a protocol and ports",
    types=_INGRESS,
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_277",),
    paths=_paths(
        "ingress",
        "protocol fromPort toPort self cidrBlocks[] ipv6CidrBlocks[] prefixListIds[] securityGroups[]",
        "protocol ipProtocol fromPort toPort type self cidrBlocks[] ipv6CidrBlocks[] prefixListIds[]"
        " referencedSecurityGroupId sourceSecurityGroupId securityGroupId",
    ),
    why="With all ports open, services that are started later are exposed too, including debuggers and metrics.",
    fix='Set protocol and ports: ip_protocol="tcp", from_port=443, to_port=443.',
)
def all_ports(resource: Resource, _: Context) -> Findings:
    for entry in _entries(resource, "ingress"):
        yield from attempt(_every_port, entry, resource)


def _every_port(entry: Properties, resource: Resource) -> Findings:
    spoken = protocol(entry)
    every = spoken in EVERY_PROTOCOL or (spoken in (*TCP, *UDP) and ports(entry) in ((0, LAST_PORT), (1, LAST_PORT)))
    # Traffic between members of one group, such as nodes of a cluster, is allowed.
    if every and not _only_itself(entry, resource):
        yield entry.at("ipProtocol" if entry.has("ipProtocol") else "protocol"), "every port is open"


def _only_itself(entry: Properties, resource: Resource) -> bool:
    if entry.flag("self"):
        others = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups")
        return not any(entry.count(path) for path in others)
    peer = "referencedSecurityGroupId" if entry.has("referencedSecurityGroupId") else "sourceSecurityGroupId"
    if resource.type in _GROUP or not entry.has(peer):
        return False
    member, group = resource.peek(peer), resource.peek("securityGroupId")
    if isinstance(member, str) and isinstance(group, str):
        return member == group
    for path, value in ((peer, member), ("securityGroupId", group)):
        if value is UNKNOWN and not resource.needs(path):
            raise Undetermined(path)
    return resource.needs(peer) == resource.needs("securityGroupId")


@rule(
    "net-sg-egress",
    "Data stores have no egress to the internet",
    types=_EGRESS,
    kind="stack",
    severity=MEDIUM,
    controls=("CKV_AWS_382",),
    paths=_paths(
        "egress",
        "cidrBlocks[] ipv6CidrBlocks[]",
        "cidrBlocks[] ipv6CidrBlocks[] cidrIpv4 cidrIpv6 type securityGroupId",
    ),
    why="A data store does not need to open connections; an intruder would use them to send data out.",
    fix="Remove the egress rules of the data store's security group, or name the networks it may reach.",
)
def egress(resource: Resource, context: Context) -> Findings:
    stack = context.stack
    if any(store in stack.by_type for _, stores in _DATA_STORES for store in stores):
        for entry in _entries(resource, "egress"):
            yield from attempt(_sends_to_internet, entry, resource, stack)


def _sends_to_internet(entry: Properties, resource: Resource, stack: Stack) -> Findings:
    def check(network: Properties) -> Findings:
        if is_world(network.text("")) and any(
            stack.is_used(group, *_DATA_STORES) for group in _groups(resource, stack)
        ):
            yield network.path, "a data store may connect to the internet"

    yield from _each_network(entry, check)


@rule(
    "net-sg-desc",
    "Security group rules have a description",
    types=(*_INGRESS, *types.EGRESS_RULE),
    severity=LOW,
    controls=("CKV_AWS_23",),
    paths=("ingress[].description", "egress[].description", "description"),
    why="Without a description, nobody knows whether the rule can be removed.",
    fix="Add a description to the rule.",
)
def described(resource: Resource, _: Context) -> Findings:
    if resource.type not in _GROUP:
        yield from _explained(resource.inputs)
        return
    for direction in ("ingress", "egress"):
        yield from attempt(resource.each, direction, _explained)


def _explained(entry: Properties) -> Findings:
    if not entry.text("description").strip():
        yield entry.at("description"), "has no description"
