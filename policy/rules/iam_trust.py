"""Trust policies of IAM roles, and IAM users. Permissions are checked in `iam.py`."""

import fnmatch
import re

from policy import resource_types as types
from policy.access import strangers
from policy.accounts import account_of, is_whole_account, own_accounts
from policy.conditions import is_positive
from policy.documents import Statement, statements
from policy.properties import Findings, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource

_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
_PEOPLE = ("cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com")
"""Providers whose subjects are end users: only an audience or an application can be pinned."""
_AUDIENCES = (":aud", ":app_id", ":oaud")
_SUBJECT_PREFIXES = ("repo:", "system:serviceaccount:", "project_path:", "organization:", "repository:")
_WHOLE = {
    # One repository or project, whatever runs there.
    "repo:": re.compile(r"repo:[^*?/:]+/[^*?/:]+:.+"),
    "project_path:": re.compile(r"project_path:[^*?:]+/[^*?/:]+:.+"),
    # One service account, not a namespace's all.
    "system:serviceaccount:": re.compile(r"system:serviceaccount:[^*?:]+:[^*?:]+"),
}
"""What a subject of an issuer must name."""


@rule(
    "iam-oidc-trust",
    "Roles trust named principals; for web identities, one audience and one subject",
    types=types.ROLE,
    severity=HIGH,
    controls=("CKV_AWS_60", "CKV_AWS_358"),
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
    if not statement.allows:
        return
    conditions = [each for each in statement.conditions if is_positive(each.operator)]
    if any(each.key.endswith(":amr") and "unauthenticated" in each.values for each in conditions):
        yield statement.at("Condition"), "guests who have not signed in may assume the role"
    saml = any(":saml-provider/" in name for kind, name in statement.principals if kind == "Federated")
    if saml and not any(each.key.startswith("saml:") and "*" not in each.values for each in conditions):
        yield statement.at("Condition"), "the audience (SAML:aud) is not pinned"
    if not statement.covers(_WITH_WEB_IDENTITY):
        return
    issuers = [name for kind, name in statement.principals if kind == "Federated" and ":saml-provider/" not in name]
    if not issuers:
        return
    if not any(each.key.endswith(_AUDIENCES) and "*" not in each.values for each in conditions):
        yield statement.at("Condition"), "the audience is not pinned"
    if all(name.endswith(_PEOPLE) for name in issuers):
        return
    if not any(each.key.endswith(":sub") and _is_pinned(each.values) for each in conditions):
        yield statement.at("Condition"), "the subject is not pinned"


def _is_pinned(subjects: tuple[str, ...]) -> bool:
    """Whether each subject names a repository or a service account; of other issuers, begins with a name."""
    return bool(subjects) and all(_names_one(subject) for subject in subjects)


def _names_one(subject: str) -> bool:
    prefix = next((each for each in _SUBJECT_PREFIXES if subject.startswith(each)), "")
    if prefix in _WHOLE:
        return bool(_WHOLE[prefix].fullmatch(subject))
    return subject.removeprefix(prefix)[:1] not in {"", "*", "?"}


_PINNING = ("sts:externalid", "aws:principalarn", "aws:principalorg", "aws:userid", "aws:principaltag/", "saml:")


@rule(
    "iam-trust-account",
    "Roles trust named principals, not whole accounts",
    types=types.ROLE,
    kind="stack",
    severity=MEDIUM,
    controls=("CKV_AWS_61",),
    paths=("assumeRolePolicy",),
    why="With an account as principal, its administrators decide who assumes the role, and every role there may be it.",
    fix="Name a role, or add a condition on aws:PrincipalArn; for a third party, on sts:ExternalId.",
    config={"accounts": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def trust_in_accounts(role: Resource, context: Context) -> Findings:
    own = own_accounts(context.stack)
    known = own | set(context.config["accounts"])
    for statement in statements(role, "assumeRolePolicy"):
        yield from attempt(_trusts_an_account, statement, known if own else frozenset())


def _trusts_an_account(statement: Statement, known: frozenset[str]) -> Findings:
    if not statement.allows or statement.is_narrowed(*_PINNING):
        return
    names, unknown = statement.known_principals("Principal", "aws")
    whole = [name for _, name in names if is_whole_account(name)]
    foreign = [name for _, name in names if known and account_of(name) and account_of(name) not in known]
    if whole:
        yield statement.at("Principal"), f"every principal of the account {account_of(whole[0])} may assume the role"
    elif foreign:
        yield statement.at("Principal"), f"the account {account_of(foreign[0])} is not known, and needs no external id"
    elif unknown:
        raise unknown


_FOR_ONE_ACCOUNT = (
    *("pods.eks.amazonaws.com", "rolesanywhere.amazonaws.com", "bedrock.amazonaws.com", "scheduler.amazonaws.com"),
    *("bedrock-agentcore.amazonaws.com", "pipes.amazonaws.com"),
)
"""Services of which AWS's documents restrict the trust to a source."""
_SOURCES = ("aws:source", "aws:requesttag/", "aws:principaltag/")


@rule(
    "iam-trust-service",
    "Roles trust services for one cluster, trust anchor or account",
    types=types.ROLE,
    severity=LOW,
    paths=("assumeRolePolicy",),
    why="Without a source, every cluster or trust anchor of the account may use the role, and a service for others.",
    fix="Add a condition on aws:SourceArn or aws:SourceAccount.",
)
def trust_in_services(role: Resource, _: Context) -> Findings:
    for statement in statements(role, "assumeRolePolicy"):
        yield from attempt(_trusts_a_service, statement)


def _trusts_a_service(statement: Statement) -> Findings:
    if not statement.allows:
        return
    names, unknown = statement.known_principals("Principal", "service")
    found = [name for _, name in names if name in _FOR_ONE_ACCOUNT]
    sourced = any(is_positive(each.operator) and each.key.startswith(_SOURCES) for each in statement.conditions)
    if found and not sourced:
        yield statement.at("Principal"), f"{found[0]} may assume the role for whatever source"
    elif unknown and not sourced:
        raise unknown


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
    user = resource.type in types.IAM_USER
    message = "a user, whose keys and passwords do not expire" if user else "a credential that does not expire"
    yield path if resource.has(path) else "", message
