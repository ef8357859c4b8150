"""The Kubernetes objects of a stack, by what they know each other by: namespace, name and labels.

Names may be unknown in a preview; then what they were made from says which object is meant. Whatever cannot be told is
raised as Undetermined. Looking up takes the same time however many objects there are.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from policy import flows
from policy import resource_types as types
from policy.pods import kind, template
from policy.properties import MISSING, UNKNOWN, Properties, Undetermined
from policy.view import Resource, Stack

SCALABLE = (*types.DEPLOYMENT, *types.STATEFUL_SET, *types.ROLLOUT)
"""What runs as many like pods as it is told."""

_MAKERS = (*types.HELM_RELEASE, *types.HELM_CHART, *types.ARGO_APPLICATION, *types.ARGO_APPLICATION_SET)
"""What makes objects that the stack does not show."""

_PRIMARY = ("app", "name", "app.kubernetes.io/name")
"""Labels to which Flagger adds `-primary` in the pods that serve: https://docs.flagger.app/usage/how-it-works"""


def name_of(resource: Resource) -> str:
    """Return an object's name, empty where nobody chose one; raises Undetermined where it is unknown."""
    return resource.text("metadata.name") or _told(resource, "metadata.name")


def _told(resource: Resource, path: str) -> str:
    value = resource.outputs.peek(path)
    return value if isinstance(value, str) else ""


