"""Through the endpoints of the VPC, the account's own work passes, and nothing leaves the account."""

import re

import pytest
from botocore.session import Session
from iam.conftest import ACCOUNT, REGION
from iam.endpoints import EVERY_ENDPOINT, OTHER, REPOSITORY, TOOLS, passes, policies

from components.endpoints import EKS_REGISTRIES, WITHOUT_POLICY, Perimeter, endpoint_policy, endpoint_statements
from fakes.iam.evaluator import applies


def test_every_endpoint_has_a_policy_but_those_of_services_that_take_none() -> None:
    assert {service for service, found in policies().items() if found is None} == {*WITHOUT_POLICY}
    assert policies().keys() == {*EVERY_ENDPOINT}


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


def test_an_account_with_the_images_of_eks_is_known_by_its_number_for_regions_that_have_eks() -> None:
    """Where the number is wrong, no node of the region starts: its first pods cannot be pulled."""
    assert EKS_REGISTRIES.keys() <= {*Session().get_available_regions("eks")}
    assert all(re.fullmatch(r"[0-9]{12}", account) for account in EKS_REGISTRIES.values())
    # 17 regions share one account: https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html
    assert len({*EKS_REGISTRIES.values()}) == len(EKS_REGISTRIES) - 16


def test_a_service_that_takes_no_policy_is_asked_for_none() -> None:
    assert [endpoint_policy(each, Perimeter(account_id=ACCOUNT, region=REGION)) for each in WITHOUT_POLICY] == [
        None
    ] * 2
