"""Log groups in CloudWatch."""

from policy import resource_types as types
from policy.keys import customer_key
from policy.properties import Findings, attempt
from policy.registry import LOW, Context, rule
from policy.view import Resource


@rule(
    "log-group",
    "Log groups have a retention period and a customer managed key",
    types=types.LOG_GROUP,
    severity=LOW,
    controls=("CloudWatch.16", "CKV_AWS_66", "CKV_AWS_158", "CKV_AWS_338"),
    paths=("retentionInDays", "kmsKeyId", "logGroupClass"),
    why="Logs without expiry cost money and may breach privacy rules; in prod, investigations need them.",
    fix="Set retention_in_days (365 or more in prod) and kms_key_id.",
    config={
        "days": {"type": "integer", "minimum": 1, "default": 1},
        "prod_days": {"type": "integer", "minimum": 1, "default": 365},
    },
)
def log_group(group: Resource, context: Context) -> Findings:
    yield from attempt(_retention, group, context)
    if not customer_key(group, "kmsKeyId"):
        yield "kmsKeyId", "no customer managed key"


def _retention(group: Resource, context: Context) -> Findings:
    # AWS sets the retention of this class.
    if group.text("logGroupClass") == "DELIVERY":
        return
    least = context.config["prod_days" if context.is_prod else "days"]
    days = group.number("retentionInDays") or 0
    if days == 0:
        yield "retentionInDays", "no retention period is set"
    elif days < least:
        yield "retentionInDays", f"kept for fewer than {least} days"
