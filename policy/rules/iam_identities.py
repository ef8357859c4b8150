"""What limits identities: permissions boundaries, groups, and how long a session lasts."""

from collections.abc import Sequence

from policy import resource_types as types
from policy.access import is_about_all, is_every
from policy.allowances import element, narrows
from policy.documents import Statement, statements
from policy.grants import limits_only
from policy.properties import UNKNOWN, Findings, Undetermined, attempt
from policy.registry import HIGH, LOW, Context, rule
from policy.view import Resource

_UNBOUND = "iam:DeleteRolePermissionsBoundary"
_ADMINISTRATORS = (":aws:policy/AdministratorAccess", ":aws:policy/PowerUserAccess", ":aws:policy/IAMFullAccess")


@rule(
    "iam-boundary",
    "Permissions boundaries limit what they bound",
    types=(*types.IAM_POLICY, *types.ROLE, *types.IAM_USER),
    kind="stack",
    severity=HIGH,
    paths=("policy", "permissionsBoundary"),
    why="A boundary that allows everything, or its own removal, limits nobody.",
    fix="List what the bounded may do, deny iam:DeleteRolePermissionsBoundary, and give every role the boundary.",
)
def boundary(resource: Resource, context: Context) -> Findings:
    if resource.type in types.IAM_POLICY:
        found = tuple(_limits_nothing(resource))
        if found and limits_only(resource, context):
            yield from found
        return
    given = resource.peek("permissionsBoundary")
    if given is UNKNOWN and not resource.needs("permissionsBoundary"):
        yield Undetermined("permissionsBoundary")
    if isinstance(given, str) and given.endswith(_ADMINISTRATORS):
        yield "permissionsBoundary", "the boundary is a policy that allows nearly everything"
    elif given is not UNKNOWN and not given and resource.type in types.ROLE:
        yield from _is_left_out(resource, context)


def _limits_nothing(policy: Resource) -> Findings:
    try:
        given = tuple(statements(policy, "policy"))
    except Undetermined as unknown:
        yield unknown
        return
    for statement in given:
        yield from attempt(_allows_its_removal, statement, given)


def _allows_its_removal(statement: Statement, given: Sequence[Statement]) -> Findings:
    if not statement.allows or not statement.covers(_UNBOUND) or not is_about_all(statement, "iam"):
        return
    if any(narrows(each) for each in statement.conditions) or any(_forbids_removal(other) for other in given):
        return
    what = "everything" if any(is_every(action) for action in statement.actions) else _UNBOUND
    yield element(statement), f"the boundary allows {what}, so the bounded can take it off"


def _forbids_removal(statement: Statement) -> bool:
    return not statement.allows and statement.covers(_UNBOUND)


def _is_left_out(role: Resource, context: Context) -> Findings:
    """Yield a role without a boundary where most others of the stack have one."""
    others = [each for each in context.stack.of_type(*types.ROLE) if each is not role]
    bound = [each for each in others if each.peek("permissionsBoundary")]
    if bound and 2 * len(bound) > len(others):
        yield "permissionsBoundary", f"no boundary, while {len(bound)} other roles of the stack have one"


@rule(
    "iam-user-policy",
    "Users have policies by their groups only",
    types=(*types.USER_POLICY, *types.USER_POLICY_ATTACHMENT, *types.POLICY_ATTACHMENT),
    severity=LOW,
    controls=("IAM.2", "CKV_AWS_40"),
    paths=("user", "users[]"),
    why="What a single user has is overlooked when people change teams.",
    fix="Attach the policy to a group or a role.",
)
def user_policies(resource: Resource, _: Context) -> Findings:
    if resource.type not in types.POLICY_ATTACHMENT:
        yield "user" if resource.has("user") else "", "a policy of one user"
    elif resource.count("users"):
        yield "users", "attached to users"


@rule(
    "iam-session",
    "Sessions last for a working day at most",
    types=types.ROLE,
    severity=LOW,
    paths=("maxSessionDuration",),
    why="Credentials of a session that leaked are good until it ends.",
    fix="Set max_session_duration to 28800 seconds or fewer.",
    config={"seconds": {"type": "integer", "minimum": 3600, "maximum": 43200, "default": 28800}},
)
def session(role: Resource, context: Context) -> Findings:
    seconds = role.number("maxSessionDuration")
    if seconds is not None and seconds > context.config["seconds"]:
        yield "maxSessionDuration", f"sessions may last more than {context.config['seconds']} seconds"
