"""Topics of notifications, and what publishes to them: alarms and a budget; a dashboard of the alarms' metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam_statements import Statement, document
from components.log_groups import LogGroupFactory
from components.platform_alarms.alarm import Alarm, Severity, make_alarm
from components.platform_alarms.cluster import delivery_alarms, spot_alarms
from components.stack_context import StackContext
from settings import observability as settings
from settings.naming import physical_name


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """Arguments of Observability."""

    context: StackContext
    settings: settings.Observability
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the topics; its policy has to let CloudWatch, EventBridge and Budgets use it."""
    log_groups: LogGroupFactory
    alarms: Sequence[Alarm]
    """Of everything that this component does not make itself."""
    runbooks: str
    """Address of docs/runbooks, without a slash at its end."""
    fewest_spot_nodes: int
    """Minimum of the spot tier; as many interruptions as half of it within a quarter of an hour are an alarm."""


class Observability(pulumi.ComponentResource):
    """Every alarm notifies the encrypted topic of its severity; a bill that exceeds its budget, that of warnings.

    Two more topics have no subscriber, only an alarm on their number of messages: the cluster's heartbeat, and
    interruptions of spot nodes.
    """

    topic_arns: Mapping[Severity, pulumi.Output[str]]
    """Known once the services may publish."""
    heartbeat: aws.sns.Topic
    """Alertmanager publishes to it as long as it runs."""
    interruptions_topic_arn: pulumi.Output[str]
    pod_logs: aws.cloudwatch.LogGroup | None
    """Where the pods' logs are kept, in a stack without OpenSearch."""

    def __init__(self, name: str, args: ObservabilityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Observability", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        critical = self._make_topic("alerts")
        warnings = self._make_topic("warnings")
        interruptions = self._make_topic("interruptions")
        self.heartbeat = self._make_topic("heartbeat")
        self.topic_arns = {
            "critical": self._admit("alerts", critical, self._alarms(critical), _events(critical)),
            "warning": self._admit("warnings", warnings, self._alarms(warnings), _events(warnings)),
        }
        self.interruptions_topic_arn = self._admit("interruptions", interruptions, _events(interruptions))
        self._subscribe(critical, warnings)
        self.pod_logs = None if args.settings.search else args.log_groups.make(f"{name}-pods", parent=self)
        alarms = [
            *args.alarms,
            *delivery_alarms(critical.name),
            *spot_alarms(interruptions.name, args.fewest_spot_nodes),
        ]
        for alarm in alarms:
            make_alarm(name, alarm, self.topic_arns, args.runbooks, self._child)
        self._make_budget()
        self._make_dashboard(alarms)
        self.register_outputs({"topic_arns": self.topic_arns})

    def _make_topic(self, role: str) -> aws.sns.Topic:
        return aws.sns.Topic(f"{self._name}-{role}", kms_master_key_id=self._args.key_arn, opts=self._child)

    def _admit(self, role: str, topic: aws.sns.Topic, *statements: Statement) -> pulumi.Output[str]:
        """Let services publish; return the topic's ARN once they may, since AWS refuses a budget before."""
        policy = aws.sns.TopicPolicy(
            f"{self._name}-{role}", arn=topic.arn, policy=document(*statements), opts=self._child
        )
        return policy.arn

    def _alarms(self, topic: aws.sns.Topic) -> Statement:
        """Let alarms and budgets of this account publish.

        Source: https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
        """
        return {
            "Sid": "AlarmsAndBudgets",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]},
            "Action": "sns:Publish",
            "Resource": topic.arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": self._args.context.account_id}},
        }

    def _subscribe(self, critical: aws.sns.Topic, warnings: aws.sns.Topic) -> None:
        """Subscribe the addresses of each topic; without others, those of critical alarms get warnings as well."""
        chosen = self._args.settings
        for email in chosen.alert_emails:
            aws.sns.TopicSubscription(
                f"{self._name}-{email}", topic=critical.arn, protocol="email", endpoint=email, opts=self._child
            )
        for email in chosen.warning_emails or chosen.alert_emails:
            aws.sns.TopicSubscription(
                f"{self._name}-warnings-{email}", topic=warnings.arn, protocol="email", endpoint=email, opts=self._child
            )

    def _make_budget(self) -> None:
        def notify(kind: str, percent: int) -> aws.budgets.BudgetNotificationArgsDict:
            return {
                "notification_type": kind,
                "comparison_operator": "GREATER_THAN",
                "threshold": percent,
                "threshold_type": "PERCENTAGE",
                "subscriber_sns_topic_arns": [self.topic_arns["warning"]],
            }

        aws.budgets.Budget(
            f"{self._name}-budget",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._args.settings.monthly_budget_usd),
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:Stack${self._args.context.stack}"]}],
            notifications=[notify("FORECASTED", 100), notify("ACTUAL", 80), notify("ACTUAL", 100)],
            opts=self._child,
        )

    def _make_dashboard(self, alarms: Sequence[Alarm]) -> None:
        aws.cloudwatch.Dashboard(
            f"{self._name}-dashboard",
            dashboard_name=physical_name("dashboard", self._args.context.stack),
            dashboard_body=pulumi.Output.json_dumps({"widgets": _widgets(alarms, self._args.context.region)}),
            opts=self._child,
        )


def _events(topic: aws.sns.Topic) -> Statement:
    """Let EventBridge publish: AWS documents no condition for it, and with a wrong one events are lost silently.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
    """
    return {
        "Sid": "Events",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic.arn,
    }


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
                "period": group[0].period * 60,
                "metrics": [_graph(alarm) for alarm in group],
                "annotations": {"horizontal": [{"value": group[0].threshold, "label": "alarm"}]},
            },
        }
        for index, ((namespace, metric), group) in enumerate(by_metric.items())
    ]


def _graph(alarm: Alarm) -> list[Any]:
    if alarm.all_of_the_account:
        return [{"expression": alarm.expression, "label": alarm.name}]
    return [alarm.namespace, alarm.metric, *(part for pair in alarm.dimensions.items() for part in pair)]
