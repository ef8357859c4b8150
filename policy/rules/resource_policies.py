"""Policies of resources, whichever service they belong to; keys, buckets and repositories have rules of their own."""

from collections.abc import Sequence

from policy import resource_types as types
from policy.access import locks_everybody_out, strangers, unsure_services
from policy.accounts import account_of, own_accounts
from policy.conditions import is_positive, is_wild
from policy.documents import Statement, statements
from policy.outsiders import is_of_one_account
from policy.properties import Findings, attempt
from policy.registry import CRITICAL, HIGH, LOW, MEDIUM, Context, rule
from policy.resource_policies import ALL, OTHER_PATHS, OTHERS, PATHS, guard, policy_of
from policy.view import Resource

_PERMISSIONS = (*types.FUNCTION_PERMISSION, *types.LAYER_PERMISSION, *types.EVENT_PERMISSION)
"""Types that are one statement of a policy each."""


@rule(
    "policy-public",
    "Resource policies name whom they let in",
    types=(*OTHERS, *_PERMISSIONS),
    severity=CRITICAL,
    controls=("CKV_AWS_167", "CKV_AWS_168", "CKV_AWS_169", "CKV_AWS_301", "SNS.4", "SQS.3", "Lambda.1"),
    paths=(*OTHER_PATHS, "principal", "principalOrgId", "organizationId", "condition.value"),
    why="A policy that allows `*` opens the topic, queue, secret or domain to every AWS account.",
    fix="Name principals, or restrict `*` by a condition on account, organization, VPC endpoint or ARN.",
)
def public(resource: Resource, _: Context) -> Findings:
    if resource.type in _PERMISSIONS:
        yield from _is_open(resource)
    else:
        yield from strangers(policy_of(resource))


def _is_open(permission: Resource) -> Findings:
    if not is_wild(permission.text("principal")):
        return
    organization = "organizationId" if permission.type in types.LAYER_PERMISSION else "principalOrgId"
    if permission.text(organization).startswith("o-") or _names_source(permission):
        return
    if permission.type in types.EVENT_PERMISSION and permission.text("condition.value").startswith("o-"):
        return
    yield "principal", "any AWS account is allowed"


def _names_source(permission: Resource) -> bool:
    if permission.type not in types.FUNCTION_PERMISSION:
        return False
    arn = permission.text("sourceArn")
    return bool(permission.text("sourceAccount") or (arn and (not is_wild(arn) or is_of_one_account(arn))))


@rule(
    "policy-deputy",
    "AWS services are let in on behalf of one's own account only",
    types=(*ALL, *types.FUNCTION_PERMISSION),
    severity=MEDIUM,
    controls=("CKV_AWS_364",),
    paths=(*PATHS, "principal", "sourceArn", "sourceAccount"),
    why="A service acts for all its customers: without a source, theirs can reach the resource through it as well.",
    fix="Add a condition on aws:SourceAccount, aws:SourceArn or aws:SourceOrgID.",
)
def deputy(resource: Resource, _: Context) -> Findings:
    if resource.type not in types.FUNCTION_PERMISSION:
        yield from unsure_services(policy_of(resource))
        return
    principal = resource.text("principal")
    if not principal.endswith(".amazonaws.com") or resource.text("principalOrgId"):
        return
    if resource.text("sourceAccount"):
        return
    arn = resource.peek("sourceArn")
    if not arn:
        yield "principal", f"{principal} is let in on behalf of any account"
    elif resource.needs("sourceArn"):
        return  # made from another resource of the stack
    elif not resource.text("sourceArn").startswith("arn:"):
        return
    elif is_wild(resource.text("sourceArn")) and not is_of_one_account(resource.text("sourceArn")):
        yield "sourceArn", "names no account"
    elif principal.startswith("s3.") and not account_of(resource.text("sourceArn")):
        # A bucket's name may be another account's tomorrow.
        yield "sourceAccount", "a bucket's ARN does not say whose it is"


_WRITES_LOGS = frozenset({"s3:putobject", "s3:getbucketacl"})
"""What AWS's own accounts do, of which load balancers' logs come in some regions:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""


@rule(
    "policy-account",
    "Resource policies let in no account that is not known",
    types=(*ALL, *types.KEY_GRANT),
    kind="stack",
    severity=MEDIUM,
    paths=(*PATHS, "granteePrincipal"),
    why="Whoever controls the other account decides who gets in from there.",
    fix="Remove the account, restrict it by aws:PrincipalOrgID, or list it in the rule's `accounts`.",
    config={"accounts": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def foreign(resource: Resource, context: Context) -> Findings:
    own = own_accounts(context.stack)
    if not own:
        return
    known = own | set(context.config["accounts"])
    if resource.type in types.KEY_GRANT:
        account = account_of(resource.text("granteePrincipal"))
        if account and account not in known:
            yield "granteePrincipal", f"the account {account} is not known"
        return
    for statement in policy_of(resource):
        yield from attempt(_lets_foreigners_in, statement, known)


def _lets_foreigners_in(statement: Statement, known: frozenset[str]) -> Findings:
    if not statement.allows:
        return
    names, unknown = statement.known_principals("Principal", "aws")
    accounts = sorted({account_of(name) for _, name in names} - known - {""})
    if accounts and not set(statement.actions) <= _WRITES_LOGS and not statement.is_narrowed("aws:principalorg"):
        yield statement.at("Principal"), f"the account {accounts[0]} is not known"
    if unknown and not accounts:
        raise unknown


@rule(
    "policy-lockout",
    "No resource policy locks everybody out",
    types=ALL,
    severity=HIGH,
    controls=("CKV_AWS_93",),
    paths=PATHS,
    why="A denial to everybody leaves the account's root user, or AWS's support, to change the policy.",
    fix="Limit the denial by a condition or by actions; let the account's root change a key's policy.",
)
def lockout(resource: Resource, _: Context) -> Findings:
    given = policy_of(resource)
    change = guard(resource).change
    for statement in given:
        yield from attempt(_denies_everybody, statement, change)
    if change == "kms:PutKeyPolicy" and given:
        yield from attempt(_has_no_administrator, given, guard(resource).path)


def _denies_everybody(statement: Statement, change: str) -> Findings:
    if not statement.allows and statement.covers(change) and locks_everybody_out(statement):
        yield statement.at("Principal"), f"{change} is denied to everybody, so that nobody can change the policy"


def _has_no_administrator(given: Sequence[Statement], path: str) -> Findings:
    if not any(each.allows and each.covers("kms:PutKeyPolicy") for each in given):
        yield path, "nobody may change the key's policy"


@rule(
    "policy-endpoint",
    "Policies of VPC endpoints limit who reaches what",
    types=(*types.VPC_ENDPOINT, *types.VPC_ENDPOINT_POLICY),
    severity=LOW,
    paths=("policy",),
    why="Through an endpoint that lets everything pass, data can leave for buckets of any account.",
    fix="Add a condition on aws:PrincipalAccount or aws:ResourceAccount, or name the resources.",
)
def endpoint(resource: Resource, _: Context) -> Findings:
    for statement in statements(resource, "policy"):
        yield from attempt(_lets_everything_pass, statement)


def _lets_everything_pass(statement: Statement) -> Findings:
    if not statement.allows or not any(not each.partition(":")[2].strip("*") for each in statement.actions):
        return
    names, unknown = statement.known_principals("Principal")
    if unknown:
        raise unknown
    open_ = any(is_wild(name) for _, name in names) and any(not each.strip("*") for each in statement.resources)
    if open_ and not any(is_positive(each.operator) for each in statement.conditions):
        yield statement.at("Principal"), "everybody reaches everything through the endpoint"
