"""Reads what `pulumi stack export` and `pulumi preview --json` write, of any program.

Resource by resource: of each, only what rules look at is kept. The shapes:
https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/core.go (ResourceV3, DeploymentV3) and
https://github.com/pulumi/pulumi/blob/master/pkg/backend/display/json.go (previewDigest).
"""

import contextlib
import dataclasses
import functools
import json
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import unquote, urlparse

import ijson

from policy import types
from policy.properties import opened as unwrapped
from policy.properties import parse
from policy.registry import rules_for
from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_many
from policy.surfaces.files import called, opened
from policy.surfaces.yaml_documents import documents, survey
from policy.view import IDENTITIES, Resource, Stack, told, unpatched
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
# What each step does to its resource: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step.go
_REMOVES = frozenset({"delete", "discard", "read-discard"})
_OF_THE_REPLACED = frozenset({"delete-replaced", "discard-replaced", "remove-pending-replace"})
"""Steps about what a replacement leaves behind; the new resource has the same URN."""
_IN_PLACE = frozenset({"same", "update", "refresh", "diff"})
"""Steps that keep id and outputs. A preview shows these in the old state alone."""
_LOOKS_ONLY = frozenset({"refresh", "import"})
"""Steps before those of the plan: what they show stays as it is where no further step follows."""


@dataclass(frozen=True)
class Read:
    """A stack, and the configuration that was found beside it."""

    stack: Stack
    config: Mapping[str, str]


@dataclass
class _Shape:
    """What a file is, and what stands in it beside the resources."""

    prefix: str | None = None
    """Where the resources are."""
    config: dict[str, str] = field(default_factory=dict[str, str])
    unchanged: int = 0
    """How many resources a plan leaves as they are, by its own summary."""
    failed: bool = False
    """Whether a preview has ended in an error."""


class _Kept:
    """The resources of a state."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}

    def take(self, item: Any, where: str) -> None:
        """Take one item of the file."""
        item = item if isinstance(item, Mapping) else {}
        if item.get("delete") is not True:
            self._keep(item, where)

    def _keep(self, item: Mapping[str, Any], where: str) -> Resource:
        resource = _resource(item, where)
        self.resources[resource.urn] = resource
        return resource

    def stack(self, name: str, resources: tuple[Resource, ...], shape: _Shape) -> Stack:  # noqa: ARG002  # plans differ
        return Stack(name=name, resources=resources)


class _Planned(_Kept):
    """The resources that a plan leaves behind, from its steps in their order."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, str] = {}
        """The last step by URN."""
        self._removed: dict[str, Resource] = {}

    def take(self, item: Any, where: str) -> None:
        step = item if isinstance(item, Mapping) else {}
        op, old, new = step.get("op"), _state(step, "oldState"), _state(step, "newState")
        urn = _text(new or old, "urn")
        if not isinstance(op, str) or not urn:
            raise InputError(f"{where} has no URN and type")
        # A copy that an earlier update failed to delete is no longer the stack's own.
        if op in _OF_THE_REPLACED or (old.get("delete") is True and not new):
            return
        if op in _REMOVES or (op == "refresh" and not new):
            self._remove(urn, old, where)
            return
        if op in _IN_PLACE:
            outputs = old.get("outputs")
            if op == "update" and isinstance(outputs, Mapping):
                # What the plan takes away is no longer what AWS has.
                outputs = {key: outputs[key] for key in IDENTITIES if key in outputs}
            known = {"id": old.get("id"), "outputs": outputs}
            new = {**new, **{key: value for key, value in known.items() if value and not new.get(key)}}
        self._last[urn] = op
        if op == "same" and old.get("custom") is True and not new.get("id"):
            return  # it does not exist: its creation waits, since --target names others
        self._keep(new or old, where)
        renamed = _text(old, "urn")
        if renamed and renamed != urn:
            self.resources.pop(renamed, None)
            self._last.pop(renamed, None)
        self._removed.pop(urn, None)

    def _remove(self, urn: str, old: Mapping[str, Any], where: str) -> None:
        gone = self.resources.pop(urn, None) or _resource(old, where)
        self._last.pop(urn, None)
        if not gone.external:
            self._removed[urn] = gone

    def stack(self, name: str, resources: tuple[Resource, ...], shape: _Shape) -> Stack:
        shown = sum(op == "same" or op in _LOOKS_ONLY for op in self._last.values())
        left_out = max(shape.unchanged - shown, 0)
        return Stack(name=name, resources=resources, left_out=left_out, removed=tuple(self._removed.values()))


def read_state(name: str) -> Read:
    """Return the stack in an exported state; raises InputError where the file is none."""
    return _read(name, "a state", _STATES, "pulumi stack export", _Kept())


def read_plan(name: str) -> Read:
    """Return the stack as a plan would leave it; raises InputError where the file is none, or the preview failed."""
    return _read(name, "a plan", _PLANS, "pulumi preview --json", _Planned())


def _read(name: str, what: str, shapes: Mapping[str, str], command: str, kept: _Kept) -> Read:
    shown = called(name)
    try:
        with opened(name) as given, _as_json(given, shown) as file:
            shape = _shape(file, shown, shapes)
            if shape.prefix is None:
                raise InputError(f"{shown}: is not {what}, as {command} writes it")
            if shape.failed:
                raise InputError(f"{shown}: the preview failed, so its plan is not whole: see its diagnostics")
            file.seek(0)
            for number, item in enumerate(ijson.items(file, shape.prefix, use_float=True, buf_size=_PART)):
                kept.take(item, f"{shown}: resource {number}")
    except ijson.JSONError as error:
        raise InputError(f"{shown}: {_trouble(error)}") from None
    except RecursionError:
        raise InputError(f"{shown}: is nested too deeply") from None
    resources = _with_ignores(tuple(_with_callers(kept.resources.values())))
    names = {resource.urn.split("::")[0].removeprefix("urn:pulumi:") for resource in resources}
    return Read(kept.stack(min(names, default=""), resources, shape), shape.config)


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


