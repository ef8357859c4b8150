"""Alarms on silence, which wait for what is not silent."""

import pulumi
import pulumi_aws as aws
from alone import build

from components.liveness import Liveness, LivenessArgs
from components.platform_alarms.cluster import heartbeat_alarms


def test_silence_is_an_alarm_only_once_all_runs_that_has_to_send_data() -> None:
    """Otherwise each first update, and each destroy, would page somebody."""

    def make(opts: pulumi.ResourceOptions) -> None:
        running = aws.sns.Topic("running", opts=opts)
        args = LivenessArgs(
            alarms=heartbeat_alarms("heartbeat"),
            topics={"critical": "arn:critical", "warning": "arn:warning"},
            runbooks="https://runbooks",
            after=[running],
        )
        Liveness("liveness", args, opts)

    graph = build(make)
    (alarm,) = graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert alarm.name == "liveness-heartbeat-missing"
    assert alarm["dimensions"] == {"TopicName": "heartbeat"}
    assert alarm["alarmActions"] == ["arn:critical"]
    assert graph.named("aws:sns/topic:Topic", "running").urn in alarm.dependencies
