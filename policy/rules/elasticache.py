"""ElastiCache: replication groups of Valkey or Redis, their users, and standalone clusters."""

import datetime

from policy import resource_types as types
from policy.caches import is_member, is_memcached
from policy.decisions import made_at_once
from policy.keys import customer_key
from policy.properties import Findings, Properties, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_CACHES = (*types.REPLICATION_GROUP, *types.CACHE_CLUSTER)


def _is_alone(cache: Resource) -> bool:
    """Whether it is a cluster without a replication group. With Valkey or Redis, it has neither encryption nor login.

    https://www.pulumi.com/registry/packages/aws/api-docs/elasticache/cluster/
    """
    return cache.type in types.CACHE_CLUSTER and not is_member(cache)


def _is_valkey(group: Resource) -> bool:
    """Whether it is Valkey, which is encrypted by default; the default engine is Redis."""
    return group.text("engine") == "valkey"


def _is_secondary(group: Resource) -> bool:
    """Whether it replicates another group, and inherits its engine and encryption."""
    return group.has("globalReplicationGroupId")


@rule(
    "ec-rest",
    "Caches are encrypted at rest with a customer managed key",
    types=_CACHES,
    severity=HIGH,
    controls=("ElastiCache.4", "CKV_AWS_29", "CKV_AWS_191"),
    paths=("atRestEncryptionEnabled", "kmsKeyId", "engine", "globalReplicationGroupId", "replicationGroupId"),
    why="Snapshots and swap files hold session data, and access to an AWS managed key cannot be revoked.",
    fix="In a ReplicationGroup, set at_rest_encryption_enabled=True and kms_key_id to a customer managed key.",
)
def encryption_at_rest(group: Resource, _: Context) -> Findings:
    if group.type in types.CACHE_CLUSTER:
        if _is_alone(group) and not is_memcached(group):
            yield "", "a cluster without a replication group cannot be encrypted at rest"
        return
    yield from attempt(_is_plain_at_rest, group)
    if not customer_key(group, "kmsKeyId"):
        yield "kmsKeyId", "no customer managed key"


def _is_plain_at_rest(group: Resource) -> Findings:
    if not group.flag("atRestEncryptionEnabled", default=_is_valkey(group) or _is_secondary(group)):
        yield "atRestEncryptionEnabled", "not encrypted at rest"


@rule(
    "ec-transit",
    "Caches require TLS",
    types=_CACHES,
    severity=HIGH,
    controls=("ElastiCache.5", "CKV_AWS_30", "CKV_AWS_31"),
    paths=("transitEncryptionEnabled", "transitEncryptionMode", "globalReplicationGroupId", "replicationGroupId"),
    why="Without TLS, passwords and sessions cross the network in plain text; `preferred` accepts such clients, too.",
    fix='In a ReplicationGroup, set transit_encryption_enabled=True and transit_encryption_mode="required".',
    strict=True,
)
def encryption_in_transit(group: Resource, _: Context) -> Findings:
    if is_member(group):
        return
    if not group.flag("transitEncryptionEnabled", default=_is_secondary(group)):
        yield "transitEncryptionEnabled", "not encrypted in transit"
    elif group.text("transitEncryptionMode") == "preferred":
        yield "transitEncryptionMode", "connections without TLS are accepted"


@rule(
    "ec-auth",
    "Caches require authentication",
    types=_CACHES,
    severity=HIGH,
    controls=("ElastiCache.6", "CKV_AWS_31"),
    paths=("userGroupIds[]", "authToken", "authTokenWo", "replicationGroupId", "engine"),
    why="Without users or a token, anyone who can reach the port can read and write all data.",
    fix="Use a ReplicationGroup, and set user_group_ids (or auth_token).",
)
def authentication(group: Resource, _: Context) -> Findings:
    if group.type in types.CACHE_CLUSTER:
        if _is_alone(group) and not is_memcached(group):
            yield "", "a cluster without a replication group has no authentication"
        return
    by_token = any(group.has(path) and group.peek(path) != "" for path in ("authToken", "authTokenWo"))
    if not by_token and not group.count("userGroupIds"):
        yield "userGroupIds", "has neither users nor a token"


@rule(
    "ec-user",
    "Cache users authenticate, and are limited to some commands or keys",
    types=types.CACHE_USER,
    severity=HIGH,
    paths=("accessString", "noPasswordRequired", "authenticationMode.type"),
    why="Anyone can log in as a user without a password, and a user with every command can delete all data.",
    fix='Set authentication_mode={"type": "iam"}, and an access_string that removes @admin and @dangerous.',
)
def users(user: Resource, _: Context) -> Findings:
    yield from attempt(_has_no_password, user)
    access = user.text("accessString").lower().split()
    if _is_on(access) and _may_do_everything(access) and _may_reach_everything(access):
        yield "accessString", "allows every command on every key"


def _has_no_password(user: Resource) -> Findings:
    # A user who is off (the usual `default`) cannot log in, with or without a password.
    if not _is_on(user.text("accessString").lower().split()):
        return
    if user.flag("noPasswordRequired"):
        yield "noPasswordRequired", "no password is required"
    if user.text("authenticationMode.type") == "no-password-required":
        yield "authenticationMode.type", "no password is required"


def _is_on(access: list[str]) -> bool:
    """Whether the user may log in; without `on` or `off` in the access string, AWS takes it for off."""
    return [word for word in access if word in {"on", "off"}][-1:] == ["on"]


_WEAKER = {"-@all", "nocommands", "-@admin", "-@dangerous"}


def _may_do_everything(access: list[str]) -> bool:
    everything = False
    for word in access:
        if word in {"+@all", "allcommands"}:
            everything = True
        elif word in _WEAKER:
            everything = False
    return everything


