"""The boundary: what any role of the platform can do, however much it is granted, and whoever makes it."""

import functools
from typing import Any

import pulumi
import pytest
from alone import build
from iam.questions import ESCALATION, KEPT

from components.iam_statements import trust_instances
from components.permissions import DISPOSABLE, READS, UPKEEP
from components.roles import Roles, RolesArgs
from components.stack_context import StackContext
from fakes.iam.evaluator import Caller, applies, decide, listed
from fakes.iam.roles import statements
from recording.graph import Graph

PROD = StackContext("prod", "123456789012", "us-east-1", "prod")
"""The stack of the questions in tests/iam."""
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
PLAIN = PROD.iam_arn("role/ai-prism/prod/cluster-node-1a2b3c")
WORKLOAD = PROD.iam_arn("role/ai-prism/prod/identity-api-1a2b3c")
POLICY = "aws:iam/policy:Policy"

SOME = {
    "documents": "arn:aws:s3:::documents/customers/1.pdf",
    "bucket": "arn:aws:s3:::documents",
    "key": PROD.arn("kms", "key/1"),
    "secret": PROD.arn("secretsmanager", "secret:ai-prism/prod/api-keys-AbCdEf"),
}


@functools.cache
def roles() -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        made = Roles("roles", RolesArgs(context=PROD), opts)
        made.factory.make("any", parent=made, trusts=trust_instances())

    return build(make)


def boundary() -> Any:
    return statements(roles().named(POLICY, "roles-boundary")["policy"])


def may(action: str, resource: str = "*", *, who: str = PLAIN, **context: str) -> bool:
    """Ask for a role that is granted everything, so that the boundary alone decides."""
    keys = {key.replace("__", ":", 1): value for key, value in context.items()}
    return bool(decide(Caller(arn=who, identity=EVERYTHING, boundary=boundary()), action, resource, context=keys))


def test_every_role_that_the_factory_makes_stands_within_the_boundary_under_the_stacks_path() -> None:
    policy = roles().named(POLICY, "roles-boundary")
    role = roles().named("aws:iam/role:Role", "any")
    assert (role["path"], role["permissionsBoundary"]) == ("/ai-prism/prod/", policy.outputs["arn"])
    # By its path, it is none of the policies that a role within it may change.
    assert policy["path"] == "/ai-prism/prod/"


@pytest.mark.parametrize("what", KEPT)
def test_no_role_can_take_open_shorten_or_lose_what_is_kept(what: str) -> None:
    action, resource = KEPT[what]
    assert not may(action, SOME.get(resource, resource)), what


@pytest.mark.parametrize("what", ESCALATION)
def test_no_role_can_get_more_rights_than_it_has(what: str) -> None:
    action, resource, context = ESCALATION[what]
    own = roles().named(POLICY, "roles-boundary").outputs["arn"]
    assert not may(action, resource, **{key: own if value == "own" else value for key, value in context.items()}), what


IDENTITIES = {
    "a user": ("iam:CreateUser", "user/me"),
    "a user's policy": ("iam:PutUserPolicy", "user/me"),
    "a key": ("iam:CreateAccessKey", "user/me"),
    "a password": ("iam:UpdateLoginProfile", "user/me"),
    "a group": ("iam:PutGroupPolicy", "group/admins"),
    "a provider of logins": ("iam:CreateSAMLProvider", "saml-provider/mine"),
}


@pytest.mark.parametrize("what", IDENTITIES)
def test_nobody_leaves_a_login_behind_that_outlives_a_session(what: str) -> None:
    action, resource = IDENTITIES[what]
    assert not may(action, PROD.iam_arn(resource))


@pytest.mark.parametrize(
    "action", ["ModifySnapshotAttribute", "ModifyImageAttribute", "ExportImage", "CreateStoreImageTask"]
)
def test_no_copy_of_a_volume_leaves_the_account(action: str) -> None:
    assert not may(f"ec2:{action}")


