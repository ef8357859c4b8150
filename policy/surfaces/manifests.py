"""Reads Kubernetes manifests, plain or rendered: files, folders, or the output of `helm template` and the like."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_large
from policy.surfaces.files import called, opened
from policy.surfaces.yaml_documents import documents, survey
from policy.view import Resource, Stack
from prismctl.graph import Source

_ENDINGS = (".yaml", ".yml", ".json")


def read_manifests(name: str) -> Stack:
    """Return all objects in a file, in a folder and those below, or in standard input (`-`)."""
    resources: list[Resource] = []
    size = values = 0
    for file in _files(name):
        with opened(file) as content:
            text = content.read()
        size += len(text)
        if size > errors.MOST_BYTES:
            raise too_large(name, size)
        shown = called(file)
        values += survey(shown, text, errors.MOST_VALUES - values)
        for line, document in documents(shown, text):
            resources += _expanded(shown, line, document)
    if not resources:
        raise InputError(f"{called(name)}: holds no Kubernetes objects")
    return Stack(name="manifests", resources=tuple(resources))


def _files(name: str) -> list[str]:
    folder = Path(name)
    if name == "-" or not folder.is_dir():
        return [name]
    found = sorted(str(file) for file in folder.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    if not found:
        raise InputError(f"{name}: holds no manifests ({', '.join(_ENDINGS)})")
    return found


def _expanded(name: str, line: int, document: Any) -> Iterator[Resource]:
    where = f"{name}:{line}"
    if not isinstance(document, Mapping) or not all(
        isinstance(document.get(key), str) for key in ("apiVersion", "kind")
    ):
        raise InputError(f"{where}: is no Kubernetes object: it has no apiVersion and kind")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _expanded(name, line, item)
        return
    yield _resource(name, line, document)


def _resource(name: str, line: int, document: Mapping[str, Any]) -> Resource:
    metadata = document.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise InputError(f"{name}:{line}: metadata is no object")
    version = document["apiVersion"]
    type_ = f"kubernetes:{version if '/' in version else f'core/{version}'}:{document['kind']}"
    own = str(metadata.get("name") or metadata.get("generateName") or "unnamed")
    namespace = metadata.get("namespace")
    full = f"{namespace}/{own}" if namespace else own
    return Resource(
        urn=f"urn:pulumi:manifests::{Path(name).name}::{type_}::{full}",
        type=type_,
        name=full,
        id=full,
        source=Source(name, line),
        read_inputs=functools.partial(dict, document),
    )
