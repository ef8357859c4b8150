"""Access to S3 buckets. Encryption, versions and logs are checked in `s3_data.py`."""

from policy import resource_types as types
from policy.access import strangers
from policy.buckets import policy_statements
from policy.documents import Statement
from policy.properties import Findings, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.resource_policies import STORES, policy_of
from policy.view import Resource

_SWITCHES = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@rule(
    "s3-bpa",
    "Buckets block public access",
    types=types.BUCKET,
    kind="stack",
    severity=CRITICAL,
    controls=("S3.8", "CKV2_AWS_6"),
    why="The block overrides policies and ACLs; without it, one wrong statement makes the bucket public.",
    fix="Add a BucketPublicAccessBlock for the bucket, with all four settings on.",
)
def public_access_block(bucket: Resource, context: Context) -> Findings:
    unsure = None
    for account in context.stack.of_type(*types.ACCOUNT_PUBLIC_ACCESS_BLOCK):
        try:
            if all(account.flag(switch) for switch in _SWITCHES):
                return
        except Undetermined:
            unsure = Undetermined("", f"{account.name} may block public access, but its settings are unknown")
    blocks = context.stack.referrers(bucket, "bucket", *types.BUCKET_PUBLIC_ACCESS_BLOCK)
    if unsure:
        raise unsure
    if not blocks:
        yield "", "public access is not blocked"
    for block in blocks:
        for switch in _SWITCHES:
            yield from attempt(_is_off, block, switch)


def _is_off(block: Resource, switch: str) -> Findings:
    try:
        if not block.flag(switch):
            yield "", f"{switch} of {block.name} is off"
    except Undetermined as unknown:
        raise Undetermined("", f"{switch} of {block.name} {unknown.reason}") from None


_TLS_FOR = ("s3:getobject", "s3:putobject", "s3:deleteobject", "s3:listbucket")


@rule(
    "s3-tls",
    "Buckets require TLS",
    types=types.BUCKET,
    kind="stack",
    severity=HIGH,
    controls=("S3.5", "CKV_AWS_379"),
    paths=("policy",),
    why="S3 also answers plain HTTP, which exposes the object and the request's signature on the network.",
    fix='Deny s3:* to `*` where "aws:SecureTransport" is "false", in the bucket\'s BucketPolicy.',
)
def tls_only(bucket: Resource, context: Context) -> Findings:
    unsure = None
    for statement in policy_statements(bucket, context):
        try:
            if isinstance(statement, Undetermined):
                raise statement
            if _denies_plain_http(statement):
                return
        except Undetermined as unknown:
            unsure = Undetermined("", unknown.reason)
    if unsure:
        raise unsure
    yield "", "no bucket policy denies plain HTTP"


def _denies_plain_http(statement: Statement) -> bool:
    if statement.allows or ("AWS", "*") not in statement.principals or len(statement.conditions) != 1:
        return False
    (condition,) = statement.conditions
    return (
        condition.key == "aws:securetransport"
        and condition.is_modelled
        and condition.holds("false")
        and not condition.holds("true")
        and all(statement.covers(action) for action in _TLS_FOR)
        and _is_about_objects(statement)
    )


def _is_about_objects(statement: Statement) -> bool:
    try:
        return any(resource.endswith("*") for resource in statement.resources)
    except Undetermined:
        # Unknown, it depends on the bucket's ARN, as resources of bucket policies do.
        return True


@rule(
    "s3-owner",
    "Buckets have no ACLs",
    types=types.BUCKET,
    kind="stack",
    severity=MEDIUM,
    controls=("S3.12", "CKV2_AWS_65"),
    paths=("acl", "grants[]"),
    why="ACLs grant access beside policies, and are easily overlooked; new buckets have none by default.",
    fix='Set object_ownership="BucketOwnerEnforced" in BucketOwnershipControls, and remove acl.',
)
def ownership(bucket: Resource, context: Context) -> Findings:
    controls = context.stack.referrers(bucket, "bucket", *types.BUCKET_OWNERSHIP)
    if any(each.text("rule.objectOwnership") == "BucketOwnerEnforced" for each in controls):
        return
    if controls:
        yield "", f"{controls[0].name} leaves ACLs enabled"
    yield from attempt(_grants_access, bucket)
    yield from attempt(_has_grants, bucket)
    if context.stack.referrers(bucket, "bucket", *types.BUCKET_ACL):
        yield "", "has an ACL"


_OWNERS = ("", "private", "bucket-owner-read", "bucket-owner-full-control")
"""Canned ACLs that grant access to the owner only, as without an ACL; on a bucket, S3 ignores the last two:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl"""


def _grants_access(bucket: Resource) -> Findings:
    if bucket.text("acl") not in _OWNERS:
        yield "acl", "the ACL grants access to others"


def _has_grants(bucket: Resource) -> Findings:
    if bucket.count("grants"):
        yield "grants", "the ACL grants access to others"


@rule(
    "s3-policy",
    "Bucket policies name their principals",
    types=STORES,
    severity=CRITICAL,
    controls=("CKV_AWS_70",),
    paths=("policy", "details.policy", "resourcePolicy"),
    why="A policy that allows `*` makes the bucket public.",
    fix="Name principals, or restrict `*` with a condition on account, organization, network or ARN.",
)
def policy(resource: Resource, _: Context) -> Findings:
    yield from strangers(policy_of(resource))


_OPEN_TO_ALL = ("public-read", "public-read-write", "website", "authenticated-read", "aws-exec-read")
_GROUPS = ("/global/allusers", "/global/authenticatedusers")


@rule(
    "s3-acl",
    "No ACL opens a bucket to everybody",
    types=(*types.BUCKET, *types.BUCKET_ACL),
    severity=CRITICAL,
    controls=("S3.2", "S3.3", "CKV_AWS_20", "CKV_AWS_57"),
    paths=("acl", "grants[].uri", "accessControlPolicy.grants[].grantee.uri"),
    why="The groups AllUsers and AuthenticatedUsers are everybody on the internet, with an AWS account or without.",
    fix='Remove acl, and set object_ownership="BucketOwnerEnforced" in BucketOwnershipControls.',
)
def public_acl(resource: Resource, _: Context) -> Findings:
    yield from attempt(_is_open_to_all, resource)
    for path, uri in (("grants", "uri"), ("accessControlPolicy.grants", "grantee.uri")):
        yield from attempt(_grants_to_groups, resource, path, uri)


def _is_open_to_all(resource: Resource) -> Findings:
    if resource.text("acl").lower() in _OPEN_TO_ALL:
        yield "acl", "the ACL opens the bucket to everybody"


def _grants_to_groups(resource: Resource, path: str, uri: str) -> Findings:
    for node in resource.nodes(path):
        if node.text(uri).lower().endswith(_GROUPS):
            yield node.at(uri), "granted to everybody"


@rule(
    "s3-website",
    "Buckets serve no websites",
    types=(*types.BUCKET_WEBSITE, *types.BUCKET),
    severity=MEDIUM,
    why="S3 serves websites over plain HTTP, from a bucket that has to be public.",
    fix="Serve the bucket by CloudFront with an origin access control.",
)
def website(resource: Resource, _: Context) -> Findings:
    if resource.type in types.BUCKET_WEBSITE:
        yield "", "the bucket serves a website over plain HTTP"
    elif resource.has("website") or resource.has("websites"):
        yield "website", "the bucket serves a website over plain HTTP"
