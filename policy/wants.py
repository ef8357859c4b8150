"""What many services want of one property each: tables of types, property, wanted value and message.

A row of a table in `policy/tables` is judged like a rule: what is unknown is undetermined, and what is left out has the
provider's default. Its keys:

- `types`: module and name of each, such as `rds.Cluster docdb.Cluster`
- `path`: the property, with `[]` for each element of a list; there is nothing wrong with a list that is not there
- `is`: the wanted value, in the words of `_PLAIN` and `_test`; a list has the accepted texts, "" for none
- `when`: other properties and what they must be for the row to count
- `found`: the message
- `controls`: ids in public catalogues
- `good`, `bad`: values that tests use where they do not follow from `is`
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from policy.keys import customer_key
from policy.properties import Findings, Properties, attempt
from policy.view import Resource

FOLDER = Path(__file__).with_name("tables")

Node: TypeAlias = Properties | Resource
Test: TypeAlias = Callable[[Node, str], bool]
"""Whether what stands at a path is as wanted; may raise Undetermined."""
Conditions: TypeAlias = tuple[tuple[str, Test], ...]
"""Paths and what must be there; with `[]`, of the same element."""


@dataclass(frozen=True)
class Want:
    """One row of a table."""

    types: tuple[str, ...]
    path: str
    test: Test
    message: str
    controls: tuple[str, ...]
    where: Conditions


@dataclass(frozen=True)
class Table:
    """The rows of one rule, and what the rule has to say of them."""

    rows: tuple[Want, ...]

    @functools.cached_property
    def by_type(self) -> Mapping[str, tuple[Want, ...]]:
        found: dict[str, list[Want]] = {}
        for want in self.rows:
            for each in want.types:
                found.setdefault(each, []).append(want)
        return {type_: tuple(wants) for type_, wants in found.items()}

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(self.by_type)

    @property
    def paths(self) -> tuple[str, ...]:
        """The properties on which the rows depend, each once."""
        named = (path for want in self.rows for path in (want.path, *(path for path, _ in want.where)))
        return tuple(dict.fromkeys(named))

    @property
    def controls(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for want in self.rows for each in want.controls))

    def broken(self, node: Node, type_: str) -> Findings:
        """Yield what is lacking of what the rows want of a type."""
        for want in self.by_type.get(type_, ()):
            yield from attempt(_within, node, want.path, want, want.where)


def as_inputs(value: Any) -> Any:
    """Return a document of AWS's API by the names of inputs: `RateBasedStatement` is `rateBasedStatement`."""
    match value:
        case Mapping():
            return {f"{key[:1].lower()}{key[1:]}": as_inputs(item) for key, item in value.items()}
        case list():
            return [as_inputs(item) for item in value]
        case _:
            return value


def token(name: str) -> str:
    """Return the type of a resource by module and name: `rds.Cluster` is `aws:rds/cluster:Cluster`."""
    module, _, kind = name.partition(".")
    return f"aws:{module}/{kind[0].lower()}{kind[1:]}:{kind}"


