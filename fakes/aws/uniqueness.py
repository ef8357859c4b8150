"""What AWS lets exist but once: names, and places that two resources of a type cannot share; what it says of two.

Error codes are botocore's (data/*/service-2.json). What follows them is moto's where moto repeats AWS
(moto/SERVICE/exceptions.py or models.py), else the code's description in botocore, else the report beside the row.

pulumi-aws makes up a `name` that the program leaves out, and the names that its provider/resource_overrides.go lists
(provider/autonaming.go); the others are made up upstream, as `tf-` and a time.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fakes.aws.held import Held
from fakes.aws.replacements import describe


@dataclass(frozen=True)
class Unique:
    """No two resources of a type agree in all of `keys`, of which the first must be given."""

    keys: tuple[str, ...]
    """Wire names. The account, where nothing else is named, is one region of one account."""
    said: str | None
    """Of the second, with its own properties, {account}, {value} for the last key that it gives, and {user} for the
    first one's id; None where AWS or the provider takes the first one for it."""
    autonamed: bool = False
    """Whether pulumi-aws makes up the first key where the program leaves it out."""
    lower: bool = False
    """Whether a name that is made up is in lower case."""
    unless: str = ""
    """The property with which the second one takes the first one's place."""


def _named(keys: str, said: str | None, *, lower: bool = False) -> Unique:
    return Unique(tuple(keys.split()), said, autonamed=True, lower=lower)


def _once(keys: str, said: str | None, *, unless: str = "") -> Unique:
    return Unique(tuple(keys.split()), said, unless=unless)


# AWS's own message spells out the whole rule, in a different way for each kind; moto's is the same for all.
_RULE: Final = _once(
    "securityGroupId ipProtocol fromPort toPort cidrIpv4 cidrIpv6 prefixListId referencedSecurityGroupId",
    "InvalidPermission.Duplicate: The specified rule already exists",
)

