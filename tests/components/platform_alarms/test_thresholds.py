"""What is still healthy, what is an alarm, after how long, and whether it pages somebody at night."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import pulumi
import pytest

from components.platform_alarms.alarm import Alarm
from components.platform_alarms.cluster import cluster_alarms, delivery_alarms, heartbeat_alarms, spot_alarms
from components.platform_alarms.data_stores import cache_alarms, database_alarms, search_alarms
from components.platform_alarms.traffic import (
    certificate_alarms,
    firewall_alarms,
    load_balancer_alarms,
    model_alarms,
    nat_alarms,
    reachability_alarms,
)


def made(*kinds: Callable[[], Iterable[Alarm]]) -> dict[str, Alarm]:
    """Return alarms by name, made where there is an event loop: some name what they watch by outputs."""

    async def make() -> dict[str, Alarm]:
        return {alarm.logical_name: alarm for kind in kinds for alarm in kind()}

    return asyncio.run(make())


ALL = made(
    lambda: (
        *cluster_alarms("cluster"),
        *spot_alarms("interruptions", 10),
        *delivery_alarms("critical"),
        *heartbeat_alarms("heartbeat"),
        *database_alarms("database", 2, 16),
        *cache_alarms("cache", 1),
        *load_balancer_alarms("app/1", "targets/1"),
        *reachability_alarms("app/1", "targets/1"),
        *firewall_alarms("acl", "eu-west-1"),
        *certificate_alarms("certificate"),
        *nat_alarms({"a": "nat-1"}),
        *model_alarms(),
        *search_alarms(domain_name="logs", account_id="123456789012", nodes=6, volume_gib=100),
    )
)
DAY = 24 * 60


def fires(alarm: Alarm, value: float) -> bool:
    return value > alarm.threshold if alarm.comparison == "above" else value < alarm.threshold


@pytest.mark.parametrize(
    ("name", "watched", "severity", "healthy", "alarming", "minutes", "period"),
    [
        ("cluster-api-errors", "Sum of apiserver_request_total_5XX", "critical", 50, 51, 5, 5),
        ("cluster-api-throttled", "Sum of apiserver_request_total_429", "warning", 50, 51, 15, 5),
        # Seconds, as Kubernetes promises them (api_call_latency.md).
        ("cluster-api-slow-get", "Average of apiserver_request_duration_seconds_GET_P99", "warning", 1, 1.1, 30, 5),
        ("cluster-api-slow-post", "Average of apiserver_request_duration_seconds_POST_P99", "warning", 1, 1.1, 30, 5),
        ("cluster-pods-unschedulable", "Sum of scheduler_pending_pods_UNSCHEDULABLE", "warning", 0, 1, 15, 1),
        ("spot-interruptions", "Sum of NumberOfMessagesPublished", "warning", 5, 6, 15, 15),
        ("alarms-undelivered", "Sum of NumberOfNotificationsFailed", "warning", 0, 1, 5, 5),
        ("events-undelivered", "Sum of FailedInvocations", "warning", 0, 1, 5, 5),
        ("heartbeat-missing", "Sum of NumberOfMessagesPublished", "critical", 1, 0, 20, 5),
        # Percent of the processor, and 5 % of 16 GiB that has to be free.
        ("database-cpu-high", "Maximum of CPUUtilization", "warning", 80, 81, 15, 5),
        ("database-memory-low", "Minimum of FreeableMemory", "warning", 858993459, 858993458, 15, 5),
        # Four fifths of the connections that 16 GiB admit.
        ("database-connections-high", "Maximum of DatabaseConnections", "critical", 1441, 1442, 5, 5),
        ("database-deadlocks", "Average of Deadlocks", "warning", 0.02, 0.021, 15, 5),
        ("database-logins-refused", "Sum of IamDbAuthConnectionFailure", "warning", 10, 11, 15, 5),
        ("database-replica-lag", "Maximum of AuroraReplicaLagMaximum", "warning", 1000, 1001, 5, 5),
        ("cache-cpu-high-001", "Average of EngineCPUUtilization", "warning", 80, 81, 15, 5),
        ("cache-memory-high-001", "Average of DatabaseMemoryUsagePercentage", "warning", 80, 81, 15, 5),
        ("cache-evictions-001", "Sum of Evictions", "warning", 0, 1, 15, 5),
        ("cache-connections-high-001", "Maximum of CurrConnections", "warning", 5000, 5001, 5, 5),
        ("cache-logins-refused-001", "Sum of AuthenticationFailures", "warning", 0, 1, 15, 5),
        ("load-balancer-errors", "Sum of HTTPCode_ELB_5XX_Count", "critical", 10, 11, 5, 5),
        ("application-errors", "Sum of HTTPCode_Target_5XX_Count", "critical", 50, 51, 5, 5),
        ("application-slow", "p95 of TargetResponseTime", "warning", 1, 1.1, 5, 5),
        ("application-unhealthy", "Maximum of UnHealthyHostCount", "warning", 0, 1, 10, 5),
        ("application-unreachable", "Maximum of HealthyHostCount", "critical", 1, 0, 5, 1),
        ("firewall-blocks-spike", "Sum of BlockedRequests", "warning", 2000, 2001, 10, 5),
        ("firewall-crawler-kind-of-client", "Sum of CountedRequests", "warning", 0, 1, 15, 5),
        ("firewall-crawler-network", "Sum of CountedRequests", "warning", 0, 1, 15, 5),
        # ACM renews by itself long before that; three weeks are left for a person.
        ("certificate-expiring", "Minimum of DaysToExpiry", "warning", 21, 20, DAY, DAY),
        ("nat-ports-exhausted-a", "Sum of ErrorPortAllocation", "critical", 0, 1, 5, 5),
        ("nat-packets-dropped-a", "Sum of PacketsDropCount", "warning", 100, 101, 5, 5),
        ("models-throttled", "Sum of InvocationThrottles", "warning", 10, 11, 15, 5),
        # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html
        ("search-red", "Maximum of ClusterStatus.red", "critical", 0, 1, 1, 1),
        ("search-yellow", "Maximum of ClusterStatus.yellow", "warning", 0, 1, 5, 1),
        # A quarter of 100 GiB, in MiB.
        ("search-storage-low", "Minimum of FreeStorageSpace", "warning", 25600, 25599, 1, 1),
        ("search-writes-blocked", "Maximum of ClusterIndexWritesBlocked", "critical", 0, 1, 5, 5),
        ("search-node-missing", "Minimum of Nodes", "warning", 6, 5, DAY, DAY),
        ("search-snapshot-failed", "Maximum of AutomatedSnapshotFailure", "warning", 0, 1, 1, 1),
        ("search-cpu-high", "Maximum of CPUUtilization", "warning", 80, 81, 45, 15),
        ("search-memory-high", "Maximum of JVMMemoryPressure", "warning", 95, 96, 3, 1),
        ("search-key-lost-disabled", "Maximum of KMSKeyError", "critical", 0, 1, 1, 1),
        ("search-key-lost-deleted", "Maximum of KMSKeyInaccessible", "critical", 0, 1, 1, 1),
    ],
)
def test_an_alarm_fires_at_the_first_value_that_is_not_healthy_any_more(
    name: str, watched: str, severity: str, healthy: float, alarming: float, minutes: int, period: int
) -> None:
    alarm = ALL[name]
    assert f"{alarm.statistic} of {alarm.metric}" == watched
    assert not fires(alarm, healthy)
    assert fires(alarm, alarming)
    assert (alarm.severity, alarm.minutes, alarm.period) == (severity, minutes, period)


def test_every_alarm_has_a_healthy_value_above() -> None:
    (table,) = [
        mark.args[1]
        for mark in test_an_alarm_fires_at_the_first_value_that_is_not_healthy_any_more.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    ]
    assert {row[0] for row in table} == ALL.keys()


def test_each_node_of_a_cache_is_watched_and_what_replicas_do_where_there_are_some() -> None:
    alone, three = made(lambda: cache_alarms("cache", 1)), made(lambda: cache_alarms("cache", 3))
    assert {name.removesuffix("-001") for name in three if name.endswith("-001")} == {
        *(name.removesuffix("-001") for name in alone),
        "cache-replication-lag",
        "cache-failover",
    }
    assert len(three) == 3 * 7
    two = made(lambda: cache_alarms("cache", 2))
    lag, failover = two["cache-replication-lag-002"], two["cache-failover-002"]
    assert (lag.threshold, lag.minutes, lag.severity) == (5, 10, "warning")
    # A node that becomes the primary goes from 0 to 1; one that stays it does not rise.
    assert (failover.rises, failover.threshold, failover.severity, failover.minutes) == (True, 0, "warning", 5)


def test_a_database_without_readers_has_no_lag_of_them() -> None:
    assert "database-replica-lag" not in made(lambda: database_alarms("database", 1, 16))


def test_no_instance_admits_more_than_5000_connections() -> None:
    """LEAST({DBInstanceClassMemory/9531392},5000), AuroraPostgreSQL.Managing."""
    assert made(lambda: database_alarms("database", 1, 512))["database-connections-high"].threshold == 4000


def test_missing_data_fires_only_where_there_is_always_some() -> None:
    assert {name for name, alarm in ALL.items() if alarm.silence_is_trouble} == {
        "heartbeat-missing",
        "application-unreachable",
    }


DATABASE = {"DBClusterIdentifier": "database"}
WRITER = DATABASE | {"Role": "WRITER"}
BALANCER = {"LoadBalancer": "app/1"}
TARGETS = BALANCER | {"TargetGroup": "targets/1"}
FIREWALL = {"WebACL": "acl", "Region": "eu-west-1"}


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        *((name, {"ClusterName": "cluster"}) for name in ALL if name.startswith("cluster-")),
        ("spot-interruptions", {"TopicName": "interruptions"}),
        ("alarms-undelivered", {"TopicName": "critical"}),
        ("heartbeat-missing", {"TopicName": "heartbeat"}),
        *((f"database-{name}", DATABASE) for name in ("cpu-high", "memory-low", "connections-high")),
        # Of an instance by its role: the cluster as a whole has neither.
        *((f"database-{name}", WRITER) for name in ("deadlocks", "replica-lag")),
        ("load-balancer-errors", BALANCER),
        *((f"application-{name}", TARGETS) for name in ("errors", "slow", "unhealthy", "unreachable")),
        # What AWS calls the sum of all rules.
        ("firewall-blocks-spike", FIREWALL | {"Rule": "ALL"}),
        ("firewall-crawler-kind-of-client", FIREWALL | {"Rule": "RateLimitFingerprint"}),
        ("firewall-crawler-network", FIREWALL | {"Rule": "RateLimitNetwork"}),
        ("certificate-expiring", {"CertificateArn": "certificate"}),
        *((f"nat-{name}-a", {"NatGatewayId": "nat-1"}) for name in ("ports-exhausted", "packets-dropped")),
    ],
)
def test_an_alarm_looks_at_what_it_was_given_and_at_nothing_else(name: str, dimensions: Mapping[str, str]) -> None:
    """A metric with another dimension, or with another value of one, does not exist: the alarm would never fire."""

    assert ALL[name].dimensions == dimensions


def test_a_caches_node_is_called_as_its_group_with_its_number() -> None:
    async def read() -> list[object]:
        return [await pulumi.Output.from_input(alarm.dimensions).future() for alarm in cache_alarms("cache", 2)]

    assert asyncio.run(read()) == [{"CacheClusterId": name} for name in ("cache-001", "cache-002") for _ in range(7)]


def test_an_alarm_on_all_of_the_account_names_the_dimensions_alone() -> None:
    whole = {name: [*alarm.dimensions] for name, alarm in ALL.items() if alarm.all_of_the_account}
    assert whole == {"events-undelivered": ["RuleName"], "models-throttled": ["ModelId"], "database-logins-refused": []}


def test_each_zones_gateway_is_watched() -> None:
    assert made(lambda: nat_alarms({"a": "nat-1", "b": "nat-2"})).keys() == {
        f"{name}-{zone}" for name in ("nat-ports-exhausted", "nat-packets-dropped") for zone in ("a", "b")
    }


def test_a_searchs_metrics_are_those_of_the_domain_and_its_account() -> None:
    for name, alarm in ALL.items():
        if name.startswith("search-"):
            assert alarm.dimensions == {"DomainName": "logs", "ClientId": "123456789012"}
