"""No role of the platform can get more rights than the boundary leaves it, a deployment role included."""

import fnmatch
import functools
import json
from typing import Any

import pytest
from support import record_with, recorded

from prismctl.graph import Graph

ACCOUNT = "123456789012"
PATH = f"arn:aws:iam::{ACCOUNT}:role/ai-prism/prod/"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/ai-prism/prod/"
DEPLOY = f"{PATH}ai-prism-prod-deploy"
FOREIGN = f"arn:aws:iam::{ACCOUNT}:role/administrators"


STATE_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/99999999-2222-3333-4444-555555555555"


@functools.cache
def with_state_key() -> Graph:
    return record_with("prod", delivery=json.dumps({"repository": "acme/infra", "state_key_arn": STATE_KEY}))


def documents(role: str, graph: Graph | None = None) -> tuple[list[Any], list[Any]]:
    """Return the statements of a role's own policies, and those of its boundary."""
    graph = graph or recorded("prod", known=True)
    own = [
        json.loads(policy["policy"]) for policy in graph.of_type("aws:iam/rolePolicy:RolePolicy") if policy.name == role
    ]
    boundary = json.loads(graph.of_type("aws:iam/policy:Policy")[0]["policy"])
    assert own
    return [statement for document in own for statement in document["Statement"]], boundary["Statement"]


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def matches(patterns: Any, text: str) -> bool:
    return any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in listed(patterns))


def applies(statement: Any, action: str, resource: str, context: dict[str, str]) -> bool:
    """Tell whether a statement is about a request, as IAM evaluates it for the operators used here."""
    if not matches(statement["Action"], action):
        return False
    if "NotResource" in statement and matches(statement["NotResource"], resource):
        return False
    if "Resource" in statement and not matches(statement["Resource"], resource):
        return False
    for operator, conditions in statement.get("Condition", {}).items():
        for key, wanted in conditions.items():
            given = context.get(key)
            # A negated operator holds where the request lacks the key.
            met = {
                "StringEquals": given in listed(wanted),
                "StringLike": given is not None and matches(wanted, given),
                "StringNotLike": given is None or not matches(wanted, given),
                "Null": (given is None) == (wanted == "true"),
            }[operator]
            if not met:
                return False
    return True


def allowed(action: str, resource: str, *, role: str = "deploy", graph: Graph | None = None, **context: str) -> bool:
    """Tell whether a delivery role may do something: its policy and its boundary allow it, and neither denies."""
    request = {
        "aws:RequestedRegion": "us-east-1",
        **{key.replace("_", ":", 1): value for key, value in context.items()},
    }
    for statements in documents(f"delivery-{role}-grants", graph):
        effects = {statement["Effect"] for statement in statements if applies(statement, action, resource, request)}
        if effects != {"Allow"}:
            return False
    return True


def boundary_arn() -> str:
    return recorded("prod", known=True).of_type("aws:iam/policy:Policy")[0].outputs["arn"]


def test_a_deployment_makes_and_grants_roles_within_the_boundary() -> None:
    within = {"iam_PermissionsBoundary": boundary_arn()}
    assert allowed("iam:CreateRole", f"{PATH}network-flow-1", **within)
    assert allowed("iam:PutRolePolicy", f"{PATH}network-flow-1", **within)
    assert allowed("iam:PassRole", f"{PATH}cluster-node-1", iam_PassedToService="eks.amazonaws.com")
    assert allowed("rds:ModifyDBCluster", f"arn:aws:rds:us-east-1:{ACCOUNT}:cluster:ai-prism-prod")


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", f"{PATH}mine", {}),
        ("iam:CreateRole", FOREIGN, {"iam_PermissionsBoundary": "boundary"}),
        ("iam:CreateRole", f"{PATH}mine", {"iam_PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/anything"}),
        ("iam:PutRolePolicy", DEPLOY, {"iam_PermissionsBoundary": "boundary"}),
        ("iam:DeleteRolePolicy", DEPLOY, {"iam_PermissionsBoundary": "boundary"}),
        ("iam:UpdateAssumeRolePolicy", DEPLOY, {}),
        ("iam:AttachRolePolicy", FOREIGN, {}),
        ("iam:PassRole", FOREIGN, {"iam_PassedToService": "eks.amazonaws.com"}),
        ("iam:PassRole", f"{PATH}cluster-node-1", {"iam_PassedToService": "lambda.amazonaws.com"}),
        ("iam:PutRolePermissionsBoundary", f"{PATH}network-flow-1", {}),
        ("iam:CreatePolicy", f"{BOUNDARY}wide", {}),
        ("iam:CreatePolicyVersion", f"{BOUNDARY}roles-boundary", {}),
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
        ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
        ("sts:AssumeRole", FOREIGN, {}),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:any", {}),
        ("rds:DeleteDBCluster", f"arn:aws:rds:eu-west-1:{ACCOUNT}:cluster:other", {"aws_RequestedRegion": "eu-west-1"}),
        ("organizations:LeaveOrganization", "*", {}),
    ],
    ids=str,
)
def test_a_deployment_finds_no_way_to_more_rights(action: str, resource: str, context: dict[str, str]) -> None:
    given = {key: boundary_arn() if value == "boundary" else value for key, value in context.items()}
    assert not allowed(action, resource, **given)


VIA_RDS = {"kms_ViaService": "rds.us-east-1.amazonaws.com"}


def test_a_deployment_decrypts_through_the_services_that_it_sets_up_and_not_by_itself() -> None:
    for action in ("kms:Decrypt", "kms:ReEncryptFrom"):
        assert not allowed(action, OTHER_KEY), action
        assert allowed(action, OTHER_KEY, **VIA_RDS), action
    assert allowed("kms:CreateGrant", OTHER_KEY)
    assert allowed("kms:Encrypt", OTHER_KEY)


@pytest.mark.parametrize("role", ["preview", "deploy"])
def test_the_key_of_the_state_decrypts_it_and_no_other_key_does(role: str) -> None:
    assert allowed("kms:Decrypt", STATE_KEY, role=role, graph=with_state_key())
    assert not allowed("kms:Decrypt", OTHER_KEY, role=role, graph=with_state_key())


def test_every_denial_of_the_boundary_stops_something_its_allowance_would_let_through() -> None:
    """The denials are no decoration: without them, a role that is granted everything could do each of these."""
    _, boundary = documents("delivery-deploy-grants")
    allowances = [statement for statement in boundary if statement["Effect"] == "Allow"]
    for statement in boundary:
        if statement["Effect"] == "Deny":
            action = listed(statement["Action"])[0].replace("*", "X")
            assert any(applies(allowance, action, "*", {}) for allowance in allowances), action


def test_every_role_of_the_program_lives_within_the_boundary(known: Any) -> None:
    arn = known.of_type("aws:iam/policy:Policy")[0].outputs["arn"]
    roles = known.of_type("aws:iam/role:Role")
    assert roles
    for role in roles:
        assert role["permissionsBoundary"] == arn, role.urn
        assert role["path"] == f"/ai-prism/{known.stack}/", role.urn


def test_no_workload_may_read_the_database_owners_password(known: Any) -> None:
    secret = known.of_type("aws:rds/cluster:Cluster")[0].outputs["masterUserSecrets"][0]["secretArn"]
    for policy in known.of_type("aws:iam/rolePolicy:RolePolicy"):
        if policy.name.startswith("identity-"):
            for statement in json.loads(policy["policy"])["Statement"]:
                assert not applies(statement, "secretsmanager:GetSecretValue", secret, {}), policy.urn
