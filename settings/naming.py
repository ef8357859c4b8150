"""Physical names: the few that something outside the program relies on, each within its length budget.

Everything else is auto-named by Pulumi, so that a replacement can exist beside what it replaces.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PROJECT = "ai-prism"

STACK_NAME = re.compile(r"[a-z][a-z0-9]{1,15}")
"""Stack names carry no hyphen: `ai-prism-{stack}-{role}` can then be read back in one way only, so two stacks never
arrive at the same physical name."""


ROLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A physical name that somebody outside the program relies on, and that therefore cannot be generated."""

    type: str
    property: str
    shape: str
    """A format string over `stem` (`ai-prism-{stack}`) or `stack`, and, where one stack has several, `role`."""
    limit: int
    """Longest name that the service accepts, in characters."""
    reason: str


CONTRACTS: Mapping[str, Contract] = {
    "cluster": Contract(
        type="aws:eks/cluster:Cluster",
        property="name",
        shape="{stem}",
        limit=100,
        reason="its log group has to exist before it, under a name that contains the cluster's",
    ),
    # https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html
    "cluster-logs": Contract(
        type="aws:cloudwatch/logGroup:LogGroup",
        property="name",
        shape="/aws/eks/{stem}/cluster",
        limit=512,
        reason="EKS writes to this name, and makes the group itself, without key or retention, where it is missing",
    ),
    "database": Contract(
        type="aws:rds/cluster:Cluster",
        property="clusterIdentifier",
        shape="{stem}",
        limit=63,
        reason="its log group has to exist before it, under a name that contains the identifier",
    ),
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.CloudWatch.html
    "database-logs": Contract(
        type="aws:cloudwatch/logGroup:LogGroup",
        property="name",
        shape="/aws/rds/cluster/{stem}/postgresql",
        limit=512,
        reason="Aurora writes to this name, and makes the group itself, without key or retention, where it is missing",
    ),
    "database-restored": Contract(
        type="aws:rds/cluster:Cluster",
        property="clusterIdentifier",
        shape="{stem}-{role}",
        limit=63,
        reason="it stands beside the cluster whose place it takes, and its log group has to exist before it",
    ),
    "database-logs-restored": Contract(
        type="aws:cloudwatch/logGroup:LogGroup",
        property="name",
        shape="/aws/rds/cluster/{stem}-{role}/postgresql",
        limit=512,
        reason="as that of the cluster whose place it takes",
    ),
    "database-snapshot": Contract(
        type="aws:rds/cluster:Cluster",
        property="finalSnapshotIdentifier",
        shape="{stem}-final-{role}",
        limit=255,
        reason="a restore has to find the last snapshot by name",
    ),
    # https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
    "firewall-logs": Contract(
        type="aws:cloudwatch/logGroup:LogGroup",
        property="name",
        shape="aws-waf-logs-{stem}",
        limit=512,
        reason="WAF accepts only log groups with this prefix",
    ),
    # https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_CreateDomain.html
    "search": Contract(
        type="aws:opensearch/domain:Domain",
        property="domainName",
        shape="{stem}",
        limit=28,
        reason="the roles that reach it name it, and it names them",
    ),
    "search-logs": Contract(
        type="aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        property="policyName",
        shape="{stem}-search",
        limit=255,
        reason="the service asks for a name",
    ),
    "repository": Contract(
        type="aws:ecr/repository:Repository",
        property="name",
        shape="{stem}/{role}",
        limit=256,
        reason="pipelines push to it and charts pull from it",
    ),
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html
    "image-cache": Contract(
        type="aws:ecr/pullThroughCacheRule:PullThroughCacheRule",
        property="ecrRepositoryPrefix",
        shape="{stem}/{role}",
        limit=30,
        reason="charts pull what begins like it, and nodes may have repositories made below it",
    ),
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    "cache-user": Contract(
        type="aws:elasticache/user:User",
        property="userId",
        shape="{stem}-{role}",
        limit=40,
        reason="IAM authentication wants the user's id and the name that clients send to be the same",
    ),
    "cache-users": Contract(
        type="aws:elasticache/userGroup:UserGroup",
        property="userGroupId",
        shape="{stem}",
        limit=40,
        reason="the service asks for an id",
    ),
    "delivery-role": Contract(
        type="aws:iam/role:Role",
        property="name",
        shape="{stem}-{role}",
        limit=64,
        reason="workflows assume it by ARN before they can read any stack output",
    ),
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    "secret": Contract(
        type="aws:secretsmanager/secret:Secret",
        property="name",
        shape=PROJECT + "/{stack}/{role}",
        limit=512,
        reason="people and rotations put values into it, and roles may read what begins like it",
    ),
    "dashboard": Contract(
        type="aws:cloudwatch/dashboard:Dashboard",
        property="dashboardName",
        shape="{stem}",
        limit=255,
        reason="runbooks link to it, and the service asks for a name",
    ),
}


def physical_name(contract: str, stack: str, role: str = "") -> str:
    """Return the physical name that `contract` prescribes in `stack`.

    Raises ValueError where the stack's name would make names ambiguous, a part is missing, or the budget is exceeded.
    """
    if not STACK_NAME.fullmatch(stack):
        raise ValueError(f"a stack's name is 2 to 16 lower-case letters and digits, the first a letter, got {stack!r}")
    terms = CONTRACTS[contract]
    if ("{role}" in terms.shape) != bool(role):
        raise ValueError(f"the name of {contract!r} is {terms.shape!r}, got the role {role!r}")
    if role and not ROLE.fullmatch(role):
        raise ValueError(f"a role is lower-case words joined by hyphens, got {role!r}")
    name = terms.shape.format(stem=f"{PROJECT}-{stack}", stack=stack, role=role)
    if len(name) > terms.limit:
        raise ValueError(f"the name of {contract!r} takes {terms.limit} characters, {name!r} has {len(name)}")
    return name
