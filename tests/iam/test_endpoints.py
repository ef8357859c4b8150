"""What pods, nodes and controllers ask for passes the VPC's endpoints, and nothing leaves the account through them."""

import functools
import json
from collections.abc import Iterator

import pytest
from iam.conftest import ACCOUNT, REGION, Iam
from support import record_with, recorded

from components.endpoints import EKS_REGISTRIES, WITHOUT_POLICY, Perimeter, endpoint_statements
from fakes.iam.evaluator import Statement, applies, listed
from fakes.iam.roles import statements
from prismctl.project import ROOT, Project
from settings import network
from settings.naming import PROJECT

OTHER, TOOLS = "210987654321", "444455556666"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
PREFIXES = {"ecr": ("ecr.api", "ecr.dkr"), "bedrock": ("bedrock-runtime",)}
"""Endpoints of an action's prefix, where their names are not the same."""
EVERY_ENDPOINT = (*network.REQUIRED_ENDPOINTS, *network.OPTIONAL_ENDPOINTS)
REPOSITORY = f"arn:aws:ecr:{REGION}:{{}}:repository/team/image"


@functools.cache
def policies() -> dict[str, list[Statement] | None]:
    """Return the statements of the policy of every endpoint that settings know, by service."""
    config = {
        **json.loads(Project(ROOT).config("prod")[f"{PROJECT}:network"]),
        "endpoints": EVERY_ENDPOINT,
        "image_accounts": [TOOLS],
    }
    graph = record_with("prod", network=json.dumps(config))
    return {
        each["serviceName"].removeprefix(f"com.amazonaws.{REGION}."): (
            list(statements(each["policy"])) if "policy" in each else None
        )
        for each in graph.of_type(ENDPOINT)
    }


def passes(service: str, action: str, resource: str, *, caller: str | None = ACCOUNT) -> bool:
    """Tell whether an endpoint lets a request through; `caller` is the account, None without credentials."""
    owner = resource.split(":")[4] if resource.startswith("arn:") and not resource.startswith("arn:aws:s3") else ""
    context = {"aws:ResourceAccount": owner or ACCOUNT, **({"aws:PrincipalAccount": caller} if caller else {})}
    found = policies()[service]
    assert all(each["Effect"] == "Allow" for each in found or ())
    return found is None or any(applies(each, action, resource, context) for each in found)


def asked(iam: Iam) -> Iterator[tuple[str, str, str]]:
    """Yield whatever a role that is at work in the VPC may ask of an endpoint: service, action, resource."""
    for caller in (caller for role, caller in iam.callers.items() if not role.startswith("delivery")):
        for statement in caller.identity:
            for action in listed(statement.get("Action", [])):
                prefix = action.partition(":")[0]
                for service in {*PREFIXES.get(prefix, (prefix,))} & policies().keys():
                    for resource in listed(statement["Resource"]):
                        yield service, action.replace("*", "Any"), example(resource, action, caller.account_id)


def example(pattern: str, action: str, account: str) -> str:
    """Return a resource in prod's account that a statement's pattern is about; a repository where it names all."""
    if pattern == "*":
        every = action.startswith("ecr:") and action != "ecr:GetAuthorizationToken"
        return REPOSITORY.format(ACCOUNT) if every else "*"
    arn, partition, service, region, owner, name = pattern.split(":", 5)
    owner = owner.replace("*", ACCOUNT).replace(account, ACCOUNT)
    return ":".join([arn, partition, service, region.replace("*", REGION), owner, name.replace("*", "any")])


def test_every_endpoint_has_a_policy_but_those_of_services_that_take_none() -> None:
    assert {service for service, found in policies().items() if found is None} == {*WITHOUT_POLICY}
    assert policies().keys() == {"s3", *EVERY_ENDPOINT}


def test_whatever_a_role_may_do_passes_the_endpoint(each_iam: Iam) -> None:
    questions = [*asked(each_iam)]
    assert {service for service, _, _ in questions} > {"ec2", "ecr.api", "ecr.dkr", "kms", "s3", "sts"}
    assert [question for question in questions if not passes(*question)] == []


@pytest.mark.parametrize("service", ["ecr.api", "ecr.dkr"])
def test_nodes_pull_the_images_of_eks_and_of_the_accounts_that_settings_name(service: str) -> None:
    for account in (EKS_REGISTRIES[REGION], TOOLS):
        for action in ("BatchGetImage", "GetDownloadUrlForLayer", "BatchCheckLayerAvailability"):
            assert passes(service, f"ecr:{action}", REPOSITORY.format(account))
        assert not passes(service, "ecr:PutImage", REPOSITORY.format(account))


