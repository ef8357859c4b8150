"""What the charts of others are told is what they know."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from custom_resources import is_custom, problems
from support import STACKS, recorded
from upstream import defaults, folder, needs_charts

from components.apps.base import REGISTRIES
from prismctl.graph import Graph, Resource, Secret, Unknown

RELEASE = "kubernetes:helm.sh/v3:Release"
FREE: dict[str, set[str]] = {
    # Charts within the chart, whose own defaults are not there.
    "kube-prometheus-stack": {"grafana", "kube-state-metrics", "prometheus-node-exporter"},
    # Arguments of the program, of which the defaults give a few.
    "cluster-autoscaler": {"extraArgs"},
    # Written as they are into the ConfigMap argocd-cm, and into the mesh's configuration.
    "argo-cd": {"configs.cm"},
    "istiod": {"meshConfig"},
    # In the defaults' comments only.
    "jaeger": {"jaeger.resources"},
    "opentelemetry-collector": {"podDisruptionBudget.maxUnavailable"},
}
"""By chart: what may hold anything, beside the maps that are empty by default."""
KUBERNETES_OWN = re.compile(r"\w*[sS]ecurityContext|resources|nodeSelector|affinity|\w*[aA]nnotations|\w*[lL]abels")
"""Maps that charts hand to Kubernetes as they are; the defaults show a few of the keys."""

_DRAFT = jsonschema.Draft202012Validator.META_SCHEMA["$id"]

pytestmark = needs_charts


def plain(value: Any) -> Any:
    """Return a value with what is not known, or secret, as some text."""
    match value:
        case Unknown():
            return "known-later"
        case Secret(value=inner):
            return plain(inner)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def unknown_keys(given: Any, default: Any, free: set[str], path: str = "") -> Iterator[str]:
    """Yield the paths of keys that the defaults do not have; a map that is empty there, or no map, may hold any."""
    if not isinstance(given, dict) or not isinstance(default, dict) or not default:
        return
    for key, value in given.items():
        where = f"{path}.{key}".lstrip(".")
        if where in free:
            continue
        if key not in default:
            yield where
        elif not KUBERNETES_OWN.fullmatch(key):
            yield from unknown_keys(value, default[key], free, where)


def releases(graph: Graph) -> list[Resource]:
    return sorted(graph.of_type(RELEASE), key=lambda release: release.name)


@pytest.mark.parametrize("stack", STACKS)
def test_charts_are_given_no_value_that_they_do_not_know(stack: str) -> None:
    charts = releases(recorded(stack, known=True))
    assert charts
    wrong = [
        f"{release.name}: {path}"
        for release in charts
        for path in unknown_keys(
            plain(release["values"]), defaults(release["chart"]), FREE.get(release["chart"], set())
        )
    ]

    assert not wrong


@pytest.mark.parametrize("stack", STACKS)
def test_charts_with_a_schema_accept_what_they_are_given(stack: str) -> None:
    checked = 0
    for release in releases(recorded(stack, known=True)):
        file = folder(release["chart"]) / "values.schema.json"
        if file.exists():
            schema = json.loads(file.read_text(encoding="utf-8"))
            # Some name a draft that nobody knows. Helm, too, holds against them what comes of values and defaults.
            jsonschema.Draft202012Validator({**schema, "$schema": _DRAFT}).validate(
                _merged(defaults(release["chart"]), plain(release["values"]))
            )
            checked += 1

    assert checked


@pytest.mark.parametrize("stack", STACKS)
def test_custom_resources_are_as_their_definitions_have_them(stack: str) -> None:
    checked = 0
    for resource in recorded(stack, known=True).resources:
        if resource.type.startswith("kubernetes:") and "/" in str(resource.get("apiVersion")):
            document = plain(dict(resource.inputs))
            if is_custom(document):
                assert list(problems(document)) == [], resource.urn
                checked += 1

    assert checked


def test_images_come_from_the_listed_registries() -> None:
    hosts: set[str] = set()
    for release in releases(recorded("prod", known=True)):
        hosts.update(_registries(_merged(defaults(release["chart"]), plain(release["values"]))))

    assert hosts
    assert hosts <= set(REGISTRIES)


_IMAGE_KEYS = re.compile(r"image|images|.*Image", re.IGNORECASE)


def _merged(default: Any, given: Any) -> Any:
    if not isinstance(default, dict) or not isinstance(given, dict):
        return given
    return {**default, **{key: _merged(default.get(key), value) for key, value in given.items()}}


def _registries(values: Any, key: str = "") -> Iterator[str]:
    """Yield the registry of every image among a chart's values."""
    if isinstance(values, list):
        for item in values:
            yield from _registries(item, key)
    if not isinstance(values, dict):
        return
    repository = values.get("repository")
    if _IMAGE_KEYS.fullmatch(key) and isinstance(repository, str) and repository:
        named = values.get("registry") or repository
        first = str(named).partition("/")[0]
        yield first if "." in first else "docker.io"
    for inner, value in values.items():
        yield from _registries(value, inner)
