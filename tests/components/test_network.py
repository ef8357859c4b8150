"""The network as zones are added, and whom its endpoints serve."""

import json

from hypothesis import given
from hypothesis import strategies as st
from support import recorded

import settings
from components.network import gateway_zones

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


def policies() -> dict[str, list[dict[str, object]]]:
    """Return the statements of each endpoint's policy by its name; one without allows all."""
    endpoints = recorded("prod", known=True).of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    return {
        each.name.removeprefix("network-"): json.loads(each["policy"])["Statement"]
        for each in endpoints
        if "policy" in each
    }


def test_through_the_endpoint_for_s3_nothing_is_written_outside_of_the_account() -> None:
    own, anyone = policies()["s3"]

    account = {"aws:PrincipalAccount": "123456789012", "aws:ResourceAccount": "123456789012"}
    assert own["Condition"] == {"StringEquals": account}
    assert (anyone["Action"], "Condition" in anyone) == ("s3:GetObject", False)


def test_endpoints_of_secrets_keys_and_logs_serve_the_account_alone() -> None:
    own = {"aws:PrincipalAccount": "123456789012", "aws:ResourceAccount": "123456789012"}
    found = policies()

    for service in ("secretsmanager", "kms", "logs"):
        (statement,) = found[service]
        assert statement["Condition"] == {"StringEquals": own}, service


def test_endpoints_that_images_and_credentials_come_by_stay_open() -> None:
    """Add-ons' images lie in accounts of AWS; who asks STS for credentials may have none yet."""
    assert policies().keys().isdisjoint({"ecr-api", "ecr-dkr", "sts"})
