"""Resources and stacks as rules see them: immutable, whatever they were read from."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import yaml

from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, opened, parse, partial, secrets
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
    partial: bool = False
    """Whether it is a patch of an object that others own: rules judge what it says, and nothing that it leaves out."""
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
    delete_before_replace: bool = False
    replace_on_changes: tuple[str, ...] = ()
    retain_on_delete: bool = False
    custom_timeouts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Durations such as `60m`, by operation; known of what was recorded alone, as is what it is replaced on."""
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
            if not resource.partial:
                found.setdefault(resource.type, []).append(resource)
        return {type_: tuple(resources) for type_, resources in found.items()}

    @cached_property
    def _children(self) -> Mapping[str, tuple[Resource, ...]]:
        found: dict[str, list[Resource]] = {}
        for resource in self.resources:
            found.setdefault(resource.parent, []).append(resource)
        return {urn: tuple(resources) for urn, resources in found.items()}

    @cached_property
    def _by_identity(self) -> Mapping[str, Mapping[str, Mapping[str, Mapping[str, Resource]]]]:
        """Resources by identity, type, provider and id; those alike in all four are one resource of the cloud."""
        found: dict[str, dict[str, dict[str, dict[str, Resource]]]] = {}
        for resource in self.resources:
            for identity in _identities(resource):
                of_type = found.setdefault(identity, {}).setdefault(resource.type, {})
                of_type.setdefault(resource.provider_urn, {}).setdefault(resource.id or resource.urn, resource)
        return found

    def _one(self, resource: Resource) -> Resource:
        """Return the resource that stands for all that are the same one of the cloud."""
        if not resource.id:
            return resource
        return self._by_identity[resource.id][resource.type][resource.provider_urn][resource.id]

    def around(self, resource: Resource) -> "Stack":
        """Return what may concern a resource: for an object of Kubernetes, no objects of other clusters.

        Names and labels mean something in one cluster alone.
        """
        if not self._clusters or not _is_object(resource):
            return self
        return self._clusters[self._cluster_of(resource.provider_urn)]

    @cached_property
    def _clusters(self) -> Mapping[Hashable, "Stack"]:
        """What may concern the objects of each cluster, if there are several."""
        clusters = {self._cluster_of(each.provider_urn) for each in self.resources if _is_object(each)}
        if len(clusters) < 2:  # noqa: PLR2004
            return {}
        found: dict[Hashable, list[Resource]] = {cluster: [] for cluster in clusters}
        for each in self.resources:
            for cluster in [self._cluster_of(each.provider_urn)] if _is_object(each) else clusters:
                found[cluster].append(each)
        stacks = {cluster: replace(self, resources=tuple(resources)) for cluster, resources in found.items()}
        for stack in stacks.values():
            vars(stack)["asked"] = self.asked
        return stacks

    def _cluster_of(self, provider_urn: str) -> Hashable:
        """Return what tells the cluster of a provider from others: the place of its API, or whatever names that."""
        if provider_urn not in self._known_clusters:
            self._known_clusters[provider_urn] = _cluster(provider_urn, self.by_urn.get(provider_urn))
        return self._known_clusters[provider_urn]

    @cached_property
    def _known_clusters(self) -> dict[str, Hashable]:
        return {}

    @cached_property
    def _referrers(self) -> dict[tuple[str, ...], "_Referrers"]:
        return {}

    @cached_property
    def asked(self) -> set[str]:
        """The types about which a rule has asked what there is, as of parts of what it looks at."""
        return set()

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """Return the resources of these types, in order of the types."""
        self.asked.update(types)
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
        self.asked.update(types)
        value = resource.peek(path)
        if value is MISSING or value == []:
            return ()
        exact, all_known = self._look_up(resource, path, types)
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
            found += index.by_target.get(self._one(resource).urn, {}).values()
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
        self.asked.add(key[0])
        if key not in self._referrers:
            self._referrers[key] = self._index(*key)
        return self._referrers[key]

    def _index(self, type_: str, path: str, target_type: str) -> "_Referrers":
        by_target: dict[str, dict[str, Resource]] = {}
        lost: list[Resource] = []
        for resource in self.by_type.get(type_, ()):
            exact, all_known = self._look_up(resource, path, (target_type,))
            # The engine tells a pack no ids, so a known one may name nothing here.
            reached = exact or self._follow(resource.needs(path), (target_type,))
            for target in reached:
                one = self._one(resource)
                by_target.setdefault(self._one(target).urn, {})[one.urn] = one
            if not all_known and not resource.needs(path):
                lost.append(resource)
        return _Referrers(by_target, lost)

    def _look_up(self, resource: Resource, path: str, types: tuple[str, ...]) -> tuple[tuple[Resource, ...], bool]:
        """Return the resources that `path` (an identity or a list of them) names, and whether all of it is known."""
        value = resource.peek(path)
        items = [opened(item) for item in value] if isinstance(value, list) else [value]
        if any(isinstance(item, Unknown) for item in items):
            return (), False
        named: dict[str, Resource] = {}
        for item in items:
            by_type = self._by_identity.get(item, {}) if isinstance(item, str) else {}
            for type_ in types or by_type:
                named |= {each.urn: each for each in _nearest(by_type.get(type_, {}), resource, path)}
        return tuple(named.values()), True

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

    by_target: Mapping[str, Mapping[str, Resource]]
    lost: list[Resource]
    """Those which refer to something unknown that cannot be followed."""


