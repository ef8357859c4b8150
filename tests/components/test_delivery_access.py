"""What GitHub may do: from where a workflow becomes one of the two roles, and what the roles allow by themselves.

The boundary, which stands behind both, is in test_roles.py; the two together are in tests/iam/test_deployment.py.
"""

import functools
from typing import Any

import pytest
from alone import CONTEXT, ROLES, build
from grants import lets

from components.delivery_access import DeliveryAccess, DeliveryAccessArgs
from components.permissions import DISPOSABLE, READS, UPKEEP
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from recording.graph import Graph, Resource
from settings.delivery import Delivery

ROLE, GRANTS = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ISSUER = "token.actions.githubusercontent.com"
DOCUMENTS = "arn:aws:s3:::documents"
STATE, STATE_KEY = "arn:aws:s3:::states", CONTEXT.arn("kms", "key/77777777-2222-3333-4444-555555555555")
OTHER_KEY = CONTEXT.arn("kms", "key/88888888-2222-3333-4444-555555555555")
DEPLOY, PREVIEW = "deploy", "preview"
BOTH = (DEPLOY, PREVIEW)
HERE = {"aws__RequestedRegion": "us-east-1"}
OWN = {"iam__PermissionsBoundary": str(ROLES.boundary_arn)}


@functools.cache
def delivery(*, owns_provider: bool = True, protect: bool = True, state: bool = True) -> Graph:
    section = {"repository": "acme/infra", "owns_oidc_provider": owns_provider}
    kept = {"state_bucket": "states", "state_key_arn": STATE_KEY} if state else {}
    args = DeliveryAccessArgs(
        context=CONTEXT,
        settings=Delivery.model_validate({**section, **kept}),
        roles=ROLES,
        documents_bucket_arn=DOCUMENTS,
        protect=protect,
    )
    return build(lambda opts: DeliveryAccess("delivery", args, opts))


def role(name: str) -> Resource:
    return delivery().named(ROLE, f"delivery-{name}")


def granted(name: str, *, state: bool = True) -> Any:
    return statements(delivery(state=state).named(GRANTS, f"delivery-{name}-grants")["policy"])


def may(name: str, action: str, resource: str = "*", **context: str) -> bool:
    keys = {key.replace("__", ":", 1): value for key, value in {**HERE, **context}.items()}
    return bool(decide(Caller(arn=role(name).outputs["arn"], identity=granted(name)), action, resource, context=keys))


