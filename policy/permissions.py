"""What RBAC rules permit: which of them cover a verb on a resource, and where a role counts.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.objects import Objects
from policy.pods import kind
from policy.properties import Properties
from policy.view import Resource

RBAC = "rbac.authorization.k8s.io"
ALL = frozenset({"*", "*/*"})
READING = ("get", "list", "watch")
CHANGING = ("create", "update", "patch")

EVERYTHING = "cluster-admin"
EDITING = ("admin", "edit")
"""What Kubernetes offers for a namespace: both read its Secrets, and act as its service accounts."""

MASTERS = "system:masters"
"""The group that no authorizer asks anything."""

SYSTEM = ("kube-system",)
"""Namespaces whose pods, Secrets and ConfigMaps are the cluster's own."""


@dataclass(frozen=True)
class Permission:
    """Verbs on resources of a group, and what whoever has them can do."""

    message: str
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    cluster: bool = False
    """Whether it is about resources outside of namespaces, so that it counts only if it is granted everywhere."""

    def covered(self, node: Properties) -> bool:
        """Whether a rule of a role grants this on any object; names of single objects limit it."""
        return grants(node, self.group, self.resources, self.verbs) and not names(node)


SECRETS = Permission("can read all secrets", "", ("secrets",), READING)
"""Of the whole cluster, they hold the tokens of anybody."""


def grants(node: Properties, group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> bool:
    """Whether a rule of a role grants one of the verbs on one of the resources, by name or by wildcard."""
    given = {each.lower() for each in node.texts("verbs")}
    return covers(node, group, *resources) and bool({"*", *verbs} & given)


def covers(node: Properties, group: str, *resources: str) -> bool:
    """Whether a rule of a role is about one of these resources."""
    groups, named = set(node.texts("apiGroups")), {each.lower() for each in node.texts("resources")}
    parts = {f"*/{each.partition('/')[2]}" for each in resources if "/" in each}
    return bool({group, "*"} & groups) and bool({*resources, *parts, *ALL} & named)


def names(node: Properties) -> tuple[str, ...]:
    """Return the objects to which a rule of a role is limited; an empty name limits nothing."""
    return tuple(each for each in node.texts("resourceNames") if each)


def reach(known: Objects, role: Resource) -> Iterator[str]:
    """Yield the namespaces in which a role counts; an empty one is the whole cluster.

    A ClusterRole that nothing binds may be bound anywhere. Raises Undetermined where the bindings are unknown.
    """
    if kind(role) == "Role":
        yield known.place(role)
        return
    bindings = known.bindings(role)
    if not bindings or any(kind(each) == "ClusterRoleBinding" for each in bindings):
        yield ""
    else:
        yield from (known.place(each) for each in bindings)
        known.be_sure_of_bindings()


def strong_account(known: Objects, place: str) -> str:
    """Return a service account of a namespace whose pods can do anything in the cluster, empty where none is known."""
    for binding in known.bindings_of_accounts(place):
        if _is_strong(known, binding):
            for subject in binding.nodes("subjects"):
                if subject.text("kind") == "ServiceAccount" and subject.text("namespace") == place:
                    return subject.text("name")
    return ""


def _is_strong(known: Objects, binding: Resource) -> bool:
    if binding.text("roleRef.name") in (EVERYTHING, *EDITING):
        return True
    rules = (node for role in known.cluster_roles(binding) for node in role.nodes("rules"))
    return any(SECRETS.covered(node) for node in rules)


def is_account(subject: Properties, name: str) -> bool:
    """Whether a subject is the service account of a name, in whichever of the two ways to write it."""
    own = subject.text("name")
    if subject.text("kind") == "ServiceAccount":
        return own == name
    return own.startswith("system:serviceaccount:") and own.rpartition(":")[2] == name
