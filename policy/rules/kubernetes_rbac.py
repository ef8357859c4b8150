"""RBAC: what leads from a role or a binding to the whole cluster.

The list of ways is Kubernetes' own: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

import re
from functools import partial

import yaml

from policy import resource_types as types
from policy.objects import name_of, objects
from policy.permissions import (
    ALL,
    CHANGING,
    EDITING,
    EVERYTHING,
    MASTERS,
    RBAC,
    READING,
    SECRETS,
    SYSTEM,
    Permission,
    covers,
    grants,
    is_account,
    names,
    reach,
    strong_account,
)
from policy.pods import kind
from policy.properties import Findings, Properties, Undetermined, attempt, join
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_RULES = ("rules[].apiGroups[]", "rules[].resources[]", "rules[].verbs[]", "rules[].resourceNames[]")
_SUBJECTS = ("subjects[].kind", "subjects[].name", "subjects[].namespace")
_PLACED_RULES = (*_RULES, "metadata.namespace")


@rule(
    "rbac-wild",
    "RBAC roles have no wildcards, and nobody is bound to cluster-admin",
    types=(*types.K8S_ROLE, *types.ROLE_BINDING),
    kind="stack",
    severity=HIGH,
    controls=("CKV_K8S_49", "CIS EKS 4.1.1", "CIS EKS 4.1.3"),
    paths=(
        *_RULES,
        "rules[].nonResourceURLs[]",
        "aggregationRule.clusterRoleSelectors[]",
        "metadata.labels.*",
        "metadata.namespace",
        "roleRef.name",
        *_SUBJECTS,
    ),
    why="A wildcard also grants what later versions add, and access to all secrets.",
    fix="List API groups, resources and verbs; bind a specific role instead of cluster-admin.",
)
def wildcards(resource: Resource, context: Context) -> Findings:
    if resource.type in types.ROLE_BINDING:
        yield from attempt(_bound_to_all, resource, context)
        yield from resource.each("subjects", partial(_is_everybody, resource))
        return
    yield from resource.each("rules", _is_wild)
    if kind(resource) == "ClusterRole":
        yield from resource.each("aggregationRule.clusterRoleSelectors", _gathers_all)
        yield from attempt(_widens_view, resource)


def _is_wild(node: Properties) -> Findings:
    def check(key: str) -> Findings:
        given = node.texts(key)
        if {*ALL, "/*"} & set(given) or (key == "resources" and any(each.endswith("/*") for each in given)):
            yield node.at(key), "a wildcard"

    for key in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
        yield from attempt(check, key)


def _gathers_all(selector: Properties) -> Findings:
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield selector.at(), "aggregates every ClusterRole"


_VIEWERS = 'metadata.labels["rbac.authorization.k8s.io/aggregate-to-view"]'


def _widens_view(role: Resource) -> Findings:
    def check(node: Properties) -> Findings:
        if set(node.texts("verbs")) - {*READING, "*"}:
            yield node.at("verbs"), "lets everybody who may view change something"

    if role.flag(_VIEWERS):
        yield from role.each("rules", check)


def _bound_to_all(binding: Resource, context: Context) -> Findings:
    role, everywhere = binding.text("roleRef.name"), kind(binding) == "ClusterRoleBinding"
    if binding.text("roleRef.kind") == "Role":
        return
    if role.startswith(_CONTROLLERS) and any(_is_other(each) for each in binding.nodes("subjects")):
        yield "roleRef.name", "grants what a controller of the control plane may do"
    elif role == EVERYTHING:
        yield "roleRef.name", f"grants everything in the {'cluster' if everywhere else 'namespace'}"
    elif role in EDITING and everywhere:
        yield "roleRef.name", f"grants {role} in every namespace, with all secrets and service accounts of the cluster"
    elif role in EDITING and objects(context.stack).place(binding) in SYSTEM:
        yield "roleRef.name", f"grants {role} in a namespace of the cluster itself"


_CONTROLLERS = ("system:controller:", "system:kube-controller-manager", "system:node", "system:aggregate-to-")


def _is_other(subject: Properties) -> bool:
    """Whether a subject is none of the control plane's own, which all are `system:`."""
    own = subject.text("namespace") == "kube-system" or subject.text("name").startswith(("system:", "eks:"))
    return not own


