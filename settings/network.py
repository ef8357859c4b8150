"""The VPC, the names under which the platform is reached, and the firewall."""

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from settings.address_plan import TIERS, largest_prefix, smallest_prefix
from settings.forms import PRIVATE_RANGES, AccountId, Zones
from settings.section import Form, Problem, Section, require, show

REQUIRED_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager")
"""Without these, nodes cannot pull images or get credentials and secrets when NAT fails."""
OPTIONAL_ENDPOINTS = ("ssm", "kms", "elasticloadbalancing", "autoscaling", "ec2", "eks", "eks-auth", "bedrock-runtime")


def _room_for_all_tiers(cidr: ipaddress.IPv4Network) -> ipaddress.IPv4Network:
    ranges = ", ".join(str(private) for private in PRIVATE_RANGES)
    private = any(cidr.subnet_of(private) for private in PRIVATE_RANGES)
    require(true=private, rule=f"must be a private range ({ranges})")
    largest, smallest = largest_prefix(), smallest_prefix()
    room = f"must be between /{largest} and /{smallest} so that {len(TIERS)} tiers fit in every zone"
    require(true=largest <= cidr.prefixlen <= smallest, rule=room)
    return cidr


class Network(Section):
    """The VPC: addresses, zones, NAT gateways and endpoints."""

    cidr: Annotated[ipaddress.IPv4Network, AfterValidator(_room_for_all_tiers)]
    zones: Annotated[Zones, Field(min_length=2)]
    """Names of availability zones, such as `us-east-1a`; the letter of a zone determines its addresses."""
    nat_gateways: Annotated[int, Field(ge=1)]
    """One for all zones, or one for each."""
    nat_zone: str | None = None
    """Zone of the gateway if there is only one: it stays there, with its address, when zones are added."""
    endpoints: tuple[str, ...] = REQUIRED_ENDPOINTS
    """Interface endpoints by service. Each costs by the hour and zone; traffic to the others goes through NAT."""
    image_accounts: tuple[AccountId, ...] = ()
    """Further accounts whose ECR repositories nodes may pull from, such as a company registry."""
    vpn_gateway: bool = False

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        if self.nat_gateways not in (1, len(self.zones)):
            yield Problem("nat_gateways", f"must be 1 or one per zone ({len(self.zones)})", str(self.nat_gateways))
        if self.nat_zone not in ((*self.zones,) if self.nat_gateways == 1 else (*self.zones, None)):
            rule = f"must be one of the zones ({', '.join(self.zones)}), where the single gateway stays"
            yield Problem("nat_zone", rule, show(self.nat_zone) if self.nat_zone else "none")
        for service in self.endpoints:
            if service not in (*REQUIRED_ENDPOINTS, *OPTIONAL_ENDPOINTS):
                known = ", ".join((*REQUIRED_ENDPOINTS, *OPTIONAL_ENDPOINTS))
                yield Problem("endpoints", f"must be among {known}", show(service))
        if missing := [service for service in REQUIRED_ENDPOINTS if service not in self.endpoints]:
            yield Problem("endpoints", f"must include {', '.join(missing)}", show(self.endpoints))
        if len(set(self.endpoints)) != len(self.endpoints):
            yield Problem("endpoints", "must name each service once", show(self.endpoints))


_Host = Annotated[
    str,
    Field(max_length=253),
    Form(
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        "a host name in lower case with a dot in it",
        "api.example.com",
    ),
]


class Dns(Section):
    """DNS names of the platform."""

    zone: _Host
    """An existing, delegated public hosted zone in the account, in which certificates are validated."""
    api_host: _Host

    def rules(self) -> Iterator[Problem]:
        if self.api_host != self.zone and not self.api_host.endswith(f".{self.zone}"):
            yield Problem("api_host", f"must lie in the zone {self.zone}", show(self.api_host))


_Requests = Annotated[int, Field(ge=10, le=2_000_000_000)]
"""What AWS takes as a limit: https://docs.aws.amazon.com/waf/latest/APIReference/API_RateBasedStatement.html"""


class Firewall(Section):
    """Request limits of the firewall per five minutes; AWS applies them approximately."""

    requests_per_address: _Requests = 2000
    """From one address; requests above the limit are blocked."""
    requests_per_fingerprint: _Requests = 20_000
    """From all clients with the same TLS fingerprint (JA4); an estimate."""
    requests_per_network: _Requests = 20_000
    """From all addresses of one autonomous system, such as a hosting provider's; an estimate."""
    many_addresses: Literal["count", "block"] = "count"
    """Action above the last two limits. All users of one browser share a fingerprint, and those of a mobile operator a
    network: set `block` after the counts have shown that users stay below the limits."""
