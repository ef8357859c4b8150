"""What AWS lets exist but once."""

import pytest
from aws_calls import make
from support import STACKS, recorded

from fakes.aws.faults import Refusal
from fakes.aws.held import Held
from fakes.aws.physical_names import NAMES
from fakes.aws.uniqueness import CONFLICT, OUTSIDE, UNIQUE, refusal

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
RECORD = "aws:route53/record:Record"
ROUTE = "aws:ec2/route:Route"
SAME = {
    "aws:ec2/flowLog:FlowLog": (
        {"vpcId": "vpc-1", "trafficType": "ALL", "logDestination": "arn:1"},
        {"logDestination": "arn:2"},
        "FlowLogAlreadyExists",
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        {"vpcId": "vpc-1"},
        {"vpcId": "vpc-2"},
        "Network vpc-1 already has an internet gateway attached",
    ),
    "aws:ec2/natGateway:NatGateway": (
        {"allocationId": "eipalloc-1", "subnetId": "subnet-1"},
        {"allocationId": "eipalloc-2"},
        r"Elastic IP address \[eipalloc-1\] is already associated",
    ),
    ROUTE: (
        {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0"},
        {"routeTableId": "rtb-2"},
        "RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        {"subnetId": "subnet-1", "routeTableId": "rtb-1"},
        {"subnetId": "subnet-2"},
        r"Resource\.AlreadyAssociated: the specified association for route table rtb-1",
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        {"vpcId": "vpc-1", "serviceName": "com.amazonaws.us-east-1.sts", "privateDnsEnabled": True},
        {"privateDnsEnabled": False},
        "conflicting DNS domain for com.amazonaws.us-east-1.sts in the VPC vpc-1",
    ),
    "aws:ec2/vpnGateway:VpnGateway": ({"vpcId": "vpc-1"}, {"vpcId": "vpc-2"}, "VPC vpc-1 is currently attached"),
    "aws:eks/accessEntry:AccessEntry": (
        {"clusterName": "main", "principalArn": "arn:1"},
        {"principalArn": "arn:2"},
        "The specified access entry resource is already in use",
    ),
    "aws:eks/addon:Addon": ({"clusterName": "main", "addonName": "dns"}, {"addonName": "cni"}, "Addon already exists"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        {"clusterName": "main", "namespace": "a", "serviceAccount": "b", "roleArn": "arn:1"},
        {"namespace": "c"},
        "Association already exists: first",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        {"url": "https://a"},
        {"url": "https://b"},
        "Provider with url https://a already exists",
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": (
        {"awsServiceName": "opensearchservice.amazonaws.com", "name": "AWSServiceRoleForAmazonOpenSearchService"},
        {"awsServiceName": "spot.amazonaws.com"},
        "Service role name AWSServiceRoleForAmazonOpenSearchService has been taken in this account",
    ),
    "aws:lb/listener:Listener": (
        {"loadBalancerArn": "arn:1", "port": 80},
        {"port": 443},
        "DuplicateListener: .* this load balancer 'arn:1'",
    ),
    RECORD: (
        {"zoneId": "Z1", "fqdn": "a.example.com", "type": "A"},
        {"type": "AAAA"},
        r"resource record set \[name='a\.example\.com\.', type='A'\] but it already exists",
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        {"securityGroupId": "sg-1", "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        {"cidrIpv4": "10.0.0.0/8"},
        r"InvalidPermission\.Duplicate",
    ),
    RULE: (
        {
            "securityGroupId": "sg-1",
            "ipProtocol": "tcp",
            "fromPort": 1,
            "toPort": 2,
            "referencedSecurityGroupId": "sg-2",
        },
        {"toPort": 3},
        r"InvalidPermission\.Duplicate",
    ),
}
"""What two must not agree in, what makes them differ, and what AWS says of two."""


def refused(type_: str, first: dict, second: dict) -> str | None:
    return refusal(Held(type_, "second", "b", second), [Held(type_, "first", "a", first)], "111122223333")


def test_each_rule_is_tried_here():
    assert SAME.keys() == UNIQUE.keys()


@pytest.mark.parametrize("type_", SAME)
def test_of_two_that_agree_the_second_is_refused_in_the_words_of_aws(type_):
    inputs, _, said = SAME[type_]

    with pytest.raises(Refusal, match=said):
        raise Refusal(refused(type_, inputs, {**inputs, "description": "another"}))


@pytest.mark.parametrize("type_", SAME)
def test_two_that_differ_may_both_stand(type_):
    inputs, other, _ = SAME[type_]

    assert refused(type_, inputs, {**inputs, **other}) is None


@pytest.mark.parametrize("type_", SAME)
def test_what_nobody_gave_is_no_ones_place(type_):
    without = {key: value for key, value in SAME[type_][0].items() if key != UNIQUE[type_].keys[0]}

    assert refused(type_, without, without) is None


def test_a_record_that_may_overwrite_another_does():
    inputs = SAME[RECORD][0]

    assert refused(RECORD, inputs, {**inputs, "allowOverwrite": True}) is None


def test_two_things_never_have_one_id():
    one = Held("aws:s3/bucketPolicy:BucketPolicy", "files", "a")

    assert refusal(Held(one.type, "files", "b"), [one], "") == "BucketPolicy files already exists"
    # Not even those with one URN, of which one replaces the other.
    assert refusal(one, [one], "") == "BucketPolicy files already exists"


@pytest.mark.parametrize("rule", [*UNIQUE.values()], ids=UNIQUE)
def test_each_refusal_starts_with_a_code_and_has_a_source(rule):
    assert rule.said.text.split(":")[0].replace(".", "").isalnum()
    assert rule.said.source.startswith("https://")


def test_no_type_has_its_words_in_two_tables():
    assert not UNIQUE.keys() & NAMES.keys()


class TestSubnet:
    @pytest.mark.parametrize(
        ("cidr", "said"),
        [
            ("10.0.0.0/24", CONFLICT),
            ("10.0.0.128/25", CONFLICT),
            ("10.0.0.0/20", CONFLICT),
            ("10.1.0.0/24", OUTSIDE),
            ("10.0.0.0/15", OUTSIDE),
            ("10.0.1.0/24", None),
        ],
    )
    def test_lies_in_its_vpc_and_beside_the_others(self, aws, account, cidr, said):
        vpc, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16")
        make(aws, account, SUBNET, "one", vpcId=vpc, cidrBlock="10.0.0.0/24")

        if said:
            with pytest.raises(Refusal) as refused_:
                make(aws, account, SUBNET, "two", vpcId=vpc, cidrBlock=cidr)
            assert str(refused_.value) == said(cidr=cidr)
        else:
            make(aws, account, SUBNET, "two", vpcId=vpc, cidrBlock=cidr)
        assert len(account.resources(SUBNET)) == (1 if said else 2)

    def test_may_have_the_range_of_one_in_another_vpc(self, aws, account):
        for name in ("one", "two"):
            vpc, _ = make(aws, account, VPC, name, cidrBlock="10.0.0.0/16")
            make(aws, account, SUBNET, name, vpcId=vpc, cidrBlock="10.0.0.0/24")

        assert len(account.resources(SUBNET)) == 2


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_of_the_program_is_in_anothers_place(stack):
    standing: list[Held] = []
    for each in recorded(stack, known=True).resources:
        if each.type.startswith("aws:"):
            held = Held(each.type, str(each.outputs.get("id", each.urn)), each.urn, each.inputs, each.outputs)
            assert (each.urn, refusal(held, standing, "111122223333")) == (each.urn, None)
            standing.append(held)
