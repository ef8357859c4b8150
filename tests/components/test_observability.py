"""Who is notified of what, what a stack may cost, and where the pods' logs are kept."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, build

from components.observability import Observability, ObservabilityArgs
from components.platform_alarms.alarm import Alarm
from recording.graph import Graph
from settings import observability as settings

ALARM, TOPIC = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"
RUNBOOKS = "https://git.example.com/prism/runbooks"
SEARCH = settings.Search(
    instance_type="r6g.large.search", zones=("eu-west-1a", "eu-west-1b"), nodes=2, volume_gb=100, version="2.19"
)


def alarm(name: str, severity: Any, metric: str, **more: Any) -> Alarm:
    """Return an alarm on a metric of one resource."""
    return Alarm(
        **{
            "name": name,
            "severity": severity,
            "namespace": "AWS/Test",
            "metric": metric,
            "dimensions": {"Thing": name},
            "statistic": "Maximum",
            "threshold": 7,
            "advice": "Look.",
            **more,
        }
    )


ALARMS = [
    alarm("down", "critical", "Up"),
    alarm("slow", "warning", "Latency", period=1),
    alarm("slower", "warning", "Latency"),
    alarm("throttled", "warning", "Throttles", all_of_the_account=True, statistic="Sum"),
]


@functools.cache
def observability(*, fewest_spot_nodes: int = 9, **section: Any) -> Graph:
    args = ObservabilityArgs(
        context=CONTEXT,
        settings=settings.Observability(
            **{"monthly_budget_usd": 4321, "log_days": 60, "alert_emails": ("pager@example.com",), **section}
        ),
        key_arn=KEY_ARN,
        log_groups=LOG_GROUPS,
        alarms=ALARMS,
        runbooks=RUNBOOKS,
        fewest_spot_nodes=fewest_spot_nodes,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = Observability("observability", args, opts)
        pulumi.export("topic_arns", made.topic_arns)
        pulumi.export("interruptions_topic_arn", made.interruptions_topic_arn)
        pulumi.export("heartbeat", made.heartbeat.arn)
        pulumi.export("pod_logs", made.pod_logs.arn if made.pod_logs else "")

    return build(make)


def topic(role: str) -> Mapping[str, Any]:
    return observability().named(TOPIC, f"observability-{role}").outputs


def admitted(role: str) -> list[dict[str, Any]]:
    policy = observability().named("aws:sns/topicPolicy:TopicPolicy", f"observability-{role}")
    assert policy["arn"] == topic(role)["arn"]
    statements = json.loads(policy["policy"])["Statement"]
    for statement in statements:
        assert (statement["Effect"], statement["Action"]) == ("Allow", "sns:Publish")
        assert statement["Resource"] == topic(role)["arn"]
    return [{key: statement.get(key) for key in ("Principal", "Condition")} for statement in statements]


OWN_ACCOUNT = {"StringEquals": {"aws:SourceAccount": CONTEXT.account_id}}
EVENTS = {"Principal": {"Service": "events.amazonaws.com"}, "Condition": None}


def test_nobody_reads_a_notification_without_the_key() -> None:
    topics = observability().of_type(TOPIC)
    assert [each.name.removeprefix("observability-") for each in topics] == [
        "alerts",
        "warnings",
        "interruptions",
        "heartbeat",
    ]
    assert {each["kmsMasterKeyId"] for each in topics} == {KEY_ARN}


@pytest.mark.parametrize("role", ["alerts", "warnings"])
def test_alarms_and_budgets_of_this_account_are_published_and_events_without_a_condition(role: str) -> None:
    """AWS documents a source account for CloudWatch and Budgets; for EventBridge none (eb-use-resource-based)."""
    services = {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]}
    assert admitted(role) == [{"Principal": services, "Condition": OWN_ACCOUNT}, EVENTS]


def test_interruptions_are_published_by_eventbridge_alone_and_the_heartbeat_by_no_service() -> None:
    assert admitted("interruptions") == [EVENTS]
    policies = {each["arn"] for each in observability().of_type("aws:sns/topicPolicy:TopicPolicy")}
    assert topic("heartbeat")["arn"] not in policies


def test_whoever_uses_a_topic_waits_until_services_may_publish_to_it() -> None:
    assert observability().outputs["topic_arns"] == {
        "critical": topic("alerts")["arn"],
        "warning": topic("warnings")["arn"],
    }
    assert observability().outputs["interruptions_topic_arn"] == topic("interruptions")["arn"]
    assert observability().outputs["heartbeat"] == topic("heartbeat")["arn"]
    # AWS refuses a budget whose topic does not admit it yet.
    policy = observability().named("aws:sns/topicPolicy:TopicPolicy", "observability-warnings").urn
    (budget,) = observability().of_type("aws:budgets/budget:Budget")
    assert policy in budget.dependencies


def subscribed(graph: Graph) -> list[tuple[str, str, str]]:
    roles = {topic(role)["arn"]: role for role in ("alerts", "warnings", "interruptions", "heartbeat")}
    return [
        (roles[each["topic"]], each["protocol"], each["endpoint"])
        for each in graph.of_type("aws:sns/topicSubscription:TopicSubscription")
    ]


def test_who_is_paged_gets_warnings_as_well_where_nobody_else_does() -> None:
    assert subscribed(observability()) == [
        ("alerts", "email", "pager@example.com"),
        ("warnings", "email", "pager@example.com"),
    ]


def test_who_is_paged_gets_no_warning_where_others_do() -> None:
    graph = observability(warning_emails=("team@example.com", "lead@example.com"))
    assert subscribed(graph) == [
        ("alerts", "email", "pager@example.com"),
        ("warnings", "email", "team@example.com"),
        ("warnings", "email", "lead@example.com"),
    ]


def test_each_alarm_notifies_the_topic_of_its_severity() -> None:
    for each in ALARMS:
        made = observability().named(ALARM, f"observability-{each.name}")
        wanted = topic("alerts" if each.severity == "critical" else "warnings")["arn"]
        assert made["alarmActions"] == made["okActions"] == [wanted]
        assert made["alarmDescription"].endswith(f"{RUNBOOKS}/aws-alarms.md#{each.name}")


def test_a_notification_that_cannot_be_delivered_is_a_warning_on_the_other_topic() -> None:
    made = observability().named(ALARM, "observability-alarms-undelivered")
    assert made["dimensions"] == {"TopicName": topic("alerts")["name"]}
    assert made["alarmActions"] == [topic("warnings")["arn"]]


@pytest.mark.parametrize(("fewest", "threshold"), [(9, 4), (2, 1), (1, 1), (0, 1)])
def test_interruptions_of_half_the_spot_nodes_are_an_alarm(fewest: int, threshold: int) -> None:
    made = observability(fewest_spot_nodes=fewest).named(ALARM, "observability-spot-interruptions")
    assert made["threshold"] == threshold
    assert made["dimensions"] == {"TopicName": topic("interruptions")["name"]}


def test_the_budget_counts_what_carries_the_stacks_tag_and_nothing_else() -> None:
    """A filter on another tag counts nothing, and no bill is ever too high.

    The form of the value: https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-create-filters.html
    """
    (budget,) = observability().of_type("aws:budgets/budget:Budget")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:Stack$test"]}]
    assert CONTEXT.tags["Stack"] == "test"
    assert (budget["budgetType"], budget["timeUnit"]) == ("COST", "MONTHLY")
    assert (budget["limitAmount"], budget["limitUnit"]) == ("4321", "USD")


def test_a_bill_is_a_warning_at_four_fifths_and_where_it_is_forecast_to_exceed_the_budget() -> None:
    (budget,) = observability().of_type("aws:budgets/budget:Budget")
    found = budget["notifications"]
    assert [(each["notificationType"], each["threshold"], each["thresholdType"]) for each in found] == [
        ("FORECASTED", 100, "PERCENTAGE"),
        ("ACTUAL", 80, "PERCENTAGE"),
        ("ACTUAL", 100, "PERCENTAGE"),
    ]
    assert {each["comparisonOperator"] for each in found} == {"GREATER_THAN"}
    for each in found:
        assert each["subscriberSnsTopicArns"] == [topic("warnings")["arn"]]


def test_pods_logs_are_kept_in_cloudwatch_only_where_the_stack_has_no_opensearch() -> None:
    logs = observability().named("aws:cloudwatch/logGroup:LogGroup", "observability-pods")
    assert (logs["kmsKeyId"], logs["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    assert observability().outputs["pod_logs"] == logs.outputs["arn"]
    with_search = observability(search=SEARCH)
    assert not with_search.of_type("aws:cloudwatch/logGroup:LogGroup")
    assert with_search.outputs["pod_logs"] == ""


def test_the_dashboard_shows_each_metric_once_with_its_threshold_three_abreast() -> None:
    (dashboard,) = observability().of_type("aws:cloudwatch/dashboard:Dashboard")
    assert dashboard["dashboardName"] == "ai-prism-test"
    widgets = json.loads(dashboard["dashboardBody"])["widgets"]
    up, latency, throttles, *_ = widgets
    assert [(each["x"], each["y"]) for each in widgets[:4]] == [(0, 0), (8, 0), (16, 0), (0, 6)]
    assert {(each["type"], each["width"], each["height"]) for each in widgets} == {("metric", 8, 6)}
    assert up["properties"] == {
        "title": "Test: Up",
        "region": CONTEXT.region,
        "stat": "Maximum",
        "period": 300,
        "metrics": [["AWS/Test", "Up", "Thing", "down"]],
        "annotations": {"horizontal": [{"value": 7, "label": "alarm"}]},
    }
    assert latency["properties"]["period"] == 60
    assert latency["properties"]["metrics"] == [
        ["AWS/Test", "Latency", "Thing", "slow"],
        ["AWS/Test", "Latency", "Thing", "slower"],
    ]
    assert throttles["properties"]["metrics"] == [
        [{"expression": 'SELECT SUM(Throttles) FROM SCHEMA("AWS/Test", Thing)', "label": "throttled"}]
    ]
