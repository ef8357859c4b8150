"""The third-party charts, rendered with what the stacks tell them, as far as `make charts` has brought them."""

import functools
import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import recorded

from components.apps import archives
from prismctl.project import ROOT as REPOSITORY
from prismctl.project import Project
from recording.graph import Graph, Resource, Secret, Unknown
from tools import charts
from tools.build import EngineError
from tools.build import locate as binary

RELEASE = "kubernetes:helm.sh/v3:Release"
SKIPPED = "third-party charts"
"""How every reason begins for which a test of the charts is skipped."""
_HIDDEN = "_internal_defaults_do_not_set"
"""Where Istio's charts keep what is set without it."""
_PRESENT = (
    "apiregistration.k8s.io/v1",
    "monitoring.coreos.com/v1",
    *(f"monitoring.coreos.com/v1/{kind}" for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule")),
)
"""What is there before most charts, which look whether it is, and what Helm does not know without a cluster."""
_WITHOUT_DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "argo-cd": {"crds": {"install": False}},
    "external-secrets": {"installCRDs": False},
}
"""What leaves out the definitions where they are templates, since they take most of the time."""

Manifest = dict[str, Any]


@functools.cache
def missing() -> str:
    """Return why the charts cannot be rendered; nothing where they can."""
    try:
        binary("helm")
        for chart in charts.pinned().values():
            charts.locate(chart)
    except (charts.ChartError, EngineError) as error:
        return f"{SKIPPED}: {error}"
    return ""


needs_charts = pytest.mark.skipif(bool(missing()), reason=missing() or SKIPPED)


def chart_of(release: Resource) -> str:
    """Return what the repository of a release's chart calls it."""
    return _name(release["chart"])


def _name(chart: str) -> str:
    """Return the name of a chart that is given by it, or by the path of its archive."""
    return re.sub(r"-\d+\.\d+\.\d+\.tgz$", "", chart.rpartition("/")[2])


def path(chart: str) -> Path:
    """Return where a chart is, by the name that its repository has for it, or by what a release says of it."""
    return charts.locate(charts.pinned()[_name(chart)])


def file(chart: str, name: str) -> str | None:
    """Return the text of a file of a chart, where it has that file."""
    chart, place = _name(chart), path(chart)
    if place.is_dir():
        return (place / name).read_text(encoding="utf-8") if (place / name).is_file() else None
    with tarfile.open(place) as archive:
        try:
            member = archive.extractfile(f"{chart}/{name}")
        except KeyError:
            return None
        assert member
        return member.read().decode()


@functools.cache
def defaults(chart: str) -> dict[str, Any]:
    """Return a chart's default values."""
    values = yaml.load(file(chart, "values.yaml") or "", yaml.CSafeLoader)
    return values.get(_HIDDEN, values)


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


def releases(graph: Graph) -> list[Resource]:
    """Return the releases of a stack, by name, but for those of definitions alone."""
    theirs = (release for release in graph.of_type(RELEASE) if not release.name.endswith(archives.of_definitions("")))
    return sorted(theirs, key=lambda release: release.name)


def kubernetes_version(stack: str) -> str:
    """Return the version of a stack's cluster."""
    return f"{json.loads(Project(REPOSITORY).config(stack)['ai-prism:cluster'])['version']}.0"


@functools.cache
def rendered(stack: str, name: str) -> list[Manifest]:
    """Return the objects that a release makes in a stack, but for definitions."""
    return _rendered(stack, name)[0]


def brought(stack: str, name: str) -> list[Manifest]:
    """Return the definitions that a release makes in a stack."""
    return _rendered(stack, name)[1]


@functools.cache
def definitions(stack: str) -> dict[tuple[str, str], Manifest]:
    """Return the definitions that all releases of a stack bring, by group and kind."""
    made = (each for release in releases(recorded(stack, known=True)) for each in _rendered(stack, release.name)[1])
    return {(each["spec"]["group"], each["spec"]["names"]["kind"]): each for each in made}


def everything(stack: str) -> Iterator[tuple[Resource, Manifest]]:
    """Yield every object of every release of a stack."""
    for release in releases(recorded(stack, known=True)):
        for manifest in rendered(stack, release.name):
            yield release, manifest


def own(stack: str) -> Iterator[Manifest]:
    """Yield the objects that the program itself makes."""
    for resource in recorded(stack, known=True).resources:
        # Releases have no kind: what they make comes of the charts.
        if resource.type.startswith("kubernetes:") and resource.get("apiVersion"):
            made = plain(dict(resource.inputs))
            yield {**made, "metadata": {"name": resource.name, **made["metadata"]}}


@functools.cache
def _rendered(stack: str, name: str) -> tuple[list[Manifest], list[Manifest]]:
    release = recorded(stack, known=True).named(RELEASE, name)
    return render(release, plain(release["values"]), kubernetes_version(stack))


