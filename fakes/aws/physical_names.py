"""Names that AWS keeps unique: which property carries one, who makes it up, where it is unique, what AWS says of two.

pulumi-aws makes up a `name` that the program leaves out, and the names its provider/resource_overrides.go lists
(provider/autonaming.go); the others are made up upstream, as `tf-` and a time. The error codes are those of botocore
(data/*/service-2.json); what follows them is moto's where moto repeats AWS, else the code's description in botocore.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fakes.aws.replacements import describe


class Scope(StrEnum):
    """Within what a name is unique."""

    GLOBAL = "global"
    ACCOUNT = "account"
    REGION = "region"
    """Within an account's region."""
    PARENT = "parent"
    """Within what the property `parent` names."""


@dataclass(frozen=True, kw_only=True)
class PhysicalName:
    """How resources of one type are called."""

    key: str
    """The property, by its wire name."""
    scope: Scope
    parent: str = ""
    """The property that names the parent, for Scope.PARENT."""
    taken: str | None
    """What creating a second one fails with, with `{name}` and `{parent}`; None where it adopts the first."""
    source: str
    autonamed: bool = True
    """Whether pulumi-aws makes the name up; otherwise upstream does, or the program must give it."""
    lower: bool = False
    """Whether a name that is made up is in lower case."""


