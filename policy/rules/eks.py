"""Control planes of EKS, their add-ons, and who administers them.

The component `eks:index:Cluster` takes the control plane's properties by names of its own. Where the control plane
below it shows, that is judged instead: the runner sees to it, and to the pack the engine then shows no inputs of the
component.
"""

import datetime
import fnmatch
from collections.abc import Mapping

from policy import resource_types as types
from policy.networks import is_world
from policy.properties import Findings, Properties, Undetermined
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_CLUSTER = (*types.EKS_CLUSTER, *types.EKS_COMPONENT)


def _path(cluster: Resource, own: str, of_component: str) -> str:
    return of_component if cluster.type in types.EKS_COMPONENT else own


def _shows(cluster: Resource) -> bool:
    """Whether it has inputs by which it can be judged."""
    return cluster.type not in types.EKS_COMPONENT or bool(cluster.keys(""))


@rule(
    "eks-private-ep",
    "The API server has a private endpoint",
    types=_CLUSTER,
    severity=HIGH,
    controls=("CIS EKS 5.4.2",),
    paths=("vpcConfig.endpointPrivateAccess", "endpointPrivateAccess"),
    why="Without it, what nodes and control plane say to each other leaves the VPC.",
    fix="Set endpoint_private_access=True.",
    strict=True,
)
def private_endpoint(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "vpcConfig.endpointPrivateAccess", "endpointPrivateAccess")
    if _shows(cluster) and not cluster.flag(path):
        yield path, "no private endpoint"


@rule(
    "eks-public-ep",
    "The API server is not reachable from everywhere",
    types=_CLUSTER,
    severity=CRITICAL,
    controls=("EKS.1", "CKV_AWS_38", "CKV_AWS_39"),
    paths=(
        "vpcConfig.endpointPublicAccess",
        "vpcConfig.publicAccessCidrs",
        "endpointPublicAccess",
        "publicAccessCidrs",
    ),
    why="One leaked credential or one flaw in the API server is then enough to own the cluster from anywhere.",
    fix="Set endpoint_public_access=False, or name the networks in public_access_cidrs.",
    strict=True,
)
def public_endpoint(cluster: Resource, _: Context) -> Findings:
    access = _path(cluster, "vpcConfig.endpointPublicAccess", "endpointPublicAccess")
    networks = _path(cluster, "vpcConfig.publicAccessCidrs", "publicAccessCidrs")
    # Left out, the endpoint is on, and open to the world:
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html
    if not _shows(cluster) or not cluster.flag(access, default=True):
        return
    if not cluster.count(networks):
        yield networks, "the public endpoint is open to the world"
    yield from cluster.each(networks, _open)


def _open(network: Properties) -> Findings:
    if is_world(network.text("")):
        yield network.path, "the public endpoint is open to the world"


@rule(
    "eks-secrets-kms",
    "Kubernetes secrets are encrypted by a customer key",
    types=_CLUSTER,
    severity=HIGH,
    controls=("EKS.3", "CKV_AWS_58"),
    paths=("encryptionConfig.provider.keyArn", "encryptionConfig.resources[]", "encryptionConfigKeyArn"),
    why="Only a key of one's own can be taken away from a copy of the cluster's database, and tells who used it.",
    fix='Set encryption_config with resources ["secrets"] and the ARN of a key of your own.',
    strict=True,
)
def secrets(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "encryptionConfig.provider.keyArn", "encryptionConfigKeyArn")
    if not _shows(cluster):
        return
    if not cluster.has(path):
        yield path, "no customer key encrypts the secrets"
    elif cluster.type not in types.EKS_COMPONENT and "secrets" not in cluster.texts("encryptionConfig.resources"):
        yield "encryptionConfig.resources", "the key does not encrypt the secrets"


_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@rule(
    "eks-logs",
    "Every log of the control plane is kept",
    types=_CLUSTER,
    severity=MEDIUM,
    controls=("EKS.8", "CKV_AWS_37"),
    paths=("enabledClusterLogTypes",),
    why="The audit log alone tells who did what in the cluster, and logs cannot be had afterwards.",
    fix=f"Set enabled_cluster_log_types to {', '.join(_LOGS)}.",
    strict=True,
)
def logs(cluster: Resource, _: Context) -> Findings:
    if not _shows(cluster):
        return
    lacking = set(_LOGS) - set(cluster.texts("enabledClusterLogTypes"))
    if lacking:
        yield "enabledClusterLogTypes", f"lacks {', '.join(sorted(lacking))}"


# Source: https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html and, up to 1.35, too
# https://endoflife.date/amazon-eks
_SUPPORT = {
    "1.31": "2025-11-26",
    "1.32": "2026-03-23",
    "1.33": "2026-07-29",
    "1.34": "2026-12-02",
    "1.35": "2027-03-27",
    "1.36": "2027-08-02",
}


@rule(
    "eks-version",
    "Kubernetes has a version that is chosen, and in standard support",
    types=_CLUSTER,
    severity=HIGH,
    controls=("EKS.2", "CKV_AWS_339"),
    paths=("version",),
    why="After standard support EKS costs six times as much, and in the end upgrades the cluster on a day of its own.",
    fix="Set version to one whose standard support lasts, and upgrade one minor version at a time.",
    strict=True,
    config={
        "supported_until": {
            "type": "object",
            "additionalProperties": {"type": "string", "format": "date"},
            "default": _SUPPORT,
        }
    },
)
def version(cluster: Resource, context: Context) -> Findings:
    if not _shows(cluster):
        return
    chosen = cluster.text("version")
    if not chosen:
        yield "version", "left to EKS, which takes the newest of the day"
        return
    calendar: Mapping[str, str] = context.config["supported_until"]
    until = calendar.get(chosen)
    if until is not None and datetime.date.fromisoformat(until) < context.settings.today:
        yield "version", "its standard support has ended"
    elif until is None:
        yield from _beyond(chosen, calendar)


