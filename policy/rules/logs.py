"""Log groups in CloudWatch."""

from policy import resource_types as types
from policy.keys import customer_key
from policy.properties import Findings, attempt
from policy.registry import LOW, Context, rule
from policy.view import Resource


@rule(
    "log-group",
    "Logs are kept for as long as they are needed, encrypted with a customer key",
    types=types.LOG_GROUP,
    severity=LOW,
    controls=("CloudWatch.16", "CKV_AWS_66", "CKV_AWS_158", "CKV_AWS_338"),
    paths=("retentionInDays", "kmsKeyId", "logGroupClass"),
    why="Logs that never expire are paid for, and are a breach of their own; those of prod must outlive an inquiry.",
    fix="Set retention_in_days (365 or more in prod) and kms_key_id.",
    config={
        "days": {"type": "integer", "minimum": 1, "default": 1},
        "prod_days": {"type": "integer", "minimum": 1, "default": 365},
    },
)
def log_group(group: Resource, context: Context) -> Findings:
    yield from attempt(_expires_when_it_should, group, context)
    if not customer_key(group, "kmsKeyId"):
        yield "kmsKeyId", "no customer key"


def _expires_when_it_should(group: Resource, context: Context) -> Findings:
    # AWS settles it for this class.
    if group.text("logGroupClass") == "DELIVERY":
        return
    least = context.config["prod_days" if context.is_prod else "days"]
    days = group.number("retentionInDays") or 0
    if days == 0:
        yield "retentionInDays", "kept for ever"
    elif days < least:
        yield "retentionInDays", f"kept for fewer than {least} days"