def _with_callers(resources: Iterable[Resource]) -> Iterator[Resource]:
    """Yield the resources; what a plugin makes of a component is shown where the program makes the component."""
    sources: dict[str, Source | None] = {}
    for each in resources:
        source = sources[each.urn] = each.source or sources.get(each.parent)
        yield each if source == each.source else dataclasses.replace(each, source=source)


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


def _shape(file: IO[bytes], shown: str, shapes: Mapping[str, str]) -> _Shape:
    """Return where the resources are, and what else is said; raises RecursionError for what is nested too deeply.

    This reads all of the file once, without making anything of it: building values out of what has no end of
    beginnings takes time by the square of their number.
    """
    depth, found = 0, _Shape()
    path: list[str] = ["", "", ""]
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
            _note(found, path, depth, event, value)
            kinds[".".join(path[:depth])] = event
        if event in ("start_map", "start_array"):
            depth += 1
            if depth > errors.DEEPEST:
                raise RecursionError
    wanted = {"deployment": "start_map", "checkpoint": "start_map", "steps": "start_array"}
    there = [prefix for key, prefix in shapes.items() if kinds.get(key) == wanted[key]]
    if kinds.get("deployment.resources", "null") not in ("start_array", "null"):
        there.clear()
    # A plan of nothing has no steps; what else a preview writes tells it.
    if not there and kinds.get("steps", "null") == "null" and kinds.get("changeSummary") == "start_map":
        there = [each for each in shapes.values() if each in _PLANS.values()]
    found.prefix = there[0] if there else None
    return found


def _note(found: _Shape, path: list[str], depth: int, event: str, value: Any) -> None:
    """Note what stands beside the resources."""
    match path[:depth]:
        case ["config", key]:
            found.config[key] = value if event == "string" else ""
        case ["changeSummary", "same"] if event == "number":
            found.unchanged = int(value)
        case ["diagnostics", _, "severity"] if value == "error":
            found.failed = True
        case _:
            pass


def _events(file: IO[bytes], shown: str) -> Iterator[tuple[str, Any]]:
    for number, event in enumerate(ijson.basic_parse(file, use_float=True, buf_size=_PART)):
        if number > errors.MOST_VALUES_OF_JSON:
            raise too_many(shown, errors.MOST_VALUES_OF_JSON)
        yield event


def _state(step: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = step.get(key)
    return value if isinstance(value, Mapping) else {}


def _resource(item: Mapping[str, Any], where: str) -> Resource:
    urn, type_ = item.get("urn"), item.get("type")
    if not isinstance(urn, str) or not isinstance(type_, str) or len(urn.split("::")) < _PARTS:
        raise InputError(f"{where} has no URN and type")
    outputs = _mapping(item, "outputs", where)
    looked_at = rules_for(unpatched(type_))
    inputs = {key: decoded(value) for key, value in _mapping(item, "inputs", where).items() if looked_at}
    for key in _told_by_outputs(type_):
        if inputs.get(key) is None and outputs.get(key) not in (None, "", [], {}):
            inputs[key] = decoded(outputs[key])
    dependencies = _mapping(item, "propertyDependencies", where)
    # Others refer to it by these; all the rest is as the cloud left it, and no rule asks.
    known = {key: outputs[key] for key in IDENTITIES if isinstance(outputs.get(key), str)}
    resource = Resource(
        urn=urn,
        type=type_,
        name=urn.rpartition("::")[2],
        id=_text(item, "id"),
        custom=item.get("custom") is True,
        external=item.get("external") is True,
        parent=_text(item, "parent"),
        provider_urn=_text(item, "provider").rpartition("::")[0],
        dependencies=_texts(item.get("dependencies")),
        property_dependencies={key: _texts(urns) for key, urns in dependencies.items()},
        protect=item.get("protect") is True,
        ignore_changes=_texts(item.get("ignoreChanges")),
        retain_on_delete=item.get("retainOnDelete") is True,
        source=_source(item),
        read_inputs=lambda: inputs,
        read_outputs=lambda: known,
    )
    return told(resource)


@functools.cache
def _told_by_outputs(type_: str) -> tuple[str, ...]:
    """Return the properties on which rules depend, and which AWS fills in where a program says nothing.

    Not those of buckets: what separate resources set of a bucket is in its outputs as it was before them.
    """
    if not type_.startswith("aws:") or type_ in types.BUCKET:
        return ()
    paths = (path for rule in rules_for(type_) for path in rule.paths)
    return tuple(dict.fromkeys(str(parse(path.replace("[]", ""))[0]) for path in paths))


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


def _source(item: Mapping[str, Any]) -> Source | None:
    """Return the line of the program that made the resource, such as `project:///file.py#12,5`.

    The engine names the innermost line, which may be a library's; the program's is further out.
    """
    trace = item.get("stackTrace")
    frames = [item, *(trace if isinstance(trace, list) else ())]
    places = (_place(_text(frame, "sourcePosition")) for frame in frames if isinstance(frame, Mapping))
    return next((place for place in places if place), None)


_OF_OTHERS = frozenset({"..", ".venv", "venv", "site-packages", "node_modules"})
"""Folders outside of the program, or of what it has installed."""


def _place(position: str) -> Source | None:
    parsed = urlparse(position)
    line = parsed.fragment.partition(",")[0]
    file = unquote(parsed.path).lstrip("/")
    if parsed.scheme != "project" or not line.isdecimal() or _OF_OTHERS.intersection(file.split("/")):
        return None
    return Source(file, int(line))