NAMES: Mapping[str, PhysicalName] = {
    "aws:budgets/budget:Budget": PhysicalName(
        key="name",
        scope=Scope.ACCOUNT,
        taken="DuplicateRecordException: Error creating budget: {name} - the budget already exists.",
        source="moto/budgets/exceptions.py",
    ),
    "aws:cloudwatch/logGroup:LogGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="ResourceAlreadyExistsException: The specified log group already exists",
        source="moto/logs/exceptions.py",
    ),
    # The provider creates and updates it by the same PutResourcePolicy.
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": PhysicalName(
        key="policyName",
        scope=Scope.REGION,
        taken=None,
        source="internal/service/logs/resource_policy.go",
        autonamed=False,
    ),
    # "Creates or updates the specified rule": what is there is overwritten.
    "aws:cloudwatch/eventRule:EventRule": PhysicalName(
        key="name", scope=Scope.REGION, taken=None, source="botocore/data/events"
    ),
    # "Creates or updates an alarm": what is there is overwritten.
    "aws:cloudwatch/metricAlarm:MetricAlarm": PhysicalName(
        key="name", scope=Scope.REGION, taken=None, source="botocore/data/cloudwatch"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="InvalidLaunchTemplateName.AlreadyExistsException: Launch template name already in use.",
        source="moto/ec2/exceptions.py",
    ),
    "aws:ec2/securityGroup:SecurityGroup": PhysicalName(
        key="name",
        scope=Scope.PARENT,
        parent="vpcId",
        taken="InvalidGroup.Duplicate: The security group '{name}' already exists",
        source="moto/ec2/exceptions.py",
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": PhysicalName(
        key="ecrRepositoryPrefix",
        scope=Scope.REGION,
        taken="PullThroughCacheRuleAlreadyExistsException: A pull through cache rule with these settings already "
        "exists for the private registry.",
        source="botocore/data/ecr",
        autonamed=False,
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": PhysicalName(
        key="prefix",
        scope=Scope.REGION,
        taken="TemplateAlreadyExistsException: The repository creation template already exists. Specify a unique "
        "prefix and try again.",
        source="botocore/data/ecr",
        autonamed=False,
    ),
    "aws:ecr/repository:Repository": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="RepositoryAlreadyExistsException: The repository with name '{name}' already exists in the registry "
        "with id '{parent}'",
        source="moto/ecr/exceptions.py",
    ),
    "aws:eks/cluster:Cluster": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="ResourceInUseException: Cluster already exists with name: {name}",
        source="moto/eks/models.py",
    ),
    "aws:eks/nodeGroup:NodeGroup": PhysicalName(
        key="nodeGroupName",
        scope=Scope.PARENT,
        parent="clusterName",
        taken="ResourceInUseException: NodeGroup already exists with name {name} and cluster name {parent}",
        source="moto/eks/models.py",
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": PhysicalName(
        key="replicationGroupId",
        scope=Scope.REGION,
        taken="ReplicationGroupAlreadyExists: Replication group {name} already exists.",
        source="moto/elasticache/exceptions.py",
        lower=True,
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="CacheSubnetGroupAlreadyExists: CacheSubnetGroup {name} already exists.",
        source="moto/elasticache/exceptions.py",
    ),
    "aws:elasticache/user:User": PhysicalName(
        key="userId",
        scope=Scope.REGION,
        taken="UserAlreadyExists: User {name} already exists.",
        source="moto/elasticache/exceptions.py",
        autonamed=False,
    ),
    "aws:elasticache/userGroup:UserGroup": PhysicalName(
        key="userGroupId",
        scope=Scope.REGION,
        taken="UserGroupAlreadyExists: The user group with this ID already exists.",
        source="botocore/data/elasticache",
        autonamed=False,
    ),
    "aws:iam/policy:Policy": PhysicalName(
        key="name",
        scope=Scope.ACCOUNT,
        taken="EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not allowed.",
        source="moto/iam/models.py",
    ),
    "aws:iam/role:Role": PhysicalName(
        key="name",
        scope=Scope.ACCOUNT,
        taken="EntityAlreadyExists: Role with name {name} already exists.",
        source="moto/iam/models.py",
    ),
    # The provider creates and updates it by the same PutRolePolicy.
    "aws:iam/rolePolicy:RolePolicy": PhysicalName(
        key="name",
        scope=Scope.PARENT,
        parent="role",
        taken=None,
        source="internal/service/iam/role_policy.go",
    ),
    # The provider looks for the name before it asks AWS, and fails in its own words.
    "aws:lb/loadBalancer:LoadBalancer": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="ELBv2 Load Balancer ({name}) already exists",
        source="internal/service/elbv2/load_balancer.go",
    ),
    "aws:lb/targetGroup:TargetGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="ELBv2 Target Group ({name}) already exists",
        source="internal/service/elbv2/target_group.go",
    ),
    # CreateDomain does not refuse a second one, so the provider looks for the name first, and fails in its own words.
    "aws:opensearch/domain:Domain": PhysicalName(
        key="domainName",
        scope=Scope.REGION,
        taken="OpenSearch Domain ({name}) already exists",
        source="internal/service/opensearch/domain.go",
    ),
    "aws:rds/cluster:Cluster": PhysicalName(
        key="clusterIdentifier",
        scope=Scope.REGION,
        taken="DBClusterAlreadyExistsFault: The user already has a DB cluster with the given identifier.",
        source="botocore/data/rds",
        autonamed=False,
    ),
    "aws:rds/clusterInstance:ClusterInstance": PhysicalName(
        key="identifier",
        scope=Scope.REGION,
        taken="DBInstanceAlreadyExists: DB instance already exists",
        source="https://github.com/crossplane-contrib/provider-upjet-aws/issues/1346",
        autonamed=False,
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="DBParameterGroupAlreadyExists: DB Parameter Group {name} already exists.",
        source="moto/rds/exceptions.py",
    ),
    "aws:rds/parameterGroup:ParameterGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="DBParameterGroupAlreadyExists: A DB parameter group named {name} already exists.",
        source="moto/rds/models.py",
    ),
    "aws:rds/subnetGroup:SubnetGroup": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="DBSubnetGroupAlreadyExists: DBSubnetGroupName is already used by an existing DB subnet group.",
        source="botocore/data/rds",
    ),
    "aws:s3/bucket:Bucket": PhysicalName(
        key="bucket",
        scope=Scope.GLOBAL,
        taken="BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already "
        "own it.",
        source="moto/s3/exceptions.py",
        lower=True,
    ),
    # "This action is idempotent": the topic that is there is answered (botocore/data/sns).
    "aws:secretsmanager/secret:Secret": PhysicalName(
        key="name",
        scope=Scope.REGION,
        taken="ResourceExistsException: The operation failed because the secret {name} already exists.",
        source="https://github.com/getmoto/moto/issues/9700",
    ),
    "aws:sns/topic:Topic": PhysicalName(key="name", scope=Scope.REGION, taken=None, source="botocore/data/sns"),
    "aws:wafv2/webAcl:WebAcl": PhysicalName(
        key="name",
        scope=Scope.PARENT,
        parent="scope",
        taken="WAFDuplicateItemException: AWS WAF could not perform the operation because some resource in your "
        "request is a duplicate of an existing one.",
        source="moto/wafv2/exceptions.py",
    ),
}
"""By resource type; a type that is missing has no name of its own, but an id that AWS makes up."""

NAME: Mapping[str, str] = {type_: name.key for type_, name in NAMES.items()}
"""The property that carries the name, by resource type."""


def refusal(type_: str, name: str, parent: str = "") -> str | None:
    """Return what creating a second resource of this name fails with; None where nothing forbids it.

    `parent` is what the name is unique within, or the account for a repository.
    """
    known = NAMES.get(type_)
    return known.taken.format(name=name, parent=parent) if known and known.taken else None


def deletes_first(type_: str, given: Mapping[str, Any]) -> bool:
    """Tell whether a replacement deletes the old resource before it creates the new one.

    So it is where the program gives a name that would otherwise be made up (nameRequiresDeleteBeforeReplace of
    pulumi/pulumi-terraform-bridge, pkg/tfbridge/schema.go), and for the leaves that pulumi-aws lists.
    """
    name = NAMES.get(type_)
    return describe(type_).deletes_first or bool(name and name.autonamed and name.key in given)
