"""What the schemas of hashicorp/terraform-provider-aws say about every AWS resource type the program uses.

pulumi-aws bridges them: ForceNew and RequiresReplace are `replaces` here, the conditions of CustomizeDiff and
ModifyPlan are `rules`, and SetNewComputed and ComputedIf are `volatile`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fakes.aws import replacement_rules as rules

Properties = Mapping[str, Any]
Rule = Callable[[Properties, Properties], Iterable[str]]
"""Says which properties' change replaces the resource under a condition, given the old and the new properties."""
Volatility = Callable[[frozenset[str], Properties], bool]
"""Says whether an output is unknown until an update is done, given what the update changes and the new inputs."""

MANAGED_BY_PULUMI = {"description": "Managed by Pulumi"}
"""What pulumi-aws puts where upstream has "Managed by Terraform" (provider/resource_overrides.go)."""


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """What a change does to the resources of one type."""

    source: str
    """The schema's file in hashicorp/terraform-provider-aws."""
    replaces: frozenset[str]
    """Paths by wire names, through lists too, such as `encryptionConfigurations.kmsKey`."""
    kept: frozenset[str]
    """Those of `replaces` that keep what they have when the program no longer gives them (Optional and Computed)."""
    defaults: Properties = field(default_factory=dict[str, Any])
    """What those of `replaces` are that the program does not give."""
    rules: tuple[Rule, ...] = ()
    volatile: Mapping[str, Volatility] = field(default_factory=dict[str, Volatility])
    """The outputs that an update can make unknown (SetNewComputed, ComputedIf)."""
    immutable: bool = False
    """The provider has no update for it: every input replaces."""
    deletes_first: bool = False
    """DeleteBeforeReplace in pulumi-aws's provider/resource_overrides.go."""


def _when(*properties: str) -> Volatility:
    return lambda changes, _: bool(changes & {*properties})


def _unless_only(*properties: str) -> Volatility:
    return lambda changes, _: bool(changes - {*properties})


def _row(source: str, words: str, *, regional: bool = True, **others: Any) -> ResourceType:
    """Build a row from its paths, where a question mark follows those that keep what they have.

    `region` is everywhere but in global services: internal/provider/sdkv2 and framework force a replacement by it.
    """
    paths = [*words.split(), *(["region?"] if regional else [])]
    return ResourceType(
        source=f"internal/service/{source}",
        replaces=frozenset(path.removesuffix("?") for path in paths),
        kept=frozenset(path.removesuffix("?") for path in paths if path.endswith("?")),
        **others,
    )


def _default_version(changes: frozenset[str], new: Properties) -> bool:
    return bool(new.get("updateDefaultVersion")) and bool(changes - {"name", "namePrefix", "description"})


_NAMED = "name? namePrefix?"
_BUCKET = "bucket expectedBucketOwner"

