"""Which property of which type refers to what, and what AWS says about it: data for links.py.

LINKS is the one table. NOT_CHECKED names the properties that depend on a resource without AWS ever looking for it.
PROTECTED and FILLED are what a resource itself has against its deletion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fakes.aws import link_words as words
from fakes.aws.link_words import Words


@dataclass(frozen=True)
class Target:
    """What may be referred to, and by which of its answers."""

    type: str
    by: str = "id"
    held: bool = True
    """Whether a reference can keep it from being deleted."""


@dataclass(frozen=True)
class Link:
    """One property that refers to other resources."""

    path: str
    """By wire names; `[*]` stands for every item."""
    targets: tuple[Target, ...]
    """What the value may be; one of them suffices."""
    missing: Words
    in_use: Words | None = None
    """What is said when the target is to be deleted; None where AWS lets it go."""
    unless: str = ""
    """The target's property with which it goes nevertheless."""
    while_used: bool = False
    """Whether it counts only as long as somebody refers to the one who refers here."""
    part: bool = False
    """Whether the one who refers is a part of the target and goes with it."""


VPC: Final = (Target("aws:ec2/vpc:Vpc"),)
SUBNET: Final = (Target("aws:ec2/subnet:Subnet"),)
ADDRESS: Final = (Target("aws:ec2/eip:Eip"),)
ROUTE_TABLE: Final = (Target("aws:ec2/routeTable:RouteTable"),)
INTERNET: Final = (Target("aws:ec2/internetGateway:InternetGateway"),)
NAT: Final = (Target("aws:ec2/natGateway:NatGateway"),)
GROUP: Final = (
    Target("aws:ec2/securityGroup:SecurityGroup"),
    # The provider only forgets a VPC's own group, and EKS deletes a cluster's with the cluster.
    Target("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", held=False),
    Target("aws:eks/cluster:Cluster", "vpcConfig.clusterSecurityGroupId", held=False),
)
LAUNCH_TEMPLATE: Final = (Target("aws:ec2/launchTemplate:LaunchTemplate"),)
KEY: Final = (Target("aws:kms/key:Key", "arn"), Target("aws:kms/key:Key"))
ROLE: Final = (Target("aws:iam/role:Role", "arn"),)
ROLE_NAME: Final = (Target("aws:iam/role:Role", "name"),)
POLICY: Final = (Target("aws:iam/policy:Policy", "arn"),)
EKS: Final = (Target("aws:eks/cluster:Cluster", "name"),)
ACCESS_ENTRY: Final = (Target("aws:eks/accessEntry:AccessEntry", "principalArn"),)
DB_CLUSTER: Final = (Target("aws:rds/cluster:Cluster"),)
DB_SUBNET_GROUP: Final = (Target("aws:rds/subnetGroup:SubnetGroup", "name"),)
DB_CLUSTER_PARAMETERS: Final = (Target("aws:rds/clusterParameterGroup:ClusterParameterGroup", "name"),)
DB_PARAMETERS: Final = (Target("aws:rds/parameterGroup:ParameterGroup", "name"),)
CACHE_SUBNET_GROUP: Final = (Target("aws:elasticache/subnetGroup:SubnetGroup", "name"),)
CACHE_USER: Final = (Target("aws:elasticache/user:User"),)
USER_GROUP: Final = (Target("aws:elasticache/userGroup:UserGroup"),)
BALANCER: Final = (Target("aws:lb/loadBalancer:LoadBalancer", "arn"),)
BALANCER_NAME: Final = (Target("aws:lb/loadBalancer:LoadBalancer", "dnsName"),)
TARGET_GROUP: Final = (Target("aws:lb/targetGroup:TargetGroup", "arn"),)
CERTIFICATE: Final = (Target("aws:acm/certificate:Certificate", "arn"),)
WEB_ACL: Final = (Target("aws:wafv2/webAcl:WebAcl", "arn"),)
LOG_GROUP: Final = (Target("aws:cloudwatch/logGroup:LogGroup", "arn"),)
BUCKET: Final = (Target("aws:s3/bucket:Bucket"),)
REPOSITORY: Final = (Target("aws:ecr/repository:Repository", "name"),)
RULE: Final = (Target("aws:cloudwatch/eventRule:EventRule", "name"),)
TOPIC: Final = (Target("aws:sns/topic:Topic", "arn"),)

