"""Reads Kubernetes manifests, plain or rendered: files, folders, or the output of `helm template` and the like."""

import dataclasses
import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from policy.properties import Properties, partial
from policy.surfaces import errors
from policy.surfaces.errors import InputError, LimitError, too_large
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
    failed: tuple[str, ...] = ()
    """What could not be read, or is no object: where it is, and why."""


def read_manifests(name: str) -> Manifests:
    """Return all objects in a file, in a folder and those below, or in standard input (`-`).

    All of them are judged as one cluster's. What cannot be read is left out and named; raises InputError where nothing
    can be.
    """
    resources: list[Resource] = []
    failed: list[str] = []
    size = values = 0
    folder = Path(name) if name != "-" and Path(name).is_dir() else None
    files, skipped = _files(folder) if folder else ([name], [])
    found: list[_File] = []
    for file in files:
        shown = called(file)
        # By this, URNs name the file: two folders may have files of the same name.
        own = Path(file).relative_to(folder).as_posix() if folder else Path(shown).name
        try:
            with opened(file) as content:
                text = content.read()
            size += len(text)
            if size > errors.MOST_BYTES:
                raise too_large(name, size)
            values += survey(shown, text, errors.MOST_VALUES - values)
            found.append(_File(file, shown, own, tuple(documents(shown, text))))
        except LimitError:
            raise
        except InputError as error:
            failed.append(str(error))
    uses = _uses(found) if folder else {}
    for each in found:
        use = uses.get(os.path.normpath(each.path), "")
        if folder and (reason := _no_objects(each, use)):
            skipped.append(f"{each.path}: {reason}")
            continue
        for line, document in each.documents:
            resources += _expanded(each, line, document, failed, patches=use == _PATCHES)
    if not resources:
        nothing = [] if failed and not folder else [f"{called(name)}: holds no Kubernetes objects"]
        raise InputError("\n".join([*nothing, *failed, *skipped]))
    return Manifests(Stack(name="manifests", resources=tuple(resources)), tuple(skipped), tuple(failed))


@dataclass(frozen=True)
class _File:
    """A file, and the documents in it with their lines."""

    path: str
    shown: str
    own: str
    """Its name within the folder that is read."""
    documents: tuple[tuple[int, Any], ...]


