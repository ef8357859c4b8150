"""What is worth waking somebody for, as a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi

from components.cache import Cache
from components.cluster import Cluster
from components.database import Database
from components.load_balancer import LoadBalancer
from components.network import Network

Dimensions = Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A CloudWatch alarm: `metric` beyond `threshold` for `minutes`. Metric names: see the source at each group."""

    name: str
    """What is wrong, in a few words; the alarm's logical name."""
    namespace: str
    metric: str
    dimensions: Dimensions
    statistic: Literal["Average", "Maximum", "Sum", "Minimum", "p95"]
    comparison: Literal["above", "below"] = "above"
    threshold: float
    minutes: int = 5
    advice: str
    """The first thing to look at."""


def watch(
    network: Network, cluster: Cluster, database: Database, cache: Cache, load_balancer: LoadBalancer
) -> tuple[Alarm, ...]:
    """Return every alarm of the platform."""
    return (
        *_nat_alarms(network.nat_gateway_ids),
        *_cluster_alarms(cluster.name),
        *_database_alarms(database.cluster_identifier, database.instances),
        *_cache_alarms(cache.replication_group_id, cache.nodes),
        *_load_balancer_alarms(load_balancer.arn_suffix, load_balancer.target_group_arn_suffix),
    )


def _database_alarms(cluster_identifier: pulumi.Input[str], instances: int) -> Iterator[Alarm]:
    """Yield alarms of an Aurora cluster.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    """
    where: Dimensions = {"DBClusterIdentifier": cluster_identifier}
    yield Alarm(
        name="database-cpu-high",
        namespace="AWS/RDS",
        metric="CPUUtilization",
        dimensions=where,
        statistic="Maximum",
        threshold=80,
        minutes=15,
        advice="Look at the top queries in CloudWatch Database Insights.",
    )
    yield Alarm(
        name="database-memory-low",
        namespace="AWS/RDS",
        metric="FreeableMemory",
        dimensions=where,
        statistic="Minimum",
        comparison="below",
        threshold=256 * 1024**2,
        minutes=15,
        advice="Count the connections; a larger instance class helps if they are wanted.",
    )
    if instances > 1:
        yield Alarm(
            name="database-replica-lag",
            namespace="AWS/RDS",
            metric="AuroraReplicaLagMaximum",
            dimensions=where,
            statistic="Maximum",
            threshold=1000,
            advice="Milliseconds behind the writer: look for long transactions and heavy writes.",
        )


def _cache_alarms(replication_group_id: pulumi.Input[str], nodes: int) -> Iterator[Alarm]:
    """Yield alarms of each node of a replication group, whose members are numbered `-001` and up.

    Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
    """
    for number in range(1, nodes + 1):
        member = f"{number:03}"
        where: Dimensions = {"CacheClusterId": pulumi.Output.concat(replication_group_id, f"-{member}")}
        yield Alarm(
            name=f"cache-cpu-high-{member}",
            namespace="AWS/ElastiCache",
            metric="EngineCPUUtilization",
            dimensions=where,
            statistic="Average",
            threshold=80,
            minutes=15,
            advice="One thread serves all commands: look for expensive ones in the slow log.",
        )
        yield Alarm(
            name=f"cache-memory-high-{member}",
            namespace="AWS/ElastiCache",
            metric="DatabaseMemoryUsagePercentage",
            dimensions=where,
            statistic="Average",
            threshold=80,
            minutes=15,
            advice="Evictions follow: check keys without expiry, or take a larger node type.",
        )


def _load_balancer_alarms(balancer: pulumi.Input[str], targets: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield alarms of an application load balancer, given CloudWatch's names for it and for its target group.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    where: Dimensions = {"LoadBalancer": balancer, "TargetGroup": targets}
    yield Alarm(
        name="load-balancer-errors",
        namespace="AWS/ApplicationELB",
        metric="HTTPCode_ELB_5XX_Count",
        dimensions={"LoadBalancer": balancer},
        statistic="Sum",
        threshold=10,
        advice="The balancer itself answered: no healthy target, or targets that hang up.",
    )
    yield Alarm(
        name="application-errors",
        namespace="AWS/ApplicationELB",
        metric="HTTPCode_Target_5XX_Count",
        dimensions=where,
        statistic="Sum",
        threshold=50,
        advice="Look at the last rollout and the application's logs.",
    )
    yield Alarm(
        name="application-slow",
        namespace="AWS/ApplicationELB",
        metric="TargetResponseTime",
        dimensions=where,
        statistic="p95",
        threshold=1,
        advice="Seconds at the 95th percentile: compare with the database's and the model's latency.",
    )
    yield Alarm(
        name="application-unhealthy",
        namespace="AWS/ApplicationELB",
        metric="UnHealthyHostCount",
        dimensions=where,
        statistic="Maximum",
        threshold=0,
        minutes=10,
        advice="Gateway pods fail their readiness check.",
    )


def _nat_alarms(gateways: Mapping[str, pulumi.Input[str]]) -> Iterator[Alarm]:
    """Yield alarms of NAT gateways, by zone.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
    """
    for zone, gateway in gateways.items():
        where: Dimensions = {"NatGatewayId": gateway}
        yield Alarm(
            name=f"nat-ports-exhausted-{zone}",
            namespace="AWS/NATGateway",
            metric="ErrorPortAllocation",
            dimensions=where,
            statistic="Sum",
            threshold=0,
            advice="Too many connections to one destination: an interface endpoint takes them off the gateway.",
        )
        yield Alarm(
            name=f"nat-packets-dropped-{zone}",
            namespace="AWS/NATGateway",
            metric="PacketsDropCount",
            dimensions=where,
            statistic="Sum",
            threshold=100,
            advice="The gateway is in trouble or over its bandwidth.",
        )


def _cluster_alarms(cluster_name: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield alarms of an EKS control plane.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/cloudwatch.html
    """
    where: Dimensions = {"ClusterName": cluster_name}
    yield Alarm(
        name="cluster-api-errors",
        namespace="AWS/EKS",
        metric="apiserver_request_total_5XX",
        dimensions=where,
        statistic="Sum",
        threshold=50,
        advice="Often a webhook that does not answer: look at the failing calls in the audit log.",
    )
    yield Alarm(
        name="cluster-pods-unschedulable",
        namespace="AWS/EKS",
        metric="scheduler_pending_pods_UNSCHEDULABLE",
        dimensions=where,
        statistic="Minimum",
        threshold=0,
        minutes=15,
        advice="No node fits: a tier is at its maximum, or spot capacity is gone.",
    )