_OF_BUCKET: Final = (Link("bucket", BUCKET, words.NO_BUCKET, part=True),)
_GROUP_RULE: Final = (
    Link("securityGroupId", GROUP, words.NO_GROUP, part=True),
    Link("referencedSecurityGroupId", GROUP, words.NO_GROUP, words.GROUP_BUSY),
)

LINKS: Final[Mapping[str, tuple[Link, ...]]] = {
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html: what is in a VPC holds it, but not its
    # own group, nor flow logs.
    "aws:ec2/subnet:Subnet": (Link("vpcId", VPC, words.NO_VPC, words.VPC_BUSY),),
    "aws:ec2/internetGateway:InternetGateway": (Link("vpcId", VPC, words.NO_VPC, words.VPC_BUSY),),
    "aws:ec2/routeTable:RouteTable": (Link("vpcId", VPC, words.NO_VPC, words.VPC_BUSY),),
    "aws:ec2/securityGroup:SecurityGroup": (Link("vpcId", VPC, words.NO_VPC, words.VPC_BUSY),),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (Link("vpcId", VPC, words.NO_VPC),),
    "aws:ec2/natGateway:NatGateway": (
        Link("subnetId", SUBNET, words.NO_SUBNET, words.SUBNET_BUSY),
        Link("allocationId", ADDRESS, words.NO_ADDRESS, words.ADDRESS_BUSY),
    ),
    # A route whose target goes stays, as a blackhole: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html
    "aws:ec2/route:Route": (
        Link("routeTableId", ROUTE_TABLE, words.NO_ROUTE_TABLE, part=True),
        Link("gatewayId", INTERNET, words.NO_GATEWAY),
        Link("natGatewayId", NAT, words.NO_NAT_GATEWAY),
    ),
    # AWS refuses to delete an associated table, but the provider takes the associations away first:
    # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ec2/vpc_route_table.go
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        Link("routeTableId", ROUTE_TABLE, words.NO_ROUTE_TABLE, part=True),
        Link("subnetId", SUBNET, words.NO_SUBNET, part=True),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        Link("vpcId", VPC, words.NO_ENDPOINT_VPC, words.VPC_BUSY),
        Link("subnetIds[*]", SUBNET, words.NO_ENDPOINT_SUBNET, words.SUBNET_BUSY),
        Link("securityGroupIds[*]", GROUP, words.NO_GROUP, words.GROUP_BUSY),
        Link("routeTableIds[*]", ROUTE_TABLE, words.NO_ENDPOINT_ROUTE_TABLE),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _GROUP_RULE,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _GROUP_RULE,
    "aws:ec2/flowLog:FlowLog": (
        Link("vpcId", VPC, words.NO_VPC),
        Link("iamRoleArn", ROLE, words.NO_FLOW_ROLE),
    ),
    # AWS itself makes such a template with a warning, and the node group fails after it:
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
    "aws:ec2/launchTemplate:LaunchTemplate": (
        # The nodes have the groups, so the template counts while a node group uses it.
        Link("vpcSecurityGroupIds[*]", GROUP, words.NO_GROUP, words.GROUP_BUSY, while_used=True),
    ),
    "aws:iam/role:Role": (Link("permissionsBoundary", POLICY, words.NO_BOUNDARY, words.POLICY_BUSY),),
    # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/iam/role.go
    "aws:iam/rolePolicy:RolePolicy": (
        Link("role", ROLE_NAME, words.NO_ROLE, words.ROLE_HAS_INLINE, unless="forceDetachPolicies"),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Link("role", ROLE_NAME, words.NO_ROLE, words.ROLE_HAS_ATTACHED, unless="forceDetachPolicies"),
        Link("policyArn", POLICY, words.NO_POLICY, words.POLICY_BUSY),
    ),
    # Of what belongs to a cluster only node groups hold it:
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html
    "aws:eks/cluster:Cluster": (
        Link("vpcConfig.subnetIds[*]", SUBNET, words.NO_EKS_SUBNET, words.SUBNET_BUSY),
        Link("roleArn", ROLE, words.NO_EKS_ROLE),
        Link("encryptionConfig.provider.keyArn", KEY, words.NO_EKS_KEY),
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        Link("clusterName", EKS, words.NO_EKS_CLUSTER, words.EKS_HAS_NODES),
        Link("subnetIds[*]", SUBNET, words.NO_EKS_SUBNET, words.SUBNET_BUSY),
        Link("nodeRoleArn", ROLE, words.NO_NODE_ROLE),
        Link("launchTemplate.id", LAUNCH_TEMPLATE, words.NO_LAUNCH_TEMPLATE),
    ),
    "aws:eks/addon:Addon": (
        Link("clusterName", EKS, words.NO_EKS_CLUSTER, part=True),
        Link("podIdentityAssociations[*].roleArn", ROLE, words.NO_POD_ROLE),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        Link("clusterName", EKS, words.NO_EKS_CLUSTER, part=True),
        Link("roleArn", ROLE, words.NO_POD_ROLE),
    ),
    "aws:eks/accessEntry:AccessEntry": (
        Link("clusterName", EKS, words.NO_EKS_CLUSTER, part=True),
        Link("principalArn", ROLE, words.NO_PRINCIPAL),
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        Link("clusterName", EKS, words.NO_EKS_CLUSTER, part=True),
        Link("principalArn", ACCESS_ENTRY, words.NO_ACCESS_ENTRY, part=True),
    ),
    "aws:rds/subnetGroup:SubnetGroup": (
        Link("subnetIds[*]", SUBNET, words.NO_DB_SUBNET, words.SUBNET_BUSY, while_used=True),
    ),
    "aws:rds/cluster:Cluster": (
        Link("dbSubnetGroupName", DB_SUBNET_GROUP, words.NO_DB_SUBNET_GROUP, words.DB_SUBNET_GROUP_BUSY),
        Link(
            "dbClusterParameterGroupName",
            DB_CLUSTER_PARAMETERS,
            words.NO_DB_CLUSTER_PARAMETERS,
            words.DB_CLUSTER_PARAMETERS_BUSY,
        ),
        # The network interfaces are those of the instances.
        Link("vpcSecurityGroupIds[*]", GROUP, words.NO_DB_GROUP, words.GROUP_BUSY, while_used=True),
        Link("kmsKeyId", KEY, words.NO_DB_KEY),
        Link("masterUserSecretKmsKeyId", KEY, words.NO_DB_KEY),
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        Link("clusterIdentifier", DB_CLUSTER, words.NO_DB_CLUSTER, words.DB_CLUSTER_HAS_INSTANCES),
        Link("dbParameterGroupName", DB_PARAMETERS, words.NO_DB_PARAMETERS, words.DB_PARAMETERS_BUSY),
        Link("monitoringRoleArn", ROLE, words.NO_MONITORING_ROLE),
        Link("performanceInsightsKmsKeyId", KEY, words.NO_DB_KEY),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (
        Link("subnetIds[*]", SUBNET, words.NO_CACHE_SUBNET, words.SUBNET_BUSY, while_used=True),
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        Link("subnetGroupName", CACHE_SUBNET_GROUP, words.NO_CACHE_SUBNET_GROUP, words.CACHE_SUBNET_GROUP_BUSY),
        Link("securityGroupIds[*]", GROUP, words.NO_CACHE_GROUP, words.GROUP_BUSY),
        Link("kmsKeyId", KEY, words.NO_CACHE_KEY),
        Link("userGroupIds[*]", USER_GROUP, words.NO_USER_GROUP, words.USER_GROUP_BUSY),
    ),
    # A deleted user leaves its groups:
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_DeleteUser.html
    "aws:elasticache/userGroup:UserGroup": (Link("userIds[*]", CACHE_USER, words.NO_CACHE_USER),),
    "aws:opensearch/domain:Domain": (
        Link("vpcOptions.subnetIds[*]", SUBNET, words.NO_SEARCH_SUBNET, words.SUBNET_BUSY),
        Link("vpcOptions.securityGroupIds[*]", GROUP, words.NO_SEARCH_GROUP, words.GROUP_BUSY),
        Link("encryptAtRest.kmsKeyId", KEY, words.NO_SEARCH_KEY),
        Link("logPublishingOptions[*].cloudwatchLogGroupArn", LOG_GROUP, words.NO_SEARCH_LOG),
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        Link("subnets[*]", SUBNET, words.NO_BALANCER_SUBNET, words.SUBNET_BUSY),
        Link("securityGroups[*]", GROUP, words.NO_BALANCER_GROUP, words.GROUP_BUSY),
        Link("accessLogs.bucket", BUCKET, words.NO_LOG_BUCKET),
    ),
    "aws:lb/targetGroup:TargetGroup": (Link("vpcId", VPC, words.NO_TARGET_VPC),),
    # Listeners go with their load balancer:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
    "aws:lb/listener:Listener": (
        Link("loadBalancerArn", BALANCER, words.NO_BALANCER, part=True),
        Link("defaultActions[*].targetGroupArn", TARGET_GROUP, words.NO_TARGET_GROUP, words.TARGET_GROUP_BUSY),
        Link("certificateArn", CERTIFICATE, words.NO_LISTENER_CERTIFICATE, words.CERTIFICATE_BUSY),
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        Link("certificateArn", CERTIFICATE, words.NO_CERTIFICATE, part=True),
    ),
    "aws:route53/record:Record": (Link("aliases[*].name", BALANCER_NAME, words.NO_ALIAS_TARGET),),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (
        Link("webAclArn", WEB_ACL, words.NO_WEB_ACL, words.WEB_ACL_BUSY),
        Link("resourceArn", BALANCER, words.NO_SHIELDED, part=True),
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        Link("resourceArn", WEB_ACL, words.NO_WEB_ACL, part=True),
        Link("logDestinationConfigs[*]", LOG_GROUP, words.NO_WAF_LOG),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _OF_BUCKET,
    "aws:s3/bucketLogging:BucketLogging": (*_OF_BUCKET, Link("targetBucket", BUCKET, words.NO_TARGET_BUCKET)),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _OF_BUCKET,
    "aws:s3/bucketPolicy:BucketPolicy": _OF_BUCKET,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _OF_BUCKET,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _OF_BUCKET,
    "aws:s3/bucketVersioning:BucketVersioning": _OF_BUCKET,
    # A key is never refused its deletion, only scheduled for it:
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    "aws:ecr/repository:Repository": (Link("encryptionConfigurations[*].kmsKey", KEY, words.NO_REPOSITORY_KEY),),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (Link("repository", REPOSITORY, words.NO_REPOSITORY, part=True),),
    "aws:cloudwatch/logGroup:LogGroup": (Link("kmsKeyId", KEY, words.NO_LOG_KEY),),
    "aws:cloudwatch/eventTarget:EventTarget": (Link("rule", RULE, words.NO_RULE, words.RULE_BUSY),),
    # https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html: "Deletes a topic and all its subscriptions."
    "aws:sns/topicSubscription:TopicSubscription": (Link("topic", TOPIC, words.NO_TOPIC, part=True),),
    "aws:sns/topicPolicy:TopicPolicy": (Link("arn", TOPIC, words.NO_TOPIC, part=True),),
}

_DOCUMENT: Final = "a policy document: what it names need not exist, and its principals always do"
_NAMES: Final = "names of metrics: CloudWatch takes any"
_ALARM: Final = "PutMetricAlarm has no error but its limit: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
_COPIED: Final = "a copy of the certificate's own answer, not a reference"

NOT_CHECKED: Final[Mapping[tuple[str, str], str]] = {
    ("aws:acm/certificateValidation:CertificateValidation", "validationRecordFqdns"): (
        "compared with what the certificate asks for, not with what stands: "
        "https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/acm/certificate_validation.go"
    ),
    ("aws:budgets/budget:Budget", "notifications"): (
        "CreateBudget has no error for a topic: "
        "https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html"
    ),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardBody"): _NAMES,
    ("aws:cloudwatch/eventRule:EventRule", "eventPattern"): "a pattern: EventBridge takes any, and matches what comes",
    ("aws:cloudwatch/eventTarget:EventTarget", "arn"): (
        "PutTargets looks for the rule alone, what cannot be told is counted as FailedInvocations: "
        "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html"
    ),
    ("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"): _DOCUMENT,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "dimensions"): _NAMES,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "metricQueries"): _NAMES,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmActions"): _ALARM,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "okActions"): _ALARM,
    ("aws:ec2/flowLog:FlowLog", "logDestination"): (
        "a new or an existing log group: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html"
    ),
    ("aws:ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings"): "the key is first used when a node starts",
    ("aws:elasticache/replicationGroup:ReplicationGroup", "logDeliveryConfigurations"): (
        "an error is told by the configuration's status: "
        "https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_LogDeliveryConfiguration.html"
    ),
    ("aws:iam/role:Role", "assumeRolePolicy"): (
        "deleting an OIDC provider does not touch roles that trust it: "
        "https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html"
    ),
    ("aws:iam/rolePolicy:RolePolicy", "policy"): _DOCUMENT,
    # AWS does look for its principals; the provider tries again until a new role is known everywhere:
    # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/opensearch/domain.go
    (
        "aws:opensearch/domain:Domain",
        "accessPolicies",
    ): "a policy document, in which references are not looked for here",
    ("aws:opensearch/domain:Domain", "advancedSecurityOptions"): (
        "CreateDomain has no error for a master user: "
        "https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_CreateDomain.html"
    ),
    ("aws:rds/cluster:Cluster", "finalSnapshotIdentifier"): "a name made of the key's id: no snapshot of it exists yet",
    ("aws:route53/record:Record", "name"): _COPIED,
    ("aws:route53/record:Record", "records"): _COPIED,
    ("aws:route53/record:Record", "type"): _COPIED,
    ("aws:s3/bucketPolicy:BucketPolicy", "policy"): _DOCUMENT,
    ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "rules"): (
        "S3 doesn't validate the key: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html"
    ),
    ("aws:secretsmanager/secret:Secret", "kmsKeyId"): (
        "without a value there is nothing to encrypt, and EncryptionFailure is of that: "
        "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
    ),
    ("aws:sns/topic:Topic", "kmsMasterKeyId"): (
        "CreateTopic has no error for a key, Publish has: "
        "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"
    ),
    ("aws:sns/topicPolicy:TopicPolicy", "policy"): _DOCUMENT,
}
"""Why a property, by type and name, is no reference although the program made it of another resource's answer."""

PROTECTED: Final[Mapping[str, tuple[str, Words]]] = {
    "aws:eks/cluster:Cluster": ("deletionProtection", words.EKS_PROTECTED),
    "aws:lb/loadBalancer:LoadBalancer": ("enableDeletionProtection", words.BALANCER_PROTECTED),
    "aws:rds/cluster:Cluster": ("deletionProtection", words.DB_CLUSTER_PROTECTED),
}
"""The property that protects a resource of a type, and what is said then."""

FILLED: Final[Mapping[str, tuple[str, Words]]] = {
    "aws:ecr/repository:Repository": ("forceDelete", words.REPOSITORY_FULL),
    "aws:s3/bucket:Bucket": ("forceDestroy", words.BUCKET_FULL),
}
"""The property with which a resource of a type goes with its contents, and what is said without."""
