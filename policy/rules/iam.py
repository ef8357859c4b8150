"""Permissions of IAM identities. Who may assume a role is checked in `iam_trust.py`."""

from collections.abc import Callable, Sequence
from functools import partial

from policy.access import covered, is_about_all, is_every
from policy.allowances import each_document, each_statement, element, granted, listed
from policy.conditions import is_positive
from policy.documents import Statement, statements
from policy.grants import ATTACHMENT_PATHS, ATTACHMENTS, DOCUMENT_PATHS, DOCUMENTS, attached, granting
from policy.properties import Findings, Properties, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "iam-admin",
    "No IAM policy allows everything",
    types=(*DOCUMENTS, *ATTACHMENTS),
    kind="stack",
    severity=CRITICAL,
    controls=(
        *("IAM.1", "CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_274"),
        *("CKV_AWS_286", "CKV_AWS_287", "CKV_AWS_288", "CKV_AWS_289", "CKV_AWS_290"),
    ),
    paths=(*DOCUMENT_PATHS, *ATTACHMENT_PATHS),
    why="Anyone who obtains an identity with full permissions controls the account.",
    fix="List the required actions and resources; permissions boundaries may allow all, because they grant nothing.",
)
def administration(resource: Resource, context: Context) -> Findings:
    yield from attached(resource, *_ADMINISTRATORS)
    if resource.type in DOCUMENTS:
        yield from granting(resource, context, each_document(_check_administration, resource))


_ADMINISTRATORS = ("AdministratorAccess*", "PowerUserAccess", "job-function/SystemAdministrator")


def _check_administration(node: Properties, path: str) -> Findings:
    for statement in statements(node, path):
        yield from attempt(_allows_everything, statement)


def _allows_everything(statement: Statement) -> Findings:
    if not statement.allows:
        return
    if any(is_every(action) for action in statement.actions):
        yield statement.at("Action"), "every action is allowed"
    elif statement.not_actions and _allows_all_but_some(statement):
        yield statement.at("NotAction"), "every action except a few is allowed, including those of IAM"


def _allows_all_but_some(statement: Statement) -> bool:
    return (
        statement.covers("iam:PutRolePolicy") and statement.covers("iam:CreateUser") and is_about_all(statement, "iam")
    )


_ESCALATING = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy"),
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion", "iam:UpdateAccessKey"),
    *("iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary", "iam:PassRole"),
    *("iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary"),
    *("iam:PutUserPolicy", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:UpdateLoginProfile"),
    *("iam:AddRoleToInstanceProfile", "iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential"),
    *("iam:AddClientIDToOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint", "iam:DeleteRolePolicy"),
    *("iam:UpdateSAMLProvider", "iam:DetachRolePolicy", "iam:DeleteUserPolicy", "iam:DetachUserPolicy"),
    *("iam:DeactivateMFADevice", "iam:CreateVirtualMFADevice"),
    *("sts:AssumeRole", "sts:AssumeRoot"),
)
"""Actions that, allowed on any resource, let an identity gain more permissions.

https://hackingthe.cloud/aws/exploitation/iam_privilege_escalation/"""
_RUNNING_AS_OTHERS = (
    *("lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration", "glue:UpdateDevEndpoint", "glue:UpdateJob"),
    *("ssm:SendCommand", "ssm:StartSession", "ecs:ExecuteCommand", "ec2-instance-connect:SendSSHPublicKey"),
    *("cloudformation:UpdateStack", "cloudformation:ExecuteChangeSet", "codebuild:UpdateProject"),
    *("codebuild:StartBuild", "states:UpdateStateMachine", "datapipeline:PutPipelineDefinition"),
    *("sagemaker:CreatePresignedNotebookInstanceUrl", "sagemaker:CreatePresignedDomainUrl", "apprunner:UpdateService"),
    *("sagemaker:UpdateNotebookInstanceLifecycleConfig", "elasticmapreduce:AddJobFlowSteps"),
    *(
        "eks:CreateAccessEntry",
        "eks:AssociateAccessPolicy",
        "eks:UpdateAccessEntry",
        "eks:CreatePodIdentityAssociation",
    ),
    *("sso:CreateAccountAssignment", "sso:PutInlinePolicyToPermissionSet", "sso:AttachManagedPolicyToPermissionSet"),
    *("identitystore:CreateGroupMembership", "rolesanywhere:CreateTrustAnchor", "rolesanywhere:UpdateProfile"),
    *("cognito-identity:SetIdentityPoolRoles", "bedrock-agentcore:InvokeCodeInterpreter", "bedrock:UpdateAgent"),
)
"""Actions by which an identity runs code as a role that something else has, or gives itself another."""
_TO_ONESELF = ("iam:AttachUserPolicy", "iam:PutUserPolicy", "iam:AddUserToGroup", "iam:DeleteUserPermissionsBoundary")
_ONESELF = "${aws:username}"

