"""How small and how large a number of a stack file may be, and what counts where the file has none."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError, create_model

from settings import stack as settings
from settings.section import Section

# Section, key, least, most (None: no limit), and the default (None: the stack file has to say).
NUMBERS = [
    ("Cache", "generation", 1, None, 1),
    # A primary and five replicas: API_CreateReplicationGroup of ElastiCache.
    ("Cache", "nodes", 1, 6, None),
    ("Cache", "snapshot_days", 1, 35, 7),
    # 35 days are the most that RDS keeps: API_CreateDBCluster.
    ("Database", "backup_days", 7, 35, None),
    ("Database", "generation", 1, None, 1),
    ("Database", "instances", 1, 15, None),
    # API_RateBasedStatement of AWS WAF.
    ("Firewall", "requests_per_address", 10, 2_000_000_000, 2000),
    ("Firewall", "requests_per_fingerprint", 10, 2_000_000_000, 20_000),
    ("Firewall", "requests_per_network", 10, 2_000_000_000, 20_000),
    ("Network", "nat_gateways", 1, None, None),
    *(
        (group, key, least, most, default)
        for group in ("NodeGroup", "SpotNodes", "GpuNodes")
        for key, least, most, default in (
            ("min", 0, 1000, None),
            ("desired", 0, 1000, None),
            ("max", 1, 1000, None),
            ("disk_gb", 20, 16384, 50),
        )
    ),
    ("SpotNodes", "on_demand_fallback", 0, 1000, 0),
    ("Observability", "monthly_budget_usd", 1, None, None),
    ("Search", "nodes", 1, 80, None),
    ("Search", "volume_gb", 10, 3000, None),
]


def _below(section: type[Section]) -> Iterator[type[Section]]:
    for each in section.__subclasses__():
        yield each
        yield from _below(each)


SECTIONS = {each.__name__: each for each in _below(Section) if each.__module__.startswith("settings.")}
assert settings.SECTIONS, "importing the stack makes its sections known"


def fits(section: str, key: str, value: Any) -> bool:
    """Return whether a value is within the limits of a key, whatever else the section has."""
    field: Any = SECTIONS[section].model_fields[key]
    try:
        create_model("Alone", value=(field.annotation, field))(value=value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("section", "key", "least", "most", "default"), NUMBERS)
def test_a_number_is_within_what_aws_takes_and_what_makes_sense(
    section: str, key: str, least: int, most: int | None, default: int | None
) -> None:
    assert fits(section, key, least)
    assert not fits(section, key, least - 1)
    if most is None:
        assert fits(section, key, 10**9)
    else:
        assert fits(section, key, most)
        assert not fits(section, key, most + 1)
    field = SECTIONS[section].model_fields[key]
    assert (None if field.is_required() else field.default) == default


def test_every_number_of_a_stack_file_is_listed_above() -> None:
    numbers = {
        (name, key)
        for name, section in SECTIONS.items()
        for key, field in section.model_fields.items()
        if field.annotation is int
    }
    assert numbers == {(section, key) for section, key, *_ in NUMBERS}


@pytest.mark.parametrize(
    ("section", "key", "shortest", "longest"),
    [
        ("Cluster", "zones", 2, None),
        ("Network", "zones", 2, None),
        # The zones in which an OpenSearch domain may lie.
        ("Search", "zones", 2, 3),
        ("NodeGroup", "types", 1, None),
        ("Registry", "images", 1, None),
    ],
)
def test_a_list_has_as_many_entries_as_the_platform_needs(
    section: str, key: str, shortest: int, longest: int | None
) -> None:
    entries = tuple(f"entry-{letter}" for letter in "abcdefgh")
    assert fits(section, key, entries[:shortest])
    assert not fits(section, key, entries[: shortest - 1])
    assert fits(section, key, entries[: longest or len(entries)])
    assert longest is None or not fits(section, key, entries[: longest + 1])


def test_an_exception_is_explained_and_somebody_answers_for_it() -> None:
    assert fits("Decision", "reason", "ten words.")
    assert not fits("Decision", "reason", "nine long")
    assert fits("Decision", "owner", "a")
    assert not fits("Decision", "owner", "")


def test_whatever_opens_costs_or_ends_something_is_off_unless_a_stack_asks_for_it() -> None:
    switches = {
        (name, key): field.default
        for name, section in SECTIONS.items()
        for key, field in section.model_fields.items()
        if field.annotation is bool and not field.is_required()
    }
    assert {key for key, default in switches.items() if default} == {("Delivery", "owns_oidc_provider")}
    assert {("Environment", "retiring"), ("Network", "vpn_gateway"), ("Gitops", "private")} <= switches.keys()