def _beyond(chosen: str, calendar: Mapping[str, str]) -> Findings:
    """Judge a version that the calendar does not know: older than all it knows it has ended, newer it has not."""
    parts = _parts(chosen)
    if not parts:
        yield "version", "no version of Kubernetes"
    elif calendar and parts < min(_parts(each) for each in calendar):
        yield "version", "its standard support has ended"


def _parts(text: str) -> tuple[int, ...]:
    numbers = text.removeprefix("v").split(".")
    return tuple(int(number) for number in numbers) if all(number.isdigit() for number in numbers) else ()


@rule(
    "eks-auth-api",
    "Access is granted by access entries alone",
    types=_CLUSTER,
    severity=MEDIUM,
    controls=("CIS EKS 4.1.7",),
    paths=("accessConfig.authenticationMode", "authenticationMode"),
    why="The aws-auth map grants rights that no AWS log or policy shows, and a wrong edit locks everybody out.",
    fix='Set the authentication mode to "API".',
    strict=True,
)
def authentication(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "accessConfig.authenticationMode", "authenticationMode")
    if _shows(cluster) and cluster.text(path).upper() != "API":
        yield path, "the aws-auth map still grants access"


@rule(
    "eks-creator-admin",
    "Whoever made the cluster is not its administrator for that",
    types=types.EKS_CLUSTER,
    severity=MEDIUM,
    paths=("accessConfig.bootstrapClusterCreatorAdminPermissions",),
    why="The role that ran the first update would administer the cluster for ever, and no list shows it.",
    fix="Set access_config's bootstrap_cluster_creator_admin_permissions=False, and give access entries.",
    strict=True,
)
def creator(cluster: Resource, _: Context) -> Findings:
    if cluster.flag("accessConfig.bootstrapClusterCreatorAdminPermissions", default=True):
        yield "accessConfig.bootstrapClusterCreatorAdminPermissions", "whoever makes the cluster administers it"


@rule(
    "eks-delprot",
    "The cluster is protected from deletion by AWS",
    types=_CLUSTER,
    severity=MEDIUM,
    prod_only=True,
    paths=("deletionProtection",),
    why="A deleted cluster takes all that runs on it along, and comes back under another address.",
    fix="Set deletion_protection=True.",
    strict=True,
)
def deletion_protection(cluster: Resource, _: Context) -> Findings:
    if _shows(cluster) and not cluster.flag("deletionProtection"):
        yield "deletionProtection", "not protected"


@rule(
    "eks-support-cost",
    "The cluster is upgraded at the end of standard support, not billed for extended support",
    types=_CLUSTER,
    severity=MEDIUM,
    paths=("upgradePolicy.supportType",),
    why="Extended support, which is the default, costs six times as much for each hour of the control plane.",
    fix='Set upgrade_policy={"support_type": "STANDARD"}.',
    strict=True,
)
def support(cluster: Resource, _: Context) -> Findings:
    if _shows(cluster) and cluster.text("upgradePolicy.supportType").upper() != "STANDARD":
        yield "upgradePolicy.supportType", "slides into extended support"


_ADMIN_POLICIES = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy")


@rule(
    "eks-admin-scope",
    "Only listed principals administer the whole cluster",
    types=types.ACCESS_POLICY_ASSOCIATION,
    kind="stack",
    severity=HIGH,
    controls=("CIS EKS 4.1.1",),
    paths=("policyArn", "accessScope.type", "principalArn"),
    why="A cluster administrator reads every secret and becomes every pod; users have keys that leak.",
    fix="Associate a narrower policy or a namespace, or list the role (ARN or Pulumi name) in principals.",
    config={"principals": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def administrators(association: Resource, context: Context) -> Findings:
    policy, scope = association.text("policyArn"), association.text("accessScope.type").lower()
    if policy.rpartition("/")[2] not in _ADMIN_POLICIES or scope == "namespace":
        return
    listed: list[str] = context.config["principals"]
    try:
        principal = association.text("principalArn")
    except Undetermined:
        roles = context.stack.targets(association, "principalArn", *types.ROLE, *types.IAM_USER)
        if any(role.type in types.IAM_USER for role in roles):
            yield "principalArn", "a user, whose keys do not expire, administers the cluster"
        elif listed and not all(_among(role.name, listed) for role in roles):
            yield "principalArn", "administers the cluster, and is not listed"
        return
    # Without a list, any role may, but nobody who signs in by a key that does not expire.
    if listed and not _among(principal, listed) and not _named(association, context, listed):
        yield "principalArn", "administers the cluster, and is not listed"
    elif not listed and not principal.partition(":iam::")[2].partition(":")[2].startswith("role/"):
        yield "principalArn", "no role, yet administers the cluster"


def _among(principal: str, listed: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(principal, pattern) for pattern in listed)


def _named(association: Resource, context: Context, listed: list[str]) -> bool:
    """Whether the principal is a role of this stack that is listed by its name there."""
    try:
        roles = context.stack.targets(association, "principalArn", *types.ROLE)
    except Undetermined:
        return False
    return all(_among(role.name, listed) for role in roles)
