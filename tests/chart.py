"""Renders the application's chart with the real Helm, each rendering once per worker."""

import functools
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import build

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "ai-prism"
HANDOVER = ROOT / "tests" / "charts" / "handover.yaml"

ENVIRONMENTS = ("dev", "integration", "staging", "prod")
STRATEGIES = ("canary", "blueGreen", "abTest", "rolling")
NAMESPACE = "ai-prism"
ALL_WORKLOADS = {"workloads": {"web": {"enabled": True, "hosts": ["www.ai-prism.com"]}, "worker": {"enabled": True}}}

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendering:
    """What Helm makes of the chart."""

    environment: str
    text: str
    objects: tuple[Object, ...]

    def of(self, *kinds: str) -> Iterator[Object]:
        """Yield the objects of these kinds."""
        return (each for each in self.objects if each["kind"] in kinds)

    def one(self, kind: str, name: str = "") -> Object:
        """Return the only object of a kind, or the one of that name."""
        (found,) = (each for each in self.of(kind) if name in ("", each["metadata"]["name"]))
        return found

    def has(self, kind: str, name: str) -> bool:
        return any(each["metadata"]["name"] == name for each in self.of(kind))


def render(environment: str, values: Mapping[str, Any] | None = None) -> Rendering:
    """Render as Argo CD does for an environment, with some values set otherwise."""
    return _render(environment, json.dumps(values or {}))


@functools.cache
def _render(environment: str, values: str) -> Rendering:
    return _rendering(environment, _helm("template", environment, values))


def _rendering(environment: str, done: subprocess.CompletedProcess[str]) -> Rendering:
    assert not done.returncode, done.stderr
    objects = (each for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if each)
    return Rendering(environment, done.stdout, tuple(objects))


def render_handed_over(environment: str, values: Mapping[str, Any]) -> Rendering:
    """Render with what the program hands over, and nothing of what the tests do."""
    return _rendering(environment, _helm("template", environment, json.dumps(values), handover_file=None))


def refusal(values: Mapping[str, Any], environment: str = "prod") -> str:
    """Return why Helm refuses to render with these values."""
    done = _helm("template", environment, json.dumps(values))
    assert done.returncode, "rendered, though it should have been refused"
    assert not done.stdout
    return done.stderr


def lint(environment: str) -> subprocess.CompletedProcess[str]:
    """Ask Helm what it thinks of the chart."""
    return _helm("lint", environment, "{}", "--strict")


def _helm(
    command: str, environment: str, values: str, *more: str, handover_file: Path | None = HANDOVER
) -> subprocess.CompletedProcess[str]:
    files = (CHART / f"values-{environment}.yaml", *([handover_file] if handover_file else []), "-")
    return subprocess.run(  # noqa: S603  # Helm
        [
            str(helm()),
            command,
            *([NAMESPACE] if command == "template" else []),
            str(CHART),
            f"--namespace={NAMESPACE}",
            *(f"--values={file}" for file in files),
            *more,
        ],
        input=values,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@functools.cache
def helm() -> Path:
    """Return Helm, built where only Go is there; skips the test where neither is."""
    try:
        return build.locate("helm")
    except build.EngineError:
        if shutil.which("go") is None:
            pytest.skip("neither Helm nor Go is there")
        return build.build([tool for tool in build.ENGINE if tool.name == "helm"])["helm"]


@functools.cache
def default_values() -> Object:
    """Return values.yaml."""
    return _read(CHART / "values.yaml")


@functools.cache
def value_schema() -> Object:
    """Return values.schema.json."""
    return json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


@functools.cache
def handover() -> Object:
    """Return what the tests hand over."""
    return _read(HANDOVER)


@functools.cache
def environment_values(environment: str) -> Object:
    """Return what stands in values-ENVIRONMENT.yaml alone."""
    return _read(CHART / f"values-{environment}.yaml")


def _read(file: Path) -> Object:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path to each value that is no object."""
    if not isinstance(value, dict):
        yield path
        return
    for key, inner in value.items():
        yield from leaves(inner, (*path, key))


def at(path: tuple[str, ...], value: Any) -> Object:
    """Return values that say just this."""
    for key in reversed(path):
        value = {key: value}
    return value


def pod_spec(workload: Object) -> Object:
    return workload["spec"]["template"]["spec"]


def pod_labels(workload: Object) -> dict[str, str]:
    return workload["spec"]["template"]["metadata"]["labels"]


def running_labels(rendering: Rendering) -> Iterator[dict[str, str]]:
    """Yield the labels of all pods as they run: where there is a Canary, Flagger's primary as well.

    https://docs.flagger.app/usage/how-it-works#canary-target
    """
    for workload in rendering.of("Deployment"):
        labels = pod_labels(workload)
        yield labels
        if rendering.has("Canary", workload["metadata"]["name"]):
            yield labels | {"app": f"{labels['app']}-primary"}


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector covers labels."""
    expressions = selector.get("matchExpressions", [])
    assert all(each["operator"] == "In" for each in expressions)
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )
