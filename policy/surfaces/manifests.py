"""Reads Kubernetes manifests, plain or rendered: files, folders, or the output of `helm template` and the like."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_large
from policy.surfaces.files import opened
from policy.view import Resource, Stack
from prismctl.graph import Source

_ENDINGS = (".yaml", ".yml", ".json")
_MOST_VALUES = 2_000_000
"""Aliases in YAML can make billions of values out of a few lines."""

_DEEPEST = 100


def read_manifests(name: str) -> Stack:
    """Return all objects in a file, in a folder and those below, or in standard input (`-`)."""
    resources: list[Resource] = []
    size = 0
    for file in _files(name):
        with opened(file) as content:
            text = content.read()
        size += len(text)
        if size > errors.MOST_BYTES:
            raise too_large(name, size)
        resources += _objects("standard input" if file == "-" else file, text)
    return Stack(name="manifests", resources=tuple(resources))


def _files(name: str) -> list[str]:
    folder = Path(name)
    if name == "-" or not folder.is_dir():
        return [name]
    found = sorted(str(file) for file in folder.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    if not found:
        raise InputError(f"{name}: holds no manifests ({', '.join(_ENDINGS)})")
    return found


def _objects(name: str, text: bytes) -> Iterator[Resource]:
    try:
        for line, document in _documents(text):
            if document is None:
                continue
            yield from _expanded(name, line, document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        hint = "; is it a template? Render it first" if b"{{" in text else ""
        raise InputError(f"{where}: not valid YAML{hint}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        # A ValueError is a value that only looks like what YAML knows, such as a day that no month has.
        raise InputError(f"{name}: not valid YAML") from None
    except RecursionError:
        raise InputError(f"{name}: is nested too deeply") from None


def _documents(text: bytes) -> Iterator[tuple[int, Any]]:
    _refuse_depth(text)
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            yield node.start_mark.line + 1, loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_depth(text: bytes) -> None:
    """Raise RecursionError for what is nested so deeply that libyaml's own recursion would end this process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


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
    if _size(document, {}) > _MOST_VALUES:
        raise InputError(f"{where}: has more than {_MOST_VALUES} values once its aliases are followed")
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


def _size(value: Any, seen: dict[int, int]) -> int:
    """Return the number of values inside, those behind aliases counted each time."""
    if not isinstance(value, Mapping | list):
        return 1
    if id(value) not in seen:
        seen[id(value)] = _MOST_VALUES  # while it is being counted: what contains itself has no end
        inner = value.values() if isinstance(value, Mapping) else value
        seen[id(value)] = 1 + sum(_size(item, seen) for item in inner)
    return seen[id(value)]
