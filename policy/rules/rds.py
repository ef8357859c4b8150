"""Aurora clusters and RDS instances: encryption, backups, availability and versions.

Access is checked in `rds_access.py`, logs and monitoring in `rds_watch.py`.
"""

import datetime
from collections.abc import Iterator
from functools import lru_cache

from policy import resource_types as types
from policy.databases import instances, is_replica, is_secondary
from policy.decisions import UPGRADE, made_at_once, undecided
from policy.keys import customer_key
from policy.properties import UNKNOWN, Findings, Undetermined, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource, Stack


@rule(
    "rds-cmk",
    "Databases are encrypted with a customer managed key",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=HIGH,
    controls=("RDS.3", "RDS.27", "CKV_AWS_16", "CKV_AWS_96", "CKV_AWS_327"),
    paths=("storageEncrypted", "kmsKeyId", "replicateSourceDb"),
    why="Encryption cannot be enabled later, and access to an AWS managed key cannot be restricted or revoked.",
    fix="Set storage_encrypted=True and kms_key_id to a customer managed key.",
)
def encryption(cluster: Resource, _: Context) -> Findings:
    if is_replica(cluster):
        return  # has the encryption of its source
    yield from attempt(_storage_is_plain, cluster)
    if not customer_key(cluster, "kmsKeyId"):
        yield "kmsKeyId", "no customer managed key"


def _storage_is_plain(cluster: Resource) -> Findings:
    if not cluster.flag("storageEncrypted"):
        yield "storageEncrypted", "the storage is not encrypted"


@rule(
    "rds-delprot",
    "Databases have deletion protection",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=HIGH,
    prod_only=True,
    controls=("RDS.7", "RDS.8", "CKV_AWS_139", "CKV_AWS_293"),
    paths=("deletionProtection",),
    why="Without deletion protection, one wrong call deletes the database.",
    fix="Set deletion_protection=True.",
    strict=True,
    remedy={"deletionProtection": True},
)
def deletion_protection(cluster: Resource, _: Context) -> Findings:
    if not cluster.flag("deletionProtection"):
        yield "deletionProtection", "deletion protection is off"


@rule(
    "rds-backup",
    "Backups are kept long enough",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=HIGH,
    controls=("RDS.11", "CKV_AWS_133"),
    paths=("backupRetentionPeriod", "replicateSourceDb"),
    why="Damage that is noticed after the last good backup expired cannot be undone; the default is one day.",
    fix="Set backup_retention_period to 7 days or more, and to 30 in prod.",
    strict=True,
    config={
        "days": {"type": "integer", "minimum": 1, "maximum": 35, "default": 7},
        "prod_days": {"type": "integer", "minimum": 1, "maximum": 35, "default": 30},
    },
)
def backup(cluster: Resource, context: Context) -> Findings:
    least = context.config["prod_days" if context.is_prod else "days"]
    days = cluster.number("backupRetentionPeriod")
    if (days is None or days < least) and not is_replica(cluster):
        yield "backupRetentionPeriod", f"backups are kept for fewer than {least} days"
    elif days is not None and days > _LONGEST:
        yield "backupRetentionPeriod", f"AWS keeps backups for at most {_LONGEST} days, and refuses more"


_LONGEST = 35
"""Days."""


@rule(
    "rds-final-snap",
    "Deleted databases leave a final snapshot",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=HIGH,
    prod_only=True,
    paths=("skipFinalSnapshot", "finalSnapshotIdentifier", "replicateSourceDb"),
    why="Automated backups are deleted with the cluster; only the final snapshot is left.",
    fix="Set skip_final_snapshot=False and final_snapshot_identifier.",
)
def final_snapshot(cluster: Resource, _: Context) -> Findings:
    # AWS takes none of a replica: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html
    if is_replica(cluster):
        return
    if cluster.flag("skipFinalSnapshot"):
        yield "skipFinalSnapshot", "deleted without a final snapshot"
    elif not cluster.has("finalSnapshotIdentifier") or cluster.peek("finalSnapshotIdentifier") == "":
        yield "finalSnapshotIdentifier", "without an identifier, no final snapshot is taken"


