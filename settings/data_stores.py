"""The database and the cache: sizes, windows, upgrades and restores."""

import datetime
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from settings import versions
from settings.instance_types import database_memory_gib
from settings.section import Form, Problem, Section, show
from settings.windows import window_rules


class Decision(Section):
    """An exception with an owner and a last day, after which it has no effect."""

    until: datetime.date
    """The last day on which it applies, in quotes, such as `"2026-12-01"`."""
    reason: Annotated[str, Field(min_length=10)]
    owner: Annotated[str, Field(min_length=1)]
    """Person or team that is responsible for it."""


class Upgrade(Decision):
    """Upgrades the existing database or cache at once, also to a major version; AWS cannot downgrade."""

    to: str


class CacheRestore(Section):
    """A second cache, restored from a backup beside the existing one; `stage` controls the switch to it."""

    snapshot: str = ""
    """Name or ARN of the snapshot."""
    stage: Literal["beside", "serving", "released"] = "beside"
    """`beside`: created, but not used. `serving`: clients use it. `released`: the old one may be deleted."""

    def rules(self) -> Iterator[Problem]:
        if not self.snapshot:
            yield Problem("snapshot", "must name a snapshot")


class DatabaseRestore(CacheRestore):
    """A second database, restored from a snapshot or to a point in time; for `stage` see CacheRestore."""

    time: Annotated[
        str,
        Form(
            r"(latest|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)?",
            'latest or a time in UTC as YYYY-MM-DDThh:mm:ssZ, or "" for a snapshot',
            "2026-11-30T04:00:00Z",
        ),
    ] = ""
    """Point in time in UTC such as `2026-11-30T04:00:00Z`, or `latest`; of the existing database, or of `source`."""
    source: Annotated[
        str,
        Form(
            r"(cluster-[A-Z0-9]+)?",
            'a cluster\'s resource id, or "" for the existing cluster',
            "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ),
    ] = ""
    """Resource id of a deleted cluster whose automated backups are kept."""

    def rules(self) -> Iterator[Problem]:
        if bool(self.snapshot) == bool(self.time):
            yield Problem("snapshot", "exactly one of snapshot and time must be set")
        if self.source and not self.time:
            yield Problem("source", "requires time: it is for a point-in-time restore", show(self.source))
        if self.time not in ("", "latest") and not _is_a_time(self.time):
            yield Problem("time", "must be an existing date and time", show(self.time))


def _is_a_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class Database(Section):
    """Aurora PostgreSQL."""

    version: str
    """Version of a new cluster. An existing one gets minor versions from AWS, and others by `upgrade`."""
    instance_class: Annotated[str, Form(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an instance class of RDS", "db.r6g.large")]
    instances: Annotated[int, Field(ge=1, le=15)]
    """Number of instances, writer and readers."""
    backup_days: Annotated[int, Field(ge=7, le=35)]
    backup_window: str = "03:00-04:00"
    maintenance_window: str = "sun:05:00-sun:06:00"
    """Maintenance window of the cluster and its instances: changes that need a restart wait for it."""
    apply_immediately: Decision | None = None
    """Applies changes at once, with a restart if needed, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Number of the stack's current cluster: increase it by one after each completed restore."""
    restore_from: DatabaseRestore | None = None
    """Creates the cluster of the next generation from a backup, beside the existing one."""

    @property
    def memory_gib(self) -> int:
        """Return the memory of each instance, in GiB."""
        return database_memory_gib(self.instance_class) or 0

    def rules(self) -> Iterator[Problem]:
        if database_memory_gib(self.instance_class) is None:
            rule = "must be a known Aurora PostgreSQL class such as db.r6g.large: its memory sets alarm thresholds"
            yield Problem("instance_class", rule, show(self.instance_class))
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html: at least 30 minutes each.
        yield from window_rules(
            ("backup_window", self.backup_window, 30), ("maintenance_window", self.maintenance_window, 30)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


class Cache(Section):
    """Valkey."""

    version: str
    """Version of a new cache. An existing one gets minor versions from AWS, and others by `upgrade`."""
    node_type: Annotated[str, Form(r"cache\.[a-z0-9]+\.[a-z0-9]+", "a node type of ElastiCache", "cache.r7g.large")]
    nodes: Annotated[int, Field(ge=1, le=6)]
    """Primary and replicas together; failover needs at least two."""
    snapshot_days: Annotated[int, Field(ge=1, le=35)] = 7
    snapshot_window: str = "03:00-05:00"
    maintenance_window: str = "sun:06:00-sun:07:00"
    apply_immediately: Decision | None = None
    """Applies changes at once, with a restart if needed, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Number of the stack's current replication group: increase it by one after each completed restore."""
    restore_from: CacheRestore | None = None
    """Creates the replication group of the next generation from a snapshot, beside the existing one."""

    def rules(self) -> Iterator[Problem]:
        # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
        yield from window_rules(
            ("snapshot_window", self.snapshot_window, 60), ("maintenance_window", self.maintenance_window, 60)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


def _upgrade_rules(version: str, upgrade: Upgrade | None) -> Iterator[Problem]:
    if upgrade and versions.numbers(upgrade.to) < versions.numbers(version):
        yield Problem(
            "upgrade.to", f"must not be older than version ({version}): AWS cannot downgrade", show(upgrade.to)
        )
