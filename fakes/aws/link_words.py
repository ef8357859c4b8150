"""The words in which AWS refuses a reference to nothing, and the deletion of what others use.

Each has a source: a report of the real message, the API's own model (botocore), or moto, which repeats AWS's messages.
Where only the error's code is documented the source starts with `estimate`: the code is AWS's, the sentence may not be.

Placeholders: {value} is what was referred to; {id}, {arn}, {account} are of the resource that shall be deleted, and
{user} is the id of one that uses it.
"""

from dataclasses import dataclass
from typing import Final

_GITHUB: Final = "https://github.com/"
_MOTO: Final = f"{_GITHUB}getmoto/moto/blob/5.2.5/moto"
_BOTOCORE: Final = f"{_GITHUB}boto/botocore/blob/1.44.5/botocore/data"
_PROVIDER: Final = f"{_GITHUB}hashicorp/terraform-provider-aws"
_ESTIMATE: Final = "estimate: the code is documented, the sentence is not; "


@dataclass(frozen=True)
class Words:
    """An error's code and message, and where they were seen."""

    text: str
    source: str

    def __call__(self, **facts: str) -> str:
        return self.text.format(**facts)


def _as(code: str, sibling: Words) -> Words:
    """Return a sibling's sentence under a code of its own, which is all that is documented."""
    sentence = sibling.text.partition(": ")[2]
    return Words(f"{code}: {sentence}", f"{_ESTIMATE}that of {sibling.source}")


_NO_KEY = Words("NotFoundException: Key '{value}' does not exist", f"{_MOTO}/kms/responses.py")

# EC2
NO_VPC = Words("InvalidVpcID.NotFound: The vpc ID '{value}' does not exist", f"{_PROVIDER}/pull/49846")
NO_SUBNET = Words("InvalidSubnetID.NotFound: The subnet ID '{value}' does not exist", f"{_MOTO}/ec2/exceptions.py")
NO_GROUP = Words("InvalidGroup.NotFound: The security group '{value}' does not exist", f"{_MOTO}/ec2/exceptions.py")
NO_ROUTE_TABLE = Words(
    "InvalidRouteTableID.NotFound: The routeTable ID '{value}' does not exist", f"{_MOTO}/ec2/exceptions.py"
)
NO_GATEWAY = Words(
    "InvalidGatewayID.NotFound: The gateway ID '{value}' does not exist", f"{_GITHUB}devopsacademyau/academy/pull/906"
)
NO_NAT_GATEWAY = Words(
    "InvalidNatGatewayID.NotFound: The natGateway ID '{value}' does not exist", f"{_GITHUB}boto/boto3/issues/779"
)
NO_ADDRESS = Words(
    "InvalidElasticIpID.NotFound: The elasticIp ID '{value}' does not exist", f"{_PROVIDER}/issues/27087"
)
NO_FLOW_ROLE = Words("InvalidParameter: Unable to assume given IAM role: '{value}'", f"{_PROVIDER}/issues/29323")
# The endpoint's API spells these codes with a small d.
NO_ENDPOINT_VPC = _as("InvalidVpcId.NotFound", NO_VPC)
NO_ENDPOINT_SUBNET = _as("InvalidSubnetId.NotFound", NO_SUBNET)
NO_ENDPOINT_ROUTE_TABLE = _as("InvalidRouteTableId.NotFound", NO_ROUTE_TABLE)
VPC_BUSY = Words(
    "DependencyViolation: The vpc '{id}' has dependencies and cannot be deleted.",
    f"{_GITHUB}gruntwork-io/cloud-nuke/issues/345",
)
SUBNET_BUSY = Words(
    "DependencyViolation: The subnet '{id}' has dependencies and cannot be deleted.",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-vpc/issues/1081",
)
GROUP_BUSY = Words("DependencyViolation: resource {id} has a dependent object", f"{_GITHUB}aws/aws-cdk/issues/14456")
ADDRESS_BUSY = Words(
    "AuthFailure: You do not have permission to access the specified resource.",
    f"{_GITHUB}genevieve/leftovers/issues/33",
)
GATEWAY_BUSY = Words(
    "DependencyViolation: Network {user} has some mapped public address(es). "
    "Please unmap those public address(es) before detaching the gateway.",
    f"{_GITHUB}jenkins-x/terraform-aws-eks-jx/issues/373",
)

