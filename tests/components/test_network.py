"""The network as zones are added."""

from hypothesis import given
from hypothesis import strategies as st

from components.network import gateway_zones
from settings import stack as settings

SOME = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8, unique=True)


def network(zones: list[str], gateways: int) -> settings.Network:
    section = {"cidr": "10.0.0.0/16", "zones": tuple(zones), "nat_gateways": gateways, "nat_zone": zones[0]}
    return settings.Network.model_validate(section, strict=False)


@given(SOME, st.data())
def test_no_growth_moves_a_nat_gateway(zones: list[str], data: st.DataObject) -> None:
    """Its zone is its logical name, so it keeps its address with it; one per zone instead of one leaves it, too."""
    more = data.draw(st.permutations([*zones, *(zone for zone in "abcdefgh" if zone not in zones)]))
    one = network(zones, 1)

    assert gateway_zones(one) == gateway_zones(one.model_copy(update={"zones": tuple(more)})) == [zones[0]]
    assert {zones[0]} <= set(gateway_zones(network(zones, len(zones))))
    assert set(gateway_zones(network(zones, len(zones)))) <= set(gateway_zones(network(more, len(more))))