def _may_reach_everything(access: list[str]) -> bool:
    everything = False
    for word in access:
        if word in {"~*", "allkeys", "%rw~*"}:
            everything = True
        elif word == "resetkeys":
            everything = False
    return everything


@rule(
    "ec-ha",
    "Caches survive the loss of an availability zone",
    types=types.REPLICATION_GROUP,
    severity=MEDIUM,
    prod_only=True,
    controls=("ElastiCache.3", "CKV2_AWS_50"),
    paths=("automaticFailoverEnabled", "multiAzEnabled", "numCacheClusters"),
    why="Without a replica in another zone and automatic failover, a failed node or zone is an outage.",
    fix="Set automatic_failover_enabled=True, multi_az_enabled=True and at least two nodes.",
)
def high_availability(group: Resource, _: Context) -> Findings:
    for path in ("automaticFailoverEnabled", "multiAzEnabled"):
        yield from attempt(_is_switched_off, group.inputs, path)
    nodes = group.number("numCacheClusters")
    if nodes is not None and nodes < 2:  # noqa: PLR2004
        yield "numCacheClusters", "a single node has no replica"


def _is_switched_off(group: Properties, path: str) -> Findings:
    if not group.flag(path):
        yield path, "off"


@rule(
    "ec-backup",
    "Caches are backed up",
    types=_CACHES,
    severity=MEDIUM,
    controls=("ElastiCache.1", "CKV_AWS_134"),
    paths=("snapshotRetentionLimit", "replicationGroupId", "engine"),
    why="Without a snapshot, data is lost after a failed upgrade or an accidental flush.",
    fix="Set snapshot_retention_limit to one day or more.",
    strict=True,
    config={"days": {"type": "integer", "minimum": 1, "maximum": 35, "default": 1}},
)
def backup(group: Resource, context: Context) -> Findings:
    if is_member(group):
        return
    if (group.number("snapshotRetentionLimit") or 0) < context.config["days"]:
        if _is_alone(group) and is_memcached(group):
            return
        yield "snapshotRetentionLimit", f"snapshots are kept for fewer than {context.config['days']} days"


@rule(
    "ec-minor",
    "Caches upgrade minor versions automatically",
    types=_CACHES,
    severity=MEDIUM,
    controls=("ElastiCache.2", "CKV_AWS_322"),
    paths=("autoMinorVersionUpgrade", "replicationGroupId"),
    why="Minor versions fix vulnerabilities that are already public.",
    fix="Leave auto_minor_version_upgrade on.",
    strict=True,
    remedy={"autoMinorVersionUpgrade": True},
)
def minor_versions(group: Resource, _: Context) -> Findings:
    if not group.flag("autoMinorVersionUpgrade", default=True) and not is_member(group):
        yield "autoMinorVersionUpgrade", "automatic minor version upgrades are off"


@rule(
    "ec-change",
    "Changes to caches wait for the maintenance window",
    types=_CACHES,
    severity=MEDIUM,
    prod_only=True,
    paths=("applyImmediately", "replicationGroupId", "tags"),
    why="With apply_immediately, a change that needs a restart restarts the nodes at once.",
    fix="Leave apply_immediately off, or state in a tag until when it is meant: ApplyImmediatelyUntil or UpgradeUntil, "
    "such as 2026-12-01.",
)
def changes(group: Resource, context: Context) -> Findings:
    if not is_member(group):
        yield from made_at_once(group, context.settings.today)


@rule(
    "ec-subnet",
    "Caches have their own subnet group",
    types=_CACHES,
    severity=HIGH,
    controls=("ElastiCache.7", "CKV_AWS_323"),
    paths=("subnetGroupName", "replicationGroupId"),
    why="The default subnet group contains the default VPC's subnets, which are public.",
    fix="Set subnet_group_name to a SubnetGroup of private subnets.",
)
def subnets(group: Resource, _: Context) -> Findings:
    # A reference to another resource of the program is not the default group, even while its name is unknown.
    if is_member(group):
        return
    if not group.needs("subnetGroupName") and group.text("subnetGroupName") in {"", "default"}:
        yield "subnetGroupName", "uses the default subnet group"


# Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/engine-versions.html and, of 4 and later, too
# https://endoflife.date/amazon-elasticache-redis; AWS publishes no end of support for Redis 7 and Valkey.
_REDIS = {"2": "2023-01-13", "3": "2023-07-31", "4": "2026-01-31", "5": "2026-01-31", "6": "2027-01-31"}
_ENDS = {"redis": _REDIS, "valkey": dict[str, str]()}
"""Last day of standard support by engine and major version; what is not there is supported."""


@rule(
    "ec-engine",
    "Caches run a supported version of Valkey or Redis",
    types=_CACHES,
    severity=HIGH,
    paths=("engine", "engineVersion", "replicationGroupId"),
    why="After standard support, fixes cost extra, and in the end AWS upgrades the cache.",
    fix='Set engine="valkey" and a current engine_version.',
    strict=True,
    config={"ends": {"type": "object", "additionalProperties": {"type": "object"}, "default": _ENDS}},
)
def engine(group: Resource, context: Context) -> Findings:
    if is_member(group) or (group.type in types.CACHE_CLUSTER and is_memcached(group)):
        return
    ends = context.config["ends"].get(group.text("engine").lower() or "redis")
    if ends is None:
        yield "engine", "neither Valkey nor Redis"
        return
    major = group.text("engineVersion").partition(".")[0]
    if major in ends and datetime.date.fromisoformat(ends[major]) < context.settings.today:
        yield "engineVersion", "standard support of this version has ended"
