"""Service-linked roles: made before whoever asks for them, and by one stack of an account."""

import json

import pytest
from support import record_with, recorded

from fakes.iam.evaluator import applies
from fakes.iam.roles import aws_managed
from prismctl.project import ROOT, Project

ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"


@pytest.mark.parametrize(
    ("type_", "name", "role"),
    [
        ("aws:rds/subnetGroup:SubnetGroup", "database-subnets", "database-service"),
        ("aws:elasticache/subnetGroup:SubnetGroup", "cache-subnets", "cache-service"),
        ("aws:elasticache/user:User", "cache-app", "cache-service"),
        ("aws:opensearch/domain:Domain", "search", "search-service"),
    ],
)
def test_the_role_is_there_before_the_first_that_aws_would_refuse_without_it(type_: str, name: str, role: str) -> None:
    graph = recorded("prod", known=True)

    assert graph.named(ROLE, role).urn in graph.named(type_, name).dependencies


def test_a_role_goes_with_the_stack_that_owns_it() -> None:
    assert not any(role.retain_on_delete for role in recorded("prod", known=True).of_type(ROLE))


def test_a_stack_whose_account_has_them_makes_none() -> None:
    section = json.loads(Project(ROOT).config("prod")["ai-prism:aws"])

    graph = record_with("prod", aws=json.dumps({**section, "service_roles": []}))

    assert not graph.of_type(ROLE)


@pytest.mark.parametrize(
    ("policy", "made"),
    [
        ("AmazonEKSClusterPolicy", "elasticloadbalancing.amazonaws.com"),
        ("AWSServiceRoleForAmazonEKSNodegroup", "autoscaling.amazonaws.com"),
        ("AutoScalingServiceRolePolicy", "spot.amazonaws.com"),
    ],
)
def test_aws_makes_the_roles_that_this_program_does_not(policy: str, made: str) -> None:
    """Where one of these policies loses the right, a fresh account has no spot node, or no load balancer."""
    context = {"iam:AWSServiceName": made}
    assert any(applies(each, "iam:CreateServiceLinkedRole", "*", context) for each in aws_managed(policy))