def denied(name: str, action: str, resource: str = "*", **context: str) -> bool:
    """Tell whether a role is denied a call also where another policy would allow it."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    keys = {key.replace("__", ":", 1): value for key, value in {**HERE, **context}.items()}
    caller = Caller(arn=role(name).outputs["arn"], identity=[everything, *granted(name)])
    return not decide(caller, action, resource, context=keys)


def becomes(
    name: str, subject: str, audience: str = "sts.amazonaws.com", action: str = "AssumeRoleWithWebIdentity"
) -> bool:
    token = {f"{ISSUER}:sub": subject, f"{ISSUER}:aud": audience}
    provider = CONTEXT.iam_arn(f"oidc-provider/{ISSUER}")
    return lets(role(name)["assumeRolePolicy"], "Federated", provider, f"sts:{action}", **token)


def test_a_deployment_is_a_job_in_the_stacks_environment_whose_reviewers_have_agreed() -> None:
    assert becomes(DEPLOY, "repo:acme/infra:environment:test")


@pytest.mark.parametrize(
    "subject",
    [
        "repo:acme/infra:ref:refs/heads/main",
        "repo:acme/infra:pull_request",
        "repo:acme/infra:environment:prod",
        "repo:acme/infra:environment:test-2",
        "repo:acme/other:environment:test",
        "repo:acme@1/infra@2:environment:test",
        "repo:mallory/infra:environment:test",
    ],
)
def test_nothing_deploys_from_a_branch_a_pull_request_or_another_environment_or_repository(subject: str) -> None:
    assert not becomes(DEPLOY, subject)


def test_a_pull_request_previews_and_nothing_else_of_github_does() -> None:
    assert becomes(PREVIEW, "repo:acme/infra:pull_request")
    for subject in ("acme/infra:ref:refs/heads/main", "acme/infra:environment:test", "mallory/infra:pull_request"):
        assert not becomes(PREVIEW, f"repo:{subject}"), subject


@pytest.mark.parametrize(("name", "place"), [(DEPLOY, "environment:test"), (PREVIEW, "pull_request")])
def test_a_token_that_was_made_for_another_service_is_of_no_use(name: str, place: str) -> None:
    assert not becomes(name, f"repo:acme/infra:{place}", audience="https://github.com/acme")
    assert not becomes(name, f"repo:acme/infra:{place}", action="AssumeRole")


def test_workflows_know_the_roles_by_names_that_the_cluster_and_the_checks_know_too() -> None:
    for name in BOTH:
        assert role(name)["name"] == f"ai-prism-test-{name}"
        assert role(name).outputs["arn"] == CONTEXT.delivery_role_arn(name)
        assert (role(name)["path"], role(name)["permissionsBoundary"]) == (ROLES.path, ROLES.boundary_arn)
    assert delivery().of_type("ai-prism:aws:DeliveryAccess")[0].outputs["role_arns"] == {
        name: role(name).outputs["arn"] for name in BOTH
    }


@pytest.mark.parametrize("protect", [True, False])
def test_the_account_trusts_github_once_and_does_not_stop_by_mistake(protect: bool) -> None:
    provider = delivery(protect=protect).named(PROVIDER, "delivery-github")
    assert (provider["url"], provider["clientIdLists"]) == (f"https://{ISSUER}", ["sts.amazonaws.com"])
    assert provider.protect is protect


def test_a_stack_whose_account_trusts_github_already_makes_no_second_provider() -> None:
    graph = delivery(owns_provider=False)
    assert not graph.of_type(PROVIDER)
    for name in BOTH:
        trust = graph.named(ROLE, f"delivery-{name}")["assumeRolePolicy"]
        assert trust == role(name)["assumeRolePolicy"]


@pytest.mark.parametrize("name", BOTH)
def test_a_preview_and_a_deployment_look_at_whatever_a_refresh_asks_for_in_any_region(name: str) -> None:
    assert [action for action in READS if not may(name, action.replace("*", "Any"), aws__RequestedRegion="")] == []


CHANGES = (
    *(f"{service}:Anything" for service in DISPOSABLE),
    *(action.replace("*", "Any") for action in UPKEEP),
)


def test_a_deployment_changes_what_may_be_made_again_and_a_preview_changes_nothing() -> None:
    assert [action for action in CHANGES if not may(DEPLOY, action)] == []
    assert [action for action in CHANGES if may(PREVIEW, action)] == []


def test_a_deployment_changes_nothing_in_another_region_where_nobody_would_look() -> None:
    """Budgets and DNS have no region: their calls go to us-east-1, wherever the stack is."""
    elsewhere = [action for action in CHANGES if may(DEPLOY, action, aws__RequestedRegion="eu-west-1")]
    assert elsewhere == [action for action in CHANGES if action.startswith(("budgets:", "route53:"))]
    assert {each.partition(":")[0] for each in elsewhere} == {"budgets", "route53"}


@pytest.mark.parametrize(
    ("what", "action", "resource"),
    [
        ("a document", "s3:GetObject", f"{DOCUMENTS}/customers/1.pdf"),
        ("an old version of a document", "s3:GetObjectVersion", f"{DOCUMENTS}/customers/1.pdf"),
        ("documents, by the bucket's policy", "s3:PutBucketPolicy", DOCUMENTS),
        ("documents, without the bucket's policy", "s3:DeleteBucketPolicy", DOCUMENTS),
        ("a secret", "secretsmanager:GetSecretValue", "*"),
        ("the database", "rds-db:connect", "*"),
        ("the cache", "elasticache:Connect", "*"),
        ("logs", "es:ESHttpGet", "*"),
        ("what is stored under the data key", "kms:Decrypt", OTHER_KEY),
        ("what is stored under the data key, by another", "kms:ReEncryptFrom", OTHER_KEY),
    ],
)
@pytest.mark.parametrize("name", BOTH)
def test_no_delivery_role_reads_data_whatever_else_it_is_granted(
    name: str, what: str, action: str, resource: str
) -> None:
    assert denied(name, action, resource), what


@pytest.mark.parametrize("name", BOTH)
def test_pulumi_decrypts_the_states_secrets_and_services_decrypt_on_a_roles_behalf(name: str) -> None:
    assert not denied(name, "kms:Decrypt", STATE_KEY)
    assert not denied(name, "kms:Decrypt", OTHER_KEY, kms__ViaService="rds.us-east-1.amazonaws.com")


@pytest.mark.parametrize("name", BOTH)
def test_a_stack_that_names_no_state_key_opens_no_key_to_its_roles(name: str) -> None:
    caller = Caller(arn=role(name).outputs["arn"], identity=granted(name, state=False))
    everything = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, *caller.identity]
    assert not decide(Caller(arn=caller.arn, identity=everything), "kms:Decrypt", STATE_KEY)
    assert not decide(caller, "s3:GetObject", f"{STATE}/.pulumi/stacks/ai-prism/test.json")


def test_a_preview_reads_the_state_and_a_deployment_writes_it() -> None:
    file = f"{STATE}/.pulumi/stacks/ai-prism/test.json"
    for action, resource, previews in (
        ("s3:GetObject", file, True),
        ("s3:ListBucket", STATE, True),
        ("s3:PutObject", file, False),
        ("s3:DeleteObject", file, False),
        ("kms:Decrypt", STATE_KEY, True),
        ("kms:Encrypt", STATE_KEY, False),
        ("kms:GenerateDataKey", STATE_KEY, False),
    ):
        assert may(DEPLOY, action, resource), action
        assert may(PREVIEW, action, resource) is previews, action


@pytest.mark.parametrize("name", BOTH)
def test_no_role_loses_the_history_of_the_state(name: str) -> None:
    for action, resource in (("s3:DeleteObjectVersion", f"{STATE}/a"), ("s3:DeleteBucket", STATE)):
        assert not may(name, action, resource)
    assert not may(name, "s3:GetObject", "arn:aws:s3:::another/a")


NEW_ROLE = CONTEXT.iam_arn("role/ai-prism/test/network-flow-1")
FOREIGN = (CONTEXT.iam_arn("role/administrators"), CONTEXT.iam_arn("role/ai-prism/prod/network-flow-1"))


@pytest.mark.parametrize(
    "action", ["CreateRole", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy"]
)
def test_a_deployment_makes_roles_within_the_boundary_alone(action: str) -> None:
    assert may(DEPLOY, f"iam:{action}", NEW_ROLE, **OWN)
    assert not may(DEPLOY, f"iam:{action}", NEW_ROLE)
    assert not may(DEPLOY, f"iam:{action}", NEW_ROLE, iam__PermissionsBoundary=CONTEXT.iam_arn("policy/wide"))
    assert not any(may(DEPLOY, f"iam:{action}", each, **OWN) for each in FOREIGN)
    assert not may(PREVIEW, f"iam:{action}", NEW_ROLE, **OWN)


@pytest.mark.parametrize("action", ["DeleteRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole"])
def test_a_deployment_changes_and_deletes_roles_of_its_stack_alone(action: str) -> None:
    assert may(DEPLOY, f"iam:{action}", NEW_ROLE)
    assert not any(may(DEPLOY, f"iam:{action}", each) for each in FOREIGN)
    assert not may(PREVIEW, f"iam:{action}", NEW_ROLE)


@pytest.mark.parametrize(
    "service", ["ec2", "eks", "monitoring.rds", "pods.eks", "vpc-flow-logs", "lambda", "codebuild", "ssm"]
)
def test_a_role_is_passed_only_to_services_that_the_platform_uses(service: str) -> None:
    """Another service would run code of a deployment's choice with the role."""
    used = service not in ("lambda", "codebuild", "ssm")
    passed = {"iam__PassedToService": f"{service}.amazonaws.com"}
    assert may(DEPLOY, "iam:PassRole", NEW_ROLE, **passed) is used
    assert not any(may(DEPLOY, "iam:PassRole", each, **passed) for each in FOREIGN)
    assert not may(PREVIEW, "iam:PassRole", NEW_ROLE, **passed)