@rule(
    "rds-multi-az",
    "Databases survive the loss of an availability zone",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    kind="stack",
    severity=HIGH,
    prod_only=True,
    controls=("RDS.5", "RDS.15", "CKV_AWS_157"),
    paths=(
        "engineMode",
        "dbClusterInstanceClass",
        "globalClusterIdentifier",
        "replicationSourceIdentifier",
        "multiAz",
        "replicateSourceDb",
    ),
    why="With one instance, or all of them in one zone, the loss of that zone is an outage.",
    fix="Create at least two ClusterInstances in different zones; for an Instance, set multi_az=True.",
)
def multi_az(cluster: Resource, context: Context) -> Findings:
    if cluster.type in types.RDS_INSTANCE:
        if not cluster.flag("multiAz") and not is_replica(cluster):
            yield "multiAz", "no standby in another zone"
        return
    # Without own instances: Aurora Serverless v1, Multi-AZ clusters, whose instances RDS creates, and secondaries.
    if cluster.text("engineMode") == "serverless" or cluster.has("dbClusterInstanceClass") or is_secondary(cluster):
        return
    found = instances(cluster, context)
    if len(found) < 2:  # noqa: PLR2004
        if _some_may_be_of_any_cluster(context.stack):
            raise Undetermined("", "another instance may belong to it")
        yield "", "fewer than two instances"
    elif all(each.has("availabilityZone") for each in found):
        # Where AWS chooses the zones, they differ.
        zones = {each.peek("availabilityZone") for each in found}
        known = [zone for zone in zones if isinstance(zone, str)]
        if len(known) < 2 and len(known) < len(zones):  # noqa: PLR2004
            raise Undetermined("", "the zones of its instances are unknown")
        if len(known) < 2:  # noqa: PLR2004
            yield "", "all instances are in one availability zone"


@lru_cache(maxsize=1)  # the same for all clusters of a stack
def _some_may_be_of_any_cluster(stack: Stack) -> bool:
    found = stack.of_type(*types.RDS_CLUSTER_INSTANCE)
    return any(each.peek("clusterIdentifier") is UNKNOWN and not each.needs("clusterIdentifier") for each in found)


@rule(
    "rds-copy-tags",
    "Snapshots inherit the tags of their database",
    types=(*types.RDS_CLUSTER, *types.RDS_INSTANCE),
    severity=LOW,
    controls=("RDS.16", "RDS.17", "CKV_AWS_313"),
    paths=("copyTagsToSnapshot",),
    why="Without tags, nobody knows whom a snapshot belongs to, and whether it can be deleted.",
    fix="Set copy_tags_to_snapshot=True.",
    remedy={"copyTagsToSnapshot": True},
)
def copy_tags(cluster: Resource, _: Context) -> Findings:
    if not cluster.flag("copyTagsToSnapshot"):
        yield "copyTagsToSnapshot", "snapshots get no tags"


@rule(
    "rds-change",
    "Database changes wait for the maintenance window, and major upgrades are explicit",
    types=(*types.RDS_CLUSTER, *types.RDS_CLUSTER_INSTANCE, *types.RDS_INSTANCE),
    severity=MEDIUM,
    prod_only=True,
    paths=("applyImmediately", "allowMajorVersionUpgrade", "tags"),
    why="A change that needs a restart would restart the database at once, and a major upgrade cannot be rolled back.",
    fix="Leave apply_immediately and allow_major_version_upgrade off, or state in a tag until when it is intended: "
    "ApplyImmediatelyUntil or UpgradeUntil, such as 2026-12-01.",
)
def changes(resource: Resource, context: Context) -> Findings:
    today, message = context.settings.today, "a changed version may be a major upgrade"
    yield from attempt(made_at_once, resource, today)
    yield from attempt(undecided, resource, "allowMajorVersionUpgrade", (UPGRADE,), today, message)


# Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraPostgreSQLReleaseNotes/aurorapostgresql-release-calendar.html
# as public repositories quote it after the releases of 21 August 2026. A minor version that is not listed ends with its
# major version, as LTS versions do.
_POSTGRESQL = {
    "11": "2024-02-29",
    "12": "2025-02-28",
    "13": "2026-02-28",
    "14": "2027-02-28",
    "14.17": "2026-11-30",
    "14.18": "2026-12-31",
    "15": "2028-02-29",
    "15.12": "2026-11-30",
    "15.13": "2026-12-31",
    "15.14": "2027-04-30",
    "15.15": "2027-05-31",
    "15.17": "2027-09-30",
    "15.18": "2027-12-31",
    "16": "2029-02-28",
    "16.9": "2026-12-31",
    "16.10": "2027-04-30",
    "16.11": "2027-05-31",
    "16.13": "2027-09-30",
    "16.14": "2027-12-31",
    "17": "2030-02-28",
    "17.4": "2026-11-30",
    "17.5": "2026-12-31",
    "17.6": "2027-04-30",
    "17.9": "2027-09-30",
    "17.10": "2027-12-31",
    "18": "2031-02-28",
    "18.3": "2027-11-30",
    "18.4": "2027-12-31",
}
# Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraMySQLReleaseNotes/AuroraMySQL.release-calendars.html and
# https://endoflife.date/amazon-aurora-mysql; the engine `aurora` is MySQL 5.6. Of 8.4 only the month is known: 4/2032.
_MYSQL = {"5.7": "2024-10-31", "8.0": "2028-04-30"}
_ENDS = {"aurora": {"": "2023-02-28"}, "aurora-mysql": _MYSQL, "aurora-postgresql": _POSTGRESQL}
"""Last day of standard support by engine, and by version or its prefix; other versions are not checked."""

_OLDEST = {"aurora-postgresql": ["11.9", "12.9", "13.9", "14.6", "15.10", "16.8", "17.4", "18.3"]}
"""By engine, the oldest minor version of each major version in the calendar; older ones are withdrawn.

The calendar does not tell when they were withdrawn. The source is the same as above.
"""


@rule(
    "rds-version",
    "Databases run a supported version",
    types=types.RDS_CLUSTER,
    severity=HIGH,
    paths=("engine", "engineVersion"),
    why="A withdrawn version cannot be created, gets no fixes, and AWS upgrades it at a time of its choosing.",
    fix="Set engine_version to one that the release calendar still lists.",
    strict=True,
    config={
        "ends": {"type": "object", "additionalProperties": {"type": "object"}, "default": _ENDS},
        "oldest": {"type": "object", "additionalProperties": {"type": "array"}, "default": _OLDEST},
    },
)
def version(cluster: Resource, context: Context) -> Findings:
    engine, chosen = cluster.text("engine"), cluster.text("engineVersion")
    ends = context.config["ends"].get(engine, {})
    ended = next((ends[each] for each in _beginnings(chosen) if each in ends), None)
    if ended and datetime.date.fromisoformat(ended) < context.settings.today:
        yield "engineVersion", "standard support of this version has ended"
    elif _is_withdrawn(chosen, context.config["oldest"].get(engine, [])):
        yield "engineVersion", "AWS does not offer this version any more"


def _is_withdrawn(version: str, oldest: list[str]) -> bool:
    """Whether it is older than the oldest minor version of its major version, or than all major versions."""
    chosen, known = _numbers(version), sorted(_numbers(each) for each in oldest)
    if not chosen or not known:
        return False
    # A major version alone, such as 16, means one that AWS offers.
    return chosen[0] < known[0][0] or any(chosen[0] == each[0] and (0,) < chosen[1:] < each[1:] for each in known)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _beginnings(version: str) -> Iterator[str]:
    """Yield a version such as 15.3.1, then 15.3, 15 and nothing."""
    parts = version.split(".")
    for length in range(len(parts), 0, -1):
        yield ".".join(parts[:length])
    yield ""
