"""Reads what `pulumi stack export` and `pulumi preview --json` write, of any program.

Resource by resource: of each, only what rules look at is kept. The shapes:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go (ResourceV3, DeploymentV3) and
https://github.com/pulumi/pulumi/blob/master/pkg/backend/display/json.go (previewDigest).
"""

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote, urlparse

import ijson

from policy.properties import opened as unwrapped
from policy.registry import rules_for
from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_many
from policy.surfaces.files import called, opened
from policy.surfaces.yaml_documents import documents, survey
from policy.view import IDENTITIES, Resource, Stack
from recording.graph import UNKNOWN, Reference, Secret, Source
from recording.values import REFERENCE, SECRET, SIGNATURE, UNKNOWN_MARK

# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # a mark, not a secret
_STATES = {"deployment": "deployment.resources.item", "checkpoint": "checkpoint.latest.resources.item"}
_PLANS = {"steps": "steps.item"}
_PART = 2**20
"""Read at a time; texts longer than that cost time by the square of the parts that they come in."""

_PARTS = 4
"""A URN's stack, project, types and name."""
_GONE = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"}
)


@dataclass(frozen=True)
class Read:
    """A stack, and the configuration that was found beside it."""

    stack: Stack
    config: Mapping[str, str]


def read_state(name: str) -> Read:
    """Return the stack in an exported state; raises InputError where the file is none."""
    return _read(name, "a state", _STATES, "pulumi stack export", _from_state)


def read_plan(name: str) -> Read:
    """Return the stack as a plan would leave it; raises InputError where the file is none."""
    return _read(name, "a plan", _PLANS, "pulumi preview --json", _from_step)


def _read(
    name: str,
    what: str,
    shapes: Mapping[str, str],
    command: str,
    choose: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
) -> Read:
    shown = called(name)
    try:
        with opened(name) as given, _as_json(given, shown) as file:
            prefix, config = _shape(file, shown, shapes)
            if prefix is None:
                raise InputError(f"{shown}: is not {what}, as {command} writes it")
            file.seek(0)
            found: dict[str, Resource] = {}
            for number, item in enumerate(ijson.items(file, prefix, use_float=True, buf_size=_PART)):
                chosen = choose(item) if isinstance(item, Mapping) else {}
                if chosen is not None:
                    resource = _resource(chosen, f"{shown}: resource {number}")
                    found[resource.urn] = resource
    except ijson.JSONError as error:
        raise InputError(f"{shown}: {_trouble(error)}") from None
    except RecursionError:
        raise InputError(f"{shown}: is nested too deeply") from None
    names = {resource.urn.split("::")[0].removeprefix("urn:pulumi:") for resource in found.values()}
    return Read(Stack(name=min(names, default=""), resources=_with_ignores(tuple(found.values()))), config)


@contextlib.contextmanager
def _as_json(file: IO[bytes], shown: str) -> Generator[IO[bytes]]:
    """Yield the file, or the same as JSON where somebody has turned it into YAML, or into other bytes."""
    start = file.read(_PART).lstrip()[:1]
    file.seek(0)
    if start in (b"", b"{", b"["):
        yield file
        return
    text = file.read()
    survey(shown, text, errors.MOST_VALUES)
    found = [document for _, document in documents(shown, text)]
    if len(found) > 1:
        raise InputError(f"{shown}: holds {len(found)} documents, and not one")
    with tempfile.TemporaryFile() as kept:
        kept.write(json.dumps(found[0] if found else None, default=str).encode())
        kept.seek(0)
        yield kept


