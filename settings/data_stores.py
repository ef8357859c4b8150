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
    """An exception that somebody has decided on, and that ends by itself: after its last day it counts for nothing."""

    until: datetime.date
    """The last day on which it holds, in quotes, such as `"2026-12-01"`."""
    reason: Annotated[str, Field(min_length=10)]
    owner: Annotated[str, Field(min_length=1)]
    """Who answers for it."""


class Upgrade(Decision):
    """Brings what stands to another version at once, a major one too; AWS never goes back."""

    to: str


class CacheRestore(Section):
    """A second store made from a backup, beside the one that stands; `stage` leads from one to the other."""

    snapshot: str = ""
    """Name or ARN of the snapshot."""
    stage: Literal["beside", "serving", "released"] = "beside"
    """`beside`: it is made, and nobody uses it. `serving`: it is handed over. `released`: the other may go."""

    def rules(self) -> Iterator[Problem]:
        if not self.snapshot:
            yield Problem("snapshot", "must name a snapshot")


class DatabaseRestore(CacheRestore):
    """A second database made from a snapshot or from a point in time; see the stages above."""

    time: Annotated[
        str,
        Form(
            r"(latest|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)?",
            'latest or a time in UTC as YYYY-MM-DDThh:mm:ssZ, or "" for a snapshot',
            "2026-11-30T04:00:00Z",
        ),
    ] = ""
    """In UTC such as `2026-11-30T04:00:00Z`, or `latest`; of the database that stands, unless of `source`."""
    source: Annotated[
        str,
        Form(
            r"(cluster-[A-Z0-9]+)?",
            'a cluster\'s resource id, or "" for the cluster that stands',
            "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ),
    ] = ""
    """Resource id of a deleted cluster whose automated backups are kept."""

    def rules(self) -> Iterator[Problem]:
        if bool(self.snapshot) == bool(self.time):
            yield Problem("snapshot", "must be given, or else time, not both")
        if self.source and not self.time:
            yield Problem("source", "is for a point in time: give time, too", show(self.source))
        if self.time not in ("", "latest") and not _is_a_time(self.time):
            yield Problem("time", "must be a day and a time of day that there are", show(self.time))


def _is_a_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class Database(Section):
    """Aurora PostgreSQL."""

    version: str
    """What a new cluster runs. One that stands gets minor versions from AWS, and others by `upgrade`."""
    instance_class: Annotated[str, Form(r"db\.[a-z0-9-]+\.[a-z0-9]+", "an instance class of RDS", "db.r6g.large")]
    instances: Annotated[int, Field(ge=1, le=15)]
    """Writer and readers together."""
    backup_days: Annotated[int, Field(ge=7, le=35)]
    backup_window: str = "03:00-04:00"
    maintenance_window: str = "sun:05:00-sun:06:00"
    """Of the cluster and of its instances: changes that need a restart wait for it."""
    apply_immediately: Decision | None = None
    """Lets changes restart the database at once, as in an incident, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Which cluster is the stack's: one more after each restore that was taken over."""
    restore_from: DatabaseRestore | None = None
    """Makes the cluster of the next generation from a backup, beside the one that stands."""

    @property
    def memory_gib(self) -> int:
        """Return each instance's memory."""
        return database_memory_gib(self.instance_class) or 0

    def rules(self) -> Iterator[Problem]:
        if database_memory_gib(self.instance_class) is None:
            rule = "must be of a family that Aurora PostgreSQL has, such as db.r6g.large: alarms follow from its memory"
            yield Problem("instance_class", rule, show(self.instance_class))
        # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html: at least 30 minutes each.
        yield from window_rules(
            ("backup_window", self.backup_window, 30), ("maintenance_window", self.maintenance_window, 30)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


class Cache(Section):
    """Valkey."""

    version: str
    """What a new cache runs. One that stands gets minor versions from AWS, and others by `upgrade`."""
    node_type: Annotated[str, Form(r"cache\.[a-z0-9]+\.[a-z0-9]+", "a node type of ElastiCache", "cache.r7g.large")]
    nodes: Annotated[int, Field(ge=1, le=6)]
    """Primary and replicas together; failover needs at least two."""
    snapshot_days: Annotated[int, Field(ge=1, le=35)] = 7
    snapshot_window: str = "03:00-05:00"
    maintenance_window: str = "sun:06:00-sun:07:00"
    apply_immediately: Decision | None = None
    """Lets changes restart the nodes at once, as in an incident, instead of in the maintenance window."""
    upgrade: Upgrade | None = None
    generation: Annotated[int, Field(ge=1)] = 1
    """Which group is the stack's: one more after each restore that was taken over."""
    restore_from: CacheRestore | None = None
    """Makes the group of the next generation from a snapshot, beside the one that stands."""

    def rules(self) -> Iterator[Problem]:
        # https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
        yield from window_rules(
            ("snapshot_window", self.snapshot_window, 60), ("maintenance_window", self.maintenance_window, 60)
        )
        yield from _upgrade_rules(self.version, self.upgrade)


def _upgrade_rules(version: str, upgrade: Upgrade | None) -> Iterator[Problem]:
    if upgrade and versions.numbers(upgrade.to) < versions.numbers(version):
        yield Problem(
            "upgrade.to", f"must not be older than version ({version}): AWS never goes back", show(upgrade.to)
        )
