"""Properties that may be unknown, missing or secret, read by path without ever raising anything unforeseen.

What a rule asks for has three answers: a value, MISSING, or UNKNOWN. `peek` tells all three apart. Every other method
raises Undetermined where the answer depends on something unknown, and the runner reports just that.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from recording.graph import UNKNOWN, Reference, Secret, Unknown


class Missing:
    """The value of a property that is not set; the only instance is MISSING."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


class Undetermined(Exception):  # noqa: N818  # no error: the third result of a rule
    """A rule depends on an unknown value; raised, or yielded in place of a finding."""

    def __init__(self, path: str, reason: str = "is unknown") -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason


class Partial(dict[str, Any]):
    """Some properties of an object whose others are not told, as in a patch: what is missing is unknown."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002  # nothing is known to be missing
        return dict.get(self, key, UNKNOWN)


def partial(value: Any) -> Any:
    """Return a patch as what it tells of an object, inner ones included; null takes a property away."""
    match value:
        case Mapping():
            return Partial({key: partial(item) for key, item in value.items()})
        case list():
            return [partial(item) for item in value]
        case _:
            return value


Violation: TypeAlias = tuple[str, str]
"""Property path and message; the message never holds a value that could be secret."""
Findings: TypeAlias = Iterator[Violation | Undetermined]

_STEP = re.compile(r'\["([^"]*)"\]|\[(\d+)\]|\.?([^.\[\]]+)')


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path such as `spec.containers[0].name` or `metadata.labels["app.kubernetes.io/name"]`."""
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if not step:
            raise ValueError(f"no path: {path}")
        quoted, index, key = step.groups()
        steps.append(quoted if quoted is not None else int(index) if index is not None else key)
        position = step.end()
    return tuple(steps)


def join(base: str, key: str | int) -> str:
    """Return the path of `key` inside `base`."""
    if isinstance(key, int):
        return f"{base}[{key}]"
    if not key or re.search(r"[.\[\]\"]", key):
        return f'{base}["{key}"]'
    return f"{base}.{key}" if base else key


def look(value: Any, steps: tuple[str | int, ...]) -> Any:
    """Follow `steps`; secrets are opened, and null is MISSING."""
    for each in steps:
        value = step(opened(value), each)
    value = opened(value)
    return MISSING if value is None else value


def step(value: Any, key: str | int) -> Any:
    """Return one part of an object or a list; a list of one and its element stand for each other.

    The bridge from Terraform turns blocks that occur once into objects, and in other versions leaves them lists.
    """
    match value:
        case Unknown():
            return UNKNOWN
        case Mapping():
            return value if key == 0 else value.get(key, MISSING)
        case list() if isinstance(key, int):
            return value[key] if key < len(value) else MISSING
        case [one]:
            return step(opened(one), key)
        case _:
            return MISSING


def opened(value: Any) -> Any:
    """Return what is inside a secret, or the value itself."""
    while isinstance(value, Secret):
        value = value.value
    return value


