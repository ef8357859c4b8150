"""No value ever appears in what the rules say: it may be a secret, marked as one or not."""

import dataclasses
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import SECTIONS, Case, cases

from policy.findings import Report
from policy.reports import document, sarif, text
from policy.runner import run
from policy.view import Resource, Stack
from prismctl.project import ROOT
from recording.graph import Secret, Source

PLACES = sarif.Places(root=ROOT, base=ROOT, fallback=Source("Pulumi.yaml", 1))
ALL = [case for section in SECTIONS for case in cases(section)]
# Long enough never to be a word of ours, and unlike anything that stands in a rule.
tokens = st.text("bcdfghjkmnpqrstvwxyz23456789", min_size=12, max_size=16).map(lambda letters: f"Zq{letters}")


def replaced(value: Any, leaf: Callable[[str], Any]) -> Any:  # noqa: PLR0911  # one case for each kind of value
    """Return `value` with each text replaced, those in JSON documents too."""
    match value:
        case dict():
            return {key: replaced(item, leaf) for key, item in value.items()}
        case list():
            return [replaced(item, leaf) for item in value]
        case Secret(inner):
            return Secret(replaced(inner, leaf))
        case str() if value.startswith(("{", "[")):
            try:
                return json.dumps(replaced(json.loads(value), lambda inner: f"{inner}{leaf('')}"))
            except (ValueError, TypeError):
                return leaf(value)
        case str():
            return leaf(value)
        case _:
            return value


def judged(case: Case, leaf: Callable[[str], Any]) -> tuple[Stack, Report]:
    def changed(resource: Resource) -> Resource:
        inputs = replaced(dict(resource.inputs.value), leaf)
        return dataclasses.replace(resource, read_inputs=lambda: inputs)

    stack = Stack(name="prod", resources=tuple(map(changed, case.stack.resources)))
    return stack, run(stack, case.settings)


def everything_said(stack: Stack, report: Report) -> str:
    return "\n".join(
        [
            text.render(report, text.components_of(stack.by_urn)),
            json.dumps(document.render(report)),
            json.dumps(sarif.render(report, PLACES, "prod")),
            repr(report),
        ]
    )


@settings(max_examples=100)
@given(case=st.sampled_from(ALL), token=tokens, keep=st.booleans())
def test_a_secret_is_never_told(case: Case, token: str, keep: bool) -> None:
    stack, report = judged(case, lambda value: Secret(f"{value}{token}" if keep else token))
    assert token not in everything_said(stack, report)


@settings(max_examples=100)
@given(case=st.sampled_from(ALL), token=tokens, keep=st.booleans())
def test_not_even_a_value_that_nobody_marked_as_secret_is_told(case: Case, token: str, keep: bool) -> None:
    _, report = judged(case, lambda value: f"{value}{token}" if keep else token)
    assert [(each.rule.id, each.message) for each in report.findings if token in f"{each.message}{each.path}"] == []


@pytest.mark.parametrize("case", cases("violating"), ids=str)
def test_no_rule_tells_a_value(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for leaf in (lambda value: f"{value}Zq7token", lambda _value: "Zq7token"):
        _, report = judged(case, leaf)
        assert [each.message for each in report.findings if "Zq7token" in each.message] == []
    assert "Zq7token" not in caplog.text
