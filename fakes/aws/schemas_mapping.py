"""Where the fake's resource types lie in CloudFormation, the one place that says so.

The names are those of the AWS resource and property types reference,
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html; tests hold
them against the schemas. What is not named here goes by the same name, see `schemas_conversion`.
"""

from collections.abc import Mapping
from typing import Final

from fakes.aws.schemas_conversion import Counterpart, Probe
from fakes.aws.schemas_values import RECORD_TYPES, TLS_POLICIES
from recording.graph import UNKNOWN

_PROVIDERS: Final = "an option of the provider, no property of the resource"
_REQUEST: Final = "an option of the request, no property of the resource"
_NO_TAGS: Final = "CloudFormation does not tag it"
_LENGTH: Final = "the schema has no length for it"
_TEXT: Final = "any text to the schema"
_LOGS_BY_KIND: Final = "a list here, in CloudFormation a map by kind of log, whose keys may be anything"
_FAMILY: Final = "families of parameters have no list"
_LB_ATTRIBUTE: Final = "one of the attributes, whose names and values the schema leaves open"

EVERYWHERE: Final[Mapping[str, str]] = {
    "region": "chooses the schemas",
    "tagsAll": "the provider's sum of its default tags and `tags`",
}
"""Inputs that any type can have and none of the schemas does, with the reason."""

WITHOUT_COUNTERPART: Final[Mapping[str, str]] = {
    "aws:acm/certificateValidation:CertificateValidation": "waits for a certificate; CloudFormation does so by itself",
    "aws:cloudwatch/eventTarget:EventTarget": "a part of the rule, in CloudFormation's AWS::Events::Rule",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "adopts what the VPC brings; CloudFormation cannot",
}
"""Types that CloudFormation does not have, with the reason."""

