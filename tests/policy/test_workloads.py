"""A pod is judged alike whatever it is made by: a Deployment, a Job, or a kind that hardly anybody writes any more."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from policy_cases import SECTIONS, Case, cases

from policy import resource_types as types

_DEPLOYMENT = types.DEPLOYMENT[0]
_TEMPLATES = {
    types.REPLICATION_CONTROLLER[0]: "spec.template",
    types.JOB[0]: "spec.template",
    types.POD_TEMPLATE[0]: "template",
    **dict.fromkeys(types.CRON_JOB, "spec.jobTemplate.spec.template"),
}


def examples() -> list[Case]:
    return [
        case
        for section in SECTIONS
        for case in cases(section)
        if set(types.WORKLOADS) <= set(case.rule.types)
        for inputs in (case.raw[0].get("inputs"),)
        if case.raw[0].get("type", _DEPLOYMENT) == _DEPLOYMENT
        if isinstance(inputs, Mapping) and isinstance(inputs.get("spec"), Mapping) and "template" in inputs["spec"]
    ]


def as_kind(case: Case, kind: str) -> Case:
    """Return the case with its first resource's pods made by another kind."""
    first, *others = case.raw
    template: Any = first["inputs"]["spec"]["template"]
    for key in reversed(_TEMPLATES[kind].split(".")):
        template = {key: template}
    rest = {key: value for key, value in case.body.items() if case.is_long and key not in ("resources", "inputs")}
    changed = {**first, "type": kind, "inputs": {**first["inputs"], "spec": {}, **template}}
    return dataclasses.replace(case, body={**rest, "resources": [changed, *others]})


def found(case: Case, template: str) -> set[tuple[str, str]]:
    return {(each.path.replace(template, "POD", 1), each.result.name) for each in case.report().findings}


@pytest.mark.parametrize("kind", _TEMPLATES)
def test_all_kinds_of_workloads_are_judged_alike(kind: str) -> None:
    unlike = [
        str(case) for case in examples() if found(case, "spec.template") != found(as_kind(case, kind), _TEMPLATES[kind])
    ]
    assert unlike == []


def test_there_are_examples_of_each_rule_about_workloads() -> None:
    assert len({case.rule.id for case in examples()}) > 10