# IAM
NO_ROLE = Words(
    "NoSuchEntity: The role with name {value} cannot be found.",
    f"{_GITHUB}prowler-cloud/prowler/pull/2872",
)
NO_POLICY = Words(
    "NoSuchEntity: Policy {value} does not exist or is not attachable.", f"{_GITHUB}getmoto/moto/pull/6482"
)
NO_BOUNDARY = _as("NoSuchEntity", NO_POLICY)
ROLE_HAS_INLINE = Words(
    "DeleteConflict: Cannot delete entity, must delete policies first.",
    f"{_GITHUB}awslabs/aws-orbit-workbench/issues/633",
)
ROLE_HAS_ATTACHED = Words(
    "DeleteConflict: Cannot delete entity, must detach all policies first.", f"{_GITHUB}hashicorp/boundary/pull/5646"
)
POLICY_BUSY = Words(
    "DeleteConflict: Cannot delete a policy attached to entities.", f"{_GITHUB}gruntwork-io/cloud-nuke/issues/972"
)

# EKS
NO_EKS_CLUSTER = Words("ResourceNotFoundException: No cluster found for name: {value}.", f"{_MOTO}/eks/models.py")
NO_EKS_SUBNET = Words(
    "InvalidParameterException: The subnet ID '{value}' does not exist "
    "(Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)",
    f"{_GITHUB}AdminTurnedDevOps/DevOps-The-Hard-Way-AWS/issues/16, without the request's id",
)
NO_EKS_ROLE = Words(
    "InvalidParameterException: Role with arn: {value}, could not be assumed because it does not exist or the trusted "
    "entity is not correct",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/2406",
)
NO_NODE_ROLE = _as("InvalidParameterException", NO_EKS_ROLE)
NO_EKS_KEY = _as("InvalidParameterException", _NO_KEY)
NO_LAUNCH_TEMPLATE = Words(
    "InvalidParameterException: The specified launch template, with template ID {value}, does not exist.",
    f"{_ESTIMATE}that of EC2, {_GITHUB}kubernetes-sigs/cluster-api-provider-aws/issues/5901",
)
NO_POD_ROLE = Words(
    "InvalidParameterException: Role provided in the request does not exist.",
    f"{_PROVIDER}/blob/main/internal/service/eks/pod_identity_association.go",
)
NO_PRINCIPAL = Words(
    "InvalidParameterException: The specified principalArn is invalid: invalid principal.",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/2969",
)
NO_ACCESS_ENTRY = Words(
    "ResourceNotFoundException: The specified principalArn could not be found. "
    "You can view your available access entries with 'list-access-entries'.",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/3024",
)
EKS_HAS_NODES = Words("ResourceInUseException: Cluster has nodegroups attached", f"{_MOTO}/eks/models.py")
EKS_PROTECTED = Words(
    "InvalidRequestException: Deletion protection is enabled: "
    "you must first disable deletion protection before you can delete the cluster.",
    f"{_ESTIMATE}https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html",
)