def plain(value: Any, path: str) -> Any:
    """Return `value` without wrappers; raises Undetermined for the first unknown part."""
    match value:
        case Unknown():
            raise Undetermined(path)
        case Secret(inner):
            return plain(inner, path)
        case Partial():
            raise Undetermined(path)
        case Mapping():
            return {key: plain(item, join(path, key)) for key, item in value.items()}
        case list() | tuple():
            return [plain(item, join(path, index)) for index, item in enumerate(value)]
        case Reference(id=id_):
            return id_ or plain(UNKNOWN, path)
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Properties:
    """An object of properties: a resource's inputs, or a part of them."""

    value: Any
    path: str = ""
    """Where it lies in the resource."""

    def at(self, path: str = "") -> str:
        """Return the path, counted from the resource."""
        return f"{self.path}{'.' if self.path and path and path[0] != '[' else ''}{path}"

    def peek(self, path: str) -> Any:
        """Return what stands at `path`: a value (its parts may be unknown), UNKNOWN or MISSING; null is MISSING."""
        return look(self.value, parse(path))

    def has(self, path: str) -> bool:
        """Whether anything was given, if only something unknown; raises Undetermined where not even that is known."""
        *parents, key = parse(path)
        within = look(self.value, tuple(parents))
        if within is UNKNOWN or (isinstance(within, Partial) and key not in within):
            raise Undetermined(self.at(path))
        return look(within, (key,)) is not MISSING

    def get(self, path: str, default: Any = None) -> Any:
        """Return the plain value at `path`, or `default`; raises Undetermined where any part of it is unknown."""
        value = self.peek(path)
        return default if value is MISSING else plain(value, self.at(path))

    def get_part(self, path: str) -> Any:
        """Return what stands at `path` as it is; only what is unknown as a whole raises Undetermined."""
        value = self.peek(path)
        if value is UNKNOWN:
            raise Undetermined(self.at(path))
        return value

    def flag(self, path: str, *, default: bool = False) -> bool:
        """Return a switch; text such as "true" counts as what it says, anything else that is no switch as off."""
        value = self.get(path, default)
        return value.lower() == "true" if isinstance(value, str) else value is True

    def number(self, path: str) -> float | None:
        """Return a number, or None where there is none; text such as "443" counts as what it says."""
        value = self.get(path)
        if isinstance(value, bool) or value is None:
            return None
        try:
            return float(value)
        except (TypeError, ValueError):
            return None

    def text(self, path: str) -> str:
        """Return text, empty where there is none."""
        value = self.get(path)
        return "" if value is None or isinstance(value, Mapping | list) else str(value)

    def texts(self, path: str) -> tuple[str, ...]:
        """Return a list of texts; a single one counts as a list of one."""
        value = self.get(path, [])
        return tuple(str(item) for item in (value if isinstance(value, list) else [value]))

    def keys(self, path: str) -> tuple[str, ...]:
        """Return the keys of a mapping, whatever is known of its values."""
        value = self.get_part(path)
        return tuple(value) if isinstance(value, Mapping) else ()

    def nodes(self, path: str) -> "tuple[Properties, ...]":
        """Return the elements of a list, or the one object that stands in its place."""
        value = self.get_part(path)
        if value is MISSING:
            return ()
        where = self.at(path)
        if not isinstance(value, list):
            return (Properties(value, where),)
        return tuple(Properties(opened(item), join(where, index)) for index, item in enumerate(value))

    def count(self, path: str) -> int:
        """Return the number of elements, whatever is known of them."""
        return len(self.nodes(path))

    def each(self, path: str, check: "Callable[[Properties], Findings]") -> Findings:
        """Check the elements of a list, each by itself: an unknown one does not hide what is wrong with the next."""
        for node in self.nodes(path):
            yield from attempt(check, node)

    def document(self, path: str) -> "Properties":
        """Return a JSON document that is given as text or as an object; raises Undetermined where it is neither."""
        value = self.get_part(path)
        if isinstance(value, str):
            value = _json(value, self.at(path))
        return Properties({} if value is MISSING else value, self.at(path))


_LAST_COMMA = re.compile(r",(?=\s*[\]}])")


def _json(text: str, path: str) -> Any:
    # A comma too many is AWS's to refuse; what is meant is plain all the same.
    for each in (text, _LAST_COMMA.sub("", text)):
        try:
            return json.loads(each)
        except ValueError:
            continue
    raise Undetermined(path, "is not valid JSON")


def attempt(check: Callable[..., Findings], *arguments: Any) -> Findings:
    """Yield what `check` finds; where it comes to something unknown, that is one finding among the others."""
    try:
        yield from check(*arguments)
    except Undetermined as unknown:
        yield unknown


def secrets(value: Any, *, hidden: bool = False) -> Iterator[str]:
    """Yield every text that is secret."""
    match value:
        case Secret(inner):
            yield from secrets(inner, hidden=True)
        case Mapping():
            yield from _each(value.values(), hidden=hidden)
        case list() | tuple():
            yield from _each(value, hidden=hidden)
        case str() if hidden and value:
            yield value
        case _:
            pass


def _each(values: Iterable[Any], *, hidden: bool) -> Iterator[str]:
    for value in values:
        yield from secrets(value, hidden=hidden)
