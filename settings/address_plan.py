"""The address plan: which part of the VPC each tier has in each zone.

Every zone letter owns a fixed eighth of the VPC and every tier a fixed part of that, so nothing that is added later
can move what exists: AWS replaces a subnet, and everything in it, when its CIDR changes.
"""

import ipaddress
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ZONE_BITS = 3
"""Eight zones: no region has more letters in use (https://docs.aws.amazon.com/global-infrastructure/latest/regions/)."""
SLOT_BITS = 4
"""Sixteen slots in each zone."""

# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html, …/subnet-sizing.html
_LARGEST_VPC = 16
_SMALLEST_SUBNET = 28


@dataclass(frozen=True, kw_only=True)
class Tier:
    """A kind of subnet, and the slots that are its own in every zone."""

    name: str
    first_slot: int
    slots: int = 1
    """A power of two that divides `first_slot`."""

    def __post_init__(self) -> None:
        aligned = self.slots & (self.slots - 1) == 0 and self.slots > 0 and self.first_slot % self.slots == 0
        if not aligned or not 0 <= self.first_slot <= 2**SLOT_BITS - self.slots:
            raise ValueError(f"tier {self.name!r} does not lie on a boundary within {2**SLOT_BITS} slots")


TIERS = (
    Tier(name="public", first_slot=0),
    Tier(name="isolated", first_slot=1),
    # Slots 2 to 7 are free for tiers to come. Pods take their addresses from the private tier, hence half of the zone.
    Tier(name="private", first_slot=8, slots=8),
)


def largest_prefix() -> int:
    """Return the shortest prefix (the largest VPC) that AWS accepts."""
    return _LARGEST_VPC


def smallest_prefix() -> int:
    """Return the longest prefix (the smallest VPC) in which every slot is still a subnet that AWS accepts."""
    return _SMALLEST_SUBNET - ZONE_BITS - SLOT_BITS


def allocate(
    vpc: ipaddress.IPv4Network, zones: Iterable[str], tiers: Sequence[Tier] = TIERS
) -> dict[tuple[str, str], ipaddress.IPv4Network]:
    """Return the CIDR of each (tier, zone).

    Guarantees: no two overlap, all lie in `vpc`, and each depends on nothing but `vpc`, its zone's letter and its tier.
    Raises ValueError where `vpc` is too small, a zone has no letter from a to h of its own, or tiers share a slot.
    """
    if vpc.prefixlen > smallest_prefix():
        raise ValueError(f"{vpc} is too small: the address plan needs a /{smallest_prefix()} or larger")
    zones = tuple(zones)
    if len({zone[-1:] for zone in zones}) < len(zones):
        raise ValueError(f"each zone needs a letter of its own, got {', '.join(zones)}")
    if len({tier.name for tier in tiers}) < len(tiers):
        raise ValueError(f"each tier needs a name of its own, got {', '.join(tier.name for tier in tiers)}")
    taken: dict[int, str] = {}
    for tier in tiers:
        for slot in range(tier.first_slot, tier.first_slot + tier.slots):
            if slot in taken:
                raise ValueError(f"tiers {taken[slot]!r} and {tier.name!r} share slot {slot}")
            taken[slot] = tier.name
    return {(tier.name, zone): _subnet(vpc, zone, tier) for zone in zones for tier in tiers}


def tier_cidrs(tier: str, vpc: ipaddress.IPv4Network, zones: Iterable[str]) -> list[ipaddress.IPv4Network]:
    """Return the CIDRs of one of TIERS, zone by zone; raises as `allocate`."""
    return [cidr for (name, _), cidr in allocate(vpc, zones).items() if name == tier]


def _subnet(vpc: ipaddress.IPv4Network, zone: str, tier: Tier) -> ipaddress.IPv4Network:
    letter = string.ascii_lowercase.find(zone[-1:] or "?")
    if not 0 <= letter < 2**ZONE_BITS:
        raise ValueError(f"zone {zone!r} does not end in a letter from a to h")
    slot_size = 2 ** (32 - vpc.prefixlen - ZONE_BITS - SLOT_BITS)
    first = int(vpc.network_address) + (letter * 2**SLOT_BITS + tier.first_slot) * slot_size
    prefix = vpc.prefixlen + ZONE_BITS + SLOT_BITS - (tier.slots.bit_length() - 1)
    return ipaddress.IPv4Network((first, prefix))