UNTAGGED: Final = frozenset(
    f"aws:{type_}"
    for type_ in (
        *("acm/certificateValidation:CertificateValidation", "cloudwatch/dashboard:Dashboard"),
        *("cloudwatch/eventTarget:EventTarget", "cloudwatch/logResourcePolicy:LogResourcePolicy", "ec2/route:Route"),
        *("ec2/routeTableAssociation:RouteTableAssociation", "ecr/lifecyclePolicy:LifecyclePolicy"),
        *("ecr/pullThroughCacheRule:PullThroughCacheRule", "ecr/repositoryCreationTemplate:RepositoryCreationTemplate"),
        *("eks/accessPolicyAssociation:AccessPolicyAssociation", "iam/rolePolicy:RolePolicy"),
        *("iam/rolePolicyAttachment:RolePolicyAttachment", "route53/record:Record"),
        *("s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "s3/bucketLogging:BucketLogging"),
        *("s3/bucketOwnershipControls:BucketOwnershipControls", "s3/bucketPolicy:BucketPolicy"),
        "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        *("s3/bucketVersioning:BucketVersioning", "sns/topicPolicy:TopicPolicy"),
        *("sns/topicSubscription:TopicSubscription", "wafv2/webAclAssociation:WebAclAssociation"),
        "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    )
)
"""Types to which the provider adds no default tags: the SDK gives them no `tags`."""

COUNTERPARTS: Final[Mapping[str, Counterpart]] = {
    "aws:acm/certificate:Certificate": Counterpart("AWS::CertificateManager::Certificate"),
    "aws:budgets/budget:Budget": Counterpart(
        "AWS::Budgets::Budget",
        {
            "name": "Budget.BudgetName",
            "tags": "ResourceTags",
            "budgetType": "Budget.BudgetType",
            "timeUnit": "Budget.TimeUnit",
            "limitAmount": "Budget.BudgetLimit.Amount",
            "limitUnit": "Budget.BudgetLimit.Unit",
            "costFilters": "Budget.CostFilters",
            "notifications": "NotificationsWithSubscribers",
            "notifications.comparisonOperator": "Notification.ComparisonOperator",
            "notifications.notificationType": "Notification.NotificationType",
            "notifications.threshold": "Notification.Threshold",
            "notifications.thresholdType": "Notification.ThresholdType",
            "notifications.subscriberSnsTopicArns": "Subscribers[SubscriptionType=SNS].Address",
        },
        open={"budgetType": _TEXT, "timeUnit": _TEXT, "limitUnit": _TEXT},
    ),
    "aws:cloudwatch/dashboard:Dashboard": Counterpart("AWS::CloudWatch::Dashboard"),
    "aws:cloudwatch/eventRule:EventRule": Counterpart("AWS::Events::Rule"),
    "aws:cloudwatch/logGroup:LogGroup": Counterpart("AWS::Logs::LogGroup", {"name": "LogGroupName"}),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": Counterpart("AWS::Logs::ResourcePolicy"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Counterpart(
        "AWS::CloudWatch::Alarm",
        {
            "name": "AlarmName",
            "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
            "metricQueries": "Metrics",
            "metricQueries.metric": "MetricStat",
            "metricQueries.metric.namespace": "Metric.Namespace",
            "metricQueries.metric.metricName": "Metric.MetricName",
            "metricQueries.metric.dimensions": "Metric.Dimensions",
        },
    ),
    "aws:ec2/eip:Eip": Counterpart("AWS::EC2::EIP"),
    "aws:ec2/flowLog:FlowLog": Counterpart(
        "AWS::EC2::FlowLog",
        {"vpcId": "ResourceId", "iamRoleArn": "DeliverLogsPermissionArn"},
        given={"ResourceType": "VPC"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Counterpart(
        "AWS::EC2::InternetGateway",
        unmapped={"vpcId": "an attachment of its own, AWS::EC2::VPCGatewayAttachment, which is checked"},
        probes=(Probe("AWS::EC2::VPCGatewayAttachment", {"vpcId": "VpcId"}, {"InternetGatewayId": UNKNOWN}),),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Counterpart(
        "AWS::EC2::LaunchTemplate",
        {
            "name": "LaunchTemplateName",
            "blockDeviceMappings": "LaunchTemplateData.BlockDeviceMappings",
            "metadataOptions": "LaunchTemplateData.MetadataOptions",
            "tagSpecifications": "LaunchTemplateData.TagSpecifications",
            "vpcSecurityGroupIds": "LaunchTemplateData.SecurityGroupIds",
        },
        {"updateDefaultVersion": _PROVIDERS, "tags": "the template's own tags, among its TagSpecifications"},
    ),
    "aws:ec2/natGateway:NatGateway": Counterpart("AWS::EC2::NatGateway"),
    "aws:ec2/route:Route": Counterpart("AWS::EC2::Route"),
    "aws:ec2/routeTable:RouteTable": Counterpart("AWS::EC2::RouteTable"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Counterpart("AWS::EC2::SubnetRouteTableAssociation"),
    "aws:ec2/securityGroup:SecurityGroup": Counterpart(
        "AWS::EC2::SecurityGroup",
        {"name": "GroupName", "description": "GroupDescription"},
        given={"GroupDescription": UNKNOWN},
    ),
    "aws:ec2/subnet:Subnet": Counterpart("AWS::EC2::Subnet"),
    "aws:ec2/vpc:Vpc": Counterpart("AWS::EC2::VPC"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Counterpart(
        "AWS::EC2::VPCEndpoint", {"policy": "PolicyDocument"}, open={"serviceName": "services have no list"}
    ),
    "aws:ec2/vpnGateway:VpnGateway": Counterpart(
        "AWS::EC2::VPNGateway",
        unmapped={"vpcId": "an attachment of its own, AWS::EC2::VPCGatewayAttachment, which is checked"},
        given={"Type": "ipsec.1"},
        probes=(Probe("AWS::EC2::VPCGatewayAttachment", {"vpcId": "VpcId"}, {"VpnGatewayId": UNKNOWN}),),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": Counterpart(
        "AWS::ECR::Repository", {"repository": "RepositoryName", "policy": "LifecyclePolicy.LifecyclePolicyText"}
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": Counterpart("AWS::ECR::PullThroughCacheRule"),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": Counterpart(
        "AWS::ECR::RepositoryCreationTemplate",
        {"appliedFors": "AppliedFor", "encryptionConfigurations": "EncryptionConfiguration"},
    ),
    "aws:ecr/repository:Repository": Counterpart(
        "AWS::ECR::Repository",
        {
            "name": "RepositoryName",
            "encryptionConfigurations": "EncryptionConfiguration",
            "forceDelete": "EmptyOnDelete",
        },
    ),
    "aws:eks/accessEntry:AccessEntry": Counterpart("AWS::EKS::AccessEntry"),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": Counterpart(
        "AWS::EKS::AccessEntry",
        {"policyArn": "AccessPolicies[].PolicyArn", "accessScope": "AccessPolicies[].AccessScope"},
        open={"policyArn": "access policies have no list"},
    ),
    "aws:eks/addon:Addon": Counterpart(
        "AWS::EKS::Addon",
        {"resolveConflictsOnCreate": "ResolveConflicts"},
        {"resolveConflictsOnUpdate": "CloudFormation has one property for both, and resolveConflictsOnCreate has it"},
        open={
            "addonName": "add-ons have no list",
            "addonVersion": "versions of add-ons have no list",
            "configurationValues": "each add-on has a schema of its own",
        },
    ),
    "aws:eks/cluster:Cluster": Counterpart(
        "AWS::EKS::Cluster",
        {
            "vpcConfig": "ResourcesVpcConfig",
            "enabledClusterLogTypes": "Logging.ClusterLogging.EnabledTypes[].Type",
        },
        open={"version": "a pattern alone: Kubernetes versions have no list"},
    ),
    "aws:eks/nodeGroup:NodeGroup": Counterpart(
        "AWS::EKS::Nodegroup",
        {"subnetIds": "Subnets", "nodeRoleArn": "NodeRole"},
        probes=(Probe("AWS::EC2::Instance", {"instanceTypes": "InstanceType"}, {"ImageId": UNKNOWN}),),
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": Counterpart("AWS::EKS::PodIdentityAssociation"),
    "aws:elasticache/replicationGroup:ReplicationGroup": Counterpart(
        "AWS::ElastiCache::ReplicationGroup",
        {
            "description": "ReplicationGroupDescription",
            "nodeType": "CacheNodeType",
            "parameterGroupName": "CacheParameterGroupName",
            "subnetGroupName": "CacheSubnetGroupName",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "logDeliveryConfigurations.destination": "DestinationDetails.CloudWatchLogsDetails.LogGroup",
        },
        {"applyImmediately": _REQUEST},
        # Of the two types, this one alone knows engines, their versions, and the node types of a region.
        probes=(
            Probe(
                "AWS::ElastiCache::CacheCluster",
                {"nodeType": "CacheNodeType", "engine": "Engine", "engineVersion": "EngineVersion"},
                {"NumCacheNodes": 1},
            ),
        ),
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": Counterpart(
        "AWS::ElastiCache::SubnetGroup", {"name": "CacheSubnetGroupName"}
    ),
    "aws:elasticache/user:User": Counterpart("AWS::ElastiCache::User"),
    "aws:elasticache/userGroup:UserGroup": Counterpart("AWS::ElastiCache::UserGroup"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Counterpart(
        "AWS::IAM::OIDCProvider", {"clientIdLists": "ClientIdList"}
    ),
    "aws:iam/policy:Policy": Counterpart(
        "AWS::IAM::ManagedPolicy", {"name": "ManagedPolicyName", "policy": "PolicyDocument"}, {"tags": _NO_TAGS}
    ),
    "aws:iam/role:Role": Counterpart(
        "AWS::IAM::Role", {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    ),
    "aws:iam/rolePolicy:RolePolicy": Counterpart(
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        given={"PolicyName": UNKNOWN},
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Counterpart(
        "AWS::IAM::Role",
        {"role": "RoleName", "policyArn": "ManagedPolicyArns[]"},
        given={"AssumeRolePolicyDocument": UNKNOWN},
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": Counterpart("AWS::IAM::ServiceLinkedRole"),
    "aws:kms/key:Key": Counterpart(
        "AWS::KMS::Key", {"policy": "KeyPolicy", "deletionWindowInDays": "PendingWindowInDays"}
    ),
    "aws:lb/listener:Listener": Counterpart(
        "AWS::ElasticLoadBalancingV2::Listener",
        {"certificateArn": "Certificates[].CertificateArn", "defaultActions.redirect": "RedirectConfig"},
        values={"sslPolicy": TLS_POLICIES},
    ),
    "aws:lb/loadBalancer:LoadBalancer": Counterpart(
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        {"loadBalancerType": "Type"},
        {
            "internal": "the `Scheme` in other words",
            "accessLogs": _LB_ATTRIBUTE,
            "desyncMitigationMode": _LB_ATTRIBUTE,
            "dropInvalidHeaderFields": _LB_ATTRIBUTE,
            "enableDeletionProtection": _LB_ATTRIBUTE,
        },
        open={"name": _LENGTH},
    ),
    "aws:lb/targetGroup:TargetGroup": Counterpart(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {
            "healthCheck": ".",
            "healthCheck.path": "HealthCheckPath",
            "healthCheck.port": "HealthCheckPort",
            "healthCheck.protocol": "HealthCheckProtocol",
            "healthCheck.matcher": "Matcher.HttpCode",
            "healthCheck.interval": "HealthCheckIntervalSeconds",
            "healthCheck.healthyThreshold": "HealthyThresholdCount",
        },
        {"deregistrationDelay": _LB_ATTRIBUTE},
        open={"name": _LENGTH},
    ),
    "aws:opensearch/domain:Domain": Counterpart(
        "AWS::OpenSearchService::Domain",
        {"encryptAtRest": "EncryptionAtRestOptions", "nodeToNodeEncryption": "NodeToNodeEncryptionOptions"},
        {
            "autoTuneOptions": "CloudFormation does not have it",
            "logPublishingOptions.cloudwatchLogGroupArn": _LOGS_BY_KIND,
            "logPublishingOptions.logType": _LOGS_BY_KIND,
        },
        open={"domainName": _LENGTH, "engineVersion": "versions of OpenSearch have no list"},
    ),
    "aws:rds/cluster:Cluster": Counterpart(
        "AWS::RDS::DBCluster",
        {
            "clusterIdentifier": "DBClusterIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "masterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
        },
        {
            "allowMajorVersionUpgrade": _REQUEST,
            "applyImmediately": _REQUEST,
            "finalSnapshotIdentifier": _REQUEST,
            "restoreToPointInTime": "a block here, in CloudFormation single properties",
            "skipFinalSnapshot": _REQUEST,
        },
    ),
    "aws:rds/clusterInstance:ClusterInstance": Counterpart(
        "AWS::RDS::DBInstance",
        {
            "clusterIdentifier": "DBClusterIdentifier",
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
        },
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": Counterpart(
        "AWS::RDS::DBClusterParameterGroup",
        {"name": "DBClusterParameterGroupName"},
        open={"family": _FAMILY, "parameters": "each family has its own"},
    ),
    "aws:rds/parameterGroup:ParameterGroup": Counterpart(
        "AWS::RDS::DBParameterGroup", {"name": "DBParameterGroupName"}, open={"family": _FAMILY}
    ),
    "aws:rds/subnetGroup:SubnetGroup": Counterpart(
        "AWS::RDS::DBSubnetGroup", {"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"}
    ),
    "aws:route53/record:Record": Counterpart(
        "AWS::Route53::RecordSet",
        {
            "zoneId": "HostedZoneId",
            "records": "ResourceRecords",
            "aliases": "AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
        },
        {"allowOverwrite": _REQUEST},
        values={"type": RECORD_TYPES},
    ),
    "aws:s3/bucket:Bucket": Counterpart("AWS::S3::Bucket", {"bucket": "BucketName"}, {"forceDestroy": _PROVIDERS}),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Counterpart(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "rules": "LifecycleConfiguration.Rules",
            "rules.expiration": ".",
            "rules.expiration.days": "ExpirationInDays",
        },
        {"rules.filter": "CloudFormation has no filter: it has the parts of one in the rule itself"},
    ),
    "aws:s3/bucketLogging:BucketLogging": Counterpart(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "targetBucket": "LoggingConfiguration.DestinationBucketName",
            "targetPrefix": "LoggingConfiguration.LogFilePrefix",
        },
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Counterpart(
        "AWS::S3::Bucket", {"bucket": "BucketName", "rule": "OwnershipControls.Rules"}
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Counterpart("AWS::S3::BucketPolicy", {"policy": "PolicyDocument"}),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Counterpart(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "blockPublicAcls": "PublicAccessBlockConfiguration.BlockPublicAcls",
            "blockPublicPolicy": "PublicAccessBlockConfiguration.BlockPublicPolicy",
            "ignorePublicAcls": "PublicAccessBlockConfiguration.IgnorePublicAcls",
            "restrictPublicBuckets": "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Counterpart(
        "AWS::S3::Bucket",
        {
            "bucket": "BucketName",
            "rules": "BucketEncryption.ServerSideEncryptionConfiguration",
            "rules.applyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault",
        },
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Counterpart("AWS::S3::Bucket", {"bucket": "BucketName"}),
    "aws:secretsmanager/secret:Secret": Counterpart(
        "AWS::SecretsManager::Secret", {}, {"recoveryWindowInDays": _REQUEST}
    ),
    "aws:sns/topic:Topic": Counterpart("AWS::SNS::Topic", {"name": "TopicName"}),
    "aws:sns/topicPolicy:TopicPolicy": Counterpart(
        "AWS::SNS::TopicPolicy", {"arn": "Topics[]", "policy": "PolicyDocument"}
    ),
    "aws:sns/topicSubscription:TopicSubscription": Counterpart("AWS::SNS::Subscription", {"topic": "TopicArn"}),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Counterpart(
        "AWS::EC2::SecurityGroupEgress",
        {"securityGroupId": "GroupId", "referencedSecurityGroupId": "DestinationSecurityGroupId"},
        {"tags": _NO_TAGS},
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Counterpart(
        "AWS::EC2::SecurityGroupIngress",
        {"securityGroupId": "GroupId", "cidrIpv4": "CidrIp", "referencedSecurityGroupId": "SourceSecurityGroupId"},
        {"tags": _NO_TAGS},
    ),
    "aws:wafv2/webAcl:WebAcl": Counterpart("AWS::WAFv2::WebACL"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": Counterpart("AWS::WAFv2::WebACLAssociation"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": Counterpart("AWS::WAFv2::LoggingConfiguration"),
}
"""The CloudFormation counterpart of each type."""
