"""What a program tells the engine beside a resource's properties: how it is replaced, deleted and waited for."""

import re

from policy import resource_types as types
from policy.properties import Findings
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource
from policy.wants import token

_STATEFUL = (
    *types.RDS_CLUSTER,
    *types.RDS_INSTANCE,
    *types.REPLICATION_GROUP,
    *types.BUCKET,
    *types.KEY,
    *types.SECRET,
    *types.REPOSITORY,
    *types.EKS_CLUSTER,
    *map(token, ("opensearch.Domain", "dynamodb.Table", "efs.FileSystem", "docdb.Cluster", "neptune.Cluster")),
    *map(token, ("redshift.Cluster", "ebs.Volume", "memorydb.Cluster", "backup.Vault", "cloudtrail.Trail")),
)


@rule(
    "stk-replaced",
    "What holds data is not deleted to be replaced",
    types=_STATEFUL,
    severity=HIGH,
    why="The engine would delete the data first, and only then learn whether the successor can be created.",
    fix="Leave out delete_before_replace and replace_on_changes; move the data to a successor with another name.",
)
def replaced(resource: Resource, _: Context) -> Findings:
    if resource.delete_before_replace:
        yield "", "delete_before_replace is on"
    if resource.replace_on_changes:
        yield "", "replace_on_changes replaces it although it could be changed in place"


_RIGHTS = (
    *types.IAM_ACCESS_KEY,
    *types.IAM_USER,
    *types.IAM_LOGIN_PROFILE,
    *types.ROLE,
    *types.ROLE_POLICY,
    *types.ROLE_POLICY_ATTACHMENT,
    *types.USER_POLICY,
    *types.USER_POLICY_ATTACHMENT,
    *types.ACCESS_ENTRY,
    *types.ACCESS_POLICY_ASSOCIATION,
    *types.POD_IDENTITY_ASSOCIATION,
    *types.INGRESS_RULE,
    *types.EGRESS_RULE,
    *types.SECURITY_GROUP_RULE,
    *types.OIDC_PROVIDER,
    *types.BUCKET_POLICY,
    *types.KEY_POLICY,
)


@rule(
    "stk-retained",
    "Rights end when the program drops them",
    types=_RIGHTS,
    severity=MEDIUM,
    why="What is retained stays in AWS and leaves the state: nobody sees a right again that nobody wants any more.",
    fix="Leave out retain_on_delete.",
)
def retained(resource: Resource, _: Context) -> Findings:
    if resource.retain_on_delete:
        yield "", "retain_on_delete keeps it after the program has dropped it"


_SLOW = (
    *types.RDS_CLUSTER,
    *types.RDS_CLUSTER_INSTANCE,
    *types.RDS_INSTANCE,
    *types.REPLICATION_GROUP,
    *types.EKS_CLUSTER,
    *types.NODE_GROUP,
    token("opensearch.Domain"),
)
_SECONDS = {"h": 3600, "m": 60, "s": 1}


@rule(
    "stk-timeouts",
    "The engine waits for what AWS takes long to make",
    types=_SLOW,
    severity=MEDIUM,
    why="The update fails while AWS is still at work, and leaves a resource of which the state knows nothing.",
    fix="Leave out custom_timeouts, or give each operation ten minutes or more.",
    config={"minutes": {"type": "integer", "minimum": 1, "default": 10}},
)
def timeouts(resource: Resource, context: Context) -> Findings:
    for operation, given in sorted(resource.custom_timeouts.items()):
        if 0 < _seconds(given) < context.config["minutes"] * 60:
            yield "", f"{operation} has to end within {given}"


def _seconds(given: str) -> float:
    """Return a duration such as `1h30m`, in seconds; 0 for one that is not written so, which means none."""
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)([hms])", given))