_NOBODY = ("system:anonymous", "system:unauthenticated")
_ANYBODY = {
    **dict.fromkeys(_NOBODY, "granted to unauthenticated users"),
    "system:authenticated": "granted to every authenticated user and service account",
    "system:serviceaccounts": "granted to every service account of the cluster",
    MASTERS: "the group system:masters bypasses all authorization",
}
_PUBLIC = {
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
}
"""Default roles that Kubernetes itself binds to these groups, and which show nothing of the cluster's objects."""


def _is_everybody(binding: Resource, subject: Properties) -> Findings:
    said = _ANYBODY.get(subject.text("name"))
    if said and subject.text("kind") != "ServiceAccount" and binding.text("roleRef.name") not in _PUBLIC:
        yield subject.at("name"), said


@rule(
    "rbac-default",
    "Default service accounts have no permissions",
    types=types.ROLE_BINDING,
    severity=HIGH,
    controls=("CKV_K8S_42", "CIS EKS 4.1.5"),
    paths=_SUBJECTS,
    why="Every pod of the namespace that names no service account of its own gets these permissions.",
    fix="Bind the role to a service account that only the pods that need it name.",
)
def bound_to_default(binding: Resource, _: Context) -> Findings:
    def check(subject: Properties) -> Findings:
        if is_account(subject, "default"):
            yield subject.at("name"), "granted to the default service account"
        elif subject.text("name").startswith("system:serviceaccounts:"):
            yield subject.at("name"), "granted to every service account of a namespace"

    yield from binding.each("subjects", check)


