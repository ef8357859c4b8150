"""The VPC: public, private and isolated subnets in every zone, and the ways in and out of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.endpoints import Perimeter, endpoint_policy
from components.iam_roles import RoleFactory
from components.iam_statements import allow, trust_service
from components.log_groups import LogGroupFactory
from components.stack_context import StackContext
from settings import network as settings
from settings.address_plan import allocate

_ANYWHERE = "0.0.0.0/0"

Subnets = Mapping[str, aws.ec2.Subnet]
"""Of one tier, by zone."""
SubnetIds = Mapping[str, pulumi.Output[str]]
"""Of one tier, by zone; known once the subnets have their routes."""


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """Arguments of Network."""

    context: StackContext
    settings: settings.Network
    roles: RoleFactory
    log_groups: LogGroupFactory


class Network(pulumi.ComponentResource):
    """A VPC in which isolated subnets have no route out, and in which growth never moves an existing subnet."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: list[pulumi.Output[str]]
    isolated_subnet_ids: list[pulumi.Output[str]]
    private_subnet_by_zone: SubnetIds
    isolated_subnet_by_zone: SubnetIds
    nat_gateway_ids: dict[str, pulumi.Output[str]]
    """By zone."""
    private_routes: list[aws.ec2.Route]
    """The private subnets' way to the internet: for what needs it from its first minute."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Network", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        self._child = pulumi.ResourceOptions(parent=self)

        self.vpc_id = self._make_vpc().id
        subnets = self._make_subnets()
        internet, public = self._route_public(subnets["public"])
        nats = self._make_nat_gateways(subnets["public"], internet)
        tables = {zone: self._make_table(f"private-{zone}") for zone in args.settings.zones}
        private = self._associate("private", subnets["private"], tables)
        isolated = self._route_isolated(subnets["isolated"])
        self._make_bucket_endpoint(tables.values())
        self._make_service_endpoints(subnets["private"])
        self._make_flow_log()
        self._close_default_security_group()
        if args.settings.vpn_gateway:
            aws.ec2.VpnGateway(f"{name}-vpn", vpc_id=self.vpc_id, tags=self._named("vpn"), opts=self._child)

        self.public_subnet_ids, self.isolated_subnet_ids = [*public.values()], [*isolated.values()]
        self.private_subnet_by_zone, self.isolated_subnet_by_zone = private, isolated
        self.nat_gateway_ids = {zone: nat.id for zone, nat in nats.items()}
        self.private_routes = self._route_private(tables, nats)
        self.register_outputs({"vpc_id": self.vpc_id})

    def _named(self, role: str) -> dict[str, str]:
        return {"Name": f"ai-prism-{self._args.context.stack}-{role}"}

    def _make_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=str(self._settings.cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._named("vpc"),
            opts=self._child,
        )

    def _make_subnets(self) -> dict[str, dict[str, aws.ec2.Subnet]]:
        """Make the subnets, by tier and zone."""
        # Load balancers are found by these tags (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html);
        # no cluster tag, since a subnet may serve the cluster that follows this one.
        roles = {"public": {"kubernetes.io/role/elb": "1"}, "private": {"kubernetes.io/role/internal-elb": "1"}}
        subnets: dict[str, dict[str, aws.ec2.Subnet]] = {}
        for (tier, zone), cidr in allocate(self._settings.cidr, self._settings.zones).items():
            subnets.setdefault(tier, {})[zone] = aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone}",
                vpc_id=self.vpc_id,
                cidr_block=str(cidr),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={**self._named(f"{tier}-{zone}"), "Tier": tier, **roles.get(tier, {})},
                opts=self._child,
            )
        return subnets

    def _make_table(self, role: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(f"{self._name}-{role}", vpc_id=self.vpc_id, tags=self._named(role), opts=self._child)

    def _associate(
        self,
        tier: str,
        subnets: Subnets,
        tables: Mapping[str, aws.ec2.RouteTable],
        after: pulumi.Resource | None = None,
    ) -> SubnetIds:
        """Give each zone's subnet its table, and return the subnets' ids, in the order of the settings' zones.

        They are outputs of the associations, not of the bare subnets: what is placed in a subnet starts once the
        subnet has its routes, and has left before they are taken down. NAT gateways take minutes, and only nodes need
        them: these wait for `private_routes`, the control plane does not.
        """
        opts = pulumi.ResourceOptions(parent=self, depends_on=[after] if after else None)
        associations = {
            zone: aws.ec2.RouteTableAssociation(
                f"{self._name}-{tier}-{zone}", subnet_id=subnets[zone].id, route_table_id=tables[zone].id, opts=opts
            )
            for zone in self._settings.zones
        }
        return {zone: association.subnet_id.apply(str) for zone, association in associations.items()}

    def _route_public(self, subnets: Subnets) -> tuple[aws.ec2.Route, SubnetIds]:
        """Lead the public subnets to the internet; return the route, and the ids of the subnets that have it."""
        gateway = aws.ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.vpc_id, tags=self._named("internet"), opts=self._child
        )
        table = self._make_table("public")
        route = aws.ec2.Route(
            f"{self._name}-public-internet",
            route_table_id=table.id,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.id,
            opts=self._child,
        )
        return route, self._associate("public", subnets, dict.fromkeys(subnets, table), after=route)

    def _make_nat_gateways(self, public_subnets: Subnets, internet: aws.ec2.Route) -> dict[str, aws.ec2.NatGateway]:
        gateways: dict[str, aws.ec2.NatGateway] = {}
        for zone in gateway_zones(self._settings):
            address = aws.ec2.Eip(
                f"{self._name}-nat-{zone}", domain="vpc", tags=self._named(f"nat-{zone}"), opts=self._child
            )
            gateways[zone] = aws.ec2.NatGateway(
                f"{self._name}-nat-{zone}",
                allocation_id=address.id,
                subnet_id=public_subnets[zone].id,
                tags=self._named(f"nat-{zone}"),
                # The gateway needs the internet to become available, and must be gone before its way out.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[internet]),
            )
        return gateways

    def _route_private(
        self, tables: Mapping[str, aws.ec2.RouteTable], nats: Mapping[str, aws.ec2.NatGateway]
    ) -> list[aws.ec2.Route]:
        """Lead each private table to the NAT gateway of its zone, or to the one that all zones share."""
        shared = next(iter(nats.values()))
        return [
            aws.ec2.Route(
                f"{self._name}-private-{zone}-nat",
                route_table_id=table.id,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=nats.get(zone, shared).id,
                opts=self._child,
            )
            for zone, table in tables.items()
        ]

    def _route_isolated(self, subnets: Subnets) -> SubnetIds:
        """Give the isolated subnets the one table without a route; only the VPC itself is reachable from it."""
        return self._associate("isolated", subnets, dict.fromkeys(subnets, self._make_table("isolated")))

    def _perimeter(self) -> Perimeter:
        context = self._args.context
        return Perimeter(
            account_id=context.account_id, region=context.region, image_accounts=self._settings.image_accounts
        )

    def _make_bucket_endpoint(self, tables: Iterable[aws.ec2.RouteTable]) -> None:
        """Lead what is for S3 past the NAT gateways.

        Only from the private tables: the isolated tier stays without any route that leads out of the VPC.
        """
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{self._args.context.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in tables],
            policy=endpoint_policy("s3", self._perimeter()),
            tags=self._named("s3"),
            opts=self._child,
        )

    def _make_service_endpoints(self, private_subnets: Subnets) -> None:
        access = aws.ec2.SecurityGroup(
            f"{self._name}-endpoints",
            vpc_id=self.vpc_id,
            description="AWS services for the VPC",
            tags=self._named("endpoints"),
            opts=self._child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-from-vpc",
            security_group_id=access.id,
            cidr_ipv4=str(self._settings.cidr),
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            description="TLS from within the VPC",
            opts=self._child,
        )
        for service in self._settings.endpoints:
            aws.ec2.VpcEndpoint(
                f"{self._name}-{service.replace('.', '-')}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{self._args.context.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[private_subnets[zone].id for zone in self._settings.zones],
                security_group_ids=[access.id],
                policy=endpoint_policy(service, self._perimeter()),
                tags=self._named(service),
                opts=self._child,
            )

    def _make_flow_log(self) -> None:
        group = self._args.log_groups.make(f"{self._name}-flow", parent=self)
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        role = self._args.roles.make(
            f"{self._name}-flow",
            parent=self,
            trusts=trust_service("vpc-flow-logs.amazonaws.com", self._args.context.account_id),
            grants=[
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"],
                    [group.arn, pulumi.Output.concat(group.arn, ":*")],
                )
            ],
        )
        aws.ec2.FlowLog(
            f"{self._name}-flow",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            tags=self._named("flow"),
            opts=self._child,
        )

    def _close_default_security_group(self) -> None:
        # Adopting it without rules empties it.
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default", vpc_id=self.vpc_id, tags=self._named("default-closed"), opts=self._child
        )


def gateway_zones(chosen: settings.Network) -> list[str]:
    """Return the zones that have a NAT gateway: that of the one by name, since no position holds as zones are added."""
    alone = chosen.nat_zone if chosen.nat_gateways == 1 else None
    return [alone] if alone else list(chosen.zones)
