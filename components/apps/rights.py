"""Rights in the application's namespace, for controllers that live in other namespaces."""

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import Installer
from components.namespaces import APPLICATION

Rule = tuple[str, Sequence[str], Sequence[str]] | tuple[str, Sequence[str], Sequence[str], Sequence[str]]
"""An API group, resources of it, verbs, and the names of the only objects that are meant."""

WATCH = ("get", "list", "watch")


def grant(
    account: str,
    namespace: str,
    rules: Sequence[Rule],
    *,
    installer: Installer,
    parent: pulumi.Resource,
    name: str = "",
) -> kubernetes.rbac.v1.RoleBinding:
    """Let a service account of another namespace do what `rules` allow, in the application's namespace alone.

    Role and binding are called `name`, or after the account, and go with the application's namespace. Returns the
    binding.
    """
    name = name or account
    metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {"name": name, "namespace": APPLICATION}
    granted = [_granted(rule) for rule in rules]
    role = kubernetes.rbac.v1.Role(name, metadata=metadata, rules=granted, opts=installer.inside(APPLICATION, parent))
    return kubernetes.rbac.v1.RoleBinding(
        name,
        metadata=metadata,
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        opts=installer.inside(APPLICATION, parent, role),
    )


def _granted(rule: Rule) -> kubernetes.rbac.v1.PolicyRuleArgsDict:
    group, resources, verbs = rule[:3]
    granted: kubernetes.rbac.v1.PolicyRuleArgsDict = {
        "api_groups": [group],
        "resources": list(resources),
        "verbs": list(verbs),
    }
    if len(rule) == 4:  # noqa: PLR2004  # names of objects, too
        granted["resource_names"] = list(rule[3])
    return granted