@rule(
    "rbac-secrets",
    "Roles read single secrets by name",
    types=types.K8S_ROLE,
    kind="stack",
    severity=MEDIUM,
    controls=("CKV2_K8S_5", "CIS EKS 4.1.2"),
    paths=_PLACED_RULES,
    why="Secrets hold the tokens and passwords of others: whoever reads them all, or lists them, becomes any of them.",
    fix="Limit the rule with resource_names to the secrets that are needed, and use get alone.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def reads_secrets(role: Resource, context: Context) -> Findings:
    def check(node: Properties) -> Findings:
        if SECRETS.covered(node) and name_of(role) not in context.config["allowed"]:
            yield node.at("resources"), f"can read all secrets of the {_extent(role, context)}"

    yield from role.each("rules", check)


def _extent(role: Resource, context: Context) -> str:
    return "cluster" if "" in reach(objects(context.stack), role) else "namespace"


_ROLES = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
_SOMEBODY = (
    ("", ("users", "groups", "serviceaccounts")),
    ("authentication.k8s.io", ("uids", "userextras", "userextras/scopes")),
)
_ADMISSION = (
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
)
_WAYS = (
    Permission("can create tokens of any service account", "", ("serviceaccounts/token",), ("create",)),
    Permission(
        "can change what is admitted to the cluster, and see every object on its way",
        "admissionregistration.k8s.io",
        _ADMISSION,
        (*CHANGING, "delete", "deletecollection"),
        cluster=True,
    ),
    Permission(
        "can put itself in place of a part of the API",
        "apiregistration.k8s.io",
        ("apiservices",),
        CHANGING,
        cluster=True,
    ),
    Permission(
        "can change definitions of custom resources, and convert their objects",
        "apiextensions.k8s.io",
        ("customresourcedefinitions",),
        CHANGING,
        cluster=True,
    ),
    Permission(
        "can run commands in every container of a node", "", ("nodes/proxy",), ("get", "create", "update"), cluster=True
    ),
    Permission("can mount any directory of a node", "", ("persistentvolumes",), ("create",), cluster=True),
    Permission("can change nodes, and draw pods to them", "", ("nodes",), ("update", "patch", "create"), cluster=True),
    Permission("can take a namespace's pod security standard away", "", ("namespaces",), ("update", "patch")),
    Permission(
        "can run commands in containers",
        "",
        ("pods/exec", "pods/attach"),
        ("create", "get"),
    ),
    Permission("can put containers into running pods", "", ("pods/ephemeralcontainers",), ("update", "patch")),
    # CVE-2020-8554, which has no other remedy.
    Permission("can draw traffic for any address to a service", "", ("services/status",), ("update", "patch")),
)
_MAPPING = ("aws-auth", "coredns")


@rule(
    "rbac-escal",
    "RBAC roles do not allow privilege escalation",
    types=types.K8S_ROLE,
    kind="stack",
    severity=HIGH,
    controls=(
        "CKV_K8S_155",
        "CKV_K8S_156",
        "CKV_K8S_157",
        "CKV_K8S_158",
        "CKV2_K8S_1",
        "CKV2_K8S_3",
        "CIS EKS 4.1.8",
    ),
    paths=_PLACED_RULES,
    why="`bind`, `escalate`, `impersonate` or tokens of other accounts make a role equivalent to cluster-admin.",
    fix="Remove the verb, or restrict it with resource_names.",
    strict=True,
)
def escalation(role: Resource, context: Context) -> Findings:
    yield from role.each("rules", _escalates)
    yield from role.each("rules", partial(_finds_way, role, context))
    yield from attempt(_approves, role)


def _escalates(node: Properties) -> Findings:
    verbs, narrowed = set(node.texts("verbs")), names(node)
    if covers(node, RBAC, *_ROLES):
        if {"escalate", "*"} & verbs:
            yield node.at("verbs"), "can give a role more permissions than its own"
        elif "bind" in verbs and (not narrowed or EVERYTHING in narrowed):
            yield node.at("verbs"), "can bind any role to anyone"
    impersonates = any(each.startswith("impersonate") for each in verbs) or ("*" in verbs and not _is_about_all(node))
    somebody = any(covers(node, group, *resources) for group, resources in _SOMEBODY)
    if impersonates and somebody and (not narrowed or MASTERS in narrowed):
        yield node.at("verbs"), "can impersonate anyone"


def _is_about_all(node: Properties) -> bool:
    return bool(ALL & set(node.texts("resources")))


def _finds_way(role: Resource, context: Context, node: Properties) -> Findings:
    known = objects(context.stack)
    for way in _WAYS:
        if way.covered(node) and (not way.cluster or "" in reach(known, role)):
            yield node.at("resources"), way.message
            if _is_about_all(node):
                return  # the wildcard is the finding, and has all other ways too
    # https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html
    if grants(node, "", ("configmaps",), CHANGING):
        narrowed = names(node)
        if set(_MAPPING) & set(narrowed) or (not narrowed and set(SYSTEM) & set(reach(known, role))):
            yield (
                node.at("resources"),
                "can change who is who in the cluster (aws-auth), or its names (coredns)",
            )


_SIGNED_AS_ANYBODY = re.compile(r"\*|kubernetes\.io/(\*|kube-apiserver-client(-kubelet)?)")
_CERTIFICATES = "certificates.k8s.io"


def _approves(role: Resource) -> Findings:
    """Find who can have certificates for any user: with approval of requests, and of their signer."""
    rules = role.nodes("rules")
    approving = [each for each in rules if grants(each, _CERTIFICATES, _APPROVAL, ("update", "patch"))]
    signers = [each for each in rules if grants(each, _CERTIFICATES, ("signers",), ("approve", "sign"))]
    if not signers or any(not names(each) or _any_user(names(each)) for each in signers):
        yield from ((each.at("resources"), "can approve certificates for any user") for each in approving)


_APPROVAL = ("certificatesigningrequests/approval",)


def _any_user(signers: tuple[str, ...]) -> bool:
    return any(_SIGNED_AS_ANYBODY.fullmatch(each) for each in signers)


_KINDS = (
    ("", ("pods", "replicationcontrollers")),
    ("apps", ("deployments", "daemonsets", "statefulsets", "replicasets")),
    ("batch", ("jobs", "cronjobs")),
    ("argoproj.io", ("rollouts",)),
)


@rule(
    "rbac-pods",
    "Roles do not start pods with the rights of others",
    types=types.K8S_ROLE,
    kind="stack",
    severity=MEDIUM,
    controls=("CIS EKS 4.1.4",),
    paths=_PLACED_RULES,
    why="Whoever starts a pod can use every secret and service account of its namespace, and mount what it may mount.",
    fix="Grant workloads in single namespaces by a RoleBinding, and only where no service account has more rights.",
)
def starts_pods(role: Resource, context: Context) -> Findings:
    def check(node: Properties) -> Findings:
        started = [each for group, kinds in _KINDS for each in kinds if grants(node, group, (each,), CHANGING)]
        if not started or names(node):
            return
        known = objects(context.stack)
        places = tuple(reach(known, role))
        if "" in places or set(SYSTEM) & set(places):
            yield node.at("resources"), "can start pods in namespaces of the cluster itself, with any service account"
        elif strong := next(filter(None, (strong_account(known, place) for place in places)), ""):
            yield node.at("resources"), f"can start pods with the service account {strong}, which can do anything"
        elif "pods" in started and {"create", "*"} & set(node.texts("verbs")):
            yield node.at("resources"), "can start pods with any service account of the namespace"

    yield from role.each("rules", check)


_MAPPED = ("mapRoles", "mapUsers")
_GROUPS = (("roleMappings", "groups"), ("userMappings", "groups"), ("accessEntries", "kubernetesGroups"))


@rule(
    "rbac-masters",
    "Nobody is mapped to the group system:masters",
    types=(*types.CONFIG_MAP, *types.ACCESS_ENTRY, *types.EKS_COMPONENT),
    severity=CRITICAL,
    paths=(
        *(f"data.{key}" for key in _MAPPED),
        "kubernetesGroups[]",
        "metadata.name",
        "metadata.namespace",
        *(f"{path}[].{key}" for path, key in _GROUPS[:2]),
    ),
    why="The group bypasses all authorization, and no binding that could be removed says so.",
    fix="Use an access entry with an access policy, or a group of your own that a RoleBinding names.",
)
def masters(resource: Resource, _: Context) -> Findings:
    said = "mapped to system:masters"
    if resource.type in types.ACCESS_ENTRY:
        if MASTERS in resource.texts("kubernetesGroups"):
            yield "kubernetesGroups", said
    elif resource.type in types.CONFIG_MAP:
        for key in _MAPPED:
            yield from attempt(_mapped, resource, join("data", key))
    else:
        for path, key in _GROUPS:
            yield from attempt(_in_groups, resource, path, key)


def _mapped(resource: Resource, path: str) -> Findings:
    """Find the group in the YAML of a ConfigMap: https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html"""
    if not resource.has(path) or resource.text("metadata.name") != "aws-auth":
        return
    try:
        entries = yaml.safe_load(resource.text(path))
    except yaml.YAMLError:
        raise Undetermined(path, "is not valid YAML") from None
    if any(MASTERS in (each.get("groups") or ()) for each in entries or () if isinstance(each, dict)):
        yield path, "maps somebody to system:masters"


def _in_groups(resource: Resource, path: str, key: str) -> Findings:
    value = resource.inputs.get_part(path)
    if isinstance(value, dict):  # access entries go by a name
        nodes = [Properties(value[name], join(path, str(name))) for name in value]
    else:
        nodes = list(resource.nodes(path))
    for node in nodes:
        if MASTERS in node.texts(key):
            yield node.at(key), "mapped to system:masters"
