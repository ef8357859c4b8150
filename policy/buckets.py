"""What several rules ask of buckets."""

from collections.abc import Iterator

from policy import resource_types as types
from policy.documents import Statement, statements
from policy.properties import Undetermined
from policy.registry import Context
from policy.view import Resource

_WRITERS_OF_LOGS = frozenset({"logging.s3.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"})
_LOGS = (
    ("targetBucket", types.BUCKET_LOGGING),
    ("logging.targetBucket", types.BUCKET),
    ("accessLogs.bucket", types.LOAD_BALANCER),
    ("connectionLogs.bucket", types.LOAD_BALANCER),
)


def policy_statements(bucket: Resource, context: Context) -> Iterator[Statement | Undetermined]:
    """Yield the statements of a bucket's policies, inline or not; what is unknown of them comes last."""
    unsure = []
    try:
        holders = (bucket, *context.stack.referrers(bucket, "bucket", *types.BUCKET_POLICY))
    except Undetermined as unknown:
        unsure.append(unknown)
        holders = (bucket,)
    for holder in holders:
        try:
            yield from statements(holder, "policy")
        except Undetermined as unknown:
            unsure.append(Undetermined("", f"the policy of {holder.name} {unknown.reason}"))
    yield from unsure


def keeps_logs(bucket: Resource, context: Context) -> bool:
    """Whether S3 or load balancers write their access logs there.

    They can write to buckets with S3's own keys only, and logs of who wrote logs would never end:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html,
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
    """
    unsure = None
    for statement in policy_statements(bucket, context):
        try:
            if _lets_logs_in(statement):
                return True
        except Undetermined as unknown:
            unsure = Undetermined("", unknown.reason)
    if context.stack.is_used(bucket, *_LOGS):
        return True
    if unsure:
        raise unsure
    return False


def _lets_logs_in(statement: Statement | Undetermined) -> bool:
    if isinstance(statement, Undetermined):
        raise statement
    return statement.allows and any(name in _WRITERS_OF_LOGS for _, name in statement.principals)
