"""Buckets: who may reach what is in them. How they keep it is in `s3_data.py`."""

from policy import resource_types as types
from policy.access import lets_anybody_in
from policy.buckets import policy_statements
from policy.documents import Statement, statements
from policy.properties import Findings, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_DOORS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@rule(
    "s3-bpa",
    "Public access to buckets is blocked",
    types=types.BUCKET,
    kind="stack",
    severity=CRITICAL,
    controls=("S3.8", "CKV2_AWS_6"),
    why="The block holds whatever a policy or an ACL says later; without it, one wrong line publishes the bucket.",
    fix="Give the bucket a BucketPublicAccessBlock with all four switches on.",
)
def public_access_block(bucket: Resource, context: Context) -> Findings:
    unsure = None
    for account in context.stack.of_type(*types.ACCOUNT_PUBLIC_ACCESS_BLOCK):
        try:
            if all(account.flag(door) for door in _DOORS):
                return
        except Undetermined:
            unsure = Undetermined("", f"{account.name} may block public access, but is not known yet")
    blocks = context.stack.referrers(bucket, "bucket", *types.BUCKET_PUBLIC_ACCESS_BLOCK)
    if unsure:
        raise unsure
    if not blocks:
        yield "", "nothing blocks public access"
    for block in blocks:
        for door in _DOORS:
            yield from attempt(_is_open, block, door)


def _is_open(block: Resource, door: str) -> Findings:
    try:
        if not block.flag(door):
            yield "", f"{door} of {block.name} is off"
    except Undetermined as unknown:
        raise Undetermined("", f"{door} of {block.name} {unknown.reason}") from None


_TLS_FOR = ("s3:getobject", "s3:putobject", "s3:deleteobject", "s3:listbucket")


@rule(
    "s3-tls",
    "Buckets refuse requests without TLS",
    types=types.BUCKET,
    kind="stack",
    severity=HIGH,
    controls=("S3.5", "CKV_AWS_379"),
    paths=("policy",),
    why="S3 answers plain HTTP too, and then the document and the request's signature cross the network readable.",
    fix='Deny s3:* to everybody where "aws:SecureTransport" is "false", in the bucket\'s BucketPolicy.',
)
def tls_only(bucket: Resource, context: Context) -> Findings:
    unsure = None
    for statement in policy_statements(bucket, context):
        try:
            if isinstance(statement, Undetermined):
                raise statement
            if _refuses_plain_http(statement):
                return
        except Undetermined as unknown:
            unsure = Undetermined("", unknown.reason)
    if unsure:
        raise unsure
    yield "", "no policy refuses plain HTTP"


def _refuses_plain_http(statement: Statement) -> bool:
    if statement.allows or ("AWS", "*") not in statement.principals or len(statement.conditions) != 1:
        return False
    ((operator, key, values),) = statement.conditions
    return (
        operator in {"bool", "boolifexists"}
        and key == "aws:securetransport"
        and [value.lower() for value in values] == ["false"]
        and all(statement.covers(action) for action in _TLS_FOR)
        and _is_about_objects(statement)
    )


def _is_about_objects(statement: Statement) -> bool:
    try:
        return any(resource.endswith("*") for resource in statement.resources)
    except Undetermined:
        # Made from the bucket's ARN, as resources of bucket policies are.
        return True


@rule(
    "s3-owner",
    "Objects belong to the bucket's owner, and no ACL lets others in",
    types=types.BUCKET,
    kind="stack",
    severity=MEDIUM,
    controls=("S3.12", "CKV2_AWS_65"),
    paths=("acl", "grants[]"),
    why="ACLs are a second way in beside policies, which nobody reads; new buckets have none unless they ask for them.",
    fix='Set object_ownership="BucketOwnerEnforced" in BucketOwnershipControls, and give no acl.',
)
def ownership(bucket: Resource, context: Context) -> Findings:
    controls = context.stack.referrers(bucket, "bucket", *types.BUCKET_OWNERSHIP)
    if any(each.text("rule.objectOwnership") == "BucketOwnerEnforced" for each in controls):
        return
    if controls:
        yield "", f"{controls[0].name} leaves ACLs in force"
    yield from attempt(_lets_others_in, bucket)
    yield from attempt(_has_grants, bucket)
    if context.stack.referrers(bucket, "bucket", *types.BUCKET_ACL):
        yield "", "has an ACL"


_OWNERS = ("", "private", "bucket-owner-read", "bucket-owner-full-control")
"""Canned ACLs that let in nobody but the owner, as a bucket without any does; on a bucket, S3 ignores the last two:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl"""


def _lets_others_in(bucket: Resource) -> Findings:
    if bucket.text("acl") not in _OWNERS:
        yield "acl", "lets others in by ACL"


def _has_grants(bucket: Resource) -> Findings:
    if bucket.count("grants"):
        yield "grants", "lets others in by ACL"


@rule(
    "s3-policy",
    "Bucket policies name whom they let in",
    types=(*types.BUCKET_POLICY, *types.BUCKET),
    severity=CRITICAL,
    controls=("CKV_AWS_70",),
    paths=("policy",),
    why="A policy that allows everybody publishes the bucket to the world.",
    fix="Name principals, or narrow `*` with a condition on account, organization, network or ARN.",
)
def policy(resource: Resource, _: Context) -> Findings:
    for statement in statements(resource, "policy"):
        yield from attempt(_lets_anybody_in, statement)


def _lets_anybody_in(statement: Statement) -> Findings:
    if lets_anybody_in(statement):
        yield statement.at("Principal"), "everybody is let in"
