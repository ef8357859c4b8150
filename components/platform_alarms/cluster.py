"""Alarms on the cluster, and on whether a notification reaches anybody. Thresholds without a source are estimates."""

import functools
from collections.abc import Iterator

import pulumi

from components.platform_alarms.alarm import Alarm, Dimensions

_MOST_SECONDS = 1
"""What Kubernetes promises for a single object at the 99th percentile:
https://github.com/kubernetes/community/blob/master/sig-scalability/slos/api_call_latency.md
"""


def cluster_alarms(cluster_name: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield alarms of an EKS control plane; each metric has a value a minute, and one statistic that means anything.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/cloudwatch.html
    """
    where: Dimensions = {"ClusterName": cluster_name}
    alarm = functools.partial(Alarm, namespace="AWS/EKS", dimensions=where)
    yield alarm(
        name="cluster-api-errors",
        severity="critical",
        metric="apiserver_request_total_5XX",
        statistic="Sum",
        threshold=50,
        advice="Often a webhook that does not answer: look at the failing calls in the audit log.",
    )
    yield alarm(
        name="cluster-api-throttled",
        severity="warning",
        metric="apiserver_request_total_429",
        statistic="Sum",
        threshold=50,
        minutes=15,
        advice="A client asks more than the API server takes: the audit log names it.",
    )
    for verb in ("GET", "POST"):
        yield alarm(
            name="cluster-api-slow",
            of=verb.lower(),
            severity="warning",
            metric=f"apiserver_request_duration_seconds_{verb}_P99",
            statistic="Average",
            threshold=_MOST_SECONDS,
            minutes=30,
            advice="Seconds for one request in a hundred: look for slow webhooks and for large lists.",
        )
    yield alarm(
        name="cluster-pods-unschedulable",
        severity="warning",
        metric="scheduler_pending_pods_UNSCHEDULABLE",
        # The sum of what the schedulers report for one minute: in each of fifteen, some pod had no node.
        statistic="Sum",
        threshold=0,
        minutes=15,
        period=1,
        advice="No node fits: a tier is at its maximum, or spot capacity is gone.",
    )


def spot_alarms(interruptions_topic: pulumi.Input[str], fewest: int) -> Iterator[Alarm]:
    """Yield the alarm on many interruptions of spot nodes at once; single ones happen every day, and are drained.

    `interruptions_topic` is the name of the topic that has a message for each, `fewest` the tier's minimum of nodes.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    """
    yield Alarm(
        name="spot-interruptions",
        severity="warning",
        namespace="AWS/SNS",
        metric="NumberOfMessagesPublished",
        dimensions={"TopicName": interruptions_topic},
        statistic="Sum",
        # Half of the tier's minimum.
        threshold=max(1, fewest // 2),
        minutes=15,
        period=15,
        advice="AWS takes spot nodes back in numbers: see whether the tier finds others.",
    )


def delivery_alarms(critical_topic: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield the alarms on notifications that could not be delivered; `critical_topic` is a topic's name."""
    yield Alarm(
        name="alarms-undelivered",
        severity="warning",
        namespace="AWS/SNS",
        metric="NumberOfNotificationsFailed",
        dimensions={"TopicName": critical_topic},
        statistic="Sum",
        threshold=0,
        advice="A subscriber of the critical alarms could not be reached.",
    )
    yield Alarm(
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
        name="events-undelivered",
        severity="warning",
        namespace="AWS/Events",
        metric="FailedInvocations",
        dimensions={"RuleName": "all"},
        all_of_the_account=True,
        statistic="Sum",
        threshold=0,
        advice="A rule of this account matched an event and could not tell its target.",
    )


def heartbeat_alarms(heartbeat_topic: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield the alarm on a cluster that is silent; `heartbeat_topic` is a topic's name.

    Prometheus and Alertmanager publish to it every few minutes. If they do not, no alert of the cluster is sent either.
    """
    yield Alarm(
        name="heartbeat-missing",
        severity="critical",
        namespace="AWS/SNS",
        metric="NumberOfMessagesPublished",
        dimensions={"TopicName": heartbeat_topic},
        statistic="Sum",
        comparison="below",
        threshold=1,
        minutes=20,
        silence_is_trouble=True,
        advice="Alerts of the cluster reach nobody: Prometheus, Alertmanager, or their way out is down.",
    )
