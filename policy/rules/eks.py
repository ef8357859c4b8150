"""Control planes of EKS, and their administrators.

The component `eks:index:Cluster` has the control plane's properties under other names. Where its child, the control
plane itself, is visible, the rules check that one: the runner skips the component, and in the policy pack the engine
shows no inputs of it.
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
    """Whether it has inputs that the rules can check."""
    return cluster.type not in types.EKS_COMPONENT or bool(cluster.keys(""))


@rule(
    "eks-private-ep",
    "The API server has a private endpoint",
    types=_CLUSTER,
    severity=HIGH,
    controls=("CIS EKS 5.4.2",),
    paths=("vpcConfig.endpointPrivateAccess", "endpointPrivateAccess"),
    why="Without it, traffic between nodes and the control plane leaves the VPC.",
    fix="Set endpoint_private_access=True.",
    strict=True,
)
def private_endpoint(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "vpcConfig.endpointPrivateAccess", "endpointPrivateAccess")
    if _shows(cluster) and not cluster.flag(path):
        yield path, "no private endpoint"


@rule(
    "eks-public-ep",
    "The public API endpoint is off or restricted to named networks",
    types=_CLUSTER,
    severity=CRITICAL,
    controls=("EKS.1", "CKV_AWS_38", "CKV_AWS_39"),
    paths=(
        "vpcConfig.endpointPublicAccess",
        "vpcConfig.publicAccessCidrs",
        "endpointPublicAccess",
        "publicAccessCidrs",
    ),
    why="A leaked credential or a vulnerability in the API server could be used from anywhere.",
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
        yield networks, "the public endpoint is open to the internet"
    yield from cluster.each(networks, _open)


def _open(network: Properties) -> Findings:
    if is_world(network.text("")):
        yield network.path, "the public endpoint is open to the internet"


@rule(
    "eks-secrets-kms",
    "Kubernetes secrets are encrypted with a customer managed key",
    types=_CLUSTER,
    severity=HIGH,
    controls=("EKS.3", "CKV_AWS_58"),
    paths=("encryptionConfig.provider.keyArn", "encryptionConfig.resources[]", "encryptionConfigKeyArn"),
    why="Access to a customer managed key can be revoked, and its use is logged in CloudTrail.",
    fix='Set encryption_config with resources ["secrets"] and the ARN of a customer managed key.',
    strict=True,
)
def secrets(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "encryptionConfig.provider.keyArn", "encryptionConfigKeyArn")
    if not _shows(cluster):
        return
    if not cluster.has(path):
        yield path, "secrets are not encrypted with a customer managed key"
    elif cluster.type not in types.EKS_COMPONENT and "secrets" not in cluster.texts("encryptionConfig.resources"):
        yield "encryptionConfig.resources", "the key is not used for secrets"


_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


@rule(
    "eks-logs",
    "All control plane logs are enabled",
    types=_CLUSTER,
    severity=MEDIUM,
    controls=("EKS.8", "CKV_AWS_37"),
    paths=("enabledClusterLogTypes",),
    why="The audit log is the only record of who did what in the cluster, and cannot be recovered later.",
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
    "The Kubernetes version is set, and in standard support",
    types=_CLUSTER,
    severity=HIGH,
    controls=("EKS.2", "CKV_AWS_339"),
    paths=("version",),
    why="Extended support costs six times as much, and at its end EKS upgrades the cluster automatically.",
    fix="Set version to one in standard support, and upgrade one minor version at a time.",
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
        yield "version", "not set, so EKS takes its newest version at creation"
        return
    calendar: Mapping[str, str] = context.config["supported_until"]
    until = calendar.get(chosen)
    if until is not None and datetime.date.fromisoformat(until) < context.settings.today:
        yield "version", "its standard support has ended"
    elif until is None:
        yield from _beyond(chosen, calendar)


def _beyond(chosen: str, calendar: Mapping[str, str]) -> Findings:
    """Check a version that the calendar does not list: its support has ended if it is older than all listed ones."""
    parts = _parts(chosen)
    if not parts:
        yield "version", "not a version of Kubernetes"
    elif calendar and parts < min(_parts(each) for each in calendar):
        yield "version", "its standard support has ended"


def _parts(text: str) -> tuple[int, ...]:
    numbers = text.removeprefix("v").split(".")
    return tuple(int(number) for number in numbers) if all(number.isdigit() for number in numbers) else ()


@rule(
    "eks-auth-api",
    "Access is granted by access entries only",
    types=_CLUSTER,
    severity=MEDIUM,
    controls=("CIS EKS 4.1.7",),
    paths=("accessConfig.authenticationMode", "authenticationMode"),
    why="The aws-auth ConfigMap grants access that no AWS log or policy shows, and a wrong edit locks everyone out.",
    fix='Set the authentication mode to "API".',
    strict=True,
)
def authentication(cluster: Resource, _: Context) -> Findings:
    path = _path(cluster, "accessConfig.authenticationMode", "authenticationMode")
    if _shows(cluster) and cluster.text(path).upper() != "API":
        yield path, "the aws-auth ConfigMap still grants access"


@rule(
    "eks-creator-admin",
    "The creator of the cluster does not become its administrator",
    types=types.EKS_CLUSTER,
    severity=MEDIUM,
    paths=("accessConfig.bootstrapClusterCreatorAdminPermissions",),
    why="The role that ran the first update would stay a cluster administrator without an explicit decision.",
    fix="Set access_config's bootstrap_cluster_creator_admin_permissions=False, and add access entries.",
    strict=True,
)
def creator(cluster: Resource, _: Context) -> Findings:
    if cluster.flag("accessConfig.bootstrapClusterCreatorAdminPermissions", default=True):
        yield (
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "the creator of the cluster becomes its administrator",
        )


@rule(
    "eks-delprot",
    "Clusters have deletion protection",
    types=_CLUSTER,
    severity=MEDIUM,
    prod_only=True,
    paths=("deletionProtection",),
    why="Deleting the cluster stops everything that runs on it, and a new cluster has another endpoint.",
    fix="Set deletion_protection=True.",
    strict=True,
    remedy={"deletionProtection": True},
)
def deletion_protection(cluster: Resource, _: Context) -> Findings:
    if _shows(cluster) and not cluster.flag("deletionProtection"):
        yield "deletionProtection", "deletion protection is off"


@rule(
    "eks-support-cost",
    "Clusters do not enter extended support",
    types=_CLUSTER,
    severity=MEDIUM,
    paths=("upgradePolicy.supportType",),
    why="Extended support, the default, costs six times as much for each hour of the control plane.",
    fix='Set upgrade_policy={"support_type": "STANDARD"}.',
    strict=True,
)
def support(cluster: Resource, _: Context) -> Findings:
    if _shows(cluster) and cluster.text("upgradePolicy.supportType").upper() != "STANDARD":
        yield "upgradePolicy.supportType", "enters extended support"


_ADMIN_POLICIES = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy")
_SAID = ("admin", "break", "deploy", "deliver", "platform", "pulumi", "root", "operator", "ops", "creator", "bootstrap")
"""What roles are called that are meant to be administrators."""


@rule(
    "eks-admin-scope",
    "Only listed principals are cluster administrators",
    types=types.ACCESS_POLICY_ASSOCIATION,
    kind="stack",
    severity=HIGH,
    controls=("CIS EKS 4.1.1",),
    paths=("policyArn", "accessScope.type", "principalArn"),
    why="A cluster administrator can read every secret and change every pod, and access keys of users can leak.",
    fix="Associate a narrower policy or a namespace scope, or add the role (ARN or Pulumi name) to principals.",
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
            yield "principalArn", "an IAM user, whose access keys do not expire, is a cluster administrator"
        elif listed and not all(_among(role.name, listed) for role in roles):
            yield "principalArn", "is a cluster administrator, but is not listed"
        elif not listed and not all(_says_so(role.name) for role in roles):
            yield "principalArn", "is a cluster administrator, but neither listed nor called one"
        return
    # Without a list, roles that say so are accepted, but no principal with access keys, which do not expire.
    if listed and not _among(principal, listed) and not _named(association, context, listed):
        yield "principalArn", "is a cluster administrator, but is not listed"
    elif not listed and not principal.partition(":iam::")[2].partition(":")[2].startswith("role/"):
        yield "principalArn", "is a cluster administrator, but not an IAM role"
    elif not listed and not _says_so(principal.partition("role/")[2]):
        yield "principalArn", "is a cluster administrator, but neither listed nor called one"


def _says_so(role: str) -> bool:
    return any(each in role.lower() for each in _SAID)


def _among(principal: str, listed: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(principal, pattern) for pattern in listed)


def _named(association: Resource, context: Context, listed: list[str]) -> bool:
    """Whether the principal is a role of this stack that is listed by its name there."""
    try:
        roles = context.stack.targets(association, "principalArn", *types.ROLE)
    except Undetermined:
        return False
    return all(_among(role.name, listed) for role in roles)
