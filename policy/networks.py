"""What several rules ask of networks: what the world is, which subnets are private, where routes and ports lead."""

import ipaddress
import re
from collections.abc import Iterator

from policy import resource_types as types
from policy.properties import MISSING, Properties, Undetermined
from policy.view import Resource, Stack

_WIDEST = 3
"""Prefixes as short as this are the world in parts: 0.0.0.0/1 and 128.0.0.0/1, or 2000::/3."""

_TIERS = {"public": "public", "private": "private"} | dict.fromkeys(("isolated", "intra", "database"), "isolated")
"""By the words for them."""
_TELLING_TAGS = frozenset({"name", "tier", "type", "subnettype", "network", "visibility"})
_INTERNAL = "kubernetes.io/role/internal-elb"
_EXTERNAL = "kubernetes.io/role/elb"


def is_world(cidr: str) -> bool:
    """Whether a network holds every address, or so many that it comes to the same."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen <= _WIDEST
    except ValueError:
        return False


EVERY_PROTOCOL = ("-1", "all")
TCP = ("tcp", "6")
UDP = ("udp", "17")
LAST_PORT = 65535


def protocol(entry: Properties) -> str:
    """Return the protocol of a rule of a security group or an access list."""
    return (entry.text("ipProtocol") or entry.text("protocol")).lower()


def ports(entry: Properties) -> tuple[float, float]:
    """Return its first and its last port; without a bound it goes as far as ports do."""
    first, last = entry.number("fromPort"), entry.number("toPort")
    return (0 if first is None else first, LAST_PORT if last is None else last)


def is_private(subnet: Resource) -> bool:
    """Whether a subnet is said to be private, or even isolated, by its name or by its tags."""
    return bool(tiers(subnet)) and "public" not in tiers(subnet)


def tiers(subnet: Resource) -> frozenset[str]:
    """Return which of public, private and isolated its name says that a subnet is, or else its tags."""
    said = _tiers(subnet.name)
    if said:
        return said
    keys = subnet.keys("tags")
    for key in keys:
        if re.sub(r"[^a-z]", "", key.lower()) in _TELLING_TAGS:
            said |= _tiers(subnet.text(f'tags["{key}"]'))
    return said | {"private"} if _INTERNAL in keys and _EXTERNAL not in keys else said


def _tiers(text: str) -> frozenset[str]:
    return frozenset(_TIERS[word] for word in _words(text) & _TIERS.keys())


def _words(text: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return set(re.findall(r"[a-z]+", spaced.lower()))


def zone(subnet: Resource) -> str:
    """Return the name or id of a subnet's zone; raises Undetermined where nobody has chosen one."""
    found = subnet.text("availabilityZone") or subnet.text("availabilityZoneId")
    if not found:
        raise Undetermined("", f"{subnet.name} names no zone")
    return found


def leads_to_internet(stack: Stack, subnet: Resource) -> bool:
    """Whether a subnet has a route to an internet gateway."""
    return any(_has_internet_route(stack, table) for table in _tables(stack, subnet))


def _tables(stack: Stack, subnet: Resource) -> Iterator[Resource]:
    """Yield the subnet's own route table, or the one that counts for all subnets without."""
    associations = stack.referrers(subnet, "subnetId", *types.ROUTE_TABLE_ASSOCIATION)
    for each in associations:
        yield from stack.targets(each, "routeTableId", *types.ROUTE_TABLE)
    if associations:
        return
    for vpc in stack.targets(subnet, "vpcId", *types.VPC, *types.DEFAULT_VPC):
        for each in stack.referrers(vpc, "vpcId", *types.MAIN_ROUTE_TABLE_ASSOCIATION):
            yield from stack.targets(each, "routeTableId", *types.ROUTE_TABLE)
        yield from stack.referrers(vpc, "defaultRouteTableId", *types.ROUTE_TABLE)


def _has_internet_route(stack: Stack, table: Resource) -> bool:
    inline = any(_is_internet_gateway(stack, table, node.at("gatewayId")) for node in table.nodes("routes"))
    return inline or any(
        _is_internet_gateway(stack, route, "gatewayId")
        for route in stack.referrers(table, "routeTableId", *types.ROUTE)
    )


def _is_internet_gateway(stack: Stack, resource: Resource, path: str) -> bool:
    """Whether `path` names an internet gateway; gateways of other kinds stand there too."""
    value = resource.peek(path)
    if value is MISSING or value == "":
        return False
    if isinstance(value, str):
        gateways = stack.of_type(*types.INTERNET_GATEWAY)
        return value.startswith("igw-") or any(value == gateway.id for gateway in gateways)
    needed = [stack.by_urn[urn] for urn in resource.needs(path) if urn in stack.by_urn]
    if not needed:
        raise Undetermined(path)
    return any(each.type in types.INTERNET_GATEWAY for each in needed)
