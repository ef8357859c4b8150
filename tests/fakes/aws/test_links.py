"""Every refusal provoked, and what AWS lets go."""

import pytest

from fakes.aws import link_words
from fakes.aws.held import Held
from fakes.aws.links import among, missing, references, refusal
from recording.graph import UNKNOWN, Secret


def held(type_: str, id_: str, *, outputs: dict | None = None, contents: tuple[str, ...] = (), **inputs) -> Held:
    return Held(type_, id_, f"urn:{type_}::{id_}", inputs, outputs or {}, contents)


def rule(way: str, group: str, *, about: str) -> Held:
    type_ = f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule"
    return held(type_, "sgr-1", securityGroupId=group, referencedSecurityGroupId=about)


VPC = held("aws:ec2/vpc:Vpc", "vpc-1")
SUBNET = held("aws:ec2/subnet:Subnet", "subnet-1", vpcId="vpc-1")
GROUP = held("aws:ec2/securityGroup:SecurityGroup", "sg-1", vpcId="vpc-1")
ADDRESS = held("aws:ec2/eip:Eip", "eipalloc-1")
GATEWAY = held("aws:ec2/internetGateway:InternetGateway", "igw-1", vpcId="vpc-1")
NAT = held("aws:ec2/natGateway:NatGateway", "nat-1", subnetId="subnet-1", allocationId="eipalloc-1")
ROLE = held("aws:iam/role:Role", "app", outputs={"name": "app", "arn": "arn:aws:iam::1:role/app"})
POLICY = held("aws:iam/policy:Policy", "arn:aws:iam::1:policy/p", outputs={"arn": "arn:aws:iam::1:policy/p"})
KEY = held("aws:kms/key:Key", "k-1", outputs={"arn": "arn:aws:kms:r:1:key/k-1"})
EKS_ANSWERS = {"name": "main", "vpcConfig": {"clusterSecurityGroupId": "sg-eks"}}
ENDPOINT = held(
    "aws:ec2/vpcEndpoint:VpcEndpoint", "e", vpcId="vpc-1", subnetIds=["subnet-1"], securityGroupIds=["sg-1"]
)
EKS = held("aws:eks/cluster:Cluster", "main", outputs=EKS_ANSWERS, vpcConfig={"subnetIds": ["subnet-1"]})
TEMPLATE = held("aws:ec2/launchTemplate:LaunchTemplate", "lt-1", vpcSecurityGroupIds=["sg-1", "sg-eks"])
NODES = held("aws:eks/nodeGroup:NodeGroup", "main:n", clusterName="main", launchTemplate={"id": "lt-1"})
DB_SUBNETS = held("aws:rds/subnetGroup:SubnetGroup", "dbs", outputs={"name": "dbs"}, subnetIds=["subnet-1"])
DB = held("aws:rds/cluster:Cluster", "db", dbSubnetGroupName="dbs", vpcSecurityGroupIds=["sg-1"])
DB_INSTANCE = held("aws:rds/clusterInstance:ClusterInstance", "db-0", clusterIdentifier="db", dbParameterGroupName="pg")
CACHE_SUBNETS = held("aws:elasticache/subnetGroup:SubnetGroup", "cs", outputs={"name": "cs"}, subnetIds=["subnet-1"])
CACHE = held(
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "c",
    subnetGroupName="cs",
    securityGroupIds=["sg-1"],
    userGroupIds=["ug"],
)
BALANCER = held(
    "aws:lb/loadBalancer:LoadBalancer", "lb", outputs={"arn": "lb"}, subnets=["subnet-1"], securityGroups=["sg-1"]
)
LISTENER = held(
    "aws:lb/listener:Listener",
    "l",
    loadBalancerArn="lb",
    certificateArn="arn:aws:acm:r:1:certificate/c",
    defaultActions=[{"targetGroupArn": "tg"}],
)
CERTIFICATE = held(
    "aws:acm/certificate:Certificate",
    "arn:aws:acm:r:1:certificate/c",
    outputs={"arn": "arn:aws:acm:r:1:certificate/c"},
)
WEB_ACL = held("aws:wafv2/webAcl:WebAcl", "acl", outputs={"arn": "acl-arn"})

