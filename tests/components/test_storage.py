"""Buckets: documents are private, come back for 90 days, and every access to them is on record."""

import functools
from typing import Any

import pytest
from alone import CONTEXT, KEY_ARN, build
from grants import lets, principals

from components.storage import LOAD_BALANCER_PREFIX, Storage, StorageArgs
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from recording.graph import Graph, Resource

BUCKETS = ("documents", "access-logs")
OTHER_ACCOUNT = "999999999999"


@functools.cache
def storage(*, protect: bool = True, known: bool = True) -> Graph:
    args = StorageArgs(context=CONTEXT, data_key_arn=KEY_ARN, log_days=60, protect=protect)
    return build(lambda opts: Storage("storage", args, opts), known=known)


def made(kind: str, bucket: str, graph: Graph | None = None) -> Resource:
    """Return a bucket, or a setting of one, which is of that bucket and no other."""
    graph = graph or storage()
    found = graph.named(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", f"storage-{bucket}")
    if kind != "Bucket" and graph.known:
        assert found["bucket"] == made("Bucket", bucket, graph).outputs["bucket"]
    return found


def arn(bucket: str, key: str = "") -> str:
    return f"{made('Bucket', bucket).outputs['arn']}{key}"


def policy(bucket: str) -> Any:
    return made("BucketPolicy", bucket)["policy"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_acl_or_policy_makes_a_bucket_public(bucket: str) -> None:
    block = made("BucketPublicAccessBlock", bucket)
    for way in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        assert block[way] is True, way
    # Also what somebody of another account uploads belongs to this one, by no ACL.
    assert made("BucketOwnershipControls", bucket)["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_nobody_reads_or_writes_without_tls_whatever_he_is_granted(bucket: str) -> None:
    administrator = Caller(
        arn=CONTEXT.iam_arn("role/any"), identity=[{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    )
    for action, resource in (("s3:GetObject", "/a"), ("s3:PutObject", "/a"), ("s3:ListBucket", "")):
        for tls in (True, False):
            context = {"aws:SecureTransport": str(tls).lower()}
            answer = decide(
                administrator, action, arn(bucket, resource), policy=statements(policy(bucket)), context=context
            )
            assert bool(answer) is tls, action


@pytest.mark.parametrize("bucket", BUCKETS)
def test_an_overwritten_or_deleted_object_is_a_version_that_comes_back(bucket: str) -> None:
    assert made("BucketVersioning", bucket)["versioningConfiguration"] == {"status": "Enabled"}


def rules(bucket: str) -> dict[str, Any]:
    """Return the rules of a bucket that are in force, by their id."""
    found = made("BucketLifecycleConfiguration", bucket)["rules"]
    # Without a prefix, and so about every object.
    assert all(rule["status"] == "Enabled" and rule["filter"] == {} for rule in found)
    return {
        rule["id"]: {key: value for key, value in rule.items() if key not in ("id", "status", "filter")}
        for rule in found
    }


def test_a_document_stays_until_somebody_deletes_it_and_comes_back_for_90_days_after_that() -> None:
    assert rules("documents") == {
        "tidy": {
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 90},
        }
    }


def test_access_logs_are_gone_after_the_days_that_the_stack_keeps_logs_and_leave_no_versions_behind() -> None:
    """An expired object becomes an old version first; a day is the least that S3 takes."""
    assert rules("access-logs") == {
        "tidy": {
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
        "expire": {"expiration": {"days": 60}},
    }


def test_whoever_reads_a_document_needs_the_data_key() -> None:
    (rule,) = made("BucketServerSideEncryptionConfiguration", "documents")["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY_ARN}
    # One call of KMS for many objects, and not one for each: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
    assert rule["bucketKeyEnabled"] is True


def test_access_logs_are_encrypted_by_the_only_key_with_which_load_balancers_can_write_them() -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""
    (rule,) = made("BucketServerSideEncryptionConfiguration", "access-logs")["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": False}


S3, BALANCERS = "logging.s3.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com"
HERE = {"aws__SourceAccount": CONTEXT.account_id, "aws__SecureTransport": "true"}


def test_every_access_to_a_document_is_written_where_s3_may_write_it() -> None:
    logging = made("BucketLogging", "documents")
    assert logging["targetBucket"] == made("Bucket", "access-logs").outputs["bucket"]
    entry = arn("access-logs", f"/{logging['targetPrefix']}2026-11-30-00-00-00-ABCDEF")
    assert lets(policy("access-logs"), "Service", S3, "s3:PutObject", entry, **HERE)
    assert "storage-access-logs" not in [each.name for each in storage().of_type("aws:s3/bucketLogging:BucketLogging")]


def test_load_balancers_of_this_account_write_their_logs() -> None:
    entry = arn("access-logs", f"/{LOAD_BALANCER_PREFIX}/AWSLogs/{CONTEXT.account_id}/elasticloadbalancing/1.log.gz")
    assert LOAD_BALANCER_PREFIX == "load-balancer"
    assert lets(policy("access-logs"), "Service", BALANCERS, "s3:PutObject", entry, **HERE)


def test_logs_are_neither_forged_by_others_nor_read_by_who_writes_them() -> None:
    logs, others = policy("access-logs"), {**HERE, "aws__SourceAccount": OTHER_ACCOUNT}
    entry = arn("access-logs", "/s3/documents/1")
    assert not lets(logs, "Service", S3, "s3:PutObject", entry, **others)
    assert not lets(logs, "Service", S3, "s3:PutObject", arn("access-logs", "/load-balancer/1"), **HERE)
    assert not lets(logs, "Service", S3, "s3:GetObject", entry, **HERE)
    foreign = arn("access-logs", f"/{LOAD_BALANCER_PREFIX}/AWSLogs/{OTHER_ACCOUNT}/1")
    assert not lets(logs, "Service", BALANCERS, "s3:PutObject", foreign, **HERE)
    assert not lets(logs, "Service", BALANCERS, "s3:PutObject", entry, **HERE)
    assert principals(logs, "Service") == {S3, BALANCERS}
    assert principals(policy("documents"), "Service") == set()
    for bucket in BUCKETS:
        assert principals(policy(bucket), "AWS") == set()


@pytest.mark.parametrize("protect", [True, False])
def test_a_stack_that_may_be_lost_goes_with_its_documents_and_another_keeps_them(protect: bool) -> None:
    for bucket in BUCKETS:
        found = made("Bucket", bucket, storage(protect=protect))
        assert (found.protect, found["forceDestroy"]) == (protect, not protect)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_s3_is_not_asked_for_two_changes_at_once_nor_for_rules_about_versions_before_there_are_any(bucket: str) -> None:
    graph = storage(known=False)
    assert made("BucketPublicAccessBlock", bucket, graph).urn in made("BucketPolicy", bucket, graph).dependencies
    lifecycle = made("BucketLifecycleConfiguration", bucket, graph)
    assert made("BucketVersioning", bucket, graph).urn in lifecycle.dependencies


def test_logs_are_asked_for_once_they_may_be_written() -> None:
    """AWS tries a load balancer's bucket when it is set, and refuses it without the policy."""
    graph = storage(known=False)
    needed = graph.needs(made("BucketLogging", "documents", graph))
    assert made("BucketPolicy", "access-logs", graph).urn in needed


def test_documents_are_told_from_access_logs_by_who_uses_the_component() -> None:
    assert storage().of_type("ai-prism:aws:Storage")[0].outputs == {
        "documents": made("Bucket", "documents").outputs["bucket"],
        "logs": made("Bucket", "access-logs").outputs["bucket"],
    }
