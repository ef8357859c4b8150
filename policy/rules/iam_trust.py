"""Identities: who may become one. What they may do then is in `iam.py`."""

import fnmatch

from policy import resource_types as types
from policy.access import is_positive, lets_anybody_in
from policy.documents import Statement, statements
from policy.properties import Findings, attempt
from policy.registry import HIGH, Context, rule
from policy.view import Resource

_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
_PEOPLE = ("cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com")
"""Providers whose subjects are any number of users: an audience or an application is all that can be pinned."""
_AUDIENCES = (":aud", ":app_id", ":oaud")
_SUBJECT_PREFIXES = ("repo:", "system:serviceaccount:", "project_path:", "organization:", "repository:")


@rule(
    "iam-oidc-trust",
    "Roles are assumed by those they are meant for: of web identities, one subject for one audience",
    types=types.ROLE,
    severity=HIGH,
    paths=("assumeRolePolicy",),
    why="An issuer such as GitHub vouches for everybody's workflows; only `sub` tells whose, and `aud` what for.",
    fix='Add {"StringEquals": {"ISSUER:aud": "sts.amazonaws.com", "ISSUER:sub": "..."}} as condition.',
)
def trust(role: Resource, _: Context) -> Findings:
    for statement in statements(role, "assumeRolePolicy"):
        yield from attempt(_trusts_too_many, statement)


def _trusts_too_many(statement: Statement) -> Findings:
    if lets_anybody_in(statement) and statement.covers("sts:AssumeRole"):
        yield statement.at("Principal"), "anybody may assume the role"
    if not statement.allows or not statement.covers(_WITH_WEB_IDENTITY):
        return
    issuers = [name for kind, name in statement.principals if kind == "Federated" and ":saml-provider/" not in name]
    if not issuers:
        return
    conditions = [(key, values) for operator, key, values in statement.conditions if is_positive(operator)]
    if not any(key.endswith(_AUDIENCES) and "*" not in values for key, values in conditions):
        yield statement.at("Condition"), "the audience is not pinned"
    if all(name.endswith(_PEOPLE) for name in issuers):
        return
    if not any(key.endswith(":sub") and _is_pinned(values) for key, values in conditions):
        yield statement.at("Condition"), "the subject is not pinned"


def _is_pinned(subjects: tuple[str, ...]) -> bool:
    """Whether each subject begins with somebody's name."""
    return bool(subjects) and all(_name(subject)[:1] not in {"", "*", "?"} for subject in subjects)


def _name(subject: str) -> str:
    prefix = next((each for each in _SUBJECT_PREFIXES if subject.startswith(each)), "")
    return subject.removeprefix(prefix)


@rule(
    "iam-users",
    "Nobody has a lasting key or password",
    types=(*types.IAM_USER, *types.IAM_ACCESS_KEY, *types.IAM_LOGIN_PROFILE),
    severity=HIGH,
    controls=("CKV_AWS_273",),
    paths=("name", "user", "status"),
    why="A user's key works until somebody revokes it, from anywhere, for whoever found it.",
    fix="Use roles: by identity center for people, by OIDC for pipelines, by Pod Identity for workloads.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def users(resource: Resource, context: Context) -> Findings:
    if resource.type in types.IAM_ACCESS_KEY and resource.text("status") == "Inactive":
        return
    path = "name" if resource.type in types.IAM_USER else "user"
    allowed = context.config["allowed"]
    if allowed and any(fnmatch.fnmatchcase(resource.text(path), pattern) for pattern in allowed):
        return
    yield path if resource.has(path) else "", "lasts until somebody revokes it"
