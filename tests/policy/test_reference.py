"""The reference page."""

import re

import pytest

from policy import reference
from policy.registry import rules
from prismctl.generate import main
from prismctl.project import ROOT


def test_the_page_has_every_rule_with_why_how_and_both_examples() -> None:
    sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##)", reference.page() + "\n##", re.DOTALL | re.MULTILINE))
    for rule in rules():
        section = sections[rule.id]
        for text in (rule.why, rule.fix, *rule.controls, "Violating:", "Compliant:"):
            assert text in section, (rule.id, text)


def test_every_control_counts_for_a_framework() -> None:
    known = [pattern for _, pattern in reference._FRAMEWORKS]
    controls = {control for rule in rules() for control in rule.controls}
    assert {control for control in controls if not any(re.fullmatch(pattern, control) for pattern in known)} == set()


def test_links_lead_to_headings() -> None:
    page = reference.page()
    headings = {heading.replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings


@pytest.mark.golden
def test_the_page_in_the_repository_is_this_one() -> None:
    assert (ROOT / "docs/policies.md").read_text(encoding="utf-8") == reference.page(), "make generate"


def test_the_check_says_what_is_stale(monkeypatch, capsys) -> None:
    monkeypatch.setattr(reference, "page", lambda: "new")
    assert main(["--check"]) == 1
    assert "docs/policies.md is stale; make generate" in capsys.readouterr().err