VPC_BUSY = "DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted."
SUBNET_BUSY = "DependencyViolation: The subnet 'subnet-1' has dependencies and cannot be deleted."
POLICY_BUSY = "DeleteConflict: Cannot delete a policy attached to entities."
GROUP_BUSY = "DependencyViolation: resource sg-1 has a dependent object"
REFUSED = {
    "a VPC with a subnet": (VPC, [SUBNET], VPC_BUSY),
    "a VPC with an internet gateway": (VPC, [GATEWAY], VPC_BUSY),
    "a VPC with a route table": (VPC, [held("aws:ec2/routeTable:RouteTable", "rtb-1", vpcId="vpc-1")], VPC_BUSY),
    "a VPC with an endpoint": (VPC, [ENDPOINT], VPC_BUSY),
    "a VPC with a security group": (VPC, [GROUP], VPC_BUSY),
    "a subnet with a NAT gateway": (SUBNET, [NAT], SUBNET_BUSY),
    "a subnet with a load balancer": (SUBNET, [BALANCER], SUBNET_BUSY),
    "a subnet with an endpoint": (SUBNET, [ENDPOINT], SUBNET_BUSY),
    "a subnet with a control plane": (SUBNET, [EKS], SUBNET_BUSY),
    "a subnet with a database": (SUBNET, [DB_SUBNETS, DB], SUBNET_BUSY),
    "a subnet with a cache": (SUBNET, [CACHE_SUBNETS, CACHE], SUBNET_BUSY),
    "a subnet with nodes": (SUBNET, [held("aws:eks/nodeGroup:NodeGroup", "n", subnetIds=["subnet-1"])], SUBNET_BUSY),
    "a security group of a load balancer": (GROUP, [BALANCER], GROUP_BUSY),
    "a security group of an endpoint": (GROUP, [ENDPOINT], GROUP_BUSY),
    "a security group of a cache": (GROUP, [CACHE], GROUP_BUSY),
    "a security group of running nodes": (GROUP, [TEMPLATE, NODES], GROUP_BUSY),
    "a security group of database instances": (GROUP, [DB, DB_INSTANCE], GROUP_BUSY),
    "a security group that another's rule names": (GROUP, [rule("Ingress", "sg-2", about="sg-1")], GROUP_BUSY),
    "a security group that another's egress names": (GROUP, [rule("Egress", "sg-2", about="sg-1")], GROUP_BUSY),
    "an address of a NAT gateway": (
        ADDRESS,
        [NAT],
        "AuthFailure: You do not have permission to access the specified resource.",
    ),
    "an internet gateway with a NAT gateway behind it": (
        GATEWAY,
        [VPC, SUBNET, NAT],
        (
            "DependencyViolation: Network vpc-1 has some mapped public address(es). "
            "Please unmap those public address(es) before detaching the gateway."
        ),
    ),
    "a role with an inline policy": (
        ROLE,
        [held("aws:iam/rolePolicy:RolePolicy", "x", role="app")],
        "DeleteConflict: Cannot delete entity, must delete policies first.",
    ),
    "a role with an attached policy": (
        ROLE,
        [held("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", role="app")],
        "DeleteConflict: Cannot delete entity, must detach all policies first.",
    ),
    "a policy that bounds a role": (
        POLICY,
        [held("aws:iam/role:Role", "x", permissionsBoundary=POLICY.id)],
        POLICY_BUSY,
    ),
    "a policy that is attached": (
        POLICY,
        [held("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "x", role="app", policyArn=POLICY.id)],
        POLICY_BUSY,
    ),
    "an EKS cluster with node groups": (EKS, [NODES], "ResourceInUseException: Cluster has nodegroups attached"),
    "a DB cluster with instances": (
        DB,
        [DB_INSTANCE],
        "InvalidDBClusterStateFault: Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
    ),
    "a DB subnet group with a cluster": (
        DB_SUBNETS,
        [DB],
        (
            "InvalidDBSubnetGroupStateFault: Cannot delete the subnet group 'dbs' because at least one database "
            "cluster: db is still using it."
        ),
    ),
    "a DB parameter group with an instance": (
        held("aws:rds/parameterGroup:ParameterGroup", "pg", name="pg"),
        [DB_INSTANCE],
        (
            "InvalidDBParameterGroupState: One or more database instances are still members of this parameter group "
            "pg, so the group cannot be deleted"
        ),
    ),
    "a DB cluster parameter group with a cluster": (
        held("aws:rds/clusterParameterGroup:ClusterParameterGroup", "cpg", name="cpg"),
        [held("aws:rds/cluster:Cluster", "db", dbClusterParameterGroupName="cpg")],
        link_words.DB_CLUSTER_PARAMETERS_BUSY(id="cpg"),
    ),
    "a cache subnet group with a cache": (
        CACHE_SUBNETS,
        [CACHE],
        "CacheSubnetGroupInUse: Cache subnet group cs is currently in use by a cache cluster.",
    ),
    "a user group of a cache": (
        held("aws:elasticache/userGroup:UserGroup", "ug"),
        [CACHE],
        link_words.USER_GROUP_BUSY(),
    ),
    "a target group of a listener": (
        held("aws:lb/targetGroup:TargetGroup", "tg", outputs={"arn": "tg"}),
        [LISTENER],
        "ResourceInUse: The target group 'tg' is currently in use by a listener or a rule",
    ),
    "a certificate of a listener": (
        CERTIFICATE,
        [LISTENER],
        "ResourceInUseException: Certificate arn:aws:acm:r:1:certificate/c in account 1 is in use.",
    ),
    "a web ACL with an association": (
        WEB_ACL,
        [held("aws:wafv2/webAclAssociation:WebAclAssociation", "a", webAclArn="acl-arn", resourceArn="lb")],
        link_words.WEB_ACL_BUSY(),
    ),
    "a protected EKS cluster": (
        held("aws:eks/cluster:Cluster", "main", deletionProtection=True),
        [],
        link_words.EKS_PROTECTED.text,
    ),
    "a protected DB cluster": (
        held("aws:rds/cluster:Cluster", "db", deletionProtection=True),
        [],
        (
            "InvalidParameterCombination: Cannot delete protected Cluster, please disable deletion protection and try "
            "again."
        ),
    ),
    "a protected load balancer": (
        held("aws:lb/loadBalancer:LoadBalancer", "lb", outputs={"arn": "lb"}, enableDeletionProtection=True),
        [],
        "OperationNotPermitted: Load balancer 'lb' cannot be deleted because deletion protection is enabled",
    ),
    "a bucket with objects": (
        held("aws:s3/bucket:Bucket", "b", contents=("x",), forceDestroy=False),
        [],
        "BucketNotEmpty: The bucket you tried to delete is not empty",
    ),
    "a repository with images": (
        held(
            "aws:ecr/repository:Repository", "api", outputs={"arn": "arn:aws:ecr:r:1:repository/api"}, contents=("x",)
        ),
        [],
        (
            "RepositoryNotEmptyException: The repository with name 'api' in registry with id '1' cannot be deleted "
            "because it still contains images"
        ),
    ),
}

LET_GO = {
    "a KMS key in use": (KEY, [held("aws:rds/cluster:Cluster", "db", kmsKeyId="arn:aws:kms:r:1:key/k-1")]),
    "a log group in use": (
        held("aws:cloudwatch/logGroup:LogGroup", "g", outputs={"arn": "g-arn"}),
        [held("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", "x", logDestinationConfigs=["g-arn"])],
    ),
    "a topic with alarms": (
        held("aws:sns/topic:Topic", "t", outputs={"arn": "t"}),
        [held("aws:cloudwatch/metricAlarm:MetricAlarm", "a", alarmActions=["t"])],
    ),
    "an OIDC provider that a role trusts": (
        held("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "p"),
        [held("aws:iam/role:Role", "r", assumeRolePolicy='{"Federated": "p"}')],
    ),
    "a cache's user in a group": (
        held("aws:elasticache/user:User", "u"),
        [held("aws:elasticache/userGroup:UserGroup", "ug", userIds=["u"])],
    ),
    "a route table with associations": (
        held("aws:ec2/routeTable:RouteTable", "rtb-1"),
        [held("aws:ec2/routeTableAssociation:RouteTableAssociation", "x", routeTableId="rtb-1", subnetId="subnet-1")],
    ),
    "a NAT gateway with a route": (NAT, [held("aws:ec2/route:Route", "r", natGatewayId="nat-1")]),
    "a load balancer with listeners": (BALANCER, [LISTENER]),
    "a VPC with nothing but flow logs and its own group": (
        VPC,
        [
            held("aws:ec2/flowLog:FlowLog", "f", vpcId="vpc-1"),
            held("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "sg-0", vpcId="vpc-1"),
        ],
    ),
    "a subnet in a DB subnet group without a database": (SUBNET, [DB_SUBNETS]),
    "a subnet in a cache subnet group without a cache": (SUBNET, [CACHE_SUBNETS]),
    "a security group of a DB cluster without instances": (GROUP, [DB]),
    "a security group in a launch template without nodes": (GROUP, [TEMPLATE]),
    "an EKS cluster whose own group a template names": (EKS, [TEMPLATE]),
    "a security group with rules of its own about itself": (GROUP, [rule("Ingress", "sg-1", about="sg-1")]),
    "an internet gateway with none but an internal load balancer": (
        GATEWAY,
        [VPC, SUBNET, held("aws:lb/loadBalancer:LoadBalancer", "lb", subnets=["subnet-1"], internal=True)],
    ),
    "a role that is forced": (
        held("aws:iam/role:Role", "app", outputs={"name": "app"}, forceDetachPolicies=True),
        [
            held("aws:iam/rolePolicy:RolePolicy", "x", role="app"),
            held("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "y", role="app"),
        ],
    ),
    "a bucket with objects that is forced": (held("aws:s3/bucket:Bucket", "b", contents=("x",), forceDestroy=True), []),
    "a repository with images that is forced": (
        held("aws:ecr/repository:Repository", "api", contents=("x",), forceDelete=True),
        [],
    ),
    "an unprotected DB cluster": (held("aws:rds/cluster:Cluster", "db", deletionProtection=False), []),
}


@pytest.mark.parametrize("what", REFUSED)
def test_aws_refuses_to_delete(what):
    resource, standing, said = REFUSED[what]
    assert refusal(resource, [resource, *standing]) == said


@pytest.mark.parametrize("what", LET_GO)
def test_aws_lets_go(what):
    resource, standing = LET_GO[what]
    assert refusal(resource, [resource, *standing]) is None


def test_a_reference_to_what_does_not_exist_is_refused_at_its_property():
    found = missing("aws:eks/nodeGroup:NodeGroup", {"clusterName": "main", "subnetIds": ["subnet-1"]}, among([EKS]))
    assert [problem.path for problem in found] == ["subnetIds[0]"]
    assert str(found[0]) == (
        "subnetIds[0]: InvalidParameterException: The subnet ID 'subnet-1' does not exist "
        "(Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)"
    )


def test_what_is_unknown_or_of_aws_is_no_reference_and_a_secret_is_looked_into():
    inputs = {"role": Secret("app"), "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}
    found = references("aws:iam/rolePolicyAttachment:RolePolicyAttachment", inputs)
    assert [(mention.path, mention.value) for mention in found] == [("role", "app")]
    assert list(references("aws:ec2/subnet:Subnet", {"vpcId": UNKNOWN})) == []
    assert list(references("aws:ec2/vpcEndpoint:VpcEndpoint", {"subnetIds": UNKNOWN})) == []
    assert list(references("aws:cloudwatch/logGroup:LogGroup", {"kmsKeyId": "alias/aws/logs"})) == []


def test_a_key_may_be_named_by_its_arn_or_its_id():
    for name in ("arn:aws:kms:r:1:key/k-1", "k-1"):
        assert missing("aws:rds/cluster:Cluster", {"kmsKeyId": name}, among([KEY])) == []


def test_a_clusters_own_security_group_stands_as_long_as_the_cluster():
    inputs = {"vpcSecurityGroupIds": ["sg-eks"]}
    assert missing(TEMPLATE.type, inputs, among([EKS])) == []
    assert missing(TEMPLATE.type, inputs, among([GROUP])) != []