def render(
    release: Resource, values: Mapping[str, Any], version: str, *, with_definitions: bool = True
) -> tuple[list[Manifest], list[Manifest]]:
    """Return what Helm makes of a release's chart with `values`: objects, and definitions; kept in the user's cache."""
    if not with_definitions:
        values = {**values, **_WITHOUT_DEFINITIONS.get(chart_of(release), {})}
    kept = _kept(release, values, version, with_definitions)
    if not kept.is_file():
        documents = [each for each in _documents(_template(release, values, version, with_definitions)) if each]
        parts = ([], [])
        for document in documents:
            parts[document["kind"] == "CustomResourceDefinition"].append(document)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False, encoding="utf-8") as aside:
            json.dump(parts, aside, default=str)
        Path(aside.name).replace(kept)
    objects, brought = json.loads(kept.read_text(encoding="utf-8"))
    return objects, brought


class _Loader(yaml.CSafeLoader):
    """Takes a lone `=`, and what looks like a day, for the texts that they are to Kubernetes."""


for _tag in ("value", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda loader, node: loader.construct_scalar(node))


def _documents(text: str) -> Iterator[Manifest]:
    yield from yaml.load_all(text, _Loader)  # derives from the safe one


def _kept(release: Resource, values: Mapping[str, Any], version: str, with_definitions: bool) -> Path:
    what = [_fingerprint(release["chart"]), release.name, release["namespace"], values, version, with_definitions]
    key = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]
    return charts.cache().parent / "rendered" / f"{release.name}-{key}.json"


@functools.cache
def _fingerprint(chart: str) -> str:
    """Return what changes with any file of a chart, and with this way of rendering it."""
    place = path(chart)
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for each in files:
        if each.is_file():
            digest.update(each.read_bytes())
    return digest.hexdigest()


def _template(release: Resource, values: Mapping[str, Any], version: str, with_definitions: bool) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as given:
        json.dump(values, given)
        given.flush()
        command = [
            *(str(binary("helm")), "template", release["name"], str(path(release["chart"]))),
            *("--namespace", release["namespace"], "--values", given.name, "--kube-version", version),
            *(part for each in _PRESENT for part in ("--api-versions", each)),
            "--include-crds" if with_definitions else "--skip-crds",
        ]
        done = subprocess.run(  # noqa: S603  # Helm
            command, capture_output=True, text=True, check=False, env=os.environ | {"HELM_NAMESPACE": ""}
        )
    if done.returncode:
        raise AssertionError(f"{release['chart']} refuses its values: {done.stderr.strip()}")
    return done.stdout


def ignored_values(release: Resource, values: Mapping[str, Any], version: str, among: Sequence[str]) -> list[str]:
    """Return those of the paths that the chart has no use for: neither without them nor with another value in their
    place does it render anything else, or refuse to.
    """
    what = {"values": values, "among": list(among)}
    return found_once(release, what, version, lambda: _ignored_values(release, values, version, among))


def found_once(
    release: Resource, what: Mapping[str, Any], version: str, find: Callable[[], Iterable[str]]
) -> list[str]:
    """Return what was found of a release's chart; kept in the user's cache, as long as `what` stays the same."""
    kept = _kept(release, what, version, False)
    if not kept.is_file():
        kept.write_text(json.dumps(list(find())), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


def objects_with(release: Resource, values: Mapping[str, Any], version: str) -> list[Manifest] | None:
    """Return the objects that a chart makes of values, which are not kept; None where it refuses them."""
    values = {**values, **_WITHOUT_DEFINITIONS.get(chart_of(release), {})}
    try:
        return [each for each in _documents(_template(release, values, version, False)) if each]
    except AssertionError:
        return None


def _ignored_values(release: Resource, values: Mapping[str, Any], version: str, among: Sequence[str]) -> Iterator[str]:
    values = {**values, **_WITHOUT_DEFINITIONS.get(chart_of(release), {})}

    def made(changed: Mapping[str, Any]) -> list[str] | None:
        try:
            return _template(release, changed, version, with_definitions=False).splitlines()
        except AssertionError:
            return None

    before, again = made(values), made(values)
    assert before is not None
    assert again is not None
    # Passwords and certificates that a chart makes up are new each time.
    random = {index for index, pair in enumerate(zip(before, again, strict=True)) if pair[0] != pair[1]}

    def changes(changed: Mapping[str, Any]) -> bool:
        after = made(changed)
        if after is None or len(after) != len(before):
            return True
        pairs = enumerate(zip(before, after, strict=True))
        return any(old != new for index, (old, new) in pairs if index not in random)

    for where in among:
        keys = where.split(SEPARATOR)
        present = value_at(values, keys)
        if not changes(with_value(values, keys, None)) and not changes(with_value(values, keys, another(present))):
            yield where


SEPARATOR = " / "
"""Between the keys of a path, which may have dots in them."""


def paths(values: Mapping[str, Any], *above: str) -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of everything in a chart's values that is no map, or an empty one."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from paths(value, *above, key)
        else:
            yield SEPARATOR.join((*above, key)), value


def value_at(values: Any, keys: Sequence[str]) -> Any:
    """Return the value at a path."""
    return functools.reduce(lambda inner, key: inner[key], keys, values)


def with_value(values: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return the values with another one at a place; without any there, where it is None."""
    first, *rest = keys
    if rest:
        return {**values, first: with_value(values[first], rest, value)}
    others = {key: other for key, other in values.items() if key != first}
    return others if value is None else {**others, first: value}


def another(value: Any) -> Any:
    """Return another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return [*value, value[0]] if value else ["x"]
        case dict():
            return {"x": "x"}
        case _:
            return "x"
