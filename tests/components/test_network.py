"""The network: who has a way out, whose way in there is, and what stays where it is as zones are added."""

import functools
import ipaddress
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, LOG_GROUPS, ROLES, build
from grants import lets
from hypothesis import given
from hypothesis import strategies as st
from user import User

from components.endpoints import Perimeter, endpoint_statements
from components.network import Network, NetworkArgs, gateway_zones
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from recording.graph import Graph, Resource
from settings import network as settings

CIDR = "10.0.0.0/16"
ZONES = ("us-east-1b", "us-east-1c")
TIERS = ("public", "private", "isolated")
SERVICES = ("ecr.api", "eks", "sts")
VPC, SUBNET, ROUTE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:ec2/route:Route"
TABLE, ASSOCIATION = "aws:ec2/routeTable:RouteTable", "aws:ec2/routeTableAssociation:RouteTableAssociation"
NAT, ENDPOINT = "aws:ec2/natGateway:NatGateway", "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP, INGRESS = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
TOOLS = "222222222222"


def chosen(**changes: Any) -> settings.Network:
    section = {"cidr": CIDR, "zones": ZONES, "nat_gateways": 2, "image_accounts": (TOOLS,), **changes}
    # Endpoints that each stack needs are a rule of the settings, not of the component.
    return settings.Network.model_validate(section, strict=False).model_copy(update={"endpoints": SERVICES})


@functools.cache
def network(*, known: bool = True, shared: str = "", vpn: bool = False) -> Graph:
    """Return the network alone, with a NAT gateway in each zone or the shared one of a zone, and what uses it."""

    def make(opts: pulumi.ResourceOptions) -> None:
        section = chosen(**({"nat_gateways": 1, "nat_zone": shared} if shared else {}), vpn_gateway=vpn)
        args = NetworkArgs(context=CONTEXT, settings=section, roles=ROLES, log_groups=LOG_GROUPS)
        made = Network("network", args, opts)
        for name, ids in (
            ("public", made.public_subnet_ids),
            ("private", [*made.private_subnet_by_zone.values()]),
            ("isolated", made.isolated_subnet_ids),
        ):
            User(name, {"subnets": ids, "vpc": made.vpc_id}, opts)
        zone = ZONES[1]
        private, isolated = made.private_subnet_by_zone[zone], made.isolated_subnet_by_zone[zone]
        User("zone", {"private": private, "isolated": isolated, "nat": made.nat_gateway_ids}, opts)
        User("nodes", {}, pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=made.private_routes)))

    return build(make, known=known)


def user(name: str, graph: Graph | None = None) -> Resource:
    return (graph or network()).named(User.TYPE, name)


def subnet(tier: str, zone: str, graph: Graph | None = None) -> Resource:
    return (graph or network()).named(SUBNET, f"network-{tier}-{zone}")


def ways_out(tier: str, zone: str, graph: Graph | None = None) -> Iterator[Resource]:
    """Yield the routes of a subnet, by its association and that one's table."""
    graph = graph or network()
    (association,) = [each for each in graph.of_type(ASSOCIATION) if each["subnetId"] == subnet(tier, zone, graph).id]
    for route in graph.of_type(ROUTE):
        if route["routeTableId"] == association["routeTableId"]:
            yield route


def gateway(zone: str, graph: Graph | None = None) -> Resource:
    return (graph or network()).named(NAT, f"network-nat-{zone}")


def test_pods_and_endpoints_are_found_by_name_within_the_vpc() -> None:
    """Private names of endpoints need both: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html"""
    (vpc,) = network().of_type(VPC)
    assert (vpc["enableDnsHostnames"], vpc["enableDnsSupport"]) == (True, True)
    assert vpc["cidrBlock"] == CIDR


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("tier", TIERS)
def test_a_subnet_of_each_tier_lies_in_each_zone_and_gives_no_machine_a_public_address(tier: str, zone: str) -> None:
    made = subnet(tier, zone)
    assert made["availabilityZone"] == zone
    assert made["mapPublicIpOnLaunch"] is False
    assert made["vpcId"] == network().of_type(VPC)[0].id
    assert ipaddress.ip_network(made["cidrBlock"]).subnet_of(ipaddress.ip_network(CIDR))
    assert made["tags"]["Tier"] == tier
    assert made["tags"]["Name"] == f"ai-prism-test-{tier}-{zone}"


def test_no_two_subnets_overlap_and_pods_have_the_largest() -> None:
    blocks = {each.name: ipaddress.ip_network(each["cidrBlock"]) for each in network().of_type(SUBNET)}
    assert len(blocks) == len(TIERS) * len(ZONES)
    for name, block in blocks.items():
        assert not [other for other in blocks if other != name and blocks[other].overlaps(block)]
    # Every pod has an address of a private subnet.
    assert all(block.prefixlen == (20 if "private" in name else 23) for name, block in blocks.items())


def test_load_balancers_find_the_subnets_they_may_stand_in_and_none_of_the_data_stores() -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html"""
    tags = {
        tier: {key: text for key, text in subnet(tier, ZONES[0])["tags"].items() if "kubernetes.io" in key}
        for tier in TIERS
    }
    assert tags == {
        "public": {"kubernetes.io/role/elb": "1"},
        "private": {"kubernetes.io/role/internal-elb": "1"},
        "isolated": {},
    }


@pytest.mark.parametrize("zone", ZONES)
def test_public_subnets_lead_to_the_internet(zone: str) -> None:
    (route,) = ways_out("public", zone)
    (internet,) = network().of_type("aws:ec2/internetGateway:InternetGateway")
    assert internet["vpcId"] == network().of_type(VPC)[0].id
    assert (route["destinationCidrBlock"], route["gatewayId"]) == ("0.0.0.0/0", internet.id)


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_that_fails_takes_no_other_zones_way_out_along(zone: str) -> None:
    (route,) = ways_out("private", zone)
    assert (route["destinationCidrBlock"], route["natGatewayId"]) == ("0.0.0.0/0", gateway(zone).id)
    assert "gatewayId" not in route, "pods would be reached from the internet"


@pytest.mark.parametrize("zone", ZONES)
def test_where_zones_share_a_nat_gateway_each_private_subnet_leads_to_it(zone: str) -> None:
    graph = network(shared=ZONES[1])
    assert [each.name for each in graph.of_type(NAT)] == [f"network-nat-{ZONES[1]}"]
    (route,) = ways_out("private", zone, graph)
    assert route["natGatewayId"] == gateway(ZONES[1], graph).id


@pytest.mark.parametrize("zone", ZONES)
def test_data_stores_reach_nothing_outside_the_vpc(zone: str) -> None:
    assert [*ways_out("isolated", zone)] == []
    tables = {each["routeTableId"] for each in network().of_type(ASSOCIATION) if "isolated" in each.name}
    assert len(tables) == 1
    for endpoint in network().of_type(ENDPOINT):
        assert not tables & {*endpoint.get("routeTableIds", [])}


@pytest.mark.parametrize("zone", ZONES)
def test_a_nat_gateway_stands_in_its_zones_public_subnet_with_an_address_of_its_own(zone: str) -> None:
    address = network().named("aws:ec2/eip:Eip", f"network-nat-{zone}")
    assert address["domain"] == "vpc"
    assert (gateway(zone)["allocationId"], gateway(zone)["subnetId"]) == (address.id, subnet("public", zone).id)


def test_a_nat_gateway_comes_after_the_internet_and_goes_before_it() -> None:
    """AWS calls one without a way out `failed`, and does not detach an internet gateway that one still uses."""
    graph = network(known=False)
    internet = graph.named(ROUTE, "network-public-internet").urn
    for each in graph.of_type(NAT):
        assert internet in each.dependencies, each.name


def test_what_stands_in_a_subnet_starts_once_it_has_its_routes() -> None:
    graph = network(known=False)
    for tier in TIERS:
        routed = {each.urn for each in graph.of_type(ASSOCIATION) if f"-{tier}-" in each.name}
        assert len(routed) == len(ZONES)
        assert routed <= graph.needs(user(tier, graph)), tier
    assert graph.named(ROUTE, "network-public-internet").urn in graph.needs(user("public", graph))


def test_a_control_plane_does_not_wait_minutes_for_nat_gateways_and_nodes_do() -> None:
    graph = network(known=False)
    gateways = {each.urn for each in graph.of_type(NAT)}
    assert gateways
    assert gateways <= graph.needs(user("nodes", graph))
    for tier in ("private", "isolated"):
        assert not gateways & graph.needs(user(tier, graph)), tier


def test_others_are_given_the_subnets_by_tier_and_zone() -> None:
    for tier in TIERS:
        assert user(tier).outputs["subnets"] == [subnet(tier, zone).id for zone in ZONES], tier
        assert user(tier).outputs["vpc"] == network().of_type(VPC)[0].id
    assert user("zone").outputs == {
        "private": subnet("private", ZONES[1]).id,
        "isolated": subnet("isolated", ZONES[1]).id,
        "nat": {zone: gateway(zone).id for zone in ZONES},
    }


def test_images_and_documents_come_past_the_nat_gateways_which_cost_by_the_byte() -> None:
    endpoint = network().named(ENDPOINT, "network-s3")
    assert (endpoint["serviceName"], endpoint["vpcEndpointType"]) == ("com.amazonaws.us-east-1.s3", "Gateway")
    private = {each["routeTableId"] for each in network().of_type(ASSOCIATION) if "-private-" in each.name}
    assert {*endpoint["routeTableIds"]} == private
    assert len(private) == len(ZONES)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_of_aws_is_reached_within_the_vpc_under_its_usual_name_in_each_zone(service: str) -> None:
    endpoint = network().named(ENDPOINT, f"network-{service.replace('.', '-')}")
    assert endpoint["serviceName"] == f"com.amazonaws.us-east-1.{service}"
    assert (endpoint["vpcEndpointType"], endpoint["privateDnsEnabled"]) == ("Interface", True)
    assert endpoint["subnetIds"] == [subnet("private", zone).id for zone in ZONES]
    assert endpoint["securityGroupIds"] == [network().named(GROUP, "network-endpoints").id]


def test_the_whole_vpc_and_nobody_else_reaches_the_endpoints_over_tls() -> None:
    (rule,) = network().of_type(INGRESS)
    assert rule["securityGroupId"] == network().named(GROUP, "network-endpoints").id
    assert (rule["cidrIpv4"], rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == (CIDR, "tcp", 443, 443)
    assert network().named(GROUP, "network-endpoints")["vpcId"] == network().of_type(VPC)[0].id


def test_each_endpoint_serves_this_account_and_the_images_of_those_that_the_stack_names() -> None:
    perimeter = Perimeter(account_id=CONTEXT.account_id, region="us-east-1", image_accounts=(TOOLS,))
    for service in ("s3", *SERVICES):
        wanted = [dict(each) for each in endpoint_statements(service, perimeter)]
        endpoint = network().named(ENDPOINT, f"network-{service.replace('.', '-')}")
        found = statements(endpoint["policy"]) if "policy" in endpoint else []
        assert [{key: _tuples(text) for key, text in each.items()} for each in found] == [
            {key: _tuples(text) for key, text in each.items()} for each in wanted
        ], service
    images = statements(network().named(ENDPOINT, "network-ecr-api")["policy"])
    assert TOOLS in str(images)


def _tuples(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def test_every_connection_is_on_record_also_those_that_were_refused() -> None:
    (flow,) = network().of_type("aws:ec2/flowLog:FlowLog")
    group = network().named("aws:cloudwatch/logGroup:LogGroup", "network-flow")
    assert (flow["trafficType"], flow["vpcId"]) == ("ALL", network().of_type(VPC)[0].id)
    assert flow["logDestination"] == group.outputs["arn"]
    assert (group["kmsKeyId"], group["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    role = network().named("aws:iam/role:Role", "network-flow")
    assert flow["iamRoleArn"] == role.outputs["arn"]
    assert (role["path"], role["permissionsBoundary"]) == (ROLES.path, ROLES.boundary_arn)


@pytest.mark.parametrize("action", ["CreateLogStream", "PutLogEvents", "DescribeLogGroups", "DescribeLogStreams"])
def test_vpc_flow_logs_may_write_them_for_this_account_and_nothing_else(action: str) -> None:
    """Without one of these, the flow log's status is `Access error` and nothing is on record."""
    role = network().named("aws:iam/role:Role", "network-flow")
    service, assume = "vpc-flow-logs.amazonaws.com", "sts:AssumeRole"
    assert lets(role["assumeRolePolicy"], "Service", service, assume, aws__SourceAccount=CONTEXT.account_id)
    assert not lets(role["assumeRolePolicy"], "Service", service, assume, aws__SourceAccount="999999999999")
    grants = statements(network().named("aws:iam/rolePolicy:RolePolicy", "network-flow-grants")["policy"])
    caller = Caller(arn=role.outputs["arn"], identity=grants)
    group = network().named("aws:cloudwatch/logGroup:LogGroup", "network-flow").outputs["arn"]
    for resource in (group, f"{group}:log-stream:eni-1-all"):
        assert decide(caller, f"logs:{action}", resource), resource
    assert not decide(caller, f"logs:{action}", CONTEXT.arn("logs", "log-group:other:log-stream:1"))
    assert not decide(caller, "logs:DeleteLogGroup", group)