# RDS
NO_DB_SUBNET = Words("InvalidParameterValue: Some input subnets in :[{value}] are invalid.", f"{_PROVIDER}/pull/49846")
NO_DB_SUBNET_GROUP = Words(
    "DBSubnetGroupNotFoundFault: DB subnet group '{value}' does not exist.",
    f"{_GITHUB}cloudtools/troposphere/issues/1383; code: {_BOTOCORE}/rds",
)
NO_DB_CLUSTER_PARAMETERS = Words(
    "DBClusterParameterGroupNotFound: DBClusterParameterGroup not found: {value}",
    f"{_MOTO}/rds/exceptions.py; code: {_BOTOCORE}/rds",
)
NO_DB_PARAMETERS = Words(
    "DBParameterGroupNotFound: DB Parameter Group {value} not found.", f"{_MOTO}/rds/exceptions.py"
)
NO_DB_GROUP = Words(
    "InvalidParameterValue: Invalid security group , groupId= {value}, groupName=.",
    f"{_GITHUB}ansible/ansible/pull/6794",
)
NO_DB_KEY = Words(
    "KMSKeyNotAccessibleFault: Specified KMS key [{value}] does not exist, is not enabled or you do not have "
    "permissions to access it.",
    f"{_MOTO}/rds/exceptions.py",
)
NO_DB_CLUSTER = Words("DBClusterNotFoundFault: DBCluster {value} not found.", f"{_MOTO}/rds/exceptions.py")
NO_MONITORING_ROLE = Words(
    "InvalidParameterValue: IAM role ARN value is invalid or does not include the required permissions for: "
    "ENHANCED_MONITORING",
    f"{_GITHUB}pulumi/pulumi/issues/5628",
)
DB_CLUSTER_PROTECTED = Words(
    "InvalidParameterCombination: Cannot delete protected Cluster, please disable deletion protection and try again.",
    f"{_MOTO}/rds/models.py",
)
DB_CLUSTER_HAS_INSTANCES = Words(
    "InvalidDBClusterStateFault: Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
    f"{_MOTO}/rds/exceptions.py",
)
DB_SUBNET_GROUP_BUSY = Words(
    "InvalidDBSubnetGroupStateFault: Cannot delete the subnet group '{id}' because at least one database cluster: "
    "{user} is still using it.",
    f"{_GITHUB}anomalyco/ion/issues/1187",
)
DB_PARAMETERS_BUSY = Words(
    "InvalidDBParameterGroupState: One or more database instances are still members of this parameter group {id}, "
    "so the group cannot be deleted",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-rds-aurora/issues/466",
)
DB_CLUSTER_PARAMETERS_BUSY = _as("InvalidDBParameterGroupState", DB_PARAMETERS_BUSY)

# ElastiCache
NO_CACHE_SUBNET = Words(
    "InvalidParameterValue: Some input subnets in :[{value}] are invalid.", f"{_GITHUB}floci-io/floci/pull/2401"
)
NO_CACHE_SUBNET_GROUP = Words(
    "CacheSubnetGroupNotFoundFault: CacheSubnetGroup {value} not found.", f"{_MOTO}/elasticache/exceptions.py"
)
NO_CACHE_GROUP = _as("InvalidParameterValue", NO_GROUP)
NO_CACHE_KEY = _as("InvalidParameterValue", _NO_KEY)
NO_USER_GROUP = Words(
    "UserGroupNotFound: The user group was not found or does not exist", f"{_ESTIMATE}{_BOTOCORE}/elasticache"
)
NO_CACHE_USER = Words("UserNotFound: User {value} not found.", f"{_MOTO}/elasticache/exceptions.py")
CACHE_SUBNET_GROUP_BUSY = Words(
    "CacheSubnetGroupInUse: Cache subnet group {id} is currently in use by a cache cluster.",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-elasticache/pull/29",
)
USER_GROUP_BUSY = Words(
    "InvalidUserGroupState: The user group must first be disassociated from the replication group before it can be "
    "deleted.",
    f"{_ESTIMATE}DeleteUserGroup in {_BOTOCORE}/elasticache",
)

# OpenSearch
NO_SEARCH_SUBNET = _as("ValidationException", NO_SUBNET)
NO_SEARCH_GROUP = _as("ValidationException", NO_GROUP)
NO_SEARCH_KEY = _as("ValidationException", _NO_KEY)
NO_SEARCH_LOG = Words(
    "ValidationException: The Resource Access Policy specified for the CloudWatch Logs log group {value} does not "
    "grant sufficient permissions for Amazon OpenSearch Service to create a log stream. Please check the Resource "
    "Access Policy.",
    f"{_ESTIMATE}that of a log group without a policy, "
    f"{_GITHUB}awsdocs/amazon-opensearch-service-developer-guide/pull/59",
)