TYPES: Mapping[str, ResourceType] = {
    "aws:acm/certificate:Certificate": _row(
        "acm/certificate.go",
        "certificateAuthorityArn domainName? keyAlgorithm? subjectAlternativeNames? validationMethod? "
        "validationOptions.domainName validationOptions.validationDomain",
    ),
    "aws:acm/certificateValidation:CertificateValidation": _row(
        "acm/certificate_validation.go", "certificateArn validationRecordFqdns", immutable=True
    ),
    "aws:budgets/budget:Budget": _row("budgets/budget.go", f"accountId? {_NAMED}", regional=False),
    "aws:cloudwatch/dashboard:Dashboard": _row("cloudwatch/dashboard.go", "dashboardName"),
    "aws:cloudwatch/eventRule:EventRule": _row(
        "events/rule.go", f"eventBusName {_NAMED}", defaults={"eventBusName": "default"}
    ),
    "aws:cloudwatch/eventTarget:EventTarget": _row(
        "events/target.go", "eventBusName rule targetId?", defaults={"eventBusName": "default"}
    ),
    "aws:cloudwatch/logGroup:LogGroup": _row("logs/group.go", f"logGroupClass? {_NAMED}"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": _row("logs/resource_policy.go", "policyName resourceArn"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _row("cloudwatch/metric_alarm.go", "name?"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _row("ec2/vpc_default_security_group.go", "vpcId?"),
    "aws:ec2/eip:Eip": _row("ec2/ec2_eip.go", "address domain? ipamPoolId? networkBorderGroup? publicIpv4Pool?"),
    "aws:ec2/flowLog:FlowLog": _row(
        "ec2/vpc_flow_log.go",
        "deliverCrossAccountRole destinationOptions.fileFormat destinationOptions.hiveCompatiblePartitions "
        "destinationOptions.perHourPartition eniId iamRoleArn logDestination? logDestinationType logFormat? "
        "maxAggregationInterval regionalNatGatewayId subnetId trafficType transitGatewayAttachmentId transitGatewayId "
        "vpcId",
        defaults={
            "logDestinationType": "cloud-watch-logs",
            "maxAggregationInterval": 600,
            "destinationOptions.fileFormat": "plain-text",
            "destinationOptions.hiveCompatiblePartitions": False,
            "destinationOptions.perHourPartition": False,
        },
    ),
    "aws:ec2/internetGateway:InternetGateway": _row("ec2/vpc_internet_gateway.go", ""),
    "aws:ec2/launchTemplate:LaunchTemplate": _row(
        "ec2/ec2_launch_template.go",
        _NAMED,
        volatile={
            "defaultVersion": _default_version,
            "latestVersion": _unless_only(
                "name", "namePrefix", "description", "defaultVersion", "updateDefaultVersion"
            ),
        },
    ),
    "aws:ec2/natGateway:NatGateway": _row(
        "ec2/vpc_nat_gateway.go",
        "allocationId connectivityType privateIp? secondaryPrivateIpAddressCount? subnetId",
        defaults={"connectivityType": "public"},
        volatile={"secondaryPrivateIpAddressCount": _when("secondaryAllocationIds")},
    ),
    "aws:ec2/route:Route": _row(
        "ec2/vpc_route.go", "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId"
    ),
    "aws:ec2/routeTable:RouteTable": _row("ec2/vpc_route_table.go", "vpcId"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _row(
        "ec2/vpc_route_table_association.go", "gatewayId subnetId"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _row(
        "ec2/vpc_security_group.go", f"description {_NAMED} vpcId?", defaults=MANAGED_BY_PULUMI
    ),
    "aws:ec2/subnet:Subnet": _row(
        "ec2/vpc_subnet.go",
        "availabilityZone? availabilityZoneId? cidrBlock? ipv4IpamPoolId ipv4NetmaskLength ipv6IpamPoolId ipv6Native "
        "ipv6NetmaskLength outpostArn vpcId",
        defaults={"ipv6Native": False},
        rules=(rules.subnet_ipv6,),
    ),
    "aws:ec2/vpc:Vpc": _row(
        "ec2/vpc_.go",
        "cidrBlock? ipv4IpamPoolId ipv4NetmaskLength",
        rules=(rules.vpc_tenancy,),
        volatile={
            "ipv6AssociationId": _when("assignGeneratedIpv6CidrBlock"),
            "ipv6CidrBlock": _when("assignGeneratedIpv6CidrBlock"),
        },
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _row(
        "ec2/vpc_endpoint.go",
        "dnsOptions.privateDnsPreference? dnsOptions.privateDnsSpecifiedDomains? resourceConfigurationArn serviceName "
        "serviceNetworkArn serviceRegion? vpcEndpointType vpcId",
        defaults={"vpcEndpointType": "Gateway"},
        rules=(rules.endpoint_dns,),
        volatile={
            "networkInterfaceIds": _when("subnetConfigurations", "subnetIds"),
            "subnetConfigurations": _when("subnetIds"),
            "subnetIds": _when("subnetConfigurations"),
        },
    ),
    "aws:ec2/vpnGateway:VpnGateway": _row("ec2/vpnsite_gateway.go", "amazonSideAsn? availabilityZone"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _row(
        "ecr/lifecycle_policy.go", "policy repository", immutable=True, deletes_first=True
    ),
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": _row(
        "ecr/pull_through_cache_rule.go", "ecrRepositoryPrefix upstreamRegistryUrl upstreamRepositoryPrefix?"
    ),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": _row(
        "ecr/repository_creation_template.go", "prefix"
    ),
    "aws:ecr/repository:Repository": _row(
        "ecr/repository.go", "encryptionConfigurations.encryptionType? encryptionConfigurations.kmsKey? name?"
    ),
    "aws:eks/accessEntry:AccessEntry": _row(
        "eks/access_entry.go", "clusterName principalArn type", defaults={"type": "STANDARD"}
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _row(
        "eks/access_policy_association.go",
        "accessScope.namespaces accessScope.type clusterName policyArn principalArn",
        immutable=True,
    ),
    "aws:eks/addon:Addon": _row("eks/addon.go", "addonName clusterName"),
    "aws:eks/cluster:Cluster": _row(
        "eks/cluster.go",
        "accessConfig.bootstrapClusterCreatorAdminPermissions bootstrapSelfManagedAddons "
        "kubernetesNetworkConfig.ipFamily? kubernetesNetworkConfig.serviceIpv4Cidr? name? "
        "outpostConfig.controlPlaneInstanceType outpostConfig.controlPlanePlacement.groupName roleArn",
        defaults={"accessConfig.bootstrapClusterCreatorAdminPermissions": True, "bootstrapSelfManagedAddons": True},
        rules=(rules.cluster_encryption, rules.cluster_nodes),
    ),
    "aws:eks/nodeGroup:NodeGroup": _row(
        "eks/node_group.go",
        "amiType? capacityType? clusterName diskSize? instanceTypes? launchTemplate.id? launchTemplate.name? "
        "nodeGroupName? nodeGroupNamePrefix? nodeRoleArn remoteAccess.ec2SshKey remoteAccess.sourceSecurityGroupIds "
        "subnetIds",
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _row(
        "eks/pod_identity_association.go",
        "clusterName namespace serviceAccount",
        volatile={"externalId": _unless_only()},
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": _row(
        "elasticache/replication_group.go",
        "atRestEncryptionEnabled? dataTieringEnabled? globalReplicationGroupId? kmsKeyId networkType? port "
        "replicationGroupId? securityGroupNames? snapshotArns snapshotName subnetGroupName?",
        defaults={"port": 6379},
        rules=(rules.cache_engine, rules.cache_version, rules.cache_transit, rules.cache_node_groups),
        volatile={"memberClusters": _when("numCacheClusters", "numNodeGroups", "replicasPerNodeGroup")},
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": _row("elasticache/subnet_group.go", "name?"),
    "aws:elasticache/user:User": _row("elasticache/user.go", "userId userName"),
    "aws:elasticache/userGroup:UserGroup": _row("elasticache/user_group.go", "engine userGroupId"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _row(
        "iam/openid_connect_provider.go", "url", regional=False
    ),
    "aws:iam/policy:Policy": _row(
        "iam/policy.go", f"description {_NAMED} path", defaults={"path": "/"}, regional=False
    ),
    "aws:iam/role:Role": _row("iam/role.go", f"{_NAMED} path", defaults={"path": "/"}, regional=False),
    "aws:iam/rolePolicy:RolePolicy": _row("iam/role_policy.go", f"{_NAMED} role", regional=False),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _row(
        "iam/role_policy_attachment.go", "policyArn role", regional=False, immutable=True, deletes_first=True
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _row(
        "iam/service_linked_role.go", "awsServiceName customSuffix", regional=False
    ),
    "aws:kms/key:Key": _row(
        "kms/key.go",
        "customKeyStoreId customerMasterKeySpec keyUsage multiRegion? xksKeyId",
        defaults={"customerMasterKeySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT"},
    ),
    "aws:lb/listener:Listener": _row("elbv2/listener.go", "loadBalancerArn"),
    "aws:lb/loadBalancer:LoadBalancer": _row(
        "elbv2/load_balancer.go",
        f"customerOwnedIpv4Pool internal? loadBalancerType {_NAMED}",
        defaults={"loadBalancerType": "application"},
        rules=(rules.application_balancer, rules.network_balancer),
        volatile={"subnetMappings": _when("subnets"), "subnets": _when("subnetMappings")},
    ),
    "aws:lb/targetGroup:TargetGroup": _row(
        "elbv2/target_group.go",
        f"ipAddressType? {_NAMED} port protocol targetType vpcId",
        defaults={"targetType": "instance"},
        rules=(rules.target_version,),
    ),
    "aws:opensearch/domain:Domain": _row(
        "opensearch/domain.go",
        "domainName? encryptAtRest.kmsKeyId?",
        rules=(rules.search_security, rules.search_version, rules.search_vpc, rules.search_addresses),
    ),
    "aws:rds/cluster:Cluster": _row(
        "rds/cluster.go",
        "availabilityZones? clusterIdentifier? clusterIdentifierPrefix? clusterScalabilityType? databaseName? "
        "dbSubnetGroupName? dbSystemId? engine engineMode kmsKeyId? masterUsername? "
        "restoreToPointInTime.restoreToTime restoreToPointInTime.restoreType "
        "restoreToPointInTime.sourceClusterIdentifier restoreToPointInTime.sourceClusterResourceId "
        "restoreToPointInTime.useLatestRestorableTime s3Import.bucketName s3Import.bucketPrefix "
        "s3Import.ingestionRole s3Import.sourceEngine s3Import.sourceEngineVersion snapshotIdentifier? sourceRegion "
        "storageEncrypted?",
        defaults={"engineMode": "provisioned"},
        rules=(rules.aurora_storage,),
    ),
    "aws:rds/clusterInstance:ClusterInstance": _row(
        "rds/cluster_instance.go",
        "availabilityZone? clusterIdentifier customIamInstanceProfile dbSubnetGroupName? engine identifier? "
        "identifierPrefix?",
    ),
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": _row(
        "rds/cluster_parameter_group.go", f"description family {_NAMED}", defaults=MANAGED_BY_PULUMI
    ),
    "aws:rds/parameterGroup:ParameterGroup": _row(
        "rds/parameter_group.go", f"description family {_NAMED}", defaults=MANAGED_BY_PULUMI
    ),
    "aws:rds/subnetGroup:SubnetGroup": _row("rds/subnet_group.go", _NAMED),
    "aws:route53/record:Record": _row("route53/record.go", "name zoneId", regional=False),
    "aws:s3/bucket:Bucket": _row(
        "s3/bucket.go", "bucket? bucketPrefix? objectLockConfiguration.objectLockEnabled? objectLockEnabled?"
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _row(
        "s3/bucket_lifecycle_configuration.go", f"{_BUCKET}?"
    ),
    "aws:s3/bucketLogging:BucketLogging": _row("s3/bucket_logging.go", _BUCKET),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _row("s3/bucket_ownership_controls.go", "bucket"),
    "aws:s3/bucketPolicy:BucketPolicy": _row("s3/bucket_policy.go", "bucket"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _row("s3/bucket_public_access_block.go", "bucket"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _row(
        "s3/bucket_server_side_encryption_configuration.go", _BUCKET
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _row("s3/bucket_versioning.go", _BUCKET),
    "aws:secretsmanager/secret:Secret": _row("secretsmanager/secret.go", _NAMED),
    "aws:sns/topic:Topic": _row("sns/topic.go", f"fifoTopic {_NAMED}", defaults={"fifoTopic": False}),
    "aws:sns/topicPolicy:TopicPolicy": _row("sns/topic_policy.go", "arn"),
    "aws:sns/topicSubscription:TopicSubscription": _row("sns/topic_subscription.go", "endpoint protocol topic"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _row(
        "ec2/vpc_security_group_egress_rule.go", "securityGroupId", rules=(rules.rule_source,)
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _row(
        "ec2/vpc_security_group_ingress_rule.go", "securityGroupId", rules=(rules.rule_source,)
    ),
    "aws:wafv2/webAcl:WebAcl": _row("wafv2/web_acl.go", f"{_NAMED} scope"),
    "aws:wafv2/webAclAssociation:WebAclAssociation": _row(
        "wafv2/web_acl_association.go", "resourceArn webAclArn", immutable=True
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _row(
        "wafv2/web_acl_logging_configuration.go", "logDestinationConfigs resourceArn"
    ),
}
