"""The platform itself, by its own rules."""

import pytest
from support import STACKS, recorded

from policy.findings import Finding, Result
from prismctl.project import ROOT, Project
from prismctl.stack_policies import check


def said(findings: list[Finding]) -> list[str]:
    return [f"{finding.rule.id} {finding.resource.urn} {finding.path}: {finding.message}" for finding in findings]


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
@pytest.mark.parametrize("stack", STACKS)
def test_no_stack_has_a_mandatory_finding(stack: str, known: bool) -> None:
    report = check(recorded(stack, known=known), Project(ROOT).config(stack))
    assert said([finding for finding in report.findings if finding.stops]) == []


def test_strict_rules_can_tell_everything_about_prod() -> None:
    report = check(recorded("prod", known=False))
    unsure = [finding for finding in report.findings if finding.result is Result.UNDETERMINED and finding.rule.strict]
    assert said(unsure) == []
