"""Buckets: customers' documents, and the logs of who accessed them."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_statements import Statement, document
from components.stack_context import StackContext

LOAD_BALANCER_PREFIX = "load-balancer"
_DOCUMENTS_PREFIX = "s3/documents/"
_RECOVERY_DAYS = 90
"""How long an overwritten or deleted document can be brought back."""


@dataclass(frozen=True, kw_only=True)
class StorageArgs:
    """Arguments of Storage."""

    context: StackContext
    data_key_arn: pulumi.Input[str]
    """KMS key that encrypts the documents."""
    log_days: int
    """How long access logs are kept."""
    protect: bool
    """Refuses a deletion; without it, buckets go with all that is in them."""


class Storage(pulumi.ComponentResource):
    """Buckets that are private, versioned, encrypted, reachable by TLS only; every access to a document is logged."""

    documents: aws.s3.Bucket
    logs_bucket: pulumi.Output[str]
    """Name of the bucket for access logs, known once they may be written there."""

    def __init__(self, name: str, args: StorageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Storage", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        self.logs_bucket = self._make_access_logs()
        self.documents = self._make_documents()
        self.register_outputs({"documents": self.documents.bucket, "logs": self.logs_bucket})

    def _make_documents(self) -> aws.s3.Bucket:
        bucket, _ = self._make_bucket("documents", key_arn=self._args.data_key_arn)
        aws.s3.BucketLogging(
            f"{self._name}-documents",
            bucket=bucket.bucket,
            target_bucket=self.logs_bucket,
            target_prefix=_DOCUMENTS_PREFIX,
            opts=self._child,
        )
        return bucket

    def _make_access_logs(self) -> pulumi.Output[str]:
        # Load balancers and S3 itself can write logs to buckets with S3-managed keys only
        # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
        _, policy = self._make_bucket("access-logs", expire_days=self._args.log_days, writers=True)
        return policy.bucket

    def _make_bucket(
        self,
        role: str,
        *,
        key_arn: pulumi.Input[str] | None = None,
        expire_days: int | None = None,
        writers: bool = False,
    ) -> tuple[aws.s3.Bucket, aws.s3.BucketPolicy]:
        """Make a bucket with everything that keeps it closed. Without a key of ours, S3 encrypts with its own."""
        name = f"{self._name}-{role}"
        protect = self._args.protect
        bucket = aws.s3.Bucket(
            name,
            # Logs arrive until the end: a stack that may be lost must not be kept by them.
            force_destroy=not protect,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        )
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=bucket.bucket, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._child
        )
        versioning = aws.s3.BucketVersioning(
            name, bucket=bucket.bucket, versioning_configuration={"status": "Enabled"}, opts=self._child
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key_arn,
                    }
                    if key_arn
                    else {"sse_algorithm": "AES256"},
                    "bucket_key_enabled": key_arn is not None,
                }
            ],
            opts=self._child,
        )
        self._make_lifecycle(name, bucket, expire_days, versioning)
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.bucket,
            policy=document(_tls_only(bucket.arn), *(_log_writers(bucket.arn, self._args.context) if writers else ())),
            # S3 refuses two changes to a bucket's access at once.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[closed]),
        )
        return bucket, policy

    def _make_lifecycle(
        self, name: str, bucket: aws.s3.Bucket, expire_days: int | None, versioning: aws.s3.BucketVersioning
    ) -> None:
        rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
            {
                "id": "tidy",
                "status": "Enabled",
                "filter": {},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                "noncurrent_version_expiration": {"noncurrent_days": _RECOVERY_DAYS if expire_days is None else 1},
            }
        ]
        if expire_days is not None:
            rules.append({"id": "expire", "status": "Enabled", "filter": {}, "expiration": {"days": expire_days}})
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.bucket,
            rules=rules,
            # S3 refuses rules about old versions of a bucket without versioning.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )


def _tls_only(bucket_arn: pulumi.Input[str]) -> Statement:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, pulumi.Output.concat(bucket_arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _log_writers(bucket_arn: pulumi.Input[str], context: StackContext) -> tuple[Statement, Statement]:
    """Let S3 and load balancers write logs of this account, each under its own prefix.

    Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html,
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html. Load balancers put
    the account into the path; AWS's own policy for them has no condition.
    """
    balancers = f"/{LOAD_BALANCER_PREFIX}/AWSLogs/{context.account_id}/*"
    return (
        {
            "Sid": "S3AccessLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": pulumi.Output.concat(bucket_arn, f"/{_DOCUMENTS_PREFIX}*"),
            "Condition": {"StringEquals": {"aws:SourceAccount": context.account_id}},
        },
        {
            "Sid": "LoadBalancerLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": pulumi.Output.concat(bucket_arn, balancers),
        },
    )