# Load balancing, certificates, names, firewall
NO_BALANCER_SUBNET = Words("SubnetNotFound: The specified subnet does not exist.", f"{_BOTOCORE}/elbv2")
NO_BALANCER_GROUP = Words(
    "InvalidSecurityGroup: The security group '{value}' does not exist",
    f"{_GITHUB}kubernetes-sigs/aws-load-balancer-controller/issues/2371",
)
NO_LOG_BUCKET = Words(
    "InvalidConfigurationRequest: Access Denied for bucket: {value}. Please check S3bucket permission",
    f"{_GITHUB}cn-terraform/terraform-aws-ecs-alb/pull/4",
)
NO_TARGET_VPC = Words("ValidationError: The VPC ID '{value}' is not found", f"{_MOTO}/elbv2/models.py")
NO_BALANCER = Words("LoadBalancerNotFound: The specified load balancer does not exist.", f"{_BOTOCORE}/elbv2")
NO_TARGET_GROUP = Words("TargetGroupNotFound: Target group '{value}' not found", f"{_MOTO}/elbv2/exceptions.py")
NO_LISTENER_CERTIFICATE = Words("CertificateNotFound: Certificate '{value}' not found", f"{_PROVIDER}/issues/11334")
BALANCER_PROTECTED = Words(
    "OperationNotPermitted: Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
    f"{_GITHUB}aws-cloudformation/rain/issues/187",
)
TARGET_GROUP_BUSY = Words(
    "ResourceInUse: The target group '{arn}' is currently in use by a listener or a rule", f"{_MOTO}/elbv2/models.py"
)
NO_CERTIFICATE = Words(
    "ResourceNotFoundException: Certificate with arn {value} not found", f"{_MOTO}/acm/exceptions.py, without account"
)
CERTIFICATE_BUSY = Words(
    "ResourceInUseException: Certificate {arn} in account {account} is in use.",
    f"{_GITHUB}AlexsLemonade/refinebio/pull/2914",
)
NO_ALIAS_TARGET = Words(
    "InvalidChangeBatch: [Tried to create an alias that targets {value}., but that target was not found]",
    f"{_GITHUB}harmony-one/harmony-ops/issues/491, without type and zone",
)
NO_WEB_ACL = Words(
    "WAFNonexistentItemException: "
    "AWS WAF couldn\u2019t perform the operation because your resource doesn\u2019t exist.",
    f"{_MOTO}/wafv2/exceptions.py",
)
NO_SHIELDED = Words(
    "WAFUnavailableEntityException: "
    "AWS WAF couldn\u2019t retrieve the resource that you requested. Retry your request.",
    f"{_GITHUB}mikesouza/serverless-associate-waf/issues/27; code: {_BOTOCORE}/wafv2",
)
NO_WAF_LOG = Words(
    "WAFInvalidParameterException: Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other "
    "information separated by colons or slashes., field: LOG_DESTINATION, parameter: {value}",
    f"{_ESTIMATE}that of a log group with a wrong name, {_GITHUB}aws/aws-cdk/issues/35311",
)
WEB_ACL_BUSY = Words(
    "WAFAssociatedItemException: WAF couldn\u2019t perform the operation because your resource is being used by "
    "another resource or it\u2019s associated with another resource.",
    f"{_BOTOCORE}/wafv2",
)

# Storage, images, logs, topics
NO_BUCKET = Words("NoSuchBucket: The specified bucket does not exist", f"{_MOTO}/s3/exceptions.py")
NO_TARGET_BUCKET = Words(
    "InvalidTargetBucketForLogging: The target bucket for logging does not exist.", f"{_MOTO}/s3/models.py"
)
BUCKET_FULL = Words("BucketNotEmpty: The bucket you tried to delete is not empty", f"{_MOTO}/s3/exceptions.py")
NO_REPOSITORY = Words(
    "RepositoryNotFoundException: The repository with name '{value}' does not exist",
    f"{_MOTO}/ecr/exceptions.py, without registry",
)
NO_REPOSITORY_KEY = _as("KmsException", _NO_KEY)
REPOSITORY_FULL = Words(
    "RepositoryNotEmptyException: The repository with name '{id}' in registry with id '{account}' cannot be deleted "
    "because it still contains images",
    f"{_MOTO}/ecr/exceptions.py",
)
NO_LOG_KEY = Words(
    "InvalidParameterException: The specified KMS Key Id could not be found.",
    f"{_GITHUB}hashicorp/terraform/issues/24194",
)
NO_RULE = Words(
    "ResourceNotFoundException: Rule {value} does not exist on EventBus default.", f"{_MOTO}/events/models.py"
)
RULE_BUSY = Words("ValidationException: Rule can't be deleted since it has targets.", f"{_MOTO}/events/models.py")
NO_TOPIC = Words("NotFound: Topic does not exist", f"{_MOTO}/sns/exceptions.py")
