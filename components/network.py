"""The VPC: public, private and isolated subnets in every zone, and the ways in and out of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.endpoints import Perimeter, endpoint_policy
from components.foundation import Foundation
from components.iam_statements import allow, trust_service
from settings import stack as settings
from settings.address_plan import allocate

_ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class NetworkArgs:
    """What a Network rests on and is told."""

    foundation: Foundation
    settings: settings.Network


class Network(pulumi.ComponentResource):
    """A VPC in which isolated subnets have no route out, and in which growth never moves an existing subnet."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    isolated_subnet_ids: list[pulumi.Output[str]]
    private_subnet_by_zone: dict[str, pulumi.Output[str]]
    isolated_subnet_by_zone: dict[str, pulumi.Output[str]]
    nat_gateway_ids: dict[str, pulumi.Output[str]]
    """By zone."""
    private_routes: list[aws.ec2.Route]
    """The private subnets' way to the internet: for what needs it from its first minute."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Network", name, None, opts)
        self._name, self._foundation, self._settings = name, args.foundation, args.settings
        self._child = pulumi.ResourceOptions(parent=self)

        self._vpc = self._make_vpc()
        self.vpc_id = self._vpc.id
        subnets = self._make_subnets()
        nats = self._make_nat_gateways(subnets, self._make_public_routes(subnets))
        private_tables, self.private_routes = self._make_private_routes(subnets, nats)
        self._make_isolated_table(subnets)
        self._make_endpoints(private_tables, subnets)
        self._make_flow_log()
        self._close_default_security_group()
        if args.settings.vpn_gateway:
            aws.ec2.VpnGateway(f"{name}-vpn", vpc_id=self.vpc_id, tags=self._named("vpn"), opts=self._child)

        # Outputs of the associations, not of the bare subnets: what is placed in a subnet starts once the subnet has
        # its routes, and has left before they are taken down. NAT gateways take minutes, and only nodes need them:
        # these wait for `private_routes`, the control plane does not.
        self.public_subnet_ids, self.private_subnet_ids, self.isolated_subnet_ids = (
            self._routed(tier) for tier in ("public", "private", "isolated")
        )
        self.private_subnet_by_zone = dict(zip(args.settings.zones, self.private_subnet_ids, strict=True))
        self.isolated_subnet_by_zone = dict(zip(args.settings.zones, self.isolated_subnet_ids, strict=True))
        self.nat_gateway_ids = {zone: nat.id for zone, nat in nats.items()}
        self.register_outputs({"vpc_id": self.vpc_id})

    def _named(self, role: str) -> dict[str, str]:
        return {"Name": f"ai-prism-{self._foundation.location.stack}-{role}"}

    def _make_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=str(self._settings.cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._named("vpc"),
            opts=self._child,
        )

    def _make_subnets(self) -> dict[tuple[str, str], aws.ec2.Subnet]:
        # Load balancers are found by these tags (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html);
        # no cluster tag, since a subnet may serve the cluster that follows this one.
        roles = {"public": {"kubernetes.io/role/elb": "1"}, "private": {"kubernetes.io/role/internal-elb": "1"}}
        self._associations: dict[str, list[aws.ec2.RouteTableAssociation]] = {}
        return {
            (tier, zone): aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone}",
                vpc_id=self.vpc_id,
                cidr_block=str(cidr),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={**self._named(f"{tier}-{zone}"), "Tier": tier, **roles.get(tier, {})},
                opts=self._child,
            )
            for (tier, zone), cidr in allocate(self._settings.cidr, self._settings.zones).items()
        }

    def _make_table(self, role: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(f"{self._name}-{role}", vpc_id=self.vpc_id, tags=self._named(role), opts=self._child)

    def _associate(
        self, tier: str, zone: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable, route: aws.ec2.Route | None
    ) -> None:
        association = aws.ec2.RouteTableAssociation(
            f"{self._name}-{tier}-{zone}",
            subnet_id=subnet.id,
            route_table_id=table.id,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[route] if route else None),
        )
        self._associations.setdefault(tier, []).append(association)

    def _routed(self, tier: str) -> list[pulumi.Output[str]]:
        return [association.subnet_id.apply(str) for association in self._associations[tier]]

    def _make_public_routes(self, subnets: dict[tuple[str, str], aws.ec2.Subnet]) -> aws.ec2.Route:
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
        for zone in self._settings.zones:
            self._associate("public", zone, subnets["public", zone], table, route)
        return route

    def _make_nat_gateways(
        self, subnets: dict[tuple[str, str], aws.ec2.Subnet], internet: aws.ec2.Route
    ) -> dict[str, aws.ec2.NatGateway]:
        gateways: dict[str, aws.ec2.NatGateway] = {}
        for zone in gateway_zones(self._settings):
            address = aws.ec2.Eip(
                f"{self._name}-nat-{zone}", domain="vpc", tags=self._named(f"nat-{zone}"), opts=self._child
            )
            gateways[zone] = aws.ec2.NatGateway(
                f"{self._name}-nat-{zone}",
                allocation_id=address.id,
                subnet_id=subnets["public", zone].id,
                tags=self._named(f"nat-{zone}"),
                # The gateway needs the internet to become available, and must be gone before its way out.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[internet]),
            )
        return gateways

    def _make_private_routes(
        self, subnets: dict[tuple[str, str], aws.ec2.Subnet], nats: dict[str, aws.ec2.NatGateway]
    ) -> tuple[list[aws.ec2.RouteTable], list[aws.ec2.Route]]:
        shared = next(iter(nats.values()))
        tables: list[aws.ec2.RouteTable] = []
        routes: list[aws.ec2.Route] = []
        for zone in self._settings.zones:
            table = self._make_table(f"private-{zone}")
            route = aws.ec2.Route(
                f"{self._name}-private-{zone}-nat",
                route_table_id=table.id,
                destination_cidr_block=_ANYWHERE,
                nat_gateway_id=nats.get(zone, shared).id,
                opts=self._child,
            )
            self._associate("private", zone, subnets["private", zone], table, None)
            tables.append(table)
            routes.append(route)
        return tables, routes

    def _make_isolated_table(self, subnets: dict[tuple[str, str], aws.ec2.Subnet]) -> None:
        """Make the one table without a route; only the VPC itself is reachable from it."""
        table = self._make_table("isolated")
        for zone in self._settings.zones:
            self._associate("isolated", zone, subnets["isolated", zone], table, None)

    def _make_endpoints(
        self, private_tables: Sequence[aws.ec2.RouteTable], subnets: dict[tuple[str, str], aws.ec2.Subnet]
    ) -> None:
        region = self._foundation.location.region
        perimeter = Perimeter(
            account_id=self._foundation.location.account_id,
            region=region,
            image_accounts=self._settings.image_accounts,
        )
        # Only the private tables: the isolated tier stays without any route that leads out of the VPC.
        aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in private_tables],
            policy=endpoint_policy("s3", perimeter),
            tags=self._named("s3"),
            opts=self._child,
        )
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
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[subnets["private", zone].id for zone in self._settings.zones],
                security_group_ids=[access.id],
                policy=endpoint_policy(service, perimeter),
                tags=self._named(service),
                opts=self._child,
            )

    def _make_flow_log(self) -> None:
        location = self._foundation.location
        group = self._foundation.make_log_group(f"{self._name}-flow", parent=self)
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        role = self._foundation.roles.make(
            f"{self._name}-flow",
            parent=self,
            trusts=trust_service("vpc-flow-logs.amazonaws.com", location.account_id),
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
