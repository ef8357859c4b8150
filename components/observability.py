"""Who is told, and what they see: alarms, budget and dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

import settings
from components.alarms import Alarm
from components.foundation import Foundation
from components.policies import document
from naming import physical_name

_PERIOD_MINUTES = 5
_COMPARISONS = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


@dataclass(frozen=True)
class ObservabilityArgs:
    """What Observability rests on and is told."""

    foundation: Foundation
    settings: settings.Observability
    alarms: Sequence[Alarm]


class Observability(pulumi.ComponentResource):
    """Every alarm, and a bill that runs ahead of its budget, reaches one encrypted topic."""

    topic_arn: pulumi.Output[str]
    pod_logs: aws.cloudwatch.LogGroup | None
    """Where the pods' logs are kept, in a stack without OpenSearch."""

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Observability", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        self.topic_arn = self._make_topic()
        self.pod_logs = None if args.settings.search else args.foundation.make_log_group(f"{name}-pods", parent=self)
        for alarm in args.alarms:
            self._make_alarm(alarm)
        self._make_budget()
        self._make_dashboard()
        self.register_outputs({"topic_arn": self.topic_arn})

    def _make_topic(self) -> pulumi.Output[str]:
        topic = aws.sns.Topic(
            f"{self._name}-alerts", kms_master_key_id=self._args.foundation.encryption.logs_key_arn, opts=self._child
        )
        policy = aws.sns.TopicPolicy(
            f"{self._name}-alerts",
            arn=topic.arn,
            policy=document(
                {
                    "Sid": "AlarmsAndBudgets",
                    "Effect": "Allow",
                    "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]},
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                    "Condition": {"StringEquals": {"aws:SourceAccount": self._args.foundation.location.account_id}},
                }
            ),
            opts=self._child,
        )
        for email in self._args.settings.alert_emails:
            aws.sns.TopicSubscription(
                f"{self._name}-{email}", topic=topic.arn, protocol="email", endpoint=email, opts=self._child
            )
        # The budget is refused while it may not publish.
        return policy.arn

    def _make_alarm(self, alarm: Alarm) -> None:
        percentile = alarm.statistic.startswith("p")
        aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.name}",
            alarm_description=alarm.advice,
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.dimensions,
            statistic=None if percentile else alarm.statistic,
            extended_statistic=alarm.statistic if percentile else None,
            comparison_operator=_COMPARISONS[alarm.comparison],
            threshold=alarm.threshold,
            period=_PERIOD_MINUTES * 60,
            evaluation_periods=max(1, alarm.minutes // _PERIOD_MINUTES),
            # A tier at rest sends nothing; that is no reason to wake anybody.
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic_arn],
            ok_actions=[self.topic_arn],
            opts=self._child,
        )

    def _make_budget(self) -> None:
        def notify(kind: str, percent: int) -> aws.budgets.BudgetNotificationArgsDict:
            return {
                "notification_type": kind,
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "subscriber_sns_topic_arns": [self.topic_arn],
            }

        aws.budgets.Budget(
            f"{self._name}-budget",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._args.settings.monthly_budget_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:Stack${self._args.foundation.location.stack}"]}],
            notifications=[notify("FORECASTED", 100), notify("ACTUAL", 80), notify("ACTUAL", 100)],
            opts=self._child,
        )

    def _make_dashboard(self) -> None:
        aws.cloudwatch.Dashboard(
            f"{self._name}-dashboard",
            dashboard_name=physical_name("dashboard", self._args.foundation.location.stack),
            dashboard_body=pulumi.Output.json_dumps(
                {"widgets": _widgets(self._args.alarms, self._args.foundation.location.region)}
            ),
            opts=self._child,
        )


def _widgets(alarms: Sequence[Alarm], region: str) -> list[dict[str, Any]]:
    """Return one graph per metric, each with its threshold, three abreast.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
    """
    by_metric: dict[tuple[str, str], list[Alarm]] = {}
    for alarm in alarms:
        by_metric.setdefault((alarm.namespace, alarm.metric), []).append(alarm)
    return [
        {
            "type": "metric",
            "width": 8,
            "height": 6,
            "x": 8 * (index % 3),
            "y": 6 * (index // 3),
            "properties": {
                "title": f"{namespace.removeprefix('AWS/')}: {metric}",
                "region": region,
                "stat": group[0].statistic,
                "period": _PERIOD_MINUTES * 60,
                "metrics": [[namespace, metric, *_pairs(alarm.dimensions)] for alarm in group],
                "annotations": {"horizontal": [{"value": group[0].threshold, "label": "alarm"}]},
            },
        }
        for index, ((namespace, metric), group) in enumerate(by_metric.items())
    ]


def _pairs(dimensions: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [part for pair in dimensions.items() for part in pair]