UNIQUE: Final[Mapping[str, Unique]] = {
    "aws:budgets/budget:Budget": _named(
        "name", "DuplicateRecordException: Error creating budget: {name} - the budget already exists."
    ),
    # "Creates or updates" a rule, an alarm: what is there is overwritten. So does the provider with a policy for logs
    # (internal/service/logs/resource_policy.go).
    "aws:cloudwatch/eventRule:EventRule": _named("name", None),
    "aws:cloudwatch/logGroup:LogGroup": _named(
        "name", "ResourceAlreadyExistsException: The specified log group already exists"
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _once("policyName", None),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _named("name", None),
    "aws:ec2/flowLog:FlowLog": _once(
        "vpcId trafficType logDestinationType logDestination",
        "FlowLogAlreadyExists: Error. There is an existing Flow Log with the same configuration and log destination.",
    ),
    # https://github.com/binlab/terraform-aws-vault-ha-raft/issues/54
    "aws:ec2/internetGateway:InternetGateway": _once(
        "vpcId", "InvalidParameterValue: Network {vpcId} already has an internet gateway attached"
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": _named(
        "name", "InvalidLaunchTemplateName.AlreadyExistsException: Launch template name already in use."
    ),
    # AWS takes the call, and the gateway fails at once: https://github.com/hashicorp/terraform-provider-aws/issues/709
    "aws:ec2/natGateway:NatGateway": _once(
        "allocationId", "Resource.AlreadyAssociated: Elastic IP address [{allocationId}] is already associated"
    ),
    # https://github.com/hashicorp/terraform-provider-aws/issues/23866
    "aws:ec2/route:Route": _once(
        "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
        "RouteAlreadyExists: The route identified by {value} already exists.",
    ),
    # https://github.com/hashicorp/terraform-provider-aws/issues/38960
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _once(
        "subnetId",
        "Resource.AlreadyAssociated: the specified association for route table {routeTableId} conflicts with an "
        "existing association",
    ),
    "aws:ec2/securityGroup:SecurityGroup": _named(
        "name vpcId", "InvalidGroup.Duplicate: The security group '{name}' already exists"
    ),
    # AWS says the name that the service would get where this says the service's own:
    # https://github.com/hashicorp/terraform-provider-aws/issues/17535
    "aws:ec2/vpcEndpoint:VpcEndpoint": _once(
        "privateDnsEnabled vpcId serviceName",
        "InvalidParameter: private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
        "{serviceName} in the VPC {vpcId}",
    ),
    # https://github.com/cloudposse/terraform-aws-vpn-connection/issues/22
    "aws:ec2/vpnGateway:VpnGateway": _once(
        "vpcId", "InvalidVpcState: VPC {vpcId} is currently attached to the Virtual Private Gateway."
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": _once(
        "ecrRepositoryPrefix",
        "PullThroughCacheRuleAlreadyExistsException: A pull through cache rule with these settings already exists for "
        "the private registry.",
    ),
    "aws:ecr/repository:Repository": _named(
        "name",
        "RepositoryAlreadyExistsException: The repository with name '{name}' already exists in the registry with id "
        "'{account}'",
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": _once(
        "prefix",
        "TemplateAlreadyExistsException: The repository creation template already exists. Specify a unique prefix and "
        "try again.",
    ),
    # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3293
    "aws:eks/accessEntry:AccessEntry": _once(
        "clusterName principalArn",
        "ResourceInUseException: The specified access entry resource is already in use on this cluster.",
    ),
    # https://github.com/aws/eks-hybrid/pull/316, 679
    "aws:eks/addon:Addon": _once("clusterName addonName", "ResourceInUseException: Addon already exists."),
    "aws:eks/cluster:Cluster": _named("name", "ResourceInUseException: Cluster already exists with name: {name}"),
    "aws:eks/nodeGroup:NodeGroup": _named(
        "nodeGroupName clusterName",
        "ResourceInUseException: NodeGroup already exists with name {nodeGroupName} and cluster name {clusterName}",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _once(
        "clusterName namespace serviceAccount", "ResourceInUseException: Association already exists: {user}"
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": _named(
        "replicationGroupId",
        "ReplicationGroupAlreadyExists: Replication group {replicationGroupId} already exists.",
        lower=True,
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _named(
        "name", "CacheSubnetGroupAlreadyExists: CacheSubnetGroup {name} already exists."
    ),
    "aws:elasticache/user:User": _once("userId", "UserAlreadyExists: User {userId} already exists."),
    "aws:elasticache/userGroup:UserGroup": _once(
        "userGroupId", "UserGroupAlreadyExists: The user group with this ID already exists."
    ),
    # https://github.com/DrFaust92/terraform-kubernetes-ebs-csi-driver/issues/107
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _once(
        "url", "EntityAlreadyExists: Provider with url {url} already exists."
    ),
    "aws:iam/policy:Policy": _named(
        "name", "EntityAlreadyExists: A policy called {name} already exists. Duplicate names are not allowed."
    ),
    "aws:iam/role:Role": _named("name", "EntityAlreadyExists: Role with name {name} already exists."),
    # The provider creates and updates it by the same PutRolePolicy (internal/service/iam/role_policy.go).
    "aws:iam/rolePolicy:RolePolicy": _named("name role", None),
    # AWS chooses the role's name by the service: https://github.com/cloudposse/terraform-aws-elasticsearch/issues/5
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _once(
        "awsServiceName customSuffix",
        "InvalidInput: Service role name {name} has been taken in this account, please try a different suffix.",
    ),
    # https://github.com/hashicorp/terraform/issues/26407
    "aws:lb/listener:Listener": _once(
        "loadBalancerArn port",
        "DuplicateListener: A listener already exists on this port for this load balancer '{loadBalancerArn}'",
    ),
    # The provider looks for the name before it asks AWS, and fails in its own words.
    "aws:lb/loadBalancer:LoadBalancer": _named("name", "ELBv2 Load Balancer ({name}) already exists"),
    "aws:lb/targetGroup:TargetGroup": _named("name", "ELBv2 Target Group ({name}) already exists"),
    "aws:opensearch/domain:Domain": _named("domainName", "OpenSearch Domain ({domainName}) already exists"),
    "aws:rds/cluster:Cluster": _once(
        "clusterIdentifier",
        "DBClusterAlreadyExistsFault: The user already has a DB cluster with the given identifier.",
    ),
    # https://github.com/crossplane-contrib/provider-upjet-aws/issues/1346
    "aws:rds/clusterInstance:ClusterInstance": _once(
        "identifier", "DBInstanceAlreadyExists: DB instance already exists"
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _named(
        "name", "DBParameterGroupAlreadyExists: DB Parameter Group {name} already exists."
    ),
    "aws:rds/parameterGroup:ParameterGroup": _named(
        "name", "DBParameterGroupAlreadyExists: A DB parameter group named {name} already exists."
    ),
    "aws:rds/subnetGroup:SubnetGroup": _named(
        "name",
        "DBSubnetGroupAlreadyExists: DBSubnetGroupName is already used by an existing DB subnet group.",
    ),
    # The provider asks to create it, and with `allowOverwrite` to create or replace it (UPSERT):
    # https://github.com/hashicorp/terraform-provider-aws/issues/6761, 7918
    "aws:route53/record:Record": _once(
        "zoneId fqdn type setIdentifier",
        "InvalidChangeBatch: [Tried to create resource record set [name='{fqdn}.', type='{type}'] but it already "
        "exists]",
        unless="allowOverwrite",
    ),
    "aws:s3/bucket:Bucket": _named(
        "bucket",
        "BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it.",
        lower=True,
    ),
    # https://github.com/getmoto/moto/issues/9700
    "aws:secretsmanager/secret:Secret": _named(
        "name", "ResourceExistsException: The operation failed because the secret {name} already exists."
    ),
    # "This action is idempotent": the topic that is there is answered.
    "aws:sns/topic:Topic": _named("name", None),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _RULE,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _RULE,
    "aws:wafv2/webAcl:WebAcl": _named(
        "name scope",
        "WAFDuplicateItemException: AWS WAF could not perform the operation because some resource in your request is a "
        "duplicate of an existing one.",
    ),
}
"""By resource type; a type that is missing has neither name nor place, but an id that AWS makes up."""

AUTONAMED: Final[Mapping[str, str]] = {type_: row.keys[0] for type_, row in UNIQUE.items() if row.autonamed}
"""The property whose value pulumi-aws makes up where the program leaves it out, by resource type."""

VPC: Final = "aws:ec2/vpc:Vpc"
SUBNET: Final = "aws:ec2/subnet:Subnet"
CONFLICT: Final = "InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet"
"""https://github.com/hashicorp/terraform/issues/33470"""
OUTSIDE: Final = "InvalidSubnet.Range: The CIDR '{cidr}' is invalid."


def refusal(new: Held, standing: Iterable[Held], account_id: str) -> str | None:
    """Return why AWS does not let `new` stand beside these, as its name or place is taken; None where it does."""
    others = list(standing)
    return _repeated(new, others, account_id) or _misplaced(new, others)


def _repeated(new: Held, others: list[Held], account_id: str) -> str | None:
    """Tell of one that agrees in all that must differ, or has the same id, which two things never have."""
    row = UNIQUE.get(new.type, Unique((), None))
    if new.inputs.get(row.unless):
        return None
    values = [new.answer(key) for key in row.keys]
    for each in (other for other in others if other.type == new.type):
        if row.said and values[0] and [each.answer(key) for key in row.keys] == values:
            last = [value for value in values if value is not None][-1]
            facts = {"user": each.id, "account": account_id, "value": last, row.keys[0]: values[0]}
            return row.said.format(**{**new.outputs, **new.inputs, **facts})
        if each.id == new.id:
            return f"{new.type.rpartition(':')[2]} {new.id} already exists"
    return None


def deletes_first(type_: str, given: Mapping[str, Any]) -> bool:
    """Tell whether a replacement deletes the old resource before it creates the new one.

    So it is where the program gives a name that would otherwise be made up (nameRequiresDeleteBeforeReplace of
    pulumi/pulumi-terraform-bridge, pkg/tfbridge/schema.go), and for the leaves that pulumi-aws lists.
    """
    return describe(type_).deletes_first or AUTONAMED.get(type_) in given


def _misplaced(new: Held, others: list[Held]) -> str | None:
    """Tell of a subnet outside its VPC, or over another one."""
    range_ = _range(new)
    if new.type != SUBNET or range_ is None:
        return None
    for each in others:
        if each.type == VPC and each.id == new.inputs["vpcId"]:
            around = _range(each)
            if around and not range_.subnet_of(around):
                return OUTSIDE.format(cidr=range_)
    neighbours = [each for each in others if each.type == SUBNET and each.inputs["vpcId"] == new.inputs["vpcId"]]
    taken = any(other.overlaps(range_) for other in map(_range, neighbours) if other)
    return CONFLICT.format(cidr=range_) if taken else None


def _range(resource: Held) -> ipaddress.IPv4Network | None:
    given = resource.inputs.get("cidrBlock")
    return ipaddress.IPv4Network(given, strict=False) if given else None