def _with_ignores(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """Return the resources, marked where it cannot be known what they ignore.

    The engine writes no empty list, and did not write any before it learned to. One list tells that it has learned.
    """
    if any(resource.ignore_changes for resource in resources):
        return resources
    return tuple(dataclasses.replace(resource, ignores_known=False) for resource in resources)


def _trouble(error: Exception) -> str:
    """Return what the parser says, without the text around the place, which it quotes on further lines."""
    words = error.args[0] if error.args else ""
    words = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    first = (words.splitlines() or [""])[0].strip().rstrip(".")
    cut_off = not first or "premature EOF" in first or "ncomplete" in first
    return "is cut off" if cut_off else f"is not valid JSON: {first}"


def _shape(file: IO[bytes], shown: str, shapes: Mapping[str, str]) -> tuple[str | None, Mapping[str, str]]:
    """Return where the resources are, and the configuration; raises RecursionError for what is nested too deeply.

    This reads all of the file once, without making anything of it: building values out of what has no end of
    beginnings takes time by the square of their number.
    """
    depth, config = 0, dict[str, str]()
    path: list[str] = ["", ""]
    kinds: dict[str, str] = {}
    for event, value in _events(file, shown):
        if event == "map_key":
            if depth <= len(path):
                path[depth - 1] = value
            continue
        if event in ("end_map", "end_array"):
            depth -= 1
            continue
        if 0 < depth <= len(path):
            kinds[".".join(path[:depth])] = event
            if path[0] == "config" and depth == len(path):
                config[path[1]] = value if event == "string" else ""
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > errors.DEEPEST:
                raise RecursionError
    wanted = {"deployment": "start_map", "checkpoint": "start_map", "steps": "start_array"}
    there = [prefix for key, prefix in shapes.items() if kinds.get(key) == wanted[key]]
    if kinds.get("deployment.resources", "null") not in ("start_array", "null"):
        there.clear()
    return (there[0] if there else None), config


def _events(file: IO[bytes], shown: str) -> Iterator[tuple[str, Any]]:
    for number, event in enumerate(ijson.basic_parse(file, use_float=True, buf_size=_PART)):
        if number > errors.MOST_VALUES_OF_JSON:
            raise too_many(shown, errors.MOST_VALUES_OF_JSON)
        yield event


def _from_state(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None if item.get("delete") is True else item


def _from_step(step: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if step.get("op") in _GONE:
        return None
    if not isinstance(step.get("op"), str):
        return {}
    return step.get("newState", {})


def _resource(item: Mapping[str, Any], where: str) -> Resource:
    urn, type_ = item.get("urn"), item.get("type")
    if not isinstance(urn, str) or not isinstance(type_, str) or len(urn.split("::")) < _PARTS:
        raise InputError(f"{where} has no URN and type")
    outputs = _mapping(item, "outputs", where)
    inputs = {key: decoded(value) for key, value in _mapping(item, "inputs", where).items() if rules_for(type_)}
    dependencies = _mapping(item, "propertyDependencies", where)
    # Others refer to it by these; all the rest is as the cloud left it, and no rule asks.
    known = {key: outputs[key] for key in IDENTITIES if isinstance(outputs.get(key), str)}
    return Resource(
        urn=urn,
        type=type_,
        name=urn.rpartition("::")[2],
        id=_text(item, "id"),
        custom=item.get("custom") is True,
        parent=_text(item, "parent"),
        provider_urn=_text(item, "provider").rpartition("::")[0],
        dependencies=_texts(item.get("dependencies")),
        property_dependencies={key: _texts(urns) for key, urns in dependencies.items()},
        protect=item.get("protect") is True,
        ignore_changes=_texts(item.get("ignoreChanges")),
        source=_source(_text(item, "sourcePosition")),
        read_inputs=lambda: inputs,
        read_outputs=lambda: known,
    )


def _mapping(item: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = item.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: {key} is no object")
    return value


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def decoded(value: Any) -> Any:  # noqa: PLR0911  # one case for each kind of value
    """Return JSON of the engine as plain data with UNKNOWN, Secret and Reference."""
    match value:
        case str():
            if value == SECRET:
                return Secret(UNKNOWN)
            return UNKNOWN if value == UNKNOWN_MARK else value
        case Mapping():
            signature = value.get(SIGNATURE)
            if signature == _SECRET_SIGNATURE:
                return Secret(_plaintext(value))
            if signature == REFERENCE:
                return Reference(urn=_text(value, "urn"), id=_text(value, "id"))
            return {key: decoded(item) for key, item in value.items()}
        case list():
            return [decoded(item) for item in value]
        case _:
            return value


def _plaintext(secret: Mapping[str, Any]) -> Any:
    """Return what a secret holds; an encrypted one holds nothing that can be known here."""
    text = secret.get("plaintext")
    if isinstance(text, str):
        try:
            return unwrapped(decoded(json.loads(text)))
        except ValueError:
            return text
    return decoded(secret["value"]) if "value" in secret else UNKNOWN


def _source(position: str) -> Source | None:
    """Return the place from `project:///file.py#12,5`."""
    parsed = urlparse(position)
    line = parsed.fragment.partition(",")[0]
    if parsed.scheme != "project" or not line.isdecimal():
        return None
    return Source(unquote(parsed.path).lstrip("/"), int(line))
