"""The address plan: nothing overlaps, nothing leaves the VPC, and nothing ever moves."""

import ipaddress
import itertools
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.address_plan import TIERS, Tier, allocate, largest_prefix, smallest_prefix

NETWORK = ipaddress.IPv4Network("10.10.0.0/16")
LETTERS = "abcdefgh"
BLOCKS = [(first, slots) for slots in (1, 2, 4, 8, 16) for first in range(0, 16, slots)]


@st.composite
def networks(draw, longest=21):
    prefix = draw(st.integers(8, longest))
    return ipaddress.IPv4Network((draw(st.integers(0, 2**prefix - 1)) << (32 - prefix), prefix))


@st.composite
def tier_sets(draw):
    """Draw tiers that lie on boundaries and share no slot."""
    taken, tiers = set(), []
    for first, slots in draw(st.permutations(BLOCKS)):
        wanted = set(range(first, first + slots))
        if not wanted & taken and draw(st.booleans()):
            taken |= wanted
            tiers.append(Tier(name=f"tier-{first}", first_slot=first, slots=slots))
    return tiers


ZONES = st.lists(st.sampled_from([f"us-east-1{letter}" for letter in LETTERS]), unique=True)


@given(networks(), ZONES, tier_sets())
def test_subnets_never_overlap(vpc, zones, tiers):
    subnets = allocate(vpc, zones, tiers)
    assert len(subnets) == len(zones) * len(tiers)
    # Sorted by their first address, only neighbours can overlap.
    for one, other in itertools.pairwise(sorted(subnets.values())):
        assert one.broadcast_address < other.network_address


@given(networks(), ZONES, tier_sets())
def test_subnets_never_leave_the_vpc(vpc, zones, tiers):
    assert [subnet for subnet in allocate(vpc, zones, tiers).values() if not subnet.subnet_of(vpc)] == []


@given(networks(), ZONES, ZONES, tier_sets())
def test_subnets_never_move_when_zones_are_added_or_reordered(vpc, zones, more, tiers):
    before = allocate(vpc, zones, tiers)
    after = allocate(vpc, [*more, *(zone for zone in zones if zone not in more)], tiers)
    assert {place: after[place] for place in before} == before


@given(networks(), ZONES, tier_sets(), st.randoms(use_true_random=False))
def test_subnets_never_move_when_tiers_are_added_or_reordered(vpc, zones, tiers, random):
    before = allocate(vpc, zones, [tier for tier in tiers if random.random() < 0.5])
    random.shuffle(tiers)
    after = allocate(vpc, zones, tiers)
    assert {place: after[place] for place in before} == before


@given(networks())
def test_the_tiers_of_the_platform_fit_in_all_eight_zones(vpc):
    zones = [f"us-east-1{letter}" for letter in LETTERS]
    subnets = allocate(vpc, zones)
    assert set(subnets) == {(tier, zone) for tier in ("public", "isolated", "private") for zone in zones}
    assert max(subnet.prefixlen for subnet in subnets.values()) <= 28


def test_the_addresses_in_use_stay_what_they_are():
    assert {place: str(subnet) for place, subnet in allocate(NETWORK, ["us-east-1a", "us-east-1c"]).items()} == {
        ("public", "us-east-1a"): "10.10.0.0/23",
        ("isolated", "us-east-1a"): "10.10.2.0/23",
        ("private", "us-east-1a"): "10.10.16.0/20",
        ("public", "us-east-1c"): "10.10.64.0/23",
        ("isolated", "us-east-1c"): "10.10.66.0/23",
        ("private", "us-east-1c"): "10.10.80.0/20",
    }


def test_half_of_each_zone_belongs_to_pods():
    private = allocate(NETWORK, ["us-east-1a"])["private", "us-east-1a"]
    assert private.num_addresses * 2 * 8 == NETWORK.num_addresses


def test_a_smallest_vpc_still_has_subnets_that_aws_accepts():
    assert (largest_prefix(), smallest_prefix()) == (16, 21)
    subnets = allocate(ipaddress.IPv4Network("10.0.0.0/21"), ["us-east-1h"])
    assert subnets["isolated", "us-east-1h"] == ipaddress.IPv4Network("10.0.7.16/28")


@pytest.mark.parametrize("prefix", range(22, 33))
def test_a_vpc_that_is_too_small_is_refused(prefix):
    with pytest.raises(ValueError, match="too small") as refused:
        allocate(ipaddress.IPv4Network(f"10.0.0.0/{prefix}"), ["us-east-1a"])
    assert str(refused.value) == f"10.0.0.0/{prefix} is too small: the address plan needs a /21 or larger"


@pytest.mark.parametrize("zone", ["", "us-east-1", "us-east-1i", "us-east-1z", "us-east-1A", "us-east-1ä"])
def test_a_zone_without_a_letter_from_a_to_h_is_refused(zone):
    with pytest.raises(ValueError, match="letter") as refused:
        allocate(NETWORK, [zone])
    assert str(refused.value) == f"zone {zone!r} does not end in a letter from a to h"


def test_tiers_that_share_a_slot_are_refused():
    tiers = [Tier(name="one", first_slot=0, slots=4), Tier(name="other", first_slot=3)]
    with pytest.raises(ValueError, match="share") as refused:
        allocate(NETWORK, ["us-east-1a"], tiers)
    assert str(refused.value) == "tiers 'one' and 'other' share slot 3"


@pytest.mark.parametrize("first", range(-2, 19))
@pytest.mark.parametrize("slots", range(-1, 18))
def test_a_tier_lies_on_a_boundary_within_its_zone_or_is_refused(first, slots):
    if (first, slots) in BLOCKS:
        assert Tier(name="tier", first_slot=first, slots=slots).slots == slots
    else:
        with pytest.raises(ValueError, match="boundary") as refused:
            Tier(name="tier", first_slot=first, slots=slots)
        assert str(refused.value) == "tier 'tier' does not lie on a boundary within 16 slots"


def test_the_platforms_tiers_leave_room_for_tiers_to_come():
    taken = {slot for tier in TIERS for slot in range(tier.first_slot, tier.first_slot + tier.slots)}
    assert set(range(16)) - taken == {2, 3, 4, 5, 6, 7}


@pytest.mark.parametrize(
    "zones",
    [
        ["us-east-1a", "us-east-1-bos-1a"],
        ["us-east-1a", "us-east-1a"],
        ["us-east-1b", "us-east-1a", "us-east-1c", "eu-west-1b"],
    ],
    ids=str,
)
def test_zones_that_share_a_letter_are_refused(zones):
    with pytest.raises(ValueError, match="letter") as refused:
        allocate(NETWORK, iter(zones))
    assert str(refused.value) == f"each zone needs a letter of its own, got {', '.join(zones)}"


def test_tiers_that_share_a_name_are_refused():
    tiers = [Tier(name="pods", first_slot=0), Tier(name="data", first_slot=1), Tier(name="pods", first_slot=2)]
    with pytest.raises(ValueError, match="name") as refused:
        allocate(NETWORK, ["us-east-1a"], tiers)
    assert str(refused.value) == "each tier needs a name of its own, got pods, data, pods"


@pytest.mark.parametrize("letter", string.ascii_lowercase[:8])
def test_a_zones_letter_alone_decides_its_addresses(letter):
    here, there = (allocate(NETWORK, [f"{region}{letter}"]) for region in ("us-east-1", "eu-west-1"))
    assert list(here.values()) == list(there.values())