def test_a_change_of_tags_reaches_the_boundary_and_the_provider_and_changes_nothing_else_of_them() -> None:
    policy, provider = (
        CONTEXT.iam_arn("policy/ai-prism/test/roles-boundary-1"),
        CONTEXT.iam_arn(f"oidc-provider/{ISSUER}"),
    )
    for verb in ("Tag", "Untag"):
        assert may(DEPLOY, f"iam:{verb}Policy", policy)
        assert not may(DEPLOY, f"iam:{verb}Policy", CONTEXT.iam_arn("policy/other"))
        assert may(DEPLOY, f"iam:{verb}OpenIDConnectProvider", provider)
        assert not may(DEPLOY, f"iam:{verb}OpenIDConnectProvider", CONTEXT.iam_arn("oidc-provider/other"))
    for action in ("CreatePolicyVersion", "DeletePolicy", "SetDefaultPolicyVersion"):
        assert not may(DEPLOY, f"iam:{action}", policy)
    for action in ("UpdateOpenIDConnectProviderThumbprint", "AddClientIDToOpenIDConnectProvider"):
        assert not may(DEPLOY, f"iam:{action}", provider)


@pytest.mark.parametrize("action", ["CreateServiceLinkedRole", "DeleteServiceLinkedRole", "TagRole", "UntagRole"])
def test_a_services_own_role_comes_and_goes_with_what_the_service_does(action: str) -> None:
    role_arn = CONTEXT.iam_arn("role/aws-service-role/es.amazonaws.com/AWSServiceRoleForAmazonElasticsearchService")
    assert may(DEPLOY, f"iam:{action}", role_arn)
    assert not may(DEPLOY, "iam:CreateServiceLinkedRole", FOREIGN[0])


