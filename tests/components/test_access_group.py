"""Security groups that say who may connect: named groups, on one port, and nobody else."""

import functools

import pulumi
from alone import build

from components.access_group import admit, make_access_group
from recording.graph import Graph

GROUP, INGRESS = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
CLIENTS = {"nodes": "sg-nodes", "functions": "sg-functions"}


@functools.cache
def access() -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "owner", None, opts)
        make_access_group("store", parent=owner, what="store", port=5432, vpc_id="vpc-1", clients=CLIENTS)
        admit("one", parent=owner, group_id="sg-1", client_group_id="sg-2", port=443, description="To one from two")

    return build(make)


def test_each_client_and_nobody_else_connects_to_the_one_port() -> None:
    group = access().named(GROUP, "store-access")
    rules = [rule for rule in access().of_type(INGRESS) if rule["securityGroupId"] == group.id]
    assert {rule["referencedSecurityGroupId"] for rule in rules} == {*CLIENTS.values()}
    assert len(rules) == len(CLIENTS)
    for rule in rules:
        assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 5432, 5432), rule.name
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & rule.inputs.keys(), rule.name
    assert group["vpcId"] == "vpc-1"


def test_whoever_takes_a_store_over_sends_nothing_out_of_it() -> None:
    """Pulumi's provider removes AWS's rule for all outgoing traffic where a group has none of its own."""
    assert not access().of_type(EGRESS)
    assert "egress" not in access().named(GROUP, "store-access")


def test_one_group_is_let_connect_to_another_on_one_port() -> None:
    rule = access().named(INGRESS, "one")
    assert (rule["securityGroupId"], rule["referencedSecurityGroupId"]) == ("sg-1", "sg-2")
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 443, 443)


def test_people_read_in_each_rule_who_connects_to_what() -> None:
    assert access().named(GROUP, "store-access")["description"] == "Who may reach the store"
    described = {rule["description"] for rule in access().of_type(INGRESS)}
    assert described == {"To the store from nodes", "To the store from functions", "To one from two"}
    assert {each.parent for each in access().of_type(GROUP, INGRESS)} == {access().named("test:Owner", "owner").urn}
