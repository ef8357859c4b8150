"""KMS keys."""

from policy import resource_types as types
from policy.access import strangers
from policy.accounts import is_whole_account
from policy.conditions import is_wild
from policy.properties import UNKNOWN, Findings, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.resource_policies import policy_of
from policy.view import Resource


@rule(
    "kms-rotate",
    "KMS keys are rotated",
    types=types.KEY,
    severity=MEDIUM,
    controls=("KMS.4", "CKV_AWS_7"),
    paths=("enableKeyRotation",),
    why="Without rotation, one key protects ever more data, and its compromise exposes all of it.",
    fix="Set enable_key_rotation=True.",
    strict=True,
    remedy={"enableKeyRotation": True},
)
def rotation(key: Resource, _: Context) -> Findings:
    symmetric = key.text("customerMasterKeySpec") in ("", "SYMMETRIC_DEFAULT")
    # Only symmetric keys that encrypt can be rotated: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    if symmetric and key.text("keyUsage") in ("", "ENCRYPT_DECRYPT") and not key.flag("enableKeyRotation"):
        yield "enableKeyRotation", "rotation is off"


@rule(
    "kms-policy",
    "Keys have a policy",
    types=types.KEY,
    kind="stack",
    severity=MEDIUM,
    controls=("CKV2_AWS_64",),
    paths=("policy",),
    why="By default, every identity policy of the account decides who uses the key.",
    fix="Set policy, or add a KeyPolicy for the key.",
)
def has_policy(key: Resource, context: Context) -> Findings:
    if not key.has("policy") and not context.stack.referrers(key, "keyId", *types.KEY_POLICY):
        yield "policy", "the key has no policy"


@rule(
    "kms-principal",
    "Key policies name their principals",
    types=(*types.KEY, *types.KEY_POLICY, *types.OTHER_KEYS),
    severity=CRITICAL,
    controls=("KMS.5", "CKV_AWS_33"),
    paths=("policy",),
    why="A key policy that allows `*` lets every AWS account use the key.",
    fix="Name principals, or restrict `*` with a condition on account, organization or principal.",
)
def principals(key: Resource, _: Context) -> Findings:
    yield from strangers(policy_of(key))


_PASSING_ON = "CreateGrant"


@rule(
    "kms-grant",
    "Grants of KMS keys go to one role, which cannot pass them on",
    types=types.KEY_GRANT,
    severity=HIGH,
    paths=("granteePrincipal", "operations[]"),
    why="A grant works beside the key's policy, and is easily overlooked.",
    fix="Name a role as grantee_principal, and leave CreateGrant out of operations.",
)
def grants(grant: Resource, _: Context) -> Findings:
    yield from attempt(_grants_to_many, grant)
    if _PASSING_ON in grant.texts("operations"):
        yield "operations", "the grantee can grant the key to others"


def _grants_to_many(grant: Resource) -> Findings:
    if grant.peek("granteePrincipal") is UNKNOWN and grant.needs("granteePrincipal"):
        return  # made from a role of the stack
    grantee = grant.text("granteePrincipal")
    if is_wild(grantee) or is_whole_account(grantee):
        yield "granteePrincipal", "granted to a whole account, not to a role"


@rule(
    "kms-window",
    "Key deletion can be canceled for two weeks, and the lockout check stays on",
    types=(*types.KEY, *types.OTHER_KEYS, *types.KEY_POLICY),
    severity=HIGH,
    controls=(),
    paths=("deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"),
    why="Data that a deleted key encrypted is lost; the waiting period is the only time to cancel the deletion.",
    fix="Set deletion_window_in_days to 14 or more (default 30), and no bypass_policy_lockout_safety_check.",
    strict=True,
    config={"days": {"type": "integer", "minimum": 7, "maximum": 30, "default": 14}},
    remedy={"deletionWindowInDays": 30, "bypassPolicyLockoutSafetyCheck": False},
)
def window(key: Resource, context: Context) -> Findings:
    days = key.number("deletionWindowInDays")
    if days is not None and days < context.config["days"]:
        yield "deletionWindowInDays", f"deleted permanently after fewer than {context.config['days']} days"
    if key.flag("bypassPolicyLockoutSafetyCheck"):
        yield "bypassPolicyLockoutSafetyCheck", "the policy lockout safety check is off"
