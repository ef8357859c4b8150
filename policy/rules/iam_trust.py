"""Trust policies of IAM roles, and IAM users. Permissions are checked in `iam.py`."""

import fnmatch

from policy import resource_types as types
from policy.access import strangers
from policy.conditions import is_positive
from policy.documents import Statement, statements
from policy.properties import Findings, attempt
from policy.registry import HIGH, Context, rule
from policy.view import Resource

_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
_PEOPLE = ("cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com")
"""Providers whose subjects are end users: only an audience or an application can be pinned."""
_AUDIENCES = (":aud", ":app_id", ":oaud")
_SUBJECT_PREFIXES = ("repo:", "system:serviceaccount:", "project_path:", "organization:", "repository:")


@rule(
    "iam-oidc-trust",
    "Roles trust named principals; for web identities, one audience and one subject",
    types=types.ROLE,
    severity=HIGH,
    paths=("assumeRolePolicy",),
    why="An issuer such as GitHub signs tokens for all its users; `sub` says whose token it is, `aud` what for.",
    fix='Add the condition {"StringEquals": {"ISSUER:aud": "sts.amazonaws.com", "ISSUER:sub": "..."}}.',
)
def trust(role: Resource, _: Context) -> Findings:
    given = tuple(statements(role, "assumeRolePolicy"))
    yield from strangers(given)
    for statement in given:
        yield from attempt(_trusts_too_many, statement)


def _trusts_too_many(statement: Statement) -> Findings:
    if not statement.allows or not statement.covers(_WITH_WEB_IDENTITY):
        return
    issuers = [name for kind, name in statement.principals if kind == "Federated" and ":saml-provider/" not in name]
    if not issuers:
        return
    conditions = [(each.key, each.values) for each in statement.conditions if is_positive(each.operator)]
    if not any(key.endswith(_AUDIENCES) and "*" not in values for key, values in conditions):
        yield statement.at("Condition"), "the audience is not pinned"
    if all(name.endswith(_PEOPLE) for name in issuers):
        return
    if not any(key.endswith(":sub") and _is_pinned(values) for key, values in conditions):
        yield statement.at("Condition"), "the subject is not pinned"


def _is_pinned(subjects: tuple[str, ...]) -> bool:
    """Whether each subject begins with a name, not with a wildcard."""
    return bool(subjects) and all(_name(subject)[:1] not in {"", "*", "?"} for subject in subjects)


def _name(subject: str) -> str:
    prefix = next((each for each in _SUBJECT_PREFIXES if subject.startswith(each)), "")
    return subject.removeprefix(prefix)


@rule(
    "iam-users",
    "There are no IAM users, access keys or passwords",
    types=(*types.IAM_USER, *types.IAM_ACCESS_KEY, *types.IAM_LOGIN_PROFILE),
    severity=HIGH,
    controls=("CKV_AWS_273",),
    paths=("name", "user", "status"),
    why="An access key works from anywhere, for anyone who has it, until it is revoked.",
    fix="Use roles: IAM Identity Center for people, OIDC for pipelines, Pod Identity for workloads.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def users(resource: Resource, context: Context) -> Findings:
    if resource.type in types.IAM_ACCESS_KEY and resource.text("status") == "Inactive":
        return
    path = "name" if resource.type in types.IAM_USER else "user"
    allowed = context.config["allowed"]
    if allowed and any(fnmatch.fnmatchcase(resource.text(path), pattern) for pattern in allowed):
        return
    yield path if resource.has(path) else "", "a credential that does not expire"
