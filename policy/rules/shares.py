"""What is given to other accounts by a property instead of a policy; policies are checked in `resource_policies.py`."""

from policy import resource_types as types
from policy.accounts import account_of, own_accounts
from policy.properties import Findings, Properties, attempt
from policy.registry import CRITICAL, HIGH, Context, rule
from policy.view import Resource
from policy.wants import token

_DATA = {
    token("ec2.AmiLaunchPermission"): ("accountId", "may start the image and read its disk"),
    token("ec2.SnapshotCreateVolumePermission"): ("accountId", "may read the disk"),
    token("rds.Snapshot"): ("sharedAccounts", "may restore the database"),
    token("rds.ClusterSnapshot"): ("sharedAccounts", "may restore the database"),
    token("rds.SnapshotCopy"): ("sharedAccounts", "may restore the database"),
}
"""What gives a copy of data away: to give it to oneself is pointless, so that any account is another."""
_ACCESS = {
    **dict.fromkeys(types.ACCESS_ENTRY, ("principalArn", "may sign in to the cluster")),
    **dict.fromkeys(types.ACCESS_POLICY_ASSOCIATION, ("principalArn", "has rights in the cluster")),
    **dict.fromkeys(types.EVENT_PERMISSION, ("principal", "may send events")),
    **dict.fromkeys(types.FUNCTION_PERMISSION, ("principal", "may call the function")),
    **dict.fromkeys(types.LAYER_PERMISSION, ("principal", "may use the layer")),
    token("ec2.VpcEndpointService"): ("allowedPrincipals", "may connect to the service"),
    token("ec2.VpcEndpointServiceAllowedPrinciple"): ("principalArn", "may connect to the service"),
    token("ec2.VpcPeeringConnection"): ("peerOwnerId", "is connected to the network"),
    token("ram.PrincipalAssociation"): ("principal", "uses what is shared"),
}
"""What lets somebody in, mostly of one's own account."""
_EITHER = {**_DATA, **_ACCESS}
_PATHS = tuple(dict.fromkeys(path for path, _ in _EITHER.values()))


@rule(
    "svc-share",
    "What is shared is shared with known accounts",
    types=tuple(_EITHER),
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_205",),
    paths=_PATHS,
    why="Whoever controls the other account has the data, or decides who gets in from there.",
    fix="Remove the account, or list it in the rule's `accounts`.",
    config={"accounts": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def shares(resource: Resource, context: Context) -> Findings:
    path, message = _EITHER[resource.type]
    own = own_accounts(context.stack)
    if not own and resource.type in _ACCESS:
        return
    if resource.needs(path):
        return  # made from another resource of the stack
    known = own | set(context.config["accounts"])
    value = resource.inputs.get_part(path)
    given = [value] if isinstance(value, str) else list(resource.texts(path))
    # With an organization, the account is only whom the permission is shown for.
    if resource.text("principalOrgId") or resource.text("organizationId"):
        return
    # The ARN of an organization has the number of the account that manages it.
    found = sorted({account_of(each) for each in given if ":organizations:" not in each} - known - {""})
    if found:
        yield path, f"the account {found[0]}, which is not known, {message}"


_OBJECTS = tuple(map(token, ("s3.BucketObject", "s3.BucketObjectv2", "s3.ObjectCopy")))
_CANNED = {
    "public-read": "anyone may read it",
    "public-read-write": "anyone may read and write it",
    "authenticated-read": "any AWS account may read it",
    "website": "anyone may read it",
}
_GROUPS = {
    "AllUsers": "is granted to everybody",
    "AuthenticatedUsers": "is granted to every AWS account",
}


@rule(
    "s3-acl-public",
    "No ACL grants access to everybody",
    types=(*types.BUCKET, *types.BUCKET_ACL, *_OBJECTS),
    severity=CRITICAL,
    controls=("S3.2", "S3.3", "CKV_AWS_20", "CKV_AWS_57"),
    paths=("acl", "grants[].uri", "accessControlPolicy.grants[].grantee.uri"),
    why="Public buckets are found by scanners within hours, and what was copied cannot be taken back.",
    fix='Remove the ACL; set object_ownership="BucketOwnerEnforced". Publish files by CloudFront.',
)
def public_acl(resource: Resource, _: Context) -> Findings:
    yield from attempt(_canned, resource)
    if resource.type not in types.BUCKET_ACL:
        yield from resource.each("grants", lambda node: _granted(node, "uri"))
    else:
        yield from resource.each("accessControlPolicy.grants", lambda node: _granted(node, "grantee.uri"))


def _canned(resource: Resource) -> Findings:
    if resource.text("acl") in _CANNED:
        yield "acl", _CANNED[resource.text("acl")]


def _granted(node: Properties, path: str) -> Findings:
    group = node.text(path).rpartition("/")[2]
    if group in _GROUPS:
        yield node.at(path), _GROUPS[group]
