"""Customer keys in KMS."""

from policy import types
from policy.documents import Statement, statements
from policy.properties import Findings, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "kms-rotate",
    "Keys are rotated",
    types=types.KEY,
    severity=MEDIUM,
    controls=("KMS.4", "CKV_AWS_7"),
    paths=("enableKeyRotation",),
    why="A key that never changes protects ever more data, and a copy of it opens all of that.",
    fix="Set enable_key_rotation=True.",
    strict=True,
)
def rotation(key: Resource, _: Context) -> Findings:
    symmetric = key.text("customerMasterKeySpec") in ("", "SYMMETRIC_DEFAULT")
    # Only symmetric keys that encrypt can be rotated: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
    if symmetric and key.text("keyUsage") in ("", "ENCRYPT_DECRYPT") and not key.flag("enableKeyRotation"):
        yield "enableKeyRotation", "rotation is off"


@rule(
    "kms-principal",
    "Key policies name who may use the key",
    types=types.KEY,
    severity=CRITICAL,
    controls=("KMS.5", "CKV_AWS_33", "CKV2_AWS_64"),
    paths=("policy",),
    why="A key policy that allows everybody opens the key to every AWS account in the world.",
    fix="Name principals, or narrow `*` with a condition on account, organization or principal.",
)
def principals(key: Resource, _: Context) -> Findings:
    if not key.has("policy"):
        yield "policy", "no policy says who may use the key"
    for statement in statements(key, "policy"):
        yield from attempt(_open_to_all, statement)


_NARROWING = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:sourceaccount",
    "kms:calleraccount",
)
"""Condition keys that leave of `*` only principals of one's own choice."""


def _open_to_all(statement: Statement) -> Findings:
    if not statement.allows or ("AWS", "*") not in statement.principals:
        return
    narrowed = any(
        key in _NARROWING and "*" not in values and "not" not in operator
        for operator, key, values in statement.conditions
    )
    if not narrowed:
        yield statement.at("Principal"), "everybody may use the key"


@rule(
    "kms-window",
    "A deleted key can be had back for two weeks, and nobody locks themselves out",
    types=types.KEY,
    severity=HIGH,
    controls=(),
    paths=("deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"),
    why="With a key goes all that it encrypted; the window is the only way back.",
    fix="Set deletion_window_in_days to 14 or more (or leave it: 30), and no bypass_policy_lockout_safety_check.",
    strict=True,
    config={"days": {"type": "integer", "minimum": 7, "maximum": 30, "default": 14}},
)
def window(key: Resource, context: Context) -> Findings:
    days = key.number("deletionWindowInDays")
    if days is not None and days < context.config["days"]:
        yield "deletionWindowInDays", f"deleted for good after fewer than {context.config['days']} days"
    if key.flag("bypassPolicyLockoutSafetyCheck"):
        yield "bypassPolicyLockoutSafetyCheck", "the check that the policy leaves somebody in charge is off"
