"""Service-linked roles: made before whoever asks for them, and by one stack of an account."""

import json

import pulumi
import pytest
from alone import build
from support import record_with, recorded

from components.service_roles import make_service_role
from fakes.iam.evaluator import applies
from fakes.iam.roles import aws_managed
from prismctl.project import ROOT, Project

ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html and the services' own
# pages: AWS knows a role by this name alone.
PRINCIPALS = {
    "elasticache": "elasticache.amazonaws.com",
    "opensearch": "opensearchservice.amazonaws.com",
    "rds": "rds.amazonaws.com",
}


@pytest.mark.parametrize("service", PRINCIPALS)
def test_a_stack_makes_the_role_of_a_service_only_where_it_is_the_one_of_its_account_that_does(service: str) -> None:
    """AWS refuses a second one."""

    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "owner", None, opts)
        assert len(make_service_role("own", service, parent=owner, owned=True)) == 1
        assert make_service_role("other", service, parent=owner, owned=False) == []

    (role,) = build(make).of_type(ROLE)
    assert (role.name, role["awsServiceName"]) == ("own-service", PRINCIPALS[service])
    assert role.parent


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
