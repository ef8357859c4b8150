"""What rules claim of public controls: each claim has a violating and a compliant case that is named after it."""

from collections import defaultdict

import pytest
from policy_cases import cases

from policy.reference import page
from policy.registry import Rule, rules

NAMED = (
    *("alarms", "cloud_control", "eks", "elasticache", "launch_templates", "load_balancers", "logs", "network"),
    *("node_groups", "options", "providers", "rds", "security_groups", "services", "stack", "waf"),
)
"""Beginnings of the modules whose cases are named; for others the reference page says what is only claimed."""


def named(*sections: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for section in sections:
        for case in cases(section):
            found[case.rule.id] |= set(case.controls)
    return found


GOOD, BAD = named("compliant", "absent-satisfies"), named("violating", "absent-violates")
TESTED = [rule for rule in rules() if rule.controls and rule.module.startswith(NAMED)]


@pytest.mark.parametrize("rule", TESTED, ids=lambda rule: rule.id)
def test_each_claimed_control_has_a_violating_and_a_compliant_case(rule: Rule) -> None:
    assert [control for control in rule.controls if control not in GOOD[rule.id] & BAD[rule.id]] == []


def test_a_case_is_named_only_after_what_its_rule_claims() -> None:
    claimed = {rule.id: set(rule.controls) for rule in rules()}
    assert {id_: extra for found in (GOOD, BAD) for id_, them in found.items() if (extra := them - claimed[id_])} == {}


def test_the_page_says_how_well_a_control_is_kept() -> None:
    assert "| CKV_AWS_5 | [svc-rest](#svc-rest) | kept |" in page()
