"""VPCs, subnets, routes, NAT gateways and endpoints. Security groups and network ACLs have their own modules."""

from policy import resource_types as types
from policy.networks import is_private, leads_to_internet, tiers, zone
from policy.properties import Findings, Undetermined, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "net-flow-logs",
    "VPCs have flow logs that include rejected traffic",
    types=(*types.VPC, *types.DEFAULT_VPC),
    kind="stack",
    severity=MEDIUM,
    controls=("EC2.6", "CKV2_AWS_11"),
    why="Flow logs show who communicated with whom, and cannot be created after an incident.",
    fix='Add aws.ec2.FlowLog(vpc_id=…, traffic_type="ALL").',
)
def flow_logs(vpc: Resource, context: Context) -> Findings:
    logs = context.stack.referrers(vpc, "vpcId", *types.FLOW_LOG)
    # https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-6
    if not any(log.text("trafficType") != "ACCEPT" for log in logs):
        context.stack.be_sure_of(vpc, "vpcId", *types.FLOW_LOG)
        yield "", "no flow log records rejected traffic" if logs else "has no flow log"


@rule(
    "net-default-sg",
    "Default security groups have no rules",
    types=(*types.VPC, *types.DEFAULT_VPC, *types.DEFAULT_SECURITY_GROUP),
    kind="stack",
    severity=HIGH,
    controls=("EC2.2", "CKV2_AWS_12"),
    paths=("ingress", "egress"),
    why="A resource without a security group gets the default one, with its rules.",
    fix="Adopt it without rules: aws.ec2.DefaultSecurityGroup(vpc_id=…).",
)
def default_group(resource: Resource, context: Context) -> Findings:
    stack = context.stack
    if resource.type in types.DEFAULT_SECURITY_GROUP:
        for path in ("ingress", "egress"):
            yield from attempt(_empty, resource, path)
        if stack.referrers(
            resource, "securityGroupId", *types.INGRESS_RULE, *types.EGRESS_RULE, *types.SECURITY_GROUP_RULE
        ):
            yield "", "rules are added to the default group"
        return
    adopted = stack.referrers(resource, "vpcId", *types.DEFAULT_SECURITY_GROUP)
    if resource.type in types.DEFAULT_VPC:  # a group without vpcId belongs to it
        adopted += tuple(each for each in stack.of_type(*types.DEFAULT_SECURITY_GROUP) if not each.has("vpcId"))
    if not adopted:
        yield "", "its default group allows traffic between members, and to any address"


def _empty(group: Resource, path: str) -> Findings:
    if group.count(path):
        yield path, "the default group has rules"


@rule(
    "net-subnet-public-ip",
    "Subnets assign no public addresses",
    types=types.SUBNET,
    severity=MEDIUM,
    controls=("EC2.15", "CKV_AWS_130"),
    paths=("mapPublicIpOnLaunch",),
    why="A resource in the wrong subnet would get a public address that nobody requested.",
    fix="Set map_public_ip_on_launch=False; load balancers and NAT gateways do not need it.",
    strict=True,
    remedy={"mapPublicIpOnLaunch": False},
)
def public_address(subnet: Resource, _: Context) -> Findings:
    if subnet.flag("mapPublicIpOnLaunch"):
        yield "mapPublicIpOnLaunch", "assigns public addresses"


@rule(
    "net-private-route",
    "Private and isolated subnets have no route to the internet gateway",
    types=types.SUBNET,
    kind="stack",
    severity=HIGH,
    paths=("tags.*",),
    why="A subnet with that route is public, whatever its name, and so is everything in it.",
    fix="Route through a NAT gateway (gateway_id belongs only in the public subnets' route table), or not at all.",
)
def private_route(subnet: Resource, context: Context) -> Findings:
    if is_private(subnet) and leads_to_internet(context.stack, subnet):
        yield "", "named private, but has a route to the internet gateway"


