"""Where policies that grant something stand, and which of them only limit."""

from policy import resource_types as types
from policy.conditions import matches
from policy.properties import UNKNOWN, Findings, Properties, Undetermined, opened
from policy.registry import Context
from policy.view import Resource

DOCUMENTS = (
    *types.IAM_POLICY,
    *types.ROLE_POLICY,
    *types.ROLE,
    *types.USER_POLICY,
    *types.GROUP_POLICY,
    *types.PERMISSION_SET_POLICY,
)
"""Types that hold policies of identities."""
ATTACHMENTS = (
    *types.ROLE_POLICY_ATTACHMENT,
    *types.USER_POLICY_ATTACHMENT,
    *types.GROUP_POLICY_ATTACHMENT,
    *types.POLICY_ATTACHMENT,
    *types.ATTACHMENTS_EXCLUSIVE,
    *types.PERMISSION_SET_ATTACHMENT,
    *types.PERMISSION_SET_ATTACHMENTS,
)
"""Types that attach policies to identities."""
DOCUMENT_PATHS = ("policy", "inlinePolicies[].policy", "inlinePolicy")
ATTACHMENT_PATHS = ("policyArn", "policyArns[]", "managedPolicyArns[]", "managedPolicyArn")


def documents(resource: Resource) -> tuple[tuple[Properties, str], ...]:
    """Return what holds a policy document, and under which name."""
    if resource.type in types.ROLE:
        return tuple((node, "policy") for node in resource.nodes("inlinePolicies"))
    return ((resource.inputs, "inlinePolicy" if resource.type in types.PERMISSION_SET_POLICY else "policy"),)


def attached(resource: Resource, *names: str) -> Findings:
    """Yield each attachment of a policy that AWS maintains under one of these names, in which `*` stands for any."""
    for path in ("policyArn", "policyArns", "managedPolicyArns", "managedPolicyArn"):
        value = resource.peek(path)
        items = [value] if not isinstance(value, list) else value
        for index, item in enumerate(opened(each) for each in items):
            where = f"{path}[{index}]" if isinstance(value, list) else path
            if item is UNKNOWN and not resource.needs(path):
                yield Undetermined(where)
            for name in names:
                if isinstance(item, str) and matches(f"*:aws:policy/{name}", item):
                    yield where, f"attaches AWS's {name}"


def granting(policy: Resource, context: Context, findings: Findings) -> Findings:
    """Yield what is found of a policy, unless it only limits what others grant."""
    found = tuple(findings)
    if found and not limits_only(policy, context):
        yield from found


def limits_only(policy: Resource, context: Context) -> bool:
    """Whether a policy is a permissions boundary and nothing else: it grants nothing, however much it allows.

    Raises Undetermined where it may be one.
    """

    def referring(path: str, *users: str) -> bool:
        try:
            return bool(context.stack.referrers(policy, path, *users))
        except Undetermined:
            return False

    return (
        policy.type in types.IAM_POLICY
        and not referring("policyArn", *ATTACHMENTS)
        and not referring("managedPolicyArns", *types.ROLE)
        and context.stack.is_used(policy, ("permissionsBoundary", (*types.ROLE, *types.IAM_USER)))
    )