_BOUNDED_BY = ("iam:permissionsboundary", "iam:policyarn", "iam:passedtoservice", "iam:associatedresourcearn")
_TAGS = ("aws:resourcetag/", "iam:resourcetag/")


@rule(
    "iam-escalation",
    "No identity can extend its own permissions",
    types=(*DOCUMENTS, *ATTACHMENTS),
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_286",),
    paths=(*DOCUMENT_PATHS, *ATTACHMENT_PATHS),
    why="An identity that can change any role's policies, or pass any role, can give itself every permission.",
    fix="Limit these actions to a path of roles, or add a condition on iam:PermissionsBoundary or iam:PassedToService.",
)
def escalation(resource: Resource, context: Context) -> Findings:
    yield from attached(resource, "IAMFullAccess")
    if resource.type in DOCUMENTS:
        yield from granting(resource, context, each_document(partial(each_statement, _escalates), resource))


def _escalates(statement: Statement, given: Sequence[Statement]) -> Findings:
    ways = [] if _is_limited(statement) or not is_about_all(statement, "iam") else covered(statement, _ESCALATING)
    ways = [action for action in ways if not any(_forbids(other, action, _is_boundary) for other in given)]
    if not statement.not_actions:
        ways += granted(statement, given, _RUNNING_AS_OTHERS)
    if not ways and not _is_limited(statement):
        yield from _gives_itself(statement, given)
    elif ways and not (statement.not_actions and _allows_all_but_some(statement)):
        yield element(statement), f"allows on any resource {listed(ways)}"


def _is_limited(statement: Statement) -> bool:
    return any(_is_bound(each.operator, each.key, each.values) for each in statement.conditions)


def _gives_itself(statement: Statement, given: Sequence[Statement]) -> Findings:
    ways = covered(statement, _TO_ONESELF)
    ways = [action for action in ways if not any(_forbids(other, action, _is_boundary) for other in given)]
    if ways and any(_ONESELF in each for each in statement.resources):
        yield element(statement), f"allows users {listed(ways)} for themselves"


def _is_bound(operator: str, key: str, values: tuple[str, ...]) -> bool:
    # Every PassRole request names the service, so IfExists leaves no gap.
    if key == "iam:passedtoservice":
        operator = operator.removesuffix("ifexists")
    return is_positive(operator) and _is_boundary(key) and bool(values) and "*" not in values


def _is_boundary(key: str) -> bool:
    return key in _BOUNDED_BY or key.startswith(_TAGS)


def _forbids(statement: Statement, action: str, narrowing: Callable[[str], bool]) -> bool:
    """Whether another statement denies the action: altogether, outside of some resources, or without a condition."""
    service = "kms" if action.startswith("kms:") else "iam"
    if statement.allows or not statement.covers(action) or not is_about_all(statement, service):
        return False
    return all(
        narrowing(condition.key)
        and (
            condition.negated or (condition.base == "null" and [each.lower() for each in condition.values] == ["true"])
        )
        for condition in statement.conditions
    )


_DECRYPTING = ("kms:Decrypt", "kms:ReEncryptFrom")
_KEY_CONDITIONS = ("kms:viaservice", "kms:resourcealiases", "kms:requestalias", "kms:encryptioncontextkeys")
_KEY_PREFIXES = ("kms:encryptioncontext:", "aws:resourcetag/")


@rule(
    "iam-decrypt",
    "No identity can decrypt with every KMS key",
    types=DOCUMENTS,
    kind="stack",
    severity=MEDIUM,
    controls=("KMS.1", "KMS.2"),
    paths=DOCUMENT_PATHS,
    why="Separate keys separate data only if no identity can use all of them.",
    fix="Name the keys, or restrict kms:Decrypt by a condition on kms:ViaService, kms:ResourceAliases or a tag.",
)
def decryption(resource: Resource, context: Context) -> Findings:
    yield from granting(resource, context, each_document(_check_decryption, resource))


def _check_decryption(node: Properties, path: str) -> Findings:
    given = tuple(statements(node, path))
    for statement in given:
        yield from attempt(_decrypts_all, statement, given)


def _decrypts_all(statement: Statement, given: Sequence[Statement]) -> Findings:
    if not statement.allows or any(is_every(action) for action in statement.actions):
        return
    ways = covered(statement, _DECRYPTING)
    if not ways or not is_about_all(statement, "kms"):
        return
    narrowed = any(
        is_positive(each.operator) and _is_about_keys(each.key) and "*" not in each.values
        for each in statement.conditions
    )
    ways = [action for action in ways if not any(_forbids(other, action, _is_about_keys) for other in given)]
    if ways and not narrowed:
        path = statement.at("NotAction" if statement.not_actions else "Action")
        yield path, f"{' and '.join(ways)} with every key"


def _is_about_keys(key: str) -> bool:
    return key in _KEY_CONDITIONS or key.startswith(_KEY_PREFIXES)
