"""What the third-party charts are told is what they know, and what they make of it is allowed."""

import json
from typing import Any

import jsonschema
import pytest
from custom_resources import is_custom, problems
from support import STACKS, recorded
from third_party import (
    SEPARATOR,
    defaults,
    everything,
    file,
    ignored_values,
    kubernetes_version,
    needs_charts,
    paths,
    plain,
    releases,
    rendered,
)

from components.apps.installer import MARK
from recording.graph import Resource
from tools.charts import pinned

NAMES = [release.name for release in releases(recorded("prod", known=True))]

_DRAFT = jsonschema.Draft202012Validator.META_SCHEMA["$id"]

pytestmark = needs_charts


def of(stack: str, name: str) -> Resource:
    return next(release for release in releases(recorded(stack, known=True)) if release.name == name)


@pytest.mark.parametrize("stack", STACKS)
def test_every_chart_of_a_stack_is_pinned_and_renders(stack: str) -> None:
    archives = {chart.archive for chart in pinned().values()}
    for release in releases(recorded(stack, known=True)):
        assert release["chart"].rpartition("/")[2] in archives
        assert rendered(stack, release.name), release.name


@pytest.mark.parametrize("name", NAMES)
def test_charts_have_a_use_for_every_value_that_they_are_given(name: str) -> None:
    seen: set[str] = set()
    for stack in ("prod", "dev", "integration", "staging"):
        release = of(stack, name)
        values = plain(release["values"])
        # For the provider, not for the chart.
        own = SEPARATOR.join(("global", MARK))
        new = [path for path, value in paths(values) if path != own and f"{path} {json.dumps(value)}" not in seen]
        seen.update(f"{path} {json.dumps(value)}" for path, value in paths(values))

        assert ignored_values(release, values, kubernetes_version(stack), new) == [], stack


@pytest.mark.parametrize("stack", STACKS)
def test_charts_with_a_schema_accept_what_they_are_given(stack: str) -> None:
    checked = 0
    for release in releases(recorded(stack, known=True)):
        text = file(release["chart"], "values.schema.json")
        if text:
            # Some name a draft that nobody knows. Helm, too, holds against them what comes of values and defaults.
            jsonschema.Draft202012Validator({**json.loads(text), "$schema": _DRAFT}).validate(
                _merged(defaults(release["chart"]), plain(release["values"]))
            )
            checked += 1

    assert checked


def _merged(default: Any, given: Any) -> Any:
    if not isinstance(default, dict) or not isinstance(given, dict):
        return given
    return {**default, **{key: _merged(default.get(key), value) for key, value in given.items()}}


@pytest.mark.parametrize("stack", STACKS)
def test_custom_resources_are_as_their_definitions_have_them(stack: str) -> None:
    own = [
        plain(dict(resource.inputs))
        for resource in recorded(stack, known=True).resources
        if resource.type.startswith("kubernetes:") and "/" in str(resource.get("apiVersion"))
    ]
    made = [manifest for _, manifest in everything(stack)]
    custom = [document for document in [*own, *made] if is_custom(document)]

    assert len(custom) > len(own) / 4
    assert [problem for document in custom for problem in problems(document)] == []