def selects(selector: Properties, labels: Mapping[str, str]) -> bool:
    """Whether a selector covers labels; an empty one covers all, as in network policies and disruption budgets.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    if any(labels.get(key) != value for key, value in _labels(selector, "matchLabels").items()):
        return False
    return all(_meets(labels, each) for each in selector.nodes("matchExpressions"))


def _labels(node: Properties, path: str) -> dict[str, str]:
    value = node.get(path)
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, Mapping) else {}


def _meets(labels: Mapping[str, str], expression: Properties) -> bool:
    key, values = expression.text("key"), expression.texts("values")
    there = key in labels
    match expression.text("operator"):
        case "In":
            return there and labels[key] in values
        case "NotIn":
            return not there or labels[key] not in values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
        case _:
            return False


class Index:
    """Objects filed under keys, and those for which none can be told."""

    def __init__(self, resources: Iterable[Resource], keys: Callable[[Resource], Iterable[Any]]) -> None:
        self.by_key: dict[Any, list[Resource]] = {}
        self.lost: list[Resource] = []
        for resource in resources:
            try:
                for key in dict.fromkeys(keys(resource)):
                    self.by_key.setdefault(key, []).append(resource)
            except Undetermined:
                self.lost.append(resource)

    def find(self, keys: Iterable[Any], matches: Callable[[Resource], bool] = lambda _: True) -> Iterator[Resource]:
        """Yield what is filed under one of the keys and matches; raises Undetermined if nothing is, but may be."""
        found = {each.urn: each for key in keys for each in self.by_key.get(key, ()) if matches(each)}
        yield from found.values()
        if not found:
            self.be_sure()

    def be_sure(self) -> None:
        """Raise Undetermined where something is filed nowhere that may belong anywhere."""
        if self.lost:
            raise Undetermined("", f"whether {self.lost[0].name} applies to it is unknown")


class Objects:
    """The Kubernetes objects of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._names: dict[str, Index] = {}
        self._labels_of: dict[Resource, tuple[dict[str, str], ...]] = {}

    def place(self, resource: Resource) -> str:
        """Return an object's namespace, by its name or, while that is unknown, by the URN of the Namespace."""
        if resource.type in types.NAMESPACE:
            return _known_name(resource) or resource.urn
        if resource.peek("metadata.namespace") is not UNKNOWN:
            return resource.text("metadata.namespace") or self._default_place(resource)
        told = _told(resource, "metadata.namespace")
        if told:
            return told
        found = self._stack.targets(resource, "metadata.namespace", *types.NAMESPACE)
        if len(found) != 1:
            raise Undetermined("metadata.namespace")
        return self.place(found[0])

    def _default_place(self, resource: Resource) -> str:
        provider = self._stack.provider(resource)
        chosen = provider.text("namespace") if provider else ""
        return _told(resource, "metadata.namespace") or chosen or "default"

    def referred(self, resource: Resource, path: str, *kinds: str) -> tuple[Resource, ...]:
        """Return the objects of these types in the same namespace that the name at `path` may mean."""
        if resource.peek(path) is UNKNOWN:
            return self._stack.targets(resource, path, *kinds)
        name = resource.text(path)
        return self.named(self.place(resource), name, *kinds) if name else ()

    def named(self, place: str, name: str, *kinds: str) -> tuple[Resource, ...]:
        """Return the objects of these types by namespace and name; raises Undetermined if none is, but may be."""
        found = tuple(each for type_ in kinds for each in self._named(type_).by_key.get((place, name), ()))
        if not found:
            for type_ in kinds:
                self._named(type_).be_sure()
        return found

    def _named(self, type_: str) -> Index:
        if type_ not in self._names:
            self._names[type_] = Index(self._stack.of_type(type_), lambda each: [(self.place(each), name_of(each))])
        return self._names[type_]

    def autoscaler(self, workload: Resource) -> Resource | None:
        """Return the autoscaler of a workload."""
        return next(self._autoscalers.find([workload.urn]), None)

    @cached_property
    def _autoscalers(self) -> Index:
        return Index(self._stack.of_type(*types.POD_AUTOSCALER), self._scaled)

    def _scaled(self, autoscaler: Resource) -> Iterator[str]:
        wanted = autoscaler.text("spec.scaleTargetRef.kind")
        kinds = [each for each in SCALABLE if each.endswith(f":{wanted}")]
        for each in self.referred(autoscaler, "spec.scaleTargetRef.name", *kinds):
            yield each.urn

    def is_canaried(self, workload: Resource) -> bool:
        """Whether Flagger runs the workload under another name, and with other labels."""
        return any(self._canaries.find([workload.urn]))

    @cached_property
    def _canaries(self) -> Index:
        return Index(
            self._stack.of_type(*types.CANARY),
            lambda canary: [each.urn for each in self.referred(canary, "spec.targetRef.name", *SCALABLE)],
        )

    def least_replicas(self, workload: Resource) -> float:
        """Return how many pods a workload has at least while nothing is wrong."""
        scaler = self.autoscaler(workload)
        given = scaler.number("spec.minReplicas") if scaler else workload.number("spec.replicas")
        return 1 if given is None else given

    def labels(self, workload: Resource) -> tuple[dict[str, str], ...]:
        """Return the labels of a workload's pods, and those that they have under Flagger."""
        if workload not in self._labels_of:
            self._labels_of[workload] = self._read_labels(workload)
        return self._labels_of[workload]

    def _read_labels(self, workload: Resource) -> tuple[dict[str, str], ...]:
        own = _labels(template(workload), "metadata.labels")
        if not self.is_canaried(workload):
            return (own,)
        return (own, {key: f"{value}-primary" if key in _PRIMARY else value for key, value in own.items()})

    def budgets(self, workload: Resource) -> tuple[Resource, ...]:
        """Return the disruption budgets of a workload's pods."""
        place, sets = self.place(workload), self.labels(workload)
        keys = [(place, pair) for labels in sets for pair in (None, *labels.items())]

        def covers(budget: Resource) -> bool:
            return any(selects(selector_of(budget), labels) for labels in sets)

        return tuple(self._budgets.find(keys, covers))

    @cached_property
    def _budgets(self) -> Index:
        """Return the budgets, each filed under the rarest of the labels that it asks for, or under none."""
        among = self._stack.of_type(*types.DISRUPTION_BUDGET)
        common = Counter(pair for each in among for pair in _known_pairs(each))

        def keys(budget: Resource) -> list[Any]:
            selector = selector_of(budget)
            selector.get("matchExpressions")  # raises here, once, what is unknown of it
            pairs = _labels(selector, "matchLabels").items()
            return [(self.place(budget), min(pairs, key=lambda pair: (common[pair], pair), default=None))]

        return Index(among, keys)

    def covered(self, budget: Resource) -> tuple[Resource, ...]:
        """Return all workloads for whose pods a disruption budget is; raises Undetermined if one more may be."""
        self._covered.be_sure()
        return tuple(self._covered.find([budget.urn]))

    @cached_property
    def _covered(self) -> Index:
        return Index(self._stack.of_type(*SCALABLE), lambda each: [budget.urn for budget in self.budgets(each)])

    def bindings(self, role: Resource) -> tuple[Resource, ...]:
        """Return the bindings of a ClusterRole."""
        return tuple(self._bindings.find([role.urn]))

    @cached_property
    def _bindings(self) -> Index:
        def keys(binding: Resource) -> Iterator[str]:
            path = "roleRef.name"
            if binding.peek(path) is UNKNOWN:
                found = self._stack.targets(binding, path, *types.K8S_ROLE)
            else:
                found = self._cluster_roles.find([binding.text(path)])
            yield from (each.urn for each in found)

        return Index(self._stack.of_type(*types.ROLE_BINDING), keys)

    def be_sure_of_bindings(self) -> None:
        """Raise Undetermined where a binding may be of any ClusterRole."""
        self._bindings.be_sure()

    def cluster_roles(self, binding: Resource) -> tuple[Resource, ...]:
        """Return the ClusterRoles of this stack that a binding names; raises Undetermined if none is, but may be."""
        return tuple(self._cluster_roles.find([binding.text("roleRef.name")]))

    @cached_property
    def _cluster_roles(self) -> Index:
        return Index(self._of_kind(types.K8S_ROLE, "ClusterRole"), lambda each: [name_of(each)])

    def bindings_of_accounts(self, place: str) -> tuple[Resource, ...]:
        """Return the ClusterRoleBindings of service accounts of a namespace; raises Undetermined if one more may be."""
        self._bound_accounts.be_sure()
        return tuple(self._bound_accounts.find([place]))

    @cached_property
    def _bound_accounts(self) -> Index:
        def keys(binding: Resource) -> list[str]:
            subjects = binding.nodes("subjects")
            return [each.text("namespace") for each in subjects if each.text("kind") == "ServiceAccount"]

        return Index(self._of_kind(types.ROLE_BINDING, "ClusterRoleBinding"), keys)

    def bound(self, policy: str) -> tuple[Resource, ...]:
        """Return the bindings of an admission policy by its name; raises Undetermined if none is, but may be."""
        return tuple(self._admission.find([policy]))

    @cached_property
    def _admission(self) -> Index:
        return Index(self._stack.of_type(*types.ADMISSION_BINDING), lambda each: [each.text("spec.policyName")])

    def policies_for_all(self, namespace: Resource, direction: str) -> tuple[Resource, ...]:
        """Return the network policies about every pod of a namespace that are about Ingress or Egress."""
        return tuple(self._policies.find([(self.place(namespace), direction)]))

    def is_isolated(self, workload: Resource, direction: str) -> bool:
        """Whether a network policy is about a workload's pods in a direction: `ingress` or `egress`.

        Raises Undetermined where one may be, or a policy of another kind.
        """
        place, sets = self.place(workload), self.labels(workload)
        keys = [(place, direction, pair) for labels in sets for pair in (None, *labels.items())]

        def covers(policy: Resource) -> bool:
            return any(selects(selector_of(policy, "spec.podSelector"), labels) for labels in sets)

        if any(self._selecting.find(keys, covers)):
            return True
        others = self._stack.of_type(*types.FOREIGN_POLICY)
        if others:
            raise Undetermined("", f"whether {others[0].name} isolates it was not looked into")
        return False

    @cached_property
    def _selecting(self) -> Index:
        """Return the network policies, each filed under the rarest of the labels that it asks for, or under none."""
        among = self._stack.of_type(*types.NETWORK_POLICY)
        path = "spec.podSelector"
        common = Counter(pair for each in among for pair in _known_pairs(each, path))

        def keys(policy: Resource) -> list[Any]:
            selector = selector_of(policy, path)
            selector.get("matchExpressions")  # raises here, once, what is unknown of it
            pairs = _labels(selector, "matchLabels").items()
            rarest = min(pairs, key=lambda pair: (common[pair], pair), default=None)
            return [(self.place(policy), each, rarest) for each in flows.PEERS if flows.in_force(policy, each)]

        return Index(among, keys)

    def selected(self, policy: Resource) -> bool:
        """Whether a network policy selects any pod of its namespace; so it does where none is known."""
        if self.has_makers():
            return True
        place, selector = self.place(policy), selector_of(policy, "spec.podSelector")
        near = self._candidates(place, _labels(selector, "matchLabels").items())
        if any(selects(selector, labels) for each in near for labels in self.labels(each)):
            return True
        self._labelled.be_sure()
        return not self._labelled.by_key.get((place, None))

    def _candidates(self, place: str, wanted: Iterable[tuple[str, str]]) -> Sequence[Resource]:
        """Return the fewest workloads of a namespace among which are all whose pods have these labels."""
        keys = [(place, pair) for pair in wanted] or [(place, None)]
        return min((self._labelled.by_key.get(key, []) for key in keys), key=len)

    @cached_property
    def _labelled(self) -> Index:
        """Return the workloads, each filed under its namespace, and under that with each label of its pods."""

        def keys(workload: Resource) -> Iterator[tuple[str, tuple[str, str] | None]]:
            place = self.place(workload)
            yield place, None
            yield from ((place, pair) for labels in self.labels(workload) for pair in labels.items())

        return Index(self._stack.of_type(*types.WORKLOADS), keys)

    def has_makers(self) -> bool:
        """Whether something makes objects that the stack does not show."""
        return bool(self._stack.of_type(*_MAKERS))

    def has_near(self, resource: Resource) -> bool:
        """Whether an object's namespace has workloads; raises Undetermined if it has none, but may have."""
        return any(self._labelled.find([(self.place(resource), None)]))

    def selected_by(self, service: Resource) -> tuple[Resource, ...]:
        """Return the workloads whose pods a service selects; raises Undetermined if there is none, but may be."""
        wanted = _labels(service.inputs, "spec.selector").items()
        near = self._candidates(self.place(service), wanted)
        found = tuple(each for each in near if any(wanted <= own.items() for own in self.labels(each)))
        if not found:
            self._labelled.be_sure()
        return found

    def has_namespace(self, place: str) -> bool:
        """Whether the stack has the Namespace object of a place; raises Undetermined where it may have."""
        return any(self._namespaces.find([place]))

    @cached_property
    def _namespaces(self) -> Index:
        def keys(namespace: Resource) -> list[str]:
            # A place whose name is unknown goes by the URN of its Namespace.
            return [name_of(namespace) or namespace.urn, namespace.urn]

        return Index(self._stack.of_type(*types.NAMESPACE), keys)

    def be_sure_of_policies(self) -> None:
        """Raise Undetermined where a policy may be about every pod of any namespace."""
        self._policies.be_sure()

    @cached_property
    def _policies(self) -> Index:
        def keys(policy: Resource) -> Iterator[tuple[str, str]]:
            selector = policy.get("spec.podSelector", {})
            if any(selector.values() if isinstance(selector, Mapping) else ()):
                return
            for direction in flows.PEERS:
                if flows.in_force(policy, direction):
                    yield self.place(policy), direction

        return Index(self._stack.of_type(*types.NETWORK_POLICY), keys)

    def _of_kind(self, among: tuple[str, ...], wanted: str) -> tuple[Resource, ...]:
        return tuple(each for each in self._stack.of_type(*among) if kind(each) == wanted)


def _known_name(resource: Resource) -> str:
    try:
        return name_of(resource)
    except Undetermined:
        return ""


def _known_pairs(resource: Resource, path: str = "spec.selector") -> Iterable[tuple[str, str]]:
    try:
        return _labels(selector_of(resource, path), "matchLabels").items()
    except Undetermined:
        return ()


def selector_of(resource: Resource, path: str = "spec.selector") -> Properties:
    """Return the selector of an object; raises Undetermined where it is unknown as a whole."""
    value = resource.inputs.get_part(path)
    return Properties({} if value is MISSING else value, path)


@lru_cache(maxsize=32)
def objects(stack: Stack) -> Objects:
    """Return the Kubernetes objects of a stack; worked out once for all rules."""
    return Objects(stack)