def test_services_encrypt_what_a_deployment_sets_up() -> None:
    assert may(DEPLOY, "kms:CreateGrant", OTHER_KEY, kms__GrantIsForAWSResource="true")
    for service in ("rds", "elasticache"):
        via = {"kms__ViaService": f"{service}.us-east-1.amazonaws.com"}
        for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKeyWithoutPlaintext"):
            assert may(DEPLOY, action, OTHER_KEY, **via), action


def test_no_grant_and_no_other_service_opens_a_key_to_a_deployment() -> None:
    assert not may(DEPLOY, "kms:CreateGrant", OTHER_KEY, kms__GrantIsForAWSResource="false")
    for service in ("s3.us-east-1", "secretsmanager.us-east-1", "rds.eu-west-1"):
        assert not may(DEPLOY, "kms:Decrypt", OTHER_KEY, kms__ViaService=f"{service}.amazonaws.com"), service
    assert not may(PREVIEW, "kms:CreateGrant", OTHER_KEY, kms__GrantIsForAWSResource="true")


KEPT = {
    "attach a volume of metrics to a machine of its own": "ec2:AttachVolume",
    "delete a volume": "ec2:DeleteVolume",
    "copy an image": "ec2:CopyImage",
    "copy a snapshot": "ec2:CopySnapshot",
    "copy volumes": "ec2:CopyVolumes",
    "make an image of a node": "ec2:CreateImage",
    "store an image in a bucket": "ec2:CreateStoreImageTask",
    "make a snapshot": "ec2:CreateSnapshot",
    "make snapshots of all volumes of a node": "ec2:CreateSnapshots",
    "delete a snapshot": "ec2:DeleteSnapshot",
    "mirror others' traffic": "ec2:CreateTrafficMirrorSession",
    "take the certificate's key": "acm:ExportCertificate",
    "delete the cluster": "eks:DeleteCluster",
}


@pytest.mark.parametrize("what", KEPT)
def test_although_the_service_is_open_to_it_a_deployment_does_not(what: str) -> None:
    assert KEPT[what].partition(":")[0] in DISPOSABLE
    assert not may(DEPLOY, KEPT[what])
    assert not may(PREVIEW, KEPT[what])
