"""Alarms on what keeps data: the database, the cache, the logs. Thresholds without a source are estimates."""

import functools
from collections.abc import Callable, Iterator

import pulumi

from components.platform_alarms.alarm import Alarm, Dimensions

_GIB = 1024**3
_MOST_CONNECTIONS = 5000
_BYTES_PER_CONNECTION = 9531392
"""How Aurora sets `max_connections`: LEAST({DBInstanceClassMemory/9531392},5000). The real number is a little smaller,
since the memory that counts is without what the system takes: 420 for 4 GiB, of which this makes 450.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Managing.html
"""
_FREE_MEMORY = 0.05
"""Aurora gives most of the memory to its buffers; an estimate, to be set right by what a healthy stack shows."""
_FREE_STORAGE = 0.25
"""Of each node's volume, as AWS recommends:
https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html
"""


def database_alarms(cluster_identifier: pulumi.Input[str], instances: int, memory_gib: int) -> Iterator[Alarm]:
    """Yield alarms of an Aurora cluster whose instances have `memory_gib` each.

    Metrics: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    """
    where: Dimensions = {"DBClusterIdentifier": cluster_identifier}
    # CloudWatch has these for the instances of a role, not for all of the cluster.
    writer: Dimensions = {**where, "Role": "WRITER"}
    alarm = functools.partial(Alarm, severity="warning", namespace="AWS/RDS", dimensions=where)
    yield alarm(
        name="database-cpu-high",
        metric="CPUUtilization",
        statistic="Maximum",
        threshold=80,
        minutes=15,
        advice="Look at the top queries in Database Insights.",
    )
    yield alarm(
        name="database-memory-low",
        metric="FreeableMemory",
        statistic="Minimum",
        comparison="below",
        threshold=round(memory_gib * _GIB * _FREE_MEMORY),
        minutes=15,
        advice="Count the connections; a larger instance class helps if they are wanted.",
    )
    yield alarm(
        name="database-connections-high",
        severity="critical",
        metric="DatabaseConnections",
        statistic="Maximum",
        threshold=min(memory_gib * _GIB // _BYTES_PER_CONNECTION, _MOST_CONNECTIONS) * 8 // 10,
        advice="Four fifths of what the instance class admits: see who holds connections.",
    )
    yield alarm(
        name="database-deadlocks",
        metric="Deadlocks",
        dimensions=writer,
        statistic="Average",
        # A rate: six in five minutes.
        threshold=0.02,
        minutes=15,
        advice="Transactions wait for each other in a circle: the database's log names both.",
    )
    yield alarm(
        # No document says by which dimensions AWS keeps it.
        name="database-logins-refused",
        metric="IamDbAuthConnectionFailure",
        dimensions={},
        all_of_the_account=True,
        statistic="Sum",
        threshold=10,
        minutes=15,
        advice="Tokens of IAM are refused by a database of this account: look for expired tokens and missing rights.",
    )
    if instances > 1:
        yield alarm(
            name="database-replica-lag",
            metric="AuroraReplicaLagMaximum",
            dimensions=writer,
            statistic="Maximum",
            threshold=1000,
            advice="Milliseconds behind the writer: look for long transactions and heavy writes.",
        )


def cache_alarms(replication_group_id: pulumi.Input[str], nodes: int) -> Iterator[Alarm]:
    """Yield alarms of each node of a replication group, whose members are numbered `-001` and up.

    A failover is seen by a node that becomes the primary. ElastiCache's own notifications would tell of it, but only
    to a topic without encryption that admits any principal, and with each day's snapshot among them:
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ElastiCacheSNS.html.
    Metrics: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html, and which to watch:
    https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
    None of them tells of a snapshot that failed, nor does EventBridge: docs/runbooks/restore.md says how to look.
    """
    for number in range(1, nodes + 1):
        member = f"{number:03}"
        yield from _cache_node_alarms(member, pulumi.Output.concat(replication_group_id, f"-{member}"))
        if nodes > 1:
            yield from _cache_replica_alarms(member, pulumi.Output.concat(replication_group_id, f"-{member}"))


def _of_cache_node(member: str, node: pulumi.Input[str]) -> Callable[..., Alarm]:
    """Return what makes a warning of one node."""
    return functools.partial(
        Alarm, of=member, severity="warning", namespace="AWS/ElastiCache", dimensions={"CacheClusterId": node}
    )


def _cache_node_alarms(member: str, node: pulumi.Input[str]) -> Iterator[Alarm]:
    alarm = _of_cache_node(member, node)
    yield alarm(
        name="cache-cpu-high",
        metric="EngineCPUUtilization",
        statistic="Average",
        threshold=80,
        minutes=15,
        advice="One thread serves all commands: look for expensive ones in the slow log.",
    )
    yield alarm(
        name="cache-memory-high",
        metric="DatabaseMemoryUsagePercentage",
        statistic="Average",
        threshold=80,
        minutes=15,
        advice="Evictions follow: check keys without expiry, or take a larger node type.",
    )
    yield alarm(
        name="cache-evictions",
        metric="Evictions",
        statistic="Sum",
        threshold=0,
        minutes=15,
        advice="The cache is full and drops keys before their time.",
    )
    yield alarm(
        name="cache-connections-high",
        metric="CurrConnections",
        statistic="Maximum",
        # An estimate: clients with pools stay far below, and far above it a node refuses.
        threshold=5000,
        advice="A client opens connections and does not give them back.",
    )
    yield alarm(
        name="cache-logins-refused",
        metric="AuthenticationFailures",
        statistic="Sum",
        threshold=0,
        minutes=15,
        advice="Somebody logs in with a wrong user, or a token that has expired.",
    )


def _cache_replica_alarms(member: str, node: pulumi.Input[str]) -> Iterator[Alarm]:
    alarm = _of_cache_node(member, node)
    yield alarm(
        name="cache-replication-lag",
        metric="ReplicationLag",
        statistic="Maximum",
        threshold=5,
        minutes=10,
        advice="Seconds behind the primary: a failover now would lose as much.",
    )
    yield alarm(
        name="cache-failover",
        metric="IsMaster",
        statistic="Maximum",
        rises=True,
        threshold=0,
        advice="This node has become the primary: clients were cut off for a moment.",
    )


def search_alarms(*, domain_name: str, account_id: str, nodes: int, volume_gib: int) -> Iterator[Alarm]:
    """Yield the alarms that AWS recommends for an OpenSearch domain.

    `nodes` are those of data and the dedicated masters together; `volume_gib` is what each node of data has.
    Source: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html
    """
    where: Dimensions = {"DomainName": domain_name, "ClientId": account_id}
    alarm = functools.partial(
        Alarm, namespace="AWS/ES", dimensions=where, statistic="Maximum", threshold=0, minutes=1, period=1
    )
    yield from _search_state_alarms(alarm, nodes=nodes, volume_gib=volume_gib)
    yield from _search_load_alarms(alarm)
    for metric, what in (("KMSKeyError", "disabled"), ("KMSKeyInaccessible", "deleted, or has lost its grant")):
        yield alarm(
            name="search-key-lost",
            of=what.split(",")[0],
            severity="critical",
            metric=metric,
            advice=f"The key that the logs are encrypted with is {what}.",
        )


def _search_state_alarms(alarm: Callable[..., Alarm], *, nodes: int, volume_gib: int) -> Iterator[Alarm]:
    """Yield alarms on lost shards, nodes and snapshots, and on a domain that takes no logs."""
    yield alarm(
        name="search-red",
        severity="critical",
        metric="ClusterStatus.red",
        advice="An index has lost a shard with all its copies; logs are lost, and snapshots stop.",
    )
    yield alarm(
        name="search-yellow",
        severity="warning",
        metric="ClusterStatus.yellow",
        minutes=5,
        advice="A copy of a shard has no node: the loss of another would lose logs.",
    )
    yield alarm(
        name="search-storage-low",
        severity="warning",
        metric="FreeStorageSpace",
        statistic="Minimum",
        comparison="below",
        # In MiB.
        threshold=round(volume_gib * 1024 * _FREE_STORAGE),
        advice="More logs come than the volumes were made for.",
    )
    yield alarm(
        name="search-writes-blocked",
        severity="critical",
        metric="ClusterIndexWritesBlocked",
        minutes=5,
        period=5,
        advice="No log is taken any more: storage or memory has run out.",
    )
    yield alarm(
        name="search-node-missing",
        severity="warning",
        metric="Nodes",
        statistic="Minimum",
        comparison="below",
        threshold=nodes,
        minutes=24 * 60,
        period=24 * 60,
        advice="A node has been away within the last day.",
    )
    yield alarm(
        name="search-snapshot-failed",
        severity="warning",
        metric="AutomatedSnapshotFailure",
        advice="No snapshot for a day and a half, often because an index is red.",
    )


def _search_load_alarms(alarm: Callable[..., Alarm]) -> Iterator[Alarm]:
    """Yield alarms on nodes that are too small."""
    yield alarm(
        name="search-cpu-high",
        severity="warning",
        metric="CPUUtilization",
        threshold=80,
        minutes=45,
        period=15,
        advice="The domain is at its limit: look for wide searches, then take a larger instance type.",
    )
    yield alarm(
        name="search-memory-high",
        severity="warning",
        metric="JVMMemoryPressure",
        threshold=95,
        minutes=3,
        advice="Nodes may run out of memory: take a larger instance type, or fewer shards.",
    )