def test_nodes_start_in_a_region_whose_registry_nobody_has_looked_up() -> None:
    image = f"arn:aws:ecr:us-new-1:{OTHER}:repository/eks/kube-proxy"
    for service in ("ecr.api", "ecr.dkr"):
        found = endpoint_statements(service, Perimeter(account_id=ACCOUNT, region="us-new-1"))
        assert any(applies(each, "ecr:BatchGetImage", image, {}) for each in found)
        assert not any(applies(each, "ecr:PutImage", image, {}) for each in found)


def test_aws_parameters_and_images_of_machines_pass() -> None:
    assert passes("ssm", "ssm:GetParameter", f"arn:aws:ssm:{REGION}::parameter/aws/service/eks/optimized-ami")
    assert passes("ec2", "ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1")
    assert passes("bedrock-runtime", "bedrock:InvokeModel", f"arn:aws:bedrock:{REGION}::foundation-model/any")


def test_layers_of_images_come_by_signed_addresses_of_others() -> None:
    assert passes("s3", "s3:GetObject", f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/1", caller=None)


def test_a_workflow_within_the_vpc_takes_a_role_of_the_account_by_its_token() -> None:
    assert passes("sts", "sts:AssumeRoleWithWebIdentity", f"arn:aws:iam::{ACCOUNT}:role/deploy", caller=None)
    assert not passes("sts", "sts:AssumeRoleWithWebIdentity", f"arn:aws:iam::{OTHER}:role/deploy", caller=None)


FOREIGN = {
    "autoscaling": ("autoscaling:SetDesiredCapacity", f"arn:aws:autoscaling:{REGION}:{{}}:autoScalingGroup:1"),
    "ec2": ("ec2:CreateSnapshot", f"arn:aws:ec2:{REGION}:{{}}:volume/vol-1"),
    "ecr.api": ("ecr:BatchGetImage", REPOSITORY),
    "ecr.dkr": ("ecr:BatchGetImage", REPOSITORY),
    "elasticloadbalancing": (
        "elasticloadbalancing:RegisterTargets",
        f"arn:aws:elasticloadbalancing:{REGION}:{{}}:targetgroup/1",
    ),
    "kms": ("kms:Encrypt", f"arn:aws:kms:{REGION}:{{}}:key/1"),
    "logs": ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{{}}:log-group:1:log-stream:1"),
    "secretsmanager": ("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{REGION}:{{}}:secret:1"),
    "ssm": ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{{}}:parameter/1"),
    "sts": ("sts:AssumeRole", "arn:aws:iam::{}:role/1"),
}


@pytest.mark.parametrize("service", FOREIGN)
def test_nothing_of_another_account_is_reached(service: str) -> None:
    action, resource = FOREIGN[service]
    assert passes(service, action, resource.format(ACCOUNT))
    assert not passes(service, action, resource.format(OTHER))


def test_nothing_is_written_to_a_bucket_of_another_account() -> None:
    """A bucket's ARN has no account: the request's key tells."""
    writes = {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": OTHER}
    assert not any(applies(each, "s3:PutObject", "arn:aws:s3:::theirs/1", writes) for each in policies()["s3"] or ())
    assert passes("s3", "s3:PutObject", "arn:aws:s3:::ours/1")
    assert not passes("s3", "s3:PutObject", "arn:aws:s3:::ours/1", caller=OTHER)


@pytest.mark.parametrize("service", [each for each in (*FOREIGN, "bedrock-runtime") if each != "ecr.dkr"])
def test_credentials_of_another_account_are_of_no_use(service: str) -> None:
    """The registry itself takes a token, which the API gives to nobody else."""
    action = {"ecr.api": "ecr:GetAuthorizationToken", "sts": "sts:GetCallerIdentity"}.get(service)
    question = (action or f"{service.removesuffix('-runtime')}:Anything", "*")
    assert passes(service, *question)
    assert not passes(service, *question, caller=OTHER)
    assert not passes(service, *question, caller=None)


def test_each_stack_has_these_policies() -> None:
    for stack in ("dev", "integration", "staging", "prod"):
        made = recorded(stack, known=True).of_type(ENDPOINT)
        bare = [each["serviceName"].rpartition(".")[2] for each in made if "policy" not in each]
        assert {*bare} <= {*WITHOUT_POLICY}