@rule(
    "net-nat-env",
    "There is one NAT gateway per zone in prod, and at most one in dev",
    types=types.VPC,
    kind="stack",
    severity=MEDIUM,
    why="With one gateway, the loss of its zone cuts off all zones; in dev, several are an unnecessary cost.",
    fix="In prod, create a NAT gateway in a public subnet of each zone with private subnets; in dev, one for all.",
)
def nat(vpc: Resource, context: Context) -> Findings:
    stack = context.stack
    subnets = stack.referrers(vpc, "vpcId", *types.SUBNET)
    stack.be_sure_of(vpc, "vpcId", *types.SUBNET)
    homes = [
        subnet
        for subnet in subnets
        for gateway in stack.referrers(subnet, "subnetId", *types.NAT_GATEWAY)
        if gateway.text("connectivityType") != "private"
    ]
    if context.settings.environment == "dev" and len(homes) > 1:
        yield "", "several NAT gateways, where one is enough"
    # A regional gateway, which has a VPC instead of a subnet, spans all zones. A VPC may also have none.
    if not context.is_prod or not homes or stack.referrers(vpc, "vpcId", *types.NAT_GATEWAY):
        return
    private = [subnet for subnet in subnets if tiers(subnet) == frozenset({"private"})] or subnets
    lacking = {zone(subnet) for subnet in private} - {zone(subnet) for subnet in homes}
    if lacking:
        yield "", f"{len(lacking)} of its zones without a NAT gateway"


_SERVICES = ["s3", "ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager"]


@rule(
    "net-endpoints",
    "The AWS services that every workload needs have VPC endpoints",
    types=types.VPC,
    kind="stack",
    severity=MEDIUM,
    controls=("EC2.10", "EC2.55", "EC2.56"),
    why="Without endpoints, images, logs and secrets leave the VPC, and NAT is charged per gigabyte.",
    fix="Add aws.ec2.VpcEndpoint for s3 (Gateway) and for ecr.api, ecr.dkr, sts, logs, secretsmanager (Interface).",
    config={"services": {"type": "array", "items": {"type": "string"}, "default": _SERVICES}},
)
def endpoints(vpc: Resource, context: Context) -> Findings:
    names: list[str] = []
    unsure = None
    for endpoint in context.stack.referrers(vpc, "vpcId", *types.VPC_ENDPOINT):
        try:
            names.append(endpoint.text("serviceName").removesuffix("-fips"))
        except Undetermined as unknown:
            unsure = unknown
    lacking = [each for each in context.config["services"] if not any(name.endswith(f".{each}") for name in names)]
    if lacking and unsure:
        raise Undetermined("", "the service of an endpoint is unknown")
    if lacking:
        context.stack.be_sure_of(vpc, "vpcId", *types.VPC_ENDPOINT)
        yield "", f"no endpoint for {', '.join(lacking)}"


@rule(
    "net-azs",
    "Subnets are in three zones in prod, in two elsewhere",
    types=types.VPC,
    kind="stack",
    severity=MEDIUM,
    controls=("ELB.13",),
    why="Resources in a single zone fail with it.",
    fix="Create subnets in three availability zones (two outside prod).",
    config={
        "prod": {"type": "integer", "minimum": 1, "default": 3},
        "elsewhere": {"type": "integer", "minimum": 1, "default": 2},
    },
)
def zones(vpc: Resource, context: Context) -> Findings:
    needed = context.config["prod" if context.is_prod else "elsewhere"]
    found: set[str] = set()
    unsure = None
    subnets = context.stack.referrers(vpc, "vpcId", *types.SUBNET)
    for subnet in subnets:
        try:
            found.add(zone(subnet))
        except Undetermined as unknown:
            unsure = unknown
    if len(found) >= needed or not subnets:
        return
    if unsure:
        raise Undetermined("", unsure.reason)
    context.stack.be_sure_of(vpc, "vpcId", *types.SUBNET)
    yield "", f"subnets in fewer than {needed} zones"