def _nearest(by_provider: Mapping[str, Mapping[str, Resource]], resource: Resource, path: str) -> Iterable[Resource]:
    """Return those of equal identity that `resource` means: ids are unique in one account, region or cluster alone."""
    if len(by_provider) > 1:
        if resource.provider_urn in by_provider:
            return by_provider[resource.provider_urn].values()
        needed = resource.needs(path)
        found = [each for of_provider in by_provider.values() for each in of_provider.values()]
        return [each for each in found if each.urn in needed] or found
    return (each for of_provider in by_provider.values() for each in of_provider.values())


def unpatched(type_: str) -> str:
    """Return the type that a type such as `kubernetes:apps/v1:DeploymentPatch` is a patch of, or itself.

    https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
    """
    return type_.removesuffix("Patch") if type_.startswith("kubernetes:") else type_


def told(resource: Resource) -> Resource:
    """Return a resource as rules know it: one of pulumi-kubernetes' patches as a part of the object that it patches."""
    type_, read = unpatched(resource.type), resource.read_inputs
    if type_ == resource.type:
        return resource
    return replace(resource, type=type_, partial=True, read_inputs=lambda: partial(read()))


def _is_object(resource: Resource) -> bool:
    return resource.custom and resource.type.startswith("kubernetes:")


def _cluster(provider_urn: str, provider: Resource | None) -> Hashable:
    """Return what tells a provider's cluster; the provider itself where nothing does."""
    if provider is None:
        return provider_urn
    context, config = provider.peek("context"), provider.peek("kubeconfig")
    context = context if isinstance(context, str) else ""
    if isinstance(config, str):
        return _server(config, context)
    if config is UNKNOWN:
        return (provider.needs("kubeconfig"), context) if provider.needs("kubeconfig") else provider_urn
    given = set(provider.keys("")) - {"version", "pluginDownloadURL", "__internal"}
    # One without a word on its cluster goes by the environment's kubeconfig, as the default provider does.
    return ("ambient", context) if given or provider.name.startswith("default") else provider_urn


def _server(config: str, context: str) -> Hashable:
    """Return the address of the API in a kubeconfig, or the kubeconfig itself where it tells none."""
    try:
        node = Properties(yaml.safe_load(config))
        wanted = context or node.text("current-context")
        cluster = next(each.text("context.cluster") for each in node.nodes("contexts") if each.text("name") == wanted)
        server = next(each.text("cluster.server") for each in node.nodes("clusters") if each.text("name") == cluster)
    except (yaml.YAMLError, ValueError, StopIteration, Undetermined, RecursionError):
        server = ""
    return server or (config, context)


def _identities(resource: Resource) -> set[str]:
    """Return what is known by which others may refer to a resource."""
    found = {resource.id}
    for key in IDENTITIES:
        for properties in (resource.outputs, resource.inputs):
            value = properties.peek(key)
            if isinstance(value, str):
                found.add(value)
    return found - {""}