def _files(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files to read, and what is left out: hidden files, and charts with all that is in them."""
    there = sorted(file for file in folder.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    hidden = {each for file in there if (each := _hidden(file, folder))}
    found = [file for file in there if not _hidden(file, folder)]
    if not found:
        raise InputError(f"{folder}: holds no manifests ({', '.join(_ENDINGS)})")
    charts = {file.parent for file in found if file.name == _CHART}
    outermost = [chart for chart in sorted(charts) if charts.isdisjoint(chart.parents)]
    files = [str(file) for file in found if charts.isdisjoint(file.parents)]
    skipped = [f"{chart}: is a Helm chart; judge what helm template makes of it" for chart in outermost]
    return files, skipped + [f"{each}: is hidden; give its name to have it checked" for each in sorted(hidden)]


def _hidden(file: Path, folder: Path) -> Path | None:
    """Return the outermost hidden file or folder of a path, such as `.github`, where tools keep their own settings."""
    above = [each for each in (file, *file.parents) if each != folder and each.is_relative_to(folder)]
    return next((each for each in reversed(above) if each.name.startswith(".")), None)


_PATCHES = "patches"
_OTHERS = ("configurations", "crds", "openapi", "replacements", "configMapGenerator", "secretGenerator", "helmCharts")
"""Keys of a kustomization that name files which hold no objects."""


def _uses(found: Sequence[_File]) -> dict[str, str]:
    """Return for what kustomizations use the files that they name, other than as objects, by path."""
    uses: dict[str, str] = {}
    for file in found:
        if Path(file.path).name not in _KUSTOMIZATIONS:
            continue
        for _, document in file.documents:
            given = document if isinstance(document, Mapping) else {}
            for key in given:
                use = _PATCHES if str(key).startswith(_PATCHES) else str(key) if key in _OTHERS else ""
                for text in _texts(given[key]) if use else ():
                    path = os.path.normpath(Path(file.path).parent / text.rpartition("=")[2].strip())
                    uses.setdefault(path, use)
    return uses


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts inside that may be names of files."""
    match value:
        case str() if "\n" not in value:
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case _:
            pass


def _no_objects(file: _File, use: str) -> str:
    """Return why a file is not meant to hold objects, empty where it is."""
    name, read = Path(file.path).name, [document for _, document in file.documents]
    if name in _KUSTOMIZATIONS:
        return "is kustomize's; judge what kubectl kustomize makes of it"
    if use in _OTHERS:
        return f"is kustomize's, for {use}; judge what kubectl kustomize makes of it"
    if any(_is_object(document) for document in read):
        return ""
    if _VALUES.fullmatch(name):
        return "has values for a Helm chart; judge what helm template makes of it"
    if read and all(_is_patch(document) for document in read):
        return "is a patch; judge what kubectl kustomize makes of it"
    return ""


def _is_object(document: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(document, Mapping) and all(isinstance(document.get(key), str) for key in ("apiVersion", "kind"))


def _is_patch(document: Any) -> bool:
    return isinstance(document, list) and all(
        isinstance(each, Mapping) and {"op", "path"} <= set(each) for each in document
    )


_DIRECTIVES = ("$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList")


def _merges(value: Any) -> bool:
    """Whether a document tells how to change an object: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/."""
    match value:
        case Mapping():
            return any(str(key).startswith(_DIRECTIVES) for key in value) or any(map(_merges, value.values()))
        case list():
            return any(map(_merges, value))
        case _:
            return False


def _is_incomplete(document: Mapping[str, Any]) -> bool:
    """Whether the API server would refuse a workload for what it lacks, so that it can only be a patch of one."""
    spec = document.get("spec")
    if document["kind"] not in ("Deployment", "StatefulSet", "DaemonSet") or not isinstance(spec, Mapping):
        return False
    containers = Properties(spec).peek("template.spec.containers")
    listed = containers if isinstance(containers, list) else []
    return "selector" not in spec and any(isinstance(each, Mapping) and not each.get("image") for each in listed)


def _expanded(file: _File, line: int, document: Any, failed: list[str], *, patches: bool) -> Iterator[Resource]:
    """Yield the objects of a document, those of lists each by itself; what is none is added to `failed`."""
    where = f"{file.shown}:{line}"
    if isinstance(document, list) and document and all(map(_is_object, document)):
        whole: Any = {"apiVersion": "v1", "kind": "List", "items": document}
        yield from _expanded(file, line, whole, failed, patches=patches)
        return
    if not _is_object(document):
        failed.append(f"{where}: is no Kubernetes object: it has no apiVersion and kind")
        return
    kind, items = document["kind"], document.get("items")
    if kind.endswith("List") and (isinstance(items, list) or (kind == "List" and items is None)):
        for item in items or ():
            # In a list of one kind, the API server's items do not repeat it.
            known = {"apiVersion": document["apiVersion"], "kind": kind.removesuffix("List")}
            whole = {**known, **item} if kind != "List" and isinstance(item, Mapping) else item
            yield from _expanded(file, line, whole, failed, patches=patches)
        return
    if not isinstance(document.get("metadata") or {}, Mapping):
        failed.append(f"{where}: metadata is no object")
        return
    found = _resource(file.shown, file.own, line, document)
    if patches or _merges(document) or _is_incomplete(document):
        found = dataclasses.replace(found, partial=True, read_inputs=lambda: partial(document))
    yield found


def _resource(name: str, file: str, line: int, document: Mapping[str, Any]) -> Resource:
    metadata = document.get("metadata") or {}
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
