"""Reads Kubernetes manifests, plain or rendered: files, folders, or the output of `helm template` and the like."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_large
from policy.surfaces.files import called, opened
from policy.surfaces.yaml_documents import documents, survey
from policy.view import Resource, Stack
from recording.graph import Source

_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml"})
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/; a patch by RFC 6902 is a list of operations.
_CHART = "Chart.yaml"
_VALUES = re.compile(r"(.*[-_.])?values([-_.].*)?\.ya?ml")


@dataclass(frozen=True)
class Manifests:
    """What was read, and what was left out."""

    stack: Stack
    skipped: tuple[str, ...] = ()
    """Files and folders of a folder which are no objects but make some, with what to do about it."""


def read_manifests(name: str) -> Manifests:
    """Return all objects in a file, in a folder and those below, or in standard input (`-`).

    All of them are judged as one cluster's.
    """
    resources: list[Resource] = []
    size = values = 0
    folder = Path(name) if name != "-" and Path(name).is_dir() else None
    files, skipped = _files(folder) if folder else ([name], [])
    for file in files:
        with opened(file) as content:
            text = content.read()
        size += len(text)
        if size > errors.MOST_BYTES:
            raise too_large(name, size)
        shown = called(file)
        values += survey(shown, text, errors.MOST_VALUES - values)
        # By this, URNs name the file: two folders may have files of the same name.
        own = Path(file).relative_to(folder).as_posix() if folder else Path(shown).name
        read = list(documents(shown, text))
        if folder and (reason := _no_objects(Path(file), [document for _, document in read])):
            skipped.append(f"{file}: {reason}")
            continue
        for line, document in read:
            resources += _expanded(shown, own, line, document)
    if not resources:
        raise InputError("\n".join([f"{called(name)}: holds no Kubernetes objects", *skipped]))
    return Manifests(Stack(name="manifests", resources=tuple(resources)), tuple(skipped))


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files to read, and the charts that are left out with all that is in them."""
    found = sorted(file for file in folder.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    if not found:
        raise InputError(f"{folder}: holds no manifests ({', '.join(_ENDINGS)})")
    charts = {file.parent for file in found if file.name == _CHART}
    outermost = [chart for chart in sorted(charts) if charts.isdisjoint(chart.parents)]
    files = [str(file) for file in found if charts.isdisjoint(file.parents)]
    return files, [f"{chart}: is a Helm chart; judge what helm template makes of it" for chart in outermost]


def _no_objects(file: Path, read: Sequence[Any]) -> str:
    """Return why a file is not meant to hold objects, empty where it is."""
    if file.name in _KUSTOMIZATIONS:
        return "is kustomize's; judge what kubectl kustomize makes of it"
    if any(_is_object(document) for document in read):
        return ""
    if _VALUES.fullmatch(file.name):
        return "has values for a Helm chart; judge what helm template makes of it"
    if read and all(_is_patch(document) for document in read):
        return "is a patch; judge what kubectl kustomize makes of it"
    return ""


def _is_object(document: Any) -> bool:
    return isinstance(document, Mapping) and all(isinstance(document.get(key), str) for key in ("apiVersion", "kind"))


def _is_patch(document: Any) -> bool:
    return isinstance(document, list) and all(
        isinstance(each, Mapping) and {"op", "path"} <= set(each) for each in document
    )


def _expanded(name: str, own: str, line: int, document: Any) -> Iterator[Resource]:
    where = f"{name}:{line}"
    if not _is_object(document):
        raise InputError(f"{where}: is no Kubernetes object: it has no apiVersion and kind")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _expanded(name, own, line, item)
        return
    yield _resource(name, own, line, document)


def _resource(name: str, file: str, line: int, document: Mapping[str, Any]) -> Resource:
    metadata = document.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise InputError(f"{name}:{line}: metadata is no object")
    version = document["apiVersion"]
    type_ = f"kubernetes:{version if '/' in version else f'core/{version}'}:{document['kind']}"
    own = str(metadata.get("name") or metadata.get("generateName") or "unnamed")
    namespace = metadata.get("namespace")
    full = f"{namespace}/{own}" if namespace else own
    return Resource(
        urn=f"urn:pulumi:manifests::{file}::{type_}::{full}",
        type=type_,
        name=full,
        id=full,
        source=Source(name, line),
        read_inputs=functools.partial(dict, document),
    )
