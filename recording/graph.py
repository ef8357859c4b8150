"""What a run of the program registered: resources as plain, immutable data, without Pulumi.

Values are JSON-like, with three additions: UNKNOWN for what only an update can tell, Secret around what must not be
shown, and Reference for a resource that is passed as a value.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


class Unknown:
    """The value of an output before the resource exists; there is one instance, UNKNOWN."""

    _instance: Self | None = None

    def __new__(cls) -> Self:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __reduce__(self) -> tuple[type["Unknown"], tuple[()]]:
        return Unknown, ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown; its representation does not show it either."""

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Reference:
    """A resource passed as a value."""

    urn: str
    id: str


Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The place in the program that registered a resource."""

    file: str
    """Relative to the program where it lies inside."""
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One registered resource, as the engine would keep it in its state."""

    urn: str
    type: str
    name: str
    id: str = ""
    """Empty while unknown, and for components."""
    custom: bool
    remote: bool = False
    parent: str | None = None
    """URN; None for the stack alone."""
    provider: str | None = None
    """Reference of an explicit provider, as `urn::id`; None for components and for default providers."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    """Properties that replace the resource even where the provider could change them in place."""
    delete_before_replace: bool = False
    aliases: tuple[str, ...] = ()
    """Names or URNs by which the state may still know it."""
    retain_on_delete: bool = False
    deleted_with: str | None = None
    """URN of what takes this resource along when it is deleted."""
    custom_timeouts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Durations such as `60m`, by operation."""
    additional_secret_outputs: tuple[str, ...] = ()
    providers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a remote component: the explicit providers that its plugin is handed, by package."""
    source: Source | None = None
    read_inputs: Callable[[], Properties] = field(repr=False, compare=False)
    """Decodes the inputs on first use; most commands look at few of them."""
    read_outputs: Callable[[], Properties] = field(repr=False, compare=False)

    @cached_property
    def inputs(self) -> Properties:
        """What the program gave, by the SDK's wire names (camelCase)."""
        return self.read_inputs()

    @cached_property
    def outputs(self) -> Properties:
        """What the provider answered; for a component, what it registered as its outputs."""
        return self.read_outputs()

    @property
    def provider_urn(self) -> str | None:
        """URN of the explicit provider."""
        return self.provider.rpartition("::")[0] if self.provider else None

    def __getitem__(self, key: str) -> Any:
        return self.inputs[key]

    def __contains__(self, key: str) -> bool:
        return key in self.inputs

    def get(self, key: str, default: Any = None) -> Any:
        return self.inputs.get(key, default)


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Everything that one run of the program registered, in order of registration."""

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: Properties
    """The stack's exports."""
    warnings: tuple[str, ...] = ()
    known: bool
    """Whether computed values were known (as after an update) or unknown (as on an empty account)."""

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def children(self) -> Mapping[str, tuple[Resource, ...]]:
        """Resources by the URN of their parent."""
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            if resource.parent is not None:
                found.setdefault(resource.parent, []).append(resource)
        return {urn: tuple(resources) for urn, resources in found.items()}

    @property
    def root(self) -> Resource:
        """The stack."""
        return next(resource for resource in self.resources if resource.type == STACK_TYPE)

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types."""
        return tuple(resource for resource in self.resources if resource.type in types)

    def named(self, type_: str, name: str) -> Resource:
        """Return the one resource of this type and logical name; raises LookupError where there is none or several."""
        found = [resource for resource in self.of_type(type_) if resource.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources of type {type_} are called {name!r}")
        return found[0]

    def ancestors(self, resource: Resource) -> Iterator[Resource]:
        """Yield the parent, its parent, and so on up to the stack."""
        parent = self.by_urn.get(resource.parent or "")
        while parent is not None:
            yield parent
            parent = self.by_urn.get(parent.parent or "")

    def needs(self, resource: Resource) -> frozenset[str]:
        """Return the URNs of all that must exist before `resource`, through whatever number of steps."""
        found: set[str] = set()
        open_ = list(resource.dependencies)
        while open_:
            urn = open_.pop()
            if urn not in found:
                found.add(urn)
                open_ += self.by_urn[urn].dependencies
        return frozenset(found)

    def counts(self) -> dict[str, int]:
        """Return how many resources there are of each type, most frequent first; the stack itself is left out."""
        found = Counter(resource.type for resource in self.resources if resource.type != STACK_TYPE)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
