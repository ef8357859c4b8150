"""Whoever has the pipeline's credentials cannot take, open, shorten or lose what the platform keeps.

Each question is asked of the deployment role, and of a role with all rights that it could make for itself within the
boundary: what only the deployment role's own policies refused, a detour over such a role would give.
"""

import json

import pytest
from iam.conftest import ACCOUNT, REGION, STATE_BUCKET, STATE_KEY, Iam
from iam.questions import ESCALATION, KEPT, ROLES

from fakes.iam.evaluator import Caller

DEPLOY, PREVIEW = "delivery-deploy", "delivery-preview"
KEY, BUCKET, SECRET = "aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:secretsmanager/secret:Secret"


def _resolve(iam: Iam, resource: str) -> str:
    documents = iam.arn(BUCKET, "storage-documents")
    return {
        "documents": f"{documents}/customers/1.pdf",
        "bucket": documents,
        "key": iam.arn(KEY, "encryption-data"),
        "secret": iam.arn(SECRET, "secrets-api-keys"),
    }.get(resource, resource)


def both(iam: Iam) -> list[str | Caller]:
    return [DEPLOY, iam.made_by_a_deployment()]


@pytest.mark.parametrize("what", KEPT)
def test_a_deployment_cannot(iam: Iam, what: str) -> None:
    action, resource = KEPT[what]
    for role in both(iam):
        decision = iam.may(role, action, _resolve(iam, resource))
        assert not decision, what
        assert "is not authorized to perform" in decision.reason


@pytest.mark.parametrize("what", ESCALATION)
def test_a_deployment_gets_no_more_rights_than_it_has(iam: Iam, what: str) -> None:
    action, resource, context = ESCALATION[what]
    own = iam.arn("aws:iam/policy:Policy")
    for role in both(iam):
        assert not iam.may(role, action, resource, **{k: own if v == "own" else v for k, v in context.items()}), what


# Which only its own policies refuse: a role that it makes has other uses for them.
OF_DEPLOYMENTS = {
    "copy a volume": ("ec2:CreateSnapshot", "*"),
    "put a volume into another machine": ("ec2:AttachVolume", "*"),
    "make an image of a node": ("ec2:CreateImage", "*"),
    "delete a volume": ("ec2:DeleteVolume", "*"),
    "watch the nodes' traffic": ("ec2:CreateTrafficMirrorSession", "*"),
    "take the certificate's key": ("acm:ExportCertificate", "*"),
    "delete the cluster": ("eks:DeleteCluster", "*"),
    "open what somebody stored under the key": ("kms:Decrypt", "key"),
}


@pytest.mark.parametrize("what", OF_DEPLOYMENTS)
def test_a_deployment_itself_cannot(iam: Iam, what: str) -> None:
    action, resource = OF_DEPLOYMENTS[what]
    assert not iam.may(DEPLOY, action, _resolve(iam, resource))


def test_a_deployment_changes_another_region_in_nothing(iam: Iam) -> None:
    for action in ("ec2:RunInstances", "rds:CreateDBInstance", "eks:CreateCluster"):
        assert iam.may(DEPLOY, action)
        assert not iam.may(DEPLOY, action, aws__RequestedRegion="eu-west-1")


def test_a_deployment_makes_roles_within_the_boundary_and_passes_them_to_services_that_the_platform_uses(
    iam: Iam,
) -> None:
    own = {"iam__PermissionsBoundary": iam.arn("aws:iam/policy:Policy")}
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy"):
        assert iam.may(DEPLOY, f"iam:{action}", f"{ROLES}network-flow-1", **own), action
    for action in ("UpdateAssumeRolePolicy", "DeleteRole", "TagRole", "UpdateRole"):
        assert iam.may(DEPLOY, f"iam:{action}", f"{ROLES}network-flow-1"), action
    for service in ("ec2", "eks", "pods.eks", "monitoring.rds", "vpc-flow-logs"):
        assert iam.may(
            DEPLOY, "iam:PassRole", f"{ROLES}network-flow-1", iam__PassedToService=f"{service}.amazonaws.com"
        )
    assert not iam.may(DEPLOY, "iam:PassRole", f"{ROLES}mine", iam__PassedToService="lambda.amazonaws.com")


def test_a_deployment_takes_a_services_own_role_along_when_the_service_goes(iam: Iam) -> None:
    roles = iam.graph.of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")
    assert roles
    for role in roles:
        service = role["awsServiceName"]
        arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRole"
        for action in ("CreateServiceLinkedRole", "TagRole", "DeleteServiceLinkedRole"):
            assert iam.may(DEPLOY, f"iam:{action}", arn, iam__AWSServiceName=service), action
        assert iam.may(DEPLOY, "iam:GetServiceLinkedRoleDeletionStatus", arn)


def test_services_get_the_key_for_what_a_deployment_sets_up_and_nobody_else_gets_it(iam: Iam) -> None:
    key = iam.arn(KEY, "encryption-data")
    assert iam.may(DEPLOY, "kms:CreateGrant", key, kms__GrantIsForAWSResource="true")
    assert not iam.may(DEPLOY, "kms:CreateGrant", key, kms__GrantIsForAWSResource="false")
    for service, allowed in {"rds": True, "elasticache": True, "s3": False, "secretsmanager": False}.items():
        via = {"kms__ViaService": f"{service}.{REGION}.amazonaws.com"}
        assert bool(iam.may(DEPLOY, "kms:Decrypt", key, **via)) is allowed, service


def test_the_state_is_written_by_deployments_and_only_read_by_previews(iam: Iam) -> None:
    state = f"arn:aws:s3:::{STATE_BUCKET}/.pulumi/stacks/ai-prism/prod.json"
    for action, preview in {"GetObject": True, "PutObject": False, "DeleteObject": False}.items():
        assert iam.may(DEPLOY, f"s3:{action}", state), action
        assert bool(iam.may(PREVIEW, f"s3:{action}", state)) is preview, action
    for action, preview in {"Decrypt": True, "Encrypt": False, "GenerateDataKey": False}.items():
        assert iam.may(DEPLOY, f"kms:{action}", STATE_KEY), action
        assert bool(iam.may(PREVIEW, f"kms:{action}", STATE_KEY)) is preview, action
    assert not iam.may(DEPLOY, "s3:DeleteObjectVersion", state)
    assert not iam.may(DEPLOY, "kms:PutKeyPolicy", STATE_KEY)


def test_each_delivery_role_is_assumed_from_its_own_place_in_the_one_repository(iam: Iam) -> None:
    for role, subject in {PREVIEW: "pull_request", DEPLOY: "environment:prod"}.items():
        (made,) = [each for each in iam.graph.of_type("aws:iam/role:Role") if each.name == role]
        (statement,) = json.loads(made["assumeRolePolicy"])["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": f"repo:acme/infra:{subject}",
            }
        }


def test_policies_are_short_enough_for_iam(each_iam: Iam) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html counts no white space."""
    limits = {"aws:iam/policy:Policy": 6144, "aws:iam/rolePolicy:RolePolicy": 10240}
    for type_, limit in limits.items():
        for policy in each_iam.graph.of_type(type_):
            assert len("".join(policy["policy"].split())) <= limit, policy.name
