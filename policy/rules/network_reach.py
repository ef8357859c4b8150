"""Where networks lead that nobody looks at: default VPCs and route tables, peers, and subnets of data stores."""

from policy import resource_types as types
from policy.networks import is_world, leads_to_internet
from policy.properties import Findings, Properties, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource
from policy.wants import token


@rule(
    "net-default-vpc",
    "The default VPC is not used",
    types=(*types.VPC, *types.DEFAULT_VPC, token("ec2.DefaultSubnet")),
    severity=LOW,
    controls=("CKV_AWS_148",),
    why="All its subnets are public: whatever starts there has a route from the internet and a public address.",
    fix="Create a VPC with private subnets, and do not adopt the default one.",
)
def default_vpc(resource: Resource, _: Context) -> Findings:
    if resource.type not in types.VPC:
        yield "", "the default VPC is used"


@rule(
    "net-default-route",
    "The default route table has no route to the internet",
    types=types.DEFAULT_ROUTE_TABLE,
    severity=MEDIUM,
    paths=("routes[].cidrBlock", "routes[].ipv6CidrBlock", "routes[].gatewayId"),
    why="A subnet without a route table of its own gets the default one, and is public without anybody's decision.",
    fix="Leave the default table without routes, and associate public subnets with a table of their own.",
)
def default_route(table: Resource, _: Context) -> Findings:
    yield from table.each("routes", _to_internet)


def _to_internet(route: Properties) -> Findings:
    gateway = route.has("gatewayId") and route.peek("gatewayId") not in ("", "local")
    if gateway and (is_world(route.text("cidrBlock")) or is_world(route.text("ipv6CidrBlock"))):
        yield route.at("gatewayId"), "each subnet without a table of its own is public"


_PEER = "vpcPeeringConnectionId"
_DESTINATIONS = ("cidrBlock", "ipv6CidrBlock", "destinationCidrBlock", "destinationIpv6CidrBlock")


@rule(
    "net-peering",
    "Routes to peers name their networks",
    types=(*types.ROUTE, *types.ROUTE_TABLE),
    severity=MEDIUM,
    controls=("CKV2_AWS_44",),
    paths=(
        *(f"routes[].{name}" for name in (*_DESTINATIONS[:2], _PEER)),
        *_DESTINATIONS[2:],
        _PEER,
    ),
    why="A route for all addresses sends traffic for the internet, and for networks of others, through the peer's VPC.",
    fix="Set the destination to the networks of the peer that are needed.",
)
def peering(resource: Resource, _: Context) -> Findings:
    if resource.type in types.ROUTE_TABLE:
        yield from resource.each("routes", _to_peer)
    else:
        yield from _to_peer(resource.inputs)


def _to_peer(route: Properties) -> Findings:
    if not route.has(_PEER) or route.peek(_PEER) == "":
        return
    for path in _DESTINATIONS:
        if is_world(route.text(path)):
            yield route.at(path), "every address is reached through the peer"


_GROUPS = (
    *types.RDS_SUBNET_GROUP,
    *types.CACHE_SUBNET_GROUP,
    *map(token, ("docdb.SubnetGroup", "neptune.SubnetGroup", "redshift.SubnetGroup", "memorydb.SubnetGroup")),
    *map(token, ("dax.SubnetGroup", "dms.ReplicationSubnetGroup", "efs.MountTarget", "opensearch.Domain")),
)
_SUBNETS = ("subnetIds", "subnetId", "vpcOptions.subnetIds")


@rule(
    "net-data-subnets",
    "Data stores are in subnets without a way to the internet",
    types=_GROUPS,
    kind="stack",
    severity=HIGH,
    controls=("RDS.46", "EFS.6"),
    paths=_SUBNETS,
    why="In a public subnet, one public address or one wrong security group rule exposes the data to the internet.",
    fix="Use private or isolated subnets.",
)
def data_subnets(group: Resource, context: Context) -> Findings:
    for path in _SUBNETS:
        if group.has(path):
            for subnet in context.stack.targets(group, path, *types.SUBNET):
                yield from attempt(_public, subnet, path, context)


def _public(subnet: Resource, path: str, context: Context) -> Findings:
    if subnet.flag("mapPublicIpOnLaunch"):
        yield path, f"{subnet.name} assigns public addresses"
    elif leads_to_internet(context.stack, subnet):
        yield path, f"{subnet.name} has a route to the internet gateway"