CHANGES = ("CreateRole", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy")


@pytest.mark.parametrize("action", CHANGES)
def test_a_role_is_made_and_changed_only_where_it_stands_within_the_boundary(action: str) -> None:
    role = PROD.iam_arn("role/ai-prism/prod/network-flow-1")
    own = roles().named(POLICY, "roles-boundary").outputs["arn"]
    assert may(f"iam:{action}", role, iam__PermissionsBoundary=own)
    assert not may(f"iam:{action}", role)
    assert not may(f"iam:{action}", role, iam__PermissionsBoundary=PROD.iam_arn("policy/ai-prism/staging/wide"))


@pytest.mark.parametrize("action", ["PassRole", "UpdateAssumeRolePolicy", "UpdateRole", "DeleteRole"])
def test_roles_of_others_are_neither_used_nor_changed(action: str) -> None:
    assert may(f"iam:{action}", PROD.iam_arn("role/ai-prism/prod/network-flow-1"))
    for role in ("role/administrators", "role/ai-prism/staging/network-flow-1"):
        assert not may(f"iam:{action}", PROD.iam_arn(role)), role


ADMINISTERED = ("identity-api-1a2b3c", "ai-prism-prod-deploy", "ai-prism-prod-preview")


@pytest.mark.parametrize("action", [*CHANGES, "UpdateAssumeRolePolicy", "UpdateRole", "DeleteRole"])
@pytest.mark.parametrize("role", ADMINISTERED)
def test_a_role_that_reads_data_or_delivers_is_an_administrators_to_make_and_change(role: str, action: str) -> None:
    own = roles().named(POLICY, "roles-boundary").outputs["arn"]
    assert not may(f"iam:{action}", PROD.iam_arn(f"role/ai-prism/prod/{role}"), iam__PermissionsBoundary=own)


@pytest.mark.parametrize("action", ["CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "SetDefaultPolicyVersion"])
def test_the_boundary_is_nobodys_to_exchange_or_take_off_who_is_within_it(action: str) -> None:
    assert not may(f"iam:{action}", PROD.iam_arn("policy/ai-prism/prod/roles-boundary-1"))
    for way in ("DeleteRolePermissionsBoundary", "PutRolePermissionsBoundary"):
        assert not may(f"iam:{way}", PROD.iam_arn("role/ai-prism/prod/network-flow-1")), way


DATA = {
    "elasticache:Connect": "*",
    "es:ESHttpPost": "*",
    "logs:FilterLogEvents": "*",
    "logs:GetLogEvents": "*",
    "rds-db:connect": "*",
    "s3:DeleteObject": SOME["documents"],
    "s3:GetObject": SOME["documents"],
    "s3:PutObject": SOME["documents"],
    "secretsmanager:GetSecretValue": SOME["secret"],
}


@pytest.mark.parametrize("action", DATA)
def test_data_is_read_and_written_only_by_roles_that_an_administrator_makes(action: str) -> None:
    for role in ADMINISTERED:
        assert may(action, DATA[action], who=PROD.iam_arn(f"role/ai-prism/prod/{role}")), role
    for role in ("role/ai-prism/prod/mine", "role/identity-api-1", "role/ai-prism/dev/identity-api-1"):
        assert not may(action, DATA[action], who=PROD.iam_arn(role)), role


WORK = {
    "call a model": ("bedrock:InvokeModelWithResponseStream",),
    "pull an image": (
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchImportUpstreamImage",
    ),
    "get the credentials of a pod's role": ("eks-auth:AssumeRoleForPodIdentity", "sts:TagSession"),
    "use a key": ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom"),
    "write logs": ("logs:CreateLogStream", "logs:PutLogEvents"),
}


@pytest.mark.parametrize("what", WORK)
def test_nodes_and_pods_can(what: str) -> None:
    assert [action for action in WORK[what] if not may(action)] == []


def test_a_refresh_reads_and_an_update_changes_what_may_be_made_again() -> None:
    for action in (*READS, *UPKEEP, *(f"{service}:Anything" for service in DISPOSABLE), "iam:TagRole"):
        assert may(action.replace("*", "")), action


def test_nodes_have_repositories_made_for_images_of_others_and_none_for_the_applications() -> None:
    for repository, allowed in {
        "ai-prism-prod/quay/team/image": True,
        "ai-prism-prod/hub/library/image": True,
        "ai-prism-prod/api": False,
        "ai-prism-dev/quay/team/image": False,
    }.items():
        assert may("ecr:CreateRepository", PROD.arn("ecr", f"repository/{repository}")) is allowed, repository


def test_a_workload_becomes_another_workload_at_most_and_no_other_role_becomes_any() -> None:
    secrets = PROD.iam_arn("role/ai-prism/prod/identity-secrets-argocd-1")
    assert may("sts:AssumeRole", secrets, who=WORKLOAD)
    assert not may("sts:AssumeRole", secrets)
    assert not may("sts:AssumeRole", PLAIN, who=WORKLOAD)


def test_the_metrics_of_the_databases_machines_are_read_and_kept_in_rds_own_group_alone() -> None:
    for action in ("logs:GetLogEvents", "logs:PutRetentionPolicy"):
        assert may(action, PROD.arn("logs", "log-group:RDSOSMetrics:log-stream:1")), action
        assert not may(action, PROD.arn("logs", "log-group:/aws/eks/ai-prism-prod/cluster")), action


def test_a_key_is_lent_to_services_alone() -> None:
    assert may("kms:CreateGrant", SOME["key"], kms__GrantIsForAWSResource="true")
    assert not may("kms:CreateGrant", SOME["key"], kms__GrantIsForAWSResource="false")
    assert not may("kms:CreateGrant", SOME["key"])


def test_every_denial_of_the_boundary_stops_something_its_allowance_would_let_through() -> None:
    """Without a denial, a role that is granted everything could do what it stops."""
    allowances = [statement for statement in boundary() if statement["Effect"] == "Allow"]
    for statement in boundary():
        if statement["Effect"] == "Deny":
            for action in listed(statement["Action"]):
                example = action.replace("*", "X")
                assert any(applies(allowance, example, "*", {}) for allowance in allowances), action


def test_every_role_of_the_program_lives_within_the_boundary(known: Graph) -> None:
    arn = known.of_type(POLICY)[0].outputs["arn"]
    made = known.of_type("aws:iam/role:Role")
    assert made
    for role in made:
        assert role["permissionsBoundary"] == arn, role.urn
        assert role["path"] == f"/ai-prism/{known.stack}/", role.urn
