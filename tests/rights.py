"""What service accounts may do in the cluster, by the roles of the charts and of the program."""

from collections.abc import Iterator
from typing import Any

from support import recorded
from third_party import Manifest, everything, plain


class Rights:
    """Roles and their bindings: of the charts, and of the program."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        own = [
            plain(dict(resource.inputs))
            for resource in recorded(stack, known=True).resources
            if resource.type.startswith("kubernetes:rbac.authorization.k8s.io/")
        ]
        self._roles: dict[tuple[str, str, str], Manifest] = {}
        self._bindings: list[tuple[str, Manifest]] = []
        charts = ((release["namespace"], manifest) for release, manifest in everything(stack))
        for namespace, manifest in [*charts, *(("", each) for each in own)]:
            where = manifest.get("metadata", {}).get("namespace") or namespace
            match manifest["kind"]:
                case "ClusterRole":
                    self._roles["ClusterRole", "", manifest["metadata"]["name"]] = manifest
                case "Role":
                    self._roles["Role", where, manifest["metadata"]["name"]] = manifest
                case "ClusterRoleBinding":
                    self._bindings.append(("", manifest))
                case "RoleBinding":
                    self._bindings.append((where, manifest))
                case _:
                    pass

    @property
    def objects(self) -> list[Manifest]:
        """Return the roles and bindings themselves, each with its namespace."""
        bindings = [_at(where, binding) for where, binding in self._bindings]
        return [*(_at(where, role) for (_, where, _), role in self._roles.items()), *bindings]

    def accounts(self) -> set[str]:
        return {name for where, binding in self._bindings for name in _subjects(binding, where)}

    def can(self, account: str, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether a service account, as `namespace/name`, may do it to any object in a namespace, or outside of any."""
        return any(_covers(rule, verb, group, resource) for rule in self.rules(account, namespace))

    def rules(self, account: str, namespace: str) -> list[dict[str, Any]]:
        """Return all that a service account, as `namespace/name`, may do in a namespace."""
        return [
            rule
            for where, binding in self._bindings
            if where in ("", namespace) and account in _subjects(binding, where)
            for rule in self._rules(binding["roleRef"], where)
        ]

    def _rules(self, reference: dict[str, str], where: str) -> list[dict[str, Any]]:
        role = self._roles.get((reference["kind"], where if reference["kind"] == "Role" else "", reference["name"]))
        # What is not there is Kubernetes' own, such as system:auth-delegator.
        return (role or {}).get("rules") or []


def _at(namespace: str, manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], **({"namespace": namespace} if namespace else {})}}


def _subjects(binding: Manifest, where: str) -> Iterator[str]:
    for subject in binding.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            yield f"{subject.get('namespace') or where}/{subject['name']}"


def _covers(rule: dict[str, Any], verb: str, group: str, resource: str) -> bool:
    def among(key: str, wanted: str) -> bool:
        return bool({"*", wanted} & set(rule.get(key) or []))

    named = rule.get("resourceNames")
    return not named and among("verbs", verb) and among("apiGroups", group) and among("resources", resource)