def test_whatever_is_made_without_a_group_reaches_nobody_and_is_reached_by_nobody() -> None:
    """The VPC's default group lets its members talk to each other and the world."""
    (group,) = network().of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group["vpcId"] == network().of_type(VPC)[0].id
    assert not group.get("ingress")
    assert not group.get("egress")


@pytest.mark.parametrize("vpn", [True, False])
def test_a_vpn_gateway_is_there_only_where_the_stack_asks_for_one(vpn: bool) -> None:
    made = network(vpn=vpn).of_type("aws:ec2/vpnGateway:VpnGateway")
    assert [each["vpcId"] for each in made] == [network(vpn=vpn).of_type(VPC)[0].id] * vpn


def test_people_tell_the_parts_apart_by_their_names() -> None:
    """The console shows no other name than this tag."""
    other = {"network-ecr-api": "ecr.api", "network-default": "default-closed"}
    named = [each for each in network(vpn=True).resources if each.type.startswith("aws:ec2/")]
    for each in named:
        if each.type not in (ROUTE, ASSOCIATION):
            role = other.get(each.name, each.name.removeprefix("network-"))
            assert each["tags"]["Name"] == f"ai-prism-test-{role}", each.urn


SOME = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8, unique=True)


def of(zones: list[str], gateways: int) -> settings.Network:
    section = {"cidr": CIDR, "zones": tuple(zones), "nat_gateways": gateways, "nat_zone": zones[0]}
    return settings.Network.model_validate(section, strict=False)


@given(SOME, st.data())
def test_no_growth_moves_a_nat_gateway(zones: list[str], data: st.DataObject) -> None:
    """Its zone is its logical name, so it keeps its address with it; one per zone instead of one leaves it, too."""
    more = data.draw(st.permutations([*zones, *(zone for zone in "abcdefgh" if zone not in zones)]))
    one = of(zones, 1)

    assert gateway_zones(one) == gateway_zones(one.model_copy(update={"zones": tuple(more)})) == [zones[0]]
    assert {zones[0]} <= set(gateway_zones(of(zones, len(zones))))
    assert set(gateway_zones(of(zones, len(zones)))) <= set(gateway_zones(of(more, len(more))))
