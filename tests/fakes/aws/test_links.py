"""What AWS refuses because of how resources refer to each other: every row of the table, and what lies beside it."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from fakes.aws import link_words
from fakes.aws.held import Held
from fakes.aws.link_table import FILLED, LINKS, PROTECTED, Link, Target
from fakes.aws.links import among, missing, references, refusal
from recording.graph import UNKNOWN, Secret

ROWS = {
    f"{type_} {link.path} {target.type}": (type_, link, target)
    for type_, links in LINKS.items()
    for link in links
    for target in link.targets
}
"""Every reference that the table knows, one for each kind of target."""

HELD_BY = {
    "acm.Certificate": "lb.Listener",
    "cloudwatch.EventRule": "cloudwatch.EventTarget",
    "ec2.Eip": "ec2.NatGateway",
    "ec2.SecurityGroup": (
        "ec2.LaunchTemplate ec2.VpcEndpoint elasticache.ReplicationGroup lb.LoadBalancer opensearch.Domain rds.Cluster "
        "vpc.SecurityGroupEgressRule vpc.SecurityGroupIngressRule"
    ),
    "ec2.Subnet": (
        "ec2.NatGateway ec2.VpcEndpoint eks.Cluster eks.NodeGroup elasticache.SubnetGroup lb.LoadBalancer "
        "opensearch.Domain rds.SubnetGroup"
    ),
    "ec2.Vpc": "ec2.InternetGateway ec2.RouteTable ec2.SecurityGroup ec2.Subnet ec2.VpcEndpoint",
    "eks.Cluster": "eks.NodeGroup",
    "elasticache.SubnetGroup": "elasticache.ReplicationGroup",
    "elasticache.UserGroup": "elasticache.ReplicationGroup",
    "iam.Policy": "iam.Role iam.RolePolicyAttachment",
    "iam.Role": "iam.RolePolicy iam.RolePolicyAttachment",
    "lb.TargetGroup": "lb.Listener",
    "rds.Cluster": "rds.ClusterInstance",
    "rds.ClusterParameterGroup": "rds.Cluster",
    "rds.ParameterGroup": "rds.ClusterInstance",
    "rds.SubnetGroup": "rds.Cluster",
    "wafv2.WebAcl": "wafv2.WebAclAssociation",
}
"""What AWS does not delete while something of these types uses it; whatever else is used, it lets go."""


def short(type_: str) -> str:
    """Return `ec2.Vpc` for `aws:ec2/vpc:Vpc`."""
    _, module, name = type_.split(":")
    return f"{module.partition('/')[0]}.{name}"


def held(type_: str, id_: str, *, outputs: dict | None = None, contents: tuple[str, ...] = (), **inputs: Any) -> Held:
    return Held(type_, id_, f"urn:{type_}::{id_}", inputs, outputs or {}, contents)


def nested(path: str, value: Any) -> Any:
    """Return inputs with a value at a path, where `[*]` stands for the one item of a list."""
    first, _, rest = path.partition(".")
    inner = nested(rest, value) if rest else value
    return {first.removesuffix("[*]"): [inner] if first.endswith("[*]") else inner}


def target_of(target: Target, **inputs: Any) -> Held:
    """Return a resource that may be referred to."""
    outputs = {"arn": f"arn:aws:x:r:1:{target.type}"}
    return held(target.type, "the-target", outputs=outputs | nested(target.by, named(target)), **inputs)


def named(target: Target) -> str:
    """Return what others know the target by."""
    return {"id": "the-target", "arn": f"arn:aws:x:r:1:{target.type}"}.get(target.by, "its-name")


def user_of(type_: str, link: Link, value: str, numbers: count, outputs: Mapping[str, Any]) -> Held:
    """Return a resource of a type that refers to a value."""
    return held(type_, f"user-{next(numbers)}", outputs=dict(outputs), **nested(link.path, value))


def users_of(row: str) -> tuple[Held, list[Held]]:
    """Return who refers by a row, and whoever refers to that one in turn: some rows count only then."""
    type_, link, target = ROWS[row]
    numbers = count()
    own = {"name": "user-name", "arn": "arn:aws:x:r:1:user"}
    user = user_of(type_, link, named(target), numbers, own)
    beyond = [
        user_of(other, by, str(user.answer(wanted.by)), numbers, {})
        for other, by, wanted in ROWS.values()
        if link.while_used and wanted.type == type_
    ]
    return user, beyond


@pytest.mark.parametrize("row", ROWS)
def test_a_reference_to_what_does_not_exist_is_refused_at_its_property_and_one_to_what_does_is_not(row):
    _, link, target = ROWS[row]
    user, _ = users_of(row)

    (problem,) = missing(user.type, user.inputs, among([]))
    assert problem.path == link.path.replace("[*]", "[0]")
    assert problem.reason == link.missing(value=named(target))
    assert missing(user.type, user.inputs, among([target_of(target)])) == []


@pytest.mark.parametrize("row", ROWS)
def test_what_others_use_is_not_deleted_where_the_table_says_so_and_is_let_go_where_it_does_not(row):
    _, link, target = ROWS[row]
    resource, (user, beyond) = target_of(target), users_of(row)
    said = refusal(resource, [resource, user, *beyond])

    if link.in_use and target.held:
        facts = {"id": resource.id, "arn": str(resource.answer("arn")), "account": "1"}
        assert said == link.in_use(user=user.id, **facts)
        assert not {"{", "}"} & {*said}
    else:
        assert said is None
    if link.while_used:
        assert refusal(resource, [resource, user]) is None
    if link.unless:
        assert refusal(target_of(target, **{link.unless: True}), [user]) is None


def test_nothing_else_is_held_and_nothing_less():
    holding: dict[str, set[str]] = {}
    for type_, link, target in ROWS.values():
        if link.in_use and target.held:
            holding.setdefault(short(target.type), set()).add(short(type_))

    assert holding == {name: set(users.split()) for name, users in HELD_BY.items()}


@pytest.mark.parametrize("type_", PROTECTED)
def test_what_is_protected_is_not_deleted(type_):
    key, words = PROTECTED[type_]

    assert refusal(held(type_, "it", **{key: True}), []) == words(id="it", arn="", account="")
    assert refusal(held(type_, "it", **{key: False}), []) is None


@pytest.mark.parametrize("type_", FILLED)
def test_what_holds_something_is_not_deleted_but_by_force(type_):
    key, words = FILLED[type_]

    assert refusal(held(type_, "it", contents=("x",)), []) == words(id="it", arn="", account="")
    assert refusal(held(type_, "it", contents=("x",), **{key: True}), []) is None
    assert refusal(held(type_, "it"), []) is None


VPC = held("aws:ec2/vpc:Vpc", "vpc-1")
SUBNET = held("aws:ec2/subnet:Subnet", "subnet-1", vpcId="vpc-1")
GROUP = held("aws:ec2/securityGroup:SecurityGroup", "sg-1", vpcId="vpc-1")
GATEWAY = held("aws:ec2/internetGateway:InternetGateway", "igw-1", vpcId="vpc-1")
NAT = held("aws:ec2/natGateway:NatGateway", "nat-1", subnetId="subnet-1", allocationId="eipalloc-1")
EKS = held("aws:eks/cluster:Cluster", "main", outputs={"vpcConfig": {"clusterSecurityGroupId": "sg-eks"}})
TEMPLATE = held("aws:ec2/launchTemplate:LaunchTemplate", "lt-1", vpcSecurityGroupIds=["sg-1", "sg-eks"])


def test_an_internet_gateway_stays_while_there_are_public_addresses_behind_it():
    internal = held("aws:lb/loadBalancer:LoadBalancer", "lb", subnets=["subnet-1"], internal=True)
    public = held("aws:lb/loadBalancer:LoadBalancer", "lb", subnets=["subnet-1"])

    assert refusal(GATEWAY, [VPC, SUBNET, NAT]) == link_words.GATEWAY_BUSY(user="vpc-1")
    assert refusal(GATEWAY, [VPC, SUBNET, public]) == link_words.GATEWAY_BUSY(user="vpc-1")
    assert refusal(GATEWAY, [VPC, SUBNET, internal]) is None


@pytest.mark.parametrize("way", ["Ingress", "Egress"])
def test_a_security_group_goes_with_its_own_rules_even_about_itself(way):
    type_ = f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule"

    assert refusal(GROUP, [held(type_, "r", securityGroupId="sg-1", referencedSecurityGroupId="sg-1")]) is None
    assert refusal(GROUP, [held(type_, "r", securityGroupId="sg-2", referencedSecurityGroupId="sg-1")]) == (
        "DependencyViolation: resource sg-1 has a dependent object"
    )


def test_what_is_unknown_or_of_aws_is_no_reference_and_a_secret_is_looked_into():
    inputs = {"role": Secret("app"), "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}
    found = references("aws:iam/rolePolicyAttachment:RolePolicyAttachment", inputs)
    assert [(mention.path, mention.value) for mention in found] == [("role", "app")]
    assert list(references("aws:ec2/subnet:Subnet", {"vpcId": UNKNOWN})) == []
    assert list(references("aws:ec2/vpcEndpoint:VpcEndpoint", {"subnetIds": UNKNOWN})) == []
    assert list(references("aws:cloudwatch/logGroup:LogGroup", {"kmsKeyId": "alias/aws/logs"})) == []


def test_a_clusters_own_security_group_stands_as_long_as_the_cluster():
    inputs = {"vpcSecurityGroupIds": ["sg-eks"]}
    assert missing(TEMPLATE.type, inputs, among([EKS])) == []
    assert missing(TEMPLATE.type, inputs, among([GROUP])) != []
    assert refusal(EKS, [TEMPLATE]) is None
