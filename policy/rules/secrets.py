"""Secrets Manager."""

import json
from typing import Any

from policy import resource_types as types
from policy.keys import customer_key
from policy.literals import is_secret
from policy.properties import MISSING, UNKNOWN, Findings, Undetermined, attempt, join
from policy.registry import CRITICAL, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "sm-cmk",
    "Secrets are encrypted with a customer managed key",
    types=types.SECRET,
    severity=MEDIUM,
    controls=("CKV_AWS_149",),
    paths=("kmsKeyId",),
    why="With an AWS managed key, permission to read the secret is enough; a customer managed key needs a second one.",
    fix="Set kms_key_id to a customer managed key.",
)
def encryption(secret: Resource, _: Context) -> Findings:
    if not customer_key(secret, "kmsKeyId"):
        yield "kmsKeyId", "no customer managed key"


@rule(
    "sm-rotate",
    "Secrets are rotated within 90 days",
    types=types.SECRET,
    kind="stack",
    severity=MEDIUM,
    controls=("SecretsManager.1", "SecretsManager.4", "CKV2_AWS_57", "CKV_AWS_304"),
    why="A leaked secret stays valid until it is changed.",
    fix="Add a SecretRotation for the secret, with automatically_after_days of 90 or less.",
    config={"days": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 90}},
)
def rotation(secret: Resource, context: Context) -> Findings:
    rotations = context.stack.referrers(secret, "secretId", *types.SECRET_ROTATION)
    if not rotations:
        # The path that rotation would have: a waiver then accepts its absence, not the whole secret.
        yield "rotationRules", "no rotation is configured"
    for each in rotations:
        try:
            rotated = _is_rotated(each, context.config["days"])
        except Undetermined as unknown:
            raise Undetermined("", f"{each.name} rotates it, but {unknown.path} {unknown.reason}") from None
        if not rotated:
            yield "", f"{each.name} does not rotate it every {context.config['days']} days"


def _is_rotated(rotation: Resource, days: int) -> bool:
    if not rotation.flag("rotationEnabled", default=True):
        return False
    after = rotation.number("rotationRules.automaticallyAfterDays")
    return after <= days if after is not None else _days_between(rotation) <= days


_DAY_OF = {"hour": 1 / 24, "hours": 1 / 24, "day": 1, "days": 1}
_MONTH = 31


def _days_between(rotation: Resource) -> float:
    """Return the longest time between two rotations, in days.

    Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html
    """
    path = "rotationRules.scheduleExpression"
    kind, _, rest = rotation.text(path).removesuffix(")").partition("(")
    fields = rest.split()
    match kind, fields:
        case "rate", [number, unit] if number.isdigit() and unit in _DAY_OF:
            return int(number) * _DAY_OF[unit]
        case "cron", [_, _, _, "*", *_]:
            return _MONTH
        case "", _:
            return float("inf")
        case _:
            raise Undetermined(path, "is a schedule that this rule does not understand")


_VALUES = ("secretString", "secretBinary", "secretStringWo")


@rule(
    "sm-literal",
    "Secret values are not set in the program",
    types=(*types.SECRET_VERSION, *types.FUNCTION),
    severity=CRITICAL,
    controls=("CKV_AWS_45",),
    paths=(*_VALUES, "environment.variables.*"),
    why="A value in the program or its configuration is also in its history and state, and is not rotated.",
    fix="Generate the value with a resource (RandomPassword), let AWS do it, or enter it by hand in an empty secret.",
)
def literal(version: Resource, _: Context) -> Findings:
    if version.type in types.FUNCTION:
        for key in version.keys("environment.variables"):
            yield from attempt(_is_variable, version, key)
        return
    for path in _VALUES:
        yield from attempt(_is_literal, version, path)


def _is_variable(function: Resource, key: str) -> Findings:
    path = join("environment.variables", key)
    if function.peek(path) is UNKNOWN and function.needs(path):
        return  # a resource generates it
    value = function.text(path)
    if is_secret(key, value):
        yield path, "a secret in plain text, readable by everyone who may view the function"


def _is_literal(version: Resource, path: str) -> Findings:
    value = version.peek(path)
    # The SDK marks every value as secret, so only a dependency tells that a resource generated it.
    if value is MISSING or version.needs(path):
        return
    if value is UNKNOWN:
        raise Undetermined(path)
    if not _is_empty(value):
        yield path, "the value is in the program or its configuration"


def _is_empty(value: Any) -> bool:
    """Whether it is a placeholder: nothing, or an object with only empty values."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        parsed = value
    if isinstance(parsed, dict):
        return all(item in ("", None) for item in parsed.values())
    return parsed in ("", None)


@rule(
    "sm-window",
    "Deleted secrets can be restored",
    types=types.SECRET,
    severity=MEDIUM,
    prod_only=True,
    paths=("recoveryWindowInDays",),
    why="With a window of 0 days the secret is deleted at once, and cannot be restored.",
    fix="Leave recovery_window_in_days at 30, or set 7 or more.",
    strict=True,
    config={"days": {"type": "integer", "minimum": 7, "maximum": 30, "default": 7}},
    remedy={"recoveryWindowInDays": 30},
)
def window(secret: Resource, context: Context) -> Findings:
    days = secret.number("recoveryWindowInDays")
    if days is not None and days < context.config["days"]:
        yield "recoveryWindowInDays", f"deleted permanently after fewer than {context.config['days']} days"
