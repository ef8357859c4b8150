"""Service account tokens and RBAC."""

from policy import resource_types as types
from policy.objects import name_of, objects
from policy.pods import kind, pod, pod_paths
from policy.properties import Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "k8s-sa",
    "Pods mount a service account token only where it is needed",
    types=(*types.WORKLOADS, *types.SERVICE_ACCOUNT),
    kind="stack",
    severity=MEDIUM,
    controls=("CKV_K8S_38", "CKV_K8S_41"),
    paths=(
        *pod_paths("serviceAccountName", "serviceAccount", "automountServiceAccountToken"),
        "automountServiceAccountToken",
    ),
    why="Intruders use mounted tokens, and all pods of a namespace share its default service account.",
    fix="Set automount_service_account_token=False; where the token is needed, True and a dedicated service account.",
)
def service_account(resource: Resource, context: Context) -> Findings:
    if resource.type in types.SERVICE_ACCOUNT:
        if name_of(resource) == "default" and resource.flag("automountServiceAccountToken", default=True):
            yield (
                "automountServiceAccountToken",
                "every pod of the namespace without a service account of its own gets its token",
            )
        return
    spec = pod(resource)
    name = "serviceAccountName" if spec.has("serviceAccountName") else "serviceAccount"
    if spec.has("automountServiceAccountToken"):
        if spec.flag("automountServiceAccountToken") and (not spec.has(name) or _is_default(spec, name)):
            yield spec.at(name), "mounts the token of the default service account"
    elif not spec.has(name) or _is_default(spec, name):
        accounts = _accounts(resource, "default", context)
        if not any(not account.flag("automountServiceAccountToken", default=True) for account in accounts):
            yield spec.at("automountServiceAccountToken"), "mounts the token of the default service account"
    else:
        accounts = objects(context.stack).referred(resource, spec.at(name), *types.SERVICE_ACCOUNT)
        if not accounts:
            raise Undetermined(spec.at(name), "names a service account that is not in this stack")
        if not any(account.has("automountServiceAccountToken") for account in accounts):
            yield (
                spec.at("automountServiceAccountToken"),
                "mounts a token, although automountServiceAccountToken is not set",
            )


def _is_default(spec: Properties, name: str) -> bool:
    # An unknown name refers to a service account of the program.
    return isinstance(spec.peek(name), str) and spec.text(name) in ("", "default")


def _accounts(resource: Resource, name: str, context: Context) -> tuple[Resource, ...]:
    return objects(context.stack).named(objects(context.stack).place(resource), name, *types.SERVICE_ACCOUNT)


_WILD = {"*", "*/*"}
_EVERYBODY = {"system:anonymous", "system:unauthenticated"}
_RULES = ("rules[].apiGroups[]", "rules[].resources[]", "rules[].verbs[]", "rules[].resourceNames[]")


@rule(
    "rbac-wild",
    "RBAC roles have no wildcards, and nobody is bound to cluster-admin",
    types=(*types.K8S_ROLE, *types.ROLE_BINDING),
    kind="stack",
    severity=HIGH,
    controls=("CKV_K8S_49", "CKV2_K8S_5"),
    paths=(*_RULES, "rules[].nonResourceURLs[]", "roleRef.name", "subjects[].name"),
    why="A wildcard also grants what later versions add, and access to all secrets.",
    fix="List API groups, resources and verbs; bind a specific role instead of cluster-admin.",
)
def wildcards(resource: Resource, context: Context) -> Findings:
    if resource.type in types.ROLE_BINDING:
        yield from attempt(_bound_to_all, resource)
        yield from resource.each("subjects", _is_everybody)
        return
    yield from resource.each("rules", _is_wild)
    if kind(resource) == "ClusterRole":
        yield from attempt(_reads_all_secrets, resource, context)


def _is_wild(node: Properties) -> Findings:
    def check(key: str) -> Findings:
        if _WILD & set(node.texts(key)):
            yield node.at(key), "a wildcard"

    for key in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        yield from attempt(check, key)


def _bound_to_all(binding: Resource) -> Findings:
    if binding.text("roleRef.name") == "cluster-admin" and kind(binding) == "ClusterRoleBinding":
        yield "roleRef.name", "grants everything in the cluster"


def _is_everybody(subject: Properties) -> Findings:
    if subject.text("name") in _EVERYBODY:
        yield subject.at("name"), "granted to unauthenticated users"


_READING = {"get", "list", "watch", "*"}


def _reads_all_secrets(role: Resource, context: Context) -> Findings:
    def check(node: Properties) -> Findings:
        reads = _covers(node, "", "secrets") and _READING & set(node.texts("verbs")) and not node.texts("resourceNames")
        # A role that is bound only in namespaces can read only their secrets.
        if reads and any(kind(each) == "ClusterRoleBinding" for each in objects(context.stack).bindings(role)):
            yield node.at("resources"), "can read all secrets of the cluster"

    yield from role.each("rules", check)


def _covers(node: Properties, group: str, *resources: str) -> bool:
    """Whether a rule covers one of these resources, by name or by wildcard."""
    groups, named = set(node.texts("apiGroups")), set(node.texts("resources"))
    return bool({group, "*"} & groups) and bool({*resources, *_WILD} & named)


_RBAC = "rbac.authorization.k8s.io"
_ROLES = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
_SOMEBODY = ("users", "groups", "serviceaccounts")


@rule(
    "rbac-escal",
    "RBAC roles do not allow privilege escalation",
    types=types.K8S_ROLE,
    severity=HIGH,
    controls=("CKV_K8S_157", "CKV_K8S_158"),
    paths=_RULES,
    why="`bind`, `escalate`, `impersonate` or tokens of other accounts make a role equivalent to cluster-admin.",
    fix="Remove the verb, or restrict it with resource_names.",
    strict=True,
)
def escalation(role: Resource, _: Context) -> Findings:
    yield from role.each("rules", _escalates)


def _escalates(node: Properties) -> Findings:
    verbs, narrowed = set(node.texts("verbs")), bool(node.texts("resourceNames"))
    if _covers(node, _RBAC, *_ROLES):
        if {"escalate", "*"} & verbs:
            yield node.at("verbs"), "can give a role more permissions than its own"
        elif "bind" in verbs and (not narrowed or "cluster-admin" in node.texts("resourceNames")):
            yield node.at("verbs"), "can bind any role to anyone"
    if narrowed:
        return
    if "impersonate" in verbs and _covers(node, "", *_SOMEBODY):
        yield node.at("verbs"), "can impersonate anyone"
    if {"create", "*"} & verbs and "serviceaccounts/token" in node.texts("resources"):
        yield node.at("resources"), "can create tokens of any service account"
