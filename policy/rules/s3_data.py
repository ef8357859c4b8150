"""Encryption, versions, lifecycle and logs of S3 buckets. Access is checked in `s3.py`."""

from policy import resource_types as types
from policy.buckets import keeps_logs
from policy.keys import customer_key
from policy.properties import Findings, Properties
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "s3-kms",
    "Buckets are encrypted with a customer managed key",
    types=types.BUCKET,
    kind="stack",
    severity=MEDIUM,
    controls=("S3.17", "CKV_AWS_145"),
    paths=("serverSideEncryptionConfiguration.rule", "serverSideEncryptionConfigurations[].rules[]"),
    why="With a customer managed key, reading requires a second permission, which can be revoked.",
    fix='Set sse_algorithm="aws:kms" and kms_master_key_id. Target buckets of access logs are exempt.',
)
def encryption(bucket: Resource, context: Context) -> Findings:
    separate = context.stack.referrers(bucket, "bucket", *types.BUCKET_ENCRYPTION)
    rules = [(node, each) for each in separate for node in each.nodes("rules")]
    for path in ("serverSideEncryptionConfiguration.rule", "serverSideEncryptionConfigurations.rules"):
        rules += [(node, bucket) for node in bucket.nodes(path)]
    if not any(_uses_customer_key(node, owner) for node, owner in rules) and not keeps_logs(bucket, context):
        yield "", "objects are not encrypted with a customer managed key"


def _uses_customer_key(node: Properties, owner: Resource) -> bool:
    # Older bucket types have the plural.
    for default in ("applyServerSideEncryptionByDefault", "applyServerSideEncryptionByDefaults"):
        if node.text(f"{default}.sseAlgorithm").startswith("aws:kms"):
            return customer_key(node, f"{default}.kmsMasterKeyId", owner)
    return False


@rule(
    "s3-version",
    "Buckets have versioning",
    types=types.BUCKET,
    kind="stack",
    severity=MEDIUM,
    controls=("S3.14", "CKV_AWS_21"),
    paths=("versioning.enabled", "versionings[].enabled"),
    why="Overwritten or deleted objects can only be restored from a version.",
    fix='Give the bucket a BucketVersioning with status="Enabled".',
)
def versioning(bucket: Resource, context: Context) -> Findings:
    if bucket.flag("versioning.enabled") or bucket.flag("versionings.enabled"):
        return
    separate = context.stack.referrers(bucket, "bucket", *types.BUCKET_VERSIONING)
    if not any(each.text("versioningConfiguration.status") == "Enabled" for each in separate):
        yield "", "versioning is off"


@rule(
    "s3-lifecycle",
    "Buckets have a lifecycle configuration",
    types=types.BUCKET,
    kind="stack",
    severity=LOW,
    controls=("S3.13", "CKV2_AWS_61", "CKV_AWS_300"),
    paths=("lifecycleRules[].enabled", "lifecycleRules[].abortIncompleteMultipartUploadDays"),
    why="Old versions and incomplete uploads are not in listings, and cost storage until they are removed.",
    fix="Add a BucketLifecycleConfiguration with a rule that has abort_incomplete_multipart_upload.",
)
def lifecycle(bucket: Resource, context: Context) -> Findings:
    inline = [node for node in bucket.nodes("lifecycleRules") if node.flag("enabled")]
    aborting = any(node.number("abortIncompleteMultipartUploadDays") for node in inline)
    separate = [
        node
        for each in context.stack.referrers(bucket, "bucket", *types.BUCKET_LIFECYCLE)
        for node in each.nodes("rules")
        if node.text("status") == "Enabled"
    ]
    aborting = aborting or any(
        node.number("abortIncompleteMultipartUpload.daysAfterInitiation") is not None for node in separate
    )
    if not inline and not separate:
        yield "", "no lifecycle rule is enabled"
    elif not aborting:
        yield "", "no lifecycle rule aborts incomplete uploads"


@rule(
    "s3-log",
    "Buckets have access logs",
    types=types.BUCKET,
    kind="stack",
    severity=LOW,
    controls=("S3.9", "CKV_AWS_18"),
    paths=("logging.targetBucket", "loggings[].targetBucket"),
    why="After a leak, the access log shows who read what.",
    fix="Add a BucketLogging for the bucket. Target buckets of access logs are exempt.",
)
def access_log(bucket: Resource, context: Context) -> Findings:
    inline = bucket.has("logging.targetBucket") or bucket.has("loggings.targetBucket")
    if inline or context.stack.referrers(bucket, "bucket", *types.BUCKET_LOGGING):
        return
    if not keeps_logs(bucket, context):
        yield "", "access logging is off"


@rule(
    "s3-force",
    "Buckets with objects are not deleted",
    types=types.BUCKET,
    severity=HIGH,
    prod_only=True,
    paths=("forceDestroy",),
    why="With force_destroy, deleting the bucket first deletes all objects in all versions.",
    fix="Set force_destroy=False.",
    strict=True,
)
def force_destroy(bucket: Resource, _: Context) -> Findings:
    if bucket.flag("forceDestroy"):
        yield "forceDestroy", "deleted together with its objects"
