"""Resources and stacks as rules see them: immutable, whatever they were read from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from policy.properties import MISSING, Findings, Properties, Undetermined, opened, parse, secrets
from recording.graph import Source, Unknown

IDENTITIES = ("id", "arn", "name", "bucket", "keyId", "identifier", "clusterIdentifier", "userId", "userGroupId")
"""Outputs by which other resources refer to one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """A resource; reads its inputs by path as Properties does, and knows what it was registered with."""

    urn: str
    type: str
    name: str
    id: str = ""
    """Empty while unknown."""
    custom: bool = True
    external: bool = False
    """Whether the program only looks it up (`.get()`): others own it, so rules judge it not, but may refer to it."""
    remote: bool = False
    """Whether a plugin makes its children; known of what was recorded alone."""
    parent: str = ""
    provider_urn: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    ignores_known: bool = True
    """Whether nothing else is ignored; engines of old leave it out of what they write."""
    source: Source | None = None
    read_inputs: Callable[[], Mapping[str, Any]] = field(repr=False)
    """Called once, and only for resources that a rule looks into."""
    read_outputs: Callable[[], Mapping[str, Any]] = field(default=dict, repr=False)

    @cached_property
    def inputs(self) -> Properties:
        return Properties(self.read_inputs())

    @cached_property
    def outputs(self) -> Properties:
        return Properties(self.read_outputs())

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Every text among the inputs that is secret."""
        return tuple(secrets(self.inputs.value))

    def at(self, path: str = "") -> str:
        return path

    def peek(self, path: str) -> Any:
        """Return what stands at `path`: a value (its parts may be unknown), UNKNOWN or MISSING; null is MISSING."""
        return self.inputs.peek(path)

    def has(self, path: str) -> bool:
        """Whether anything was given, if only something unknown; raises Undetermined where not even that is known."""
        return self.inputs.has(path)

    def get(self, path: str, default: Any = None) -> Any:
        """Return the plain value at `path`, or `default`; raises Undetermined where any part of it is unknown."""
        return self.inputs.get(path, default)

    def flag(self, path: str, *, default: bool = False) -> bool:
        """Return a switch; text such as "true" counts as what it says."""
        return self.inputs.flag(path, default=default)

    def number(self, path: str) -> float | None:
        """Return a number, or None where there is none."""
        return self.inputs.number(path)

    def text(self, path: str) -> str:
        """Return text, empty where there is none."""
        return self.inputs.text(path)

    def texts(self, path: str) -> tuple[str, ...]:
        """Return a list of texts; a single one counts as a list of one."""
        return self.inputs.texts(path)

    def keys(self, path: str) -> tuple[str, ...]:
        """Return the keys of a mapping, whatever is known of its values."""
        return self.inputs.keys(path)

    def nodes(self, path: str) -> tuple[Properties, ...]:
        """Return the elements of a list, or the one object that stands in its place."""
        return self.inputs.nodes(path)

    def count(self, path: str) -> int:
        """Return the number of elements, whatever is known of them."""
        return self.inputs.count(path)

    def each(self, path: str, check: Callable[[Properties], Findings]) -> Findings:
        """Check the elements of a list, each by itself."""
        return self.inputs.each(path, check)

    def document(self, path: str) -> Properties:
        """Return a JSON document that is given as text or as an object."""
        return self.inputs.document(path)

    def needs(self, path: str) -> tuple[str, ...]:
        """Return the URNs from which the property at `path` was made."""
        key = parse(path)[0]
        return self.property_dependencies.get(str(key), ())


@dataclass(frozen=True, kw_only=True, eq=False)
class Stack:
    """All resources of a stack, and who refers to whom."""

    name: str
    resources: tuple[Resource, ...]
    left_out: int = 0
    """How many more resources there are that were not told: those that a plan leaves unchanged."""
    removed: tuple[Resource, ...] = ()
    """What a plan deletes, as it was; it is not among the resources."""

    @property
    def project(self) -> str:
        """The project that every URN names; there must be a resource."""
        return self.resources[0].urn.split("::")[1]

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.type, []).append(resource)
        return {type_: tuple(resources) for type_, resources in found.items()}

    @cached_property
    def _children(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.parent, []).append(resource)
        return {urn: tuple(resources) for urn, resources in found.items()}

    @cached_property
    def _by_identity(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, dict[str, Resource]] = {}
        for resource in self.resources:
            for identity in _identities(resource):
                found.setdefault(identity, {})[resource.urn] = resource
        return {identity: tuple(resources.values()) for identity, resources in found.items()}

    @cached_property
    def _referrers(self) -> dict[tuple[str, ...], "_Referrers"]:
        return {}

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types, in order of the types."""
        return tuple(resource for type_ in types for resource in self.by_type.get(type_, ()))

    def children(self, resource: Resource) -> tuple[Resource, ...]:
        """Return the resources directly below a component."""
        return self._children.get(resource.urn, ())

    def provider(self, resource: Resource) -> Resource | None:
        """Return the explicit provider of a resource."""
        return self.by_urn.get(resource.provider_urn)

    def targets(self, resource: Resource, path: str, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types to which the property at `path` refers.

        Known ids, ARNs and names are looked up; unknown ones are followed by dependency, through other resources if
        need be. Nothing given means no resource; raises Undetermined where something is given but cannot be followed.
        """
        value = resource.peek(path)
        if value is MISSING or value == []:
            return ()
        exact, all_known = self._look_up(value, types)
        if all_known and exact:
            return exact
        followed = self._follow(resource.needs(path), types)
        found = {each.urn: each for each in (*exact, *followed)}
        if not found:
            reason = "refers to something outside this stack" if all_known else "is unknown"
            raise Undetermined(path, reason)
        return tuple(found.values())

    def referrers(self, resource: Resource, path: str, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types whose property at `path` refers to `resource`.

        Raises Undetermined where there is none, but one that may, because what it refers to cannot be followed.
        """
        found: list[Resource] = []
        lost: list[Resource] = []
        for type_ in types:
            index = self._referring(type_, path, resource.type)
            found += index.by_target.get(resource.urn, ())
            lost += index.lost
        if not found and lost:
            raise Undetermined("", f"{lost[0].name} may refer to it: its {path} is unknown")
        return tuple(found)

    def be_sure_of(self, resource: Resource, path: str, *types: str) -> None:
        """Raise Undetermined where one more of these types may refer to `resource` than is known to.

        Rules ask it that miss something; what they have is all the same there.
        """
        for type_ in types:
            lost = self._referring(type_, path, resource.type).lost
            if lost:
                raise Undetermined("", f"{lost[0].name} may refer to it: its {path} is unknown")

    def is_used(self, resource: Resource, *uses: tuple[str, tuple[str, ...]]) -> bool:
        """Whether a property of some type refers to `resource`; raises Undetermined where none does but one may."""
        unsure = None
        for path, users in uses:
            try:
                if self.referrers(resource, path, *users):
                    return True
            except Undetermined as unknown:
                unsure = unknown
        if unsure:
            raise unsure
        return False

    def _referring(self, *key: str) -> "_Referrers":
        if key not in self._referrers:
            self._referrers[key] = self._index(*key)
        return self._referrers[key]

    def _index(self, type_: str, path: str, target_type: str) -> "_Referrers":
        by_target: dict[str, list[Resource]] = {}
        lost: list[Resource] = []
        for resource in self.by_type.get(type_, ()):
            exact, all_known = self._look_up(resource.peek(path), (target_type,))
            # The engine tells a pack no ids, so a known one may name nothing here.
            reached = exact or self._follow(resource.needs(path), (target_type,))
            for target in reached:
                by_target.setdefault(target.urn, []).append(resource)
            if not all_known and not resource.needs(path):
                lost.append(resource)
        return _Referrers(by_target, lost)

    def _look_up(self, value: Any, types: tuple[str, ...]) -> tuple[tuple[Resource, ...], bool]:
        """Return the resources that `value` (an identity or a list of them) names, and whether all of it is known."""
        items = [opened(item) for item in value] if isinstance(value, list) else [value]
        if any(isinstance(item, Unknown) for item in items):
            return (), False
        named = (found for item in items if isinstance(item, str) for found in self._by_identity.get(item, ()))
        return tuple({each.urn: each for each in named if not types or each.type in types}.values()), True

    def _follow(self, urns: tuple[str, ...], types: tuple[str, ...]) -> tuple[Resource, ...]:
        """Return the nearest resources of these types along dependencies."""
        found: dict[str, Resource] = {}
        seen: set[str] = set()
        open_ = list(urns)
        while open_:
            urn = open_.pop()
            resource = self.by_urn.get(urn)
            if urn in seen or resource is None:
                continue
            seen.add(urn)
            if resource.type in types:
                found[urn] = resource
            else:
                open_ += [each for needed in resource.property_dependencies.values() for each in needed]
        return tuple(found.values())


@dataclass(frozen=True)
class _Referrers:
    """Resources of one type by what one of their properties refers to."""

    by_target: Mapping[str, list[Resource]]
    lost: list[Resource]
    """Those which refer to something unknown that cannot be followed."""


def _identities(resource: Resource) -> set[str]:
    """Return what is known by which others may refer to a resource."""
    found = {resource.id}
    for key in IDENTITIES:
        for properties in (resource.outputs, resource.inputs):
            value = properties.peek(key)
            if isinstance(value, str):
                found.add(value)
    return found - {""}
