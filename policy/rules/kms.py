"""KMS keys."""

from policy import types
from policy.documents import Statement, statements
from policy.properties import Findings, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
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
    "kms-principal",
    "Key policies name their principals",
    types=types.KEY,
    severity=CRITICAL,
    controls=("KMS.5", "CKV_AWS_33", "CKV2_AWS_64"),
    paths=("policy",),
    why="A key policy that allows `*` lets every AWS account use the key.",
    fix="Name principals, or restrict `*` with a condition on account, organization or principal.",
)
def principals(key: Resource, _: Context) -> Findings:
    if not key.has("policy"):
        yield "policy", "the key has no policy"
    for statement in statements(key, "policy"):
        yield from attempt(_open_to_all, statement)


_NARROWING = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:sourceaccount",
    "kms:calleraccount",
)
"""Condition keys that restrict `*` to chosen principals."""


def _open_to_all(statement: Statement) -> Findings:
    if not statement.allows or ("AWS", "*") not in statement.principals:
        return
    narrowed = any(
        key in _NARROWING and "*" not in values and "not" not in operator
        for operator, key, values in statement.conditions
    )
    if not narrowed:
        yield statement.at("Principal"), "any principal may use the key"


@rule(
    "kms-window",
    "Key deletion can be canceled for two weeks, and the lockout check stays on",
    types=types.KEY,
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
