"""From what ran here to what would run in AWS."""

import pytest
from engine.timeline.measure import PACE, slow_down

from fakes.aws import account


def made(urn: str, started: float, ended: float) -> account.Operation:
    return account.Operation(
        serial=0, urn=f"a::b::c::{urn}", type="c", verb="create", started=started, ended=ended, error=None
    )


def unseen(_urn: str) -> float:
    return 27.0


def test_aws_takes_its_time_and_the_engine_no_longer_than_here():
    first, second = made("first", 100.0, 101.0), made("second", 101.5, 102.5)

    slowed = slow_down([first, second], {first.urn: frozenset(), second.urn: frozenset({first.urn})}, unseen)

    assert [each.name for each in slowed] == ["first", "second"]
    assert slowed[0].started == 0
    assert slowed[0].ended == pytest.approx(1 / PACE)
    assert slowed[1].started == pytest.approx(1 / PACE + 0.5)
    assert slowed[1].ended == pytest.approx(2 / PACE + 0.5)


def test_what_needs_nothing_starts_when_the_engine_comes_to_it():
    first, second = made("first", 100.0, 101.0), made("second", 102.0, 103.0)

    slowed = slow_down([second, first], {first.urn: frozenset(), second.urn: frozenset({"a::b::c::provider"})}, unseen)

    assert slowed[1].started == pytest.approx(2.0)


def test_what_runs_in_the_cluster_counts_and_what_waits_for_it_is_later():
    """A first update took less than it takes at best as long as charts were left out."""
    cluster, alarm = made("cluster", 100.0, 101.0), made("alarm", 101.0, 101.0)
    chart = "a::b::kubernetes:helm.sh/v3:Release::chart"
    needed = {
        cluster.urn: frozenset[str](),
        chart: frozenset({cluster.urn}),
        alarm.urn: frozenset({chart}),
    }

    slowed = {each.name: each for each in slow_down([cluster, alarm], needed, unseen)}

    assert slowed["chart"].started == slowed["cluster"].ended
    assert slowed["chart"].seconds == 27.0
    assert slowed["alarm"].started >= slowed["chart"].ended
