"""Turns a resource's inputs into the properties of its CloudFormation counterpart, by the shape of its schema.

A property goes by the same name, whatever the case of its letters; `Counterpart` says which do not. Where the shapes
differ in the usual ways (a map for a list of pairs, a list of one for an object, JSON text for an object), the
schema's shape is taken.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from fakes.aws.problems import Problem
from recording.graph import UNKNOWN, Reference, Secret

UNKNOWN_RESOURCE: Final = "Unknown"
"""A custom resource, an attribute of which stands for a value nobody knows yet: cfn-lint takes it for anything.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
"""
_numbers: Final = count()
"""No two unknown values are the same: lists that must not repeat anything may well hold several."""

Schema = Mapping[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Probe:
    """Another CloudFormation type that knows more about some of the inputs; of a list, it is asked for each item."""

    type: str
    properties: Mapping[str, str]
    """By the inputs' wire names."""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What that type asks for besides."""


@dataclass(frozen=True)
class Counterpart:
    """The CloudFormation type of a Pulumi type, and where their properties differ.

    Paths are dotted wire names with lists left out, such as `rules.expiration.days`. Where they go is counted from
    the place of the value they lie in: `A.B` is an object in an object, `A[].B` an object for each item,
    `A[Kind=x].B` one that says `Kind: x` besides, and `.` the place itself.
    """

    type: str
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    unmapped: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why a property has no place."""
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What CloudFormation asks for and the provider or another resource brings; the inputs come first."""
    probes: tuple[Probe, ...] = ()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Closed lists that the schema leaves open, by top-level wire names."""
    open: Mapping[str, str] = field(default_factory=dict[str, str])
    """Top-level properties that have a place, where any text goes nevertheless: what nobody checks."""


@dataclass
class Conversion:
    """The properties of one resource, and where in the inputs each of them came from."""

    properties: dict[str, Any] = field(default_factory=dict[str, Any])
    places: dict[Place, str] = field(default_factory=dict[Place, str])
    """Wire paths by place among the properties."""
    secrets: set[str] = field(default_factory=set[str], repr=False)
    problems: list[Problem] = field(default_factory=list[Problem])
    undeclared: list[str] = field(default_factory=list[str])
    """Wire paths that have neither a place nor a reason for having none; they are left out."""

    def wire_path(self, place: Place) -> str:
        """Return where in the inputs to look for what stands at `place`."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.places:
                rest = place[length:]
                return self.places[place[:length]] + "".join(
                    f"[{step}]" if isinstance(step, int) else f".{step}" for step in rest
                )
        return ""

    def knows(self, place: Place) -> bool:
        """Tell whether there is a known value at `place`, or none."""
        found: Any = self.properties
        for step in place:
            try:
                found = found[step]
            except (LookupError, TypeError):
                break
        return not (isinstance(found, Mapping) and UNKNOWN_RESOURCE in (found.get("Fn::GetAtt") or ()))

    def hides(self, text: str) -> bool:
        """Tell whether `text` shows a secret."""
        return any(secret in text or repr(secret)[1:-1] in text for secret in self.secrets)


