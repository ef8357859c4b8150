"""Every rule against its fixtures: what it must find, what it must not, and what it must leave open."""

import pytest
from policy_cases import SECTIONS, Case, cases, fixtures, loaded

from policy.findings import Result
from policy.registry import rules
from recording.graph import UNKNOWN, Secret


def paths(case: Case, result: Result) -> list[str]:
    return sorted(finding.path for finding in case.report().findings if finding.result is result)


def holds(case: Case) -> None:
    report = case.report()
    assert [(finding.path, finding.message) for finding in report.findings] == []
    assert report.satisfied[case.rule.id] > 0 or case.rule.looks_at, "the rule looked at nothing"


def is_violated(case: Case) -> None:
    found = paths(case, Result.VIOLATED)
    assert found, "the rule found nothing"
    assert paths(case, Result.CRASHED) == []
    if case.finds is not None:
        assert found == sorted(case.finds)


@pytest.mark.parametrize("case", cases("compliant"), ids=str)
def test_a_compliant_example_is_left_alone(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize("case", cases("absent-satisfies"), ids=str)
def test_a_property_that_may_be_absent_is_not_missed(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize("case", cases("violating"), ids=str)
def test_a_violation_is_found(case: Case) -> None:
    is_violated(case)


@pytest.mark.parametrize("case", cases("absent-violates"), ids=str)
def test_a_property_that_must_be_there_is_missed(case: Case) -> None:
    is_violated(case)


@pytest.mark.parametrize("case", cases("unknown"), ids=str)
def test_what_is_unknown_is_neither_right_nor_wrong(case: Case) -> None:
    assert paths(case, Result.UNDETERMINED), "the rule did not say that it cannot tell"
    assert paths(case, Result.CRASHED) == []
    assert case.finds is not None or not paths(case, Result.VIOLATED)
    assert case.finds is None or paths(case, Result.VIOLATED) == sorted(case.finds)


def test_every_rule_has_fixtures_of_each_kind() -> None:
    lacking = {}
    for rule in rules():
        there = fixtures().get(rule.id, {})
        # What depends on no input has none that could be unknown.
        needed = {"compliant", "violating", *(["unknown"] if rule.paths else [])}
        needed -= {name for name in there if there[name]}
        if not there.get("absent-violates") and not there.get("absent-satisfies"):
            needed.add("absent-violates or absent-satisfies")
        if needed:
            lacking[rule.id] = sorted(needed)
    assert lacking == {}


def test_every_fixture_belongs_to_a_rule_and_a_section() -> None:
    assert fixtures().keys() <= {rule.id for rule in rules()}
    assert {section for each in fixtures().values() for section in each} <= set(SECTIONS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('!secret "x"', Secret("x")),
        ("!secret 5", Secret("5")),
        ("!secret [x, !unknown ]", Secret(["x", UNKNOWN])),
        ("!secret {a: {b: [x]}}", Secret({"a": {"b": ["x"]}})),
    ],
)
def test_a_fixture_may_hold_a_secret_of_any_kind(text: str, value: Secret) -> None:
    assert loaded(text) == value
