"""Roles: under the stack's path, within its boundary, and of use from the moment at which they can do their work."""

import functools
import json

import pulumi
import pulumi_aws as aws
from alone import CONTEXT, ROLES, build

from components.iam_roles import RoleFactory
from components.iam_statements import allow, trust_instances
from fakes.iam.roles import aws_managed
from recording.graph import Graph

ROLE = "aws:iam/role:Role"
LOOK = allow(["ec2:DescribeInstances"], ["*"])


@functools.cache
def roles(*, known: bool = True) -> Graph:
    """Return a role with every kind of rights, one without any, and a user of the former."""

    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "owner", None, opts)
        factory = RoleFactory(path=ROLES.path, boundary_arn=ROLES.boundary_arn)
        managed = ["AmazonEKSWorkerNodePolicy", "service-role/AmazonEBSCSIDriverPolicy"]
        full = factory.make("full", parent=owner, trusts=trust_instances(), grants=[LOOK], managed=managed)
        factory.make("bare", parent=owner, trusts=trust_instances(), physical_name="as-it-is-called")
        aws.eks.AccessEntry(
            "user", cluster_name="any", principal_arn=full.arn, opts=pulumi.ResourceOptions(parent=owner)
        )

    return build(make, known=known)


def test_no_role_stands_outside_the_boundary_or_the_stacks_path() -> None:
    for role in roles().of_type(ROLE):
        assert (role["path"], role["permissionsBoundary"]) == ("/ai-prism/test/", ROLES.boundary_arn), role.name


def test_a_role_trusts_whom_it_is_to_trust_and_grants_what_it_is_to_grant() -> None:
    for role in roles().of_type(ROLE):
        assert json.loads(role["assumeRolePolicy"])["Statement"] == [trust_instances()]
    (grants,) = roles().of_type("aws:iam/rolePolicy:RolePolicy")
    assert json.loads(grants["policy"])["Statement"] == [LOOK]
    assert grants["role"] == roles().named(ROLE, "full").outputs["name"]


def test_policies_of_aws_are_attached_by_arns_that_exist() -> None:
    attached = roles().of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {(each.name, each["policyArn"]) for each in attached} == {
        ("full-AmazonEKSWorkerNodePolicy", "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"),
        ("full-AmazonEBSCSIDriverPolicy", "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"),
    }
    assert {each["role"] for each in attached} == {roles().named(ROLE, "full").outputs["name"]}
    assert all(aws_managed(each["policyArn"]) for each in attached)


def test_a_name_is_aws_to_choose_but_for_roles_that_others_know_by_name() -> None:
    assert roles().named(ROLE, "bare")["name"] == "as-it-is-called"
    assert "name" not in roles().named(ROLE, "full")


def test_whoever_uses_a_role_starts_once_it_has_all_its_rights() -> None:
    """Else a node or pod starts, is denied, and may not ask again."""
    graph = roles(known=False)
    rights = graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:iam/rolePolicy:RolePolicy")
    assert len(rights) == 3
    user = graph.named("aws:eks/accessEntry:AccessEntry", "user")
    assert {each.urn for each in rights} <= graph.needs(user)
    entry = roles().named("aws:eks/accessEntry:AccessEntry", "user")
    assert entry["principalArn"] == roles().named(ROLE, "full").outputs["arn"]


def test_a_role_goes_with_the_component_that_it_serves() -> None:
    for role in roles().resources:
        if role.type.startswith("aws:iam/"):
            assert role.parent == roles().named("test:Owner", "owner").urn
    assert CONTEXT.stack in roles().of_type(ROLE)[0]["path"]