class Converter:
    """Converts the inputs of one Pulumi type."""

    def __init__(self, type_: str, counterpart: Counterpart, schema: Schema) -> None:
        self._type = type_
        self._counterpart = counterpart
        self._root = schema
        self._to = Conversion()

    def convert(self, inputs: Mapping[str, Any]) -> Conversion:
        """Return the properties; raises LookupError where the counterpart names a property that its schema lacks."""
        self._fill(self._to.properties, self._root, (), inputs, wire="", key="")
        for name, value in self._counterpart.given.items():
            self._to.properties.setdefault(name, plain(value))
        return self._to

    def _fill(self, into: dict[str, Any], node: Schema, at: Place, value: Any, *, wire: str, key: str) -> None:
        for name, item in value.items():
            path = f"{key}.{name}" if key else name
            # What the bridge keeps for itself, such as `__defaults`, is no property.
            if item is None or name.startswith("__") or path in self._counterpart.unmapped:
                continue
            target = self._counterpart.renamed.get(path) or self._same_name(node, name)
            if target is None:
                self._to.undeclared.append(path)
                continue
            self._put(into, node, at, target.split("."), item, wire=f"{wire}.{name}" if wire else name, key=path)

    def _same_name(self, node: Schema, name: str) -> str | None:
        found = [known for known in _properties(node, self._root) if known.lower() == name.lower()]
        return found[0] if len(found) == 1 else None

    def _put(
        self, into: dict[str, Any], node: Schema, at: Place, steps: list[str], value: Any, *, wire: str, key: str
    ) -> None:
        step, *rest = steps
        if not step:  # the target is ".", the place itself
            if isinstance(inner := self._reveal(value), Mapping):
                self._fill(into, node, at, inner, wire=wire, key=key)
            return
        name, items, constant = step.removesuffix("]").partition("[")
        if name not in _properties(node, self._root):
            raise LookupError(f"{self._type}: {self._counterpart.type} has no {'.'.join(map(str, (*at, name)))}")
        child, place = _properties(node, self._root)[name], (*at, name)
        if items:
            self._put_items(into, child, place, [constant, *rest], value, wire=wire, key=key)
        elif rest:
            self._put(into.setdefault(name, {}), child, place, rest, value, wire=wire, key=key)
        else:
            converted = self._value(value, child, place, wire=wire, key=key)
            if isinstance(into.get(name), dict) and isinstance(converted, dict):
                into[name] |= converted
            elif converted is not None:
                into[name] = converted

    def _put_items(
        self, into: dict[str, Any], node: Schema, at: Place, steps: list[str], value: Any, *, wire: str, key: str
    ) -> None:
        constant, *rest = steps
        name, inner, item_node = str(at[-1]), self._reveal(value), _items(node, self._root)
        if inner is UNKNOWN or isinstance(into.get(name), dict):
            # A list of which one thing is unknown is unknown.
            into[name] = plain(UNKNOWN)
            return
        several, made = isinstance(inner, list), into.setdefault(name, [])
        for number, item in enumerate(inner if several else [inner]):
            place, item_wire = (*at, number), f"{wire}[{number}]" if several else wire
            if several:
                self._to.places.setdefault(place, item_wire)
            if not rest:
                made.append(self._value(item, item_node, place, wire=item_wire, key=key))
                continue
            if number == len(made):
                made.append(dict([constant.split("=")]) if constant else {})
            self._put(made[number], item_node, place, rest, item, wire=item_wire, key=key)

    def _value(self, value: Any, node: Schema, at: Place, *, wire: str, key: str) -> Any:
        self._to.places.setdefault(at, wire)
        inner = self._reveal(value)
        if inner is UNKNOWN:
            return plain(UNKNOWN)
        kinds = _kinds(node, self._root)
        match inner:
            case Mapping():
                return self._object(inner, node, kinds, at, wire=wire, key=key)
            case list():
                return self._list(inner, node, kinds, at, wire=wire, key=key)
            case str() if "object" in kinds:
                return self._document(inner, wire)
            case _:
                return plain(inner)

    def _list(self, value: list[Any], node: Schema, kinds: frozenset[str], at: Place, *, wire: str, key: str) -> Any:
        if "array" in kinds:
            item = _items(node, self._root)
            return [
                self._value(each, item, (*at, number), wire=f"{wire}[{number}]", key=key)
                for number, each in enumerate(value)
            ]
        if _properties(node, self._root):
            # The bridge's list of at most one for an object.
            return self._value(value[0], node, at, wire=f"{wire}[0]", key=key) if value else None
        return _by_name(plain(value)) if "object" in kinds else plain(value)

    def _object(
        self, value: Mapping[str, Any], node: Schema, kinds: frozenset[str], at: Place, *, wire: str, key: str
    ) -> Any:
        item = _items(node, self._root)
        names = tuple(sorted(_properties(item, self._root)))
        if "array" in kinds and names in {("Key", "Value"), ("Name", "Value")}:
            for number, name in enumerate(value):
                self._to.places[*at, number] = f"{wire}.{name}"
            return [{names[0]: name, "Value": plain(each)} for name, each in value.items()]
        if "array" in kinds:
            return [self._value(value, item, (*at, 0), wire=wire, key=key)]
        if not _properties(node, self._root):
            return plain(value)
        made: dict[str, Any] = {}
        self._fill(made, node, at, value, wire=wire, key=key)
        return made

    def _document(self, text: str, wire: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            self._to.problems.append(Problem(wire, f"not JSON: {error}"))
            return plain(UNKNOWN)

    def _reveal(self, value: Any) -> Any:
        """Return what is in a Secret, and remember it as one; what cannot be looked into is UNKNOWN."""
        if isinstance(value, Secret):
            self._to.secrets |= {str(leaf) for leaf in _leaves(value.value)} - {""}
            return self._reveal(value.value)
        return UNKNOWN if isinstance(value, Reference) else value


def plain(value: Any) -> Any:
    """Return `value` as a template can hold it."""
    match value:
        case Secret(inner):
            return plain(inner)
        case Mapping():
            return {name: plain(item) for name, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _ if value is UNKNOWN or isinstance(value, Reference):
            return {"Fn::GetAtt": [UNKNOWN_RESOURCE, f"Value{next(_numbers)}"]}
        case _:
            return value


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case Secret(inner):
            yield from _leaves(inner)
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list():
            for item in value:
                yield from _leaves(item)
        case str() if value.startswith(("{", "[")):
            try:
                yield from _leaves(json.loads(value))
            except json.JSONDecodeError:
                yield value
        case _:
            if value is not UNKNOWN:
                yield value


def _by_name(items: list[Any]) -> dict[str, Any]:
    """Return a list of `name` and `value` or `values` as the map it stands for; what has no name yet is left out."""
    named = [item for item in items if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
    return {item["name"]: item.get("values", item.get("value")) for item in named}


def _resolved(node: Schema, root: Schema) -> Schema:
    while "$ref" in node:
        found: Any = root
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _properties(node: Schema, root: Schema) -> Mapping[str, Schema]:
    return _resolved(node, root).get("properties", {})


def _items(node: Schema, root: Schema) -> Schema:
    items = _resolved(node, root).get("items", {})
    return items if isinstance(items, Mapping) else {}


def _kinds(node: Schema, root: Schema) -> frozenset[str]:
    kinds = _resolved(node, root).get("type", ())
    return frozenset([kinds] if isinstance(kinds, str) else kinds)