def table(name: str, named: Callable[[str], str] = token) -> Table:
    """Return the table of that name; its types are `named` by theirs."""
    rows: list[Mapping[str, Any]] = yaml.load((FOLDER / f"{name}.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    return Table(tuple(_want(row, named) for row in rows))


def _want(row: Mapping[str, Any], named: Callable[[str], str]) -> Want:
    return Want(
        types=tuple(named(each) for each in row["types"].split()),
        path=row["path"],
        test=_test(row["is"]),
        message=row["found"],
        controls=tuple(row.get("controls", "").split()),
        where=tuple((path, _test(wanted)) for path, wanted in row.get("when", {}).items()),
    )


def _within(node: Node, path: str, want: Want, where: Conditions) -> Findings:
    if not all(test(node, name) for name, test in where if "[]" not in name):
        return
    outer, each, inner = path.partition("[]")
    if each:
        within = tuple(
            (name.removeprefix(f"{outer}[]."), test) for name, test in where if name.startswith(f"{outer}[].")
        )
        yield from node.each(outer, lambda element: _within(element, inner.removeprefix("."), want, within))
    elif not want.test(node, path):
        yield node.at(path), want.message


def _given(node: Node, path: str) -> bool:
    return node.has(path) and node.peek(path) not in ("", [], {})


def _own_key(node: Node, path: str) -> bool:
    if isinstance(node, Properties):  # which does not know from what an unknown value was made
        node.get_part(path)
    return customer_key(node, path)


def _lowered(values: Any) -> set[str]:
    return {str(each).lower() for each in (values if isinstance(values, list) else [values])}


def _text(node: Node, path: str) -> str:
    return node.text(path).lower()


def _setting(node: Node, path: str, name: str, values: set[str], default: str) -> bool:
    """Whether the last element of a list that has this name has one of the values."""
    found = [_text(each, "value") for each in node.nodes(path) if _text(each, "name") == name.lower()]
    return (found[-1] if found else default) in values


def _bound(node: Node, path: str, default: float, low: float, high: float) -> bool:
    found = node.number(path)
    return low <= (default if found is None else found) <= high


_PLAIN: Mapping[str, Test] = {
    "on": lambda node, path: node.flag(path),
    "default on": lambda node, path: node.flag(path, default=True),
    "off": lambda node, path: not node.flag(path),
    "given": _given,
    "absent": lambda node, path: not _given(node, path),
    "own key": _own_key,
}
_OF_TEXTS: Mapping[str, Callable[[Node, str, set[str]], bool]] = {
    "one of": lambda node, path, values: _text(node, path) in values,
    "none of": lambda node, path, values: _text(node, path) not in values,
    "includes": lambda node, path, values: values <= _lowered(list(node.texts(path))),
    "excludes": lambda node, path, values: not values & _lowered(list(node.texts(path))),
    "none with": lambda node, path, values: not any(each in text for each in values for text in node.texts(path)),
    "begins": lambda node, path, values: _text(node, path).startswith(tuple(values)),
    "ends": lambda node, path, values: _text(node, path).endswith(tuple(values)),
    "any on": lambda node, path, values: any(node.flag(f"{path}.{each}") for each in values),
}


def _test(wanted: Any) -> Test:
    """Return the test that the words of a row stand for."""
    if isinstance(wanted, bool):  # YAML's own reading of `on` and `off`
        return _PLAIN["on" if wanted else "off"]
    if isinstance(wanted, str):
        return _PLAIN[wanted]
    words: Mapping[str, Any] = {"one of": wanted} if isinstance(wanted, list) else wanted
    word = next(iter(words))
    if word in _OF_TEXTS:
        values = _lowered(words[word]) if word != "any on" else set(words[word])
        return lambda node, path: _OF_TEXTS[word](node, path, values)
    if word == "setting":
        name, values, default = words[word], _lowered(words["is"]), str(words.get("default", ""))
        return lambda node, path: _setting(node, path, name, values, default)
    if word in _OF_ELEMENTS:
        return lambda node, path: _OF_ELEMENTS[word](node, path, words[word])
    low, high = words.get("at least", 0), words.get("at most", float("inf"))
    return lambda node, path: _bound(node, path, words.get("default", 0), low, high)


def _elements(node: Node, path: str, wanted: Mapping[str, Any]) -> bool:
    """Whether each object of a JSON document, a list or one object, has what is wanted of its properties."""
    document = node.document(path)
    listed = document.nodes("") if isinstance(document.value, list) else (document,)
    return all(_meets(element, wanted) for element in listed)


def _has(node: Node, path: str, wanted: Mapping[str, Any]) -> bool:
    """Whether one element of a list has all that is wanted."""
    return any(_meets(element, wanted) for element in node.nodes(path))


def _meets(element: Node, wanted: Mapping[str, Any]) -> bool:
    return all(_test(each)(element, name) for name, each in wanted.items())


_OF_ELEMENTS: Mapping[str, Callable[[Node, str, Mapping[str, Any]], bool]] = {"elements": _elements, "has": _has}
