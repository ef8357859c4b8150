"""Every alarm can fire, stays silent on a healthy stack, reaches somebody, and leads to what is to be done."""

import functools
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from support import STACKS, configured, record_with, recorded, texts

from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource
from settings.instance_types import database_memory_gib

ALARM, TOPIC = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"
STATISTICS = ("Average", "Maximum", "Minimum", "Sum")


@functools.cache
def documented() -> dict[tuple[str, str], dict[str, Any]]:
    tables = yaml.safe_load((ROOT / "tests/components/cloudwatch_metrics.yaml").read_text())
    return {
        (namespace, metric): {**found, "source": table["source"]}
        for namespace, table in tables.items()
        for metric, found in table["metrics"].items()
    }


def alarms(stack: str) -> Sequence[Resource]:
    return recorded(stack, known=True).of_type(ALARM)


def watched(alarm: Resource) -> tuple[str, str, dict[str, str], str]:
    """Return namespace, metric, dimensions and statistic, however the alarm says them."""
    for query in alarm.get("metricQueries") or []:
        if metric := query.get("metric"):
            return metric["namespace"], metric["metricName"], metric["dimensions"], metric["stat"]
        said = re.fullmatch(
            r'SELECT (\w+)\((\w+)\) FROM (?:SCHEMA\()?"([\w/]+)"(?:((?:, \w+)*)\))?', query["expression"]
        )
        assert said, query["expression"]
        names = (said[4] or "").removeprefix(", ")
        return said[3], said[2], dict.fromkeys(names.split(", ") if names else [], "all"), said[1].capitalize()
    statistic = alarm.get("statistic") or alarm["extendedStatistic"]
    return alarm["namespace"], alarm["metricName"], alarm["dimensions"], statistic


def is_named(alarm: Resource, name: str) -> bool:
    return alarm.name.startswith((f"observability-{name}", f"liveness-{name}"))


def named(stack: str, name: str) -> list[Resource]:
    found = [alarm for alarm in alarms(stack) if is_named(alarm, name)]
    assert found, name
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_looks_at_a_metric_that_aws_documents_by_its_dimensions_and_with_a_statistic_that_it_has(
    stack: str,
) -> None:
    """An alarm on anything else stays in INSUFFICIENT_DATA for ever, or compares what means nothing."""
    for alarm in alarms(stack):
        namespace, metric, dimensions, statistic = watched(alarm)
        assert (namespace, metric) in documented(), f"{alarm.name}: {namespace} {metric} is in no document"
        known = documented()[namespace, metric]
        assert sorted(dimensions) in [sorted(names) for names in known["dimensions"]], alarm.name
        assert statistic in known.get("statistics", STATISTICS), f"{alarm.name}: {known['source']}"


def test_the_table_names_nothing_that_no_alarm_looks_at() -> None:
    assert {watched(alarm)[:2] for alarm in alarms("prod")} == documented().keys()


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_looks_at_a_resource_of_its_own_stack(stack: str) -> None:
    graph = recorded(stack, known=True)
    names = {value for resource in graph.resources for value in texts(resource.outputs)}
    rules = {rule["name"] for acl in graph.of_type("aws:wafv2/webAcl:WebAcl") for rule in acl["rules"]}
    for alarm in alarms(stack):
        for dimension, value in watched(alarm)[2].items():
            fixed = {
                "Role": "WRITER",
                "Region": configured(stack, "aws")["region"],
                "ModelId": "all",
                "RuleName": "all",
            }
            if dimension == "Rule":
                assert value in {"ALL", *rules}, alarm.name
            elif dimension not in fixed:
                # A member of the cache is the group's name and a number; the account is who has the domain.
                name = re.sub(r"-\d{3}$", "", value) if dimension == "CacheClusterId" else value
                account = (
                    dimension == "ClientId"
                    and value in graph.named("aws:kms/key:Key", "encryption-logs").outputs["arn"]
                )
                assert name in names or account, (alarm.name, dimension, value)
            else:
                assert value == fixed[dimension], alarm.name


def test_two_stacks_of_one_account_do_not_share_the_firewalls_metric() -> None:
    acls = [recorded(stack, known=True).of_type("aws:wafv2/webAcl:WebAcl")[0] for stack in STACKS]
    metrics = {acl["visibilityConfig"]["metricName"] for acl in acls}
    assert len(metrics) == len(STACKS)
    (alarm,) = named("prod", "firewall-blocks-spike")
    assert alarm["dimensions"]["WebACL"] in metrics


@pytest.mark.parametrize("stack", STACKS)
def test_silence_fires_where_there_must_be_data_and_nowhere_else(stack: str) -> None:
    breaching = {alarm.name for alarm in alarms(stack) if alarm["treatMissingData"] == "breaching"}
    assert breaching == {"liveness-application-unreachable", "liveness-heartbeat-missing"}
    assert {alarm["treatMissingData"] for alarm in alarms(stack) if alarm.name not in breaching} == {"notBreaching"}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_that_comes_up_or_goes_down_calls_nobody_for_being_silent(stack: str) -> None:
    graph = recorded(stack, known=True)
    metrics = graph.named("kubernetes:helm.sh/v3:Release", "kube-prometheus-stack")
    gateway = next(item for item in graph.of_type("kubernetes:helm.sh/v3:Release") if "gateway" in item.name)
    for alarm in alarms(stack):
        if alarm["treatMissingData"] == "breaching":
            assert {metrics.urn, gateway.urn} <= graph.needs(alarm), alarm.name


@pytest.mark.parametrize("stack", STACKS)
def test_no_alarm_evaluates_longer_or_shorter_than_cloudwatch_allows(stack: str) -> None:
    """PutMetricAlarm: a day at most for periods under an hour, seven days in all."""
    for alarm in alarms(stack):
        queries = alarm.get("metricQueries") or []
        period = alarm.get("period") or next(
            query.get("period") or query["metric"]["period"]
            for query in queries
            if query.get("period") or query.get("metric")
        )
        assert period % 60 == 0, alarm.name
        assert alarm["evaluationPeriods"] >= 1, alarm.name
        assert period * alarm["evaluationPeriods"] <= (86_400 if period < 3600 else 604_800), alarm.name


def test_one_slow_request_is_no_slow_application() -> None:
    (alarm,) = named("prod", "application-slow")
    assert alarm["extendedStatistic"] == "p95"
    assert alarm["evaluateLowSampleCountPercentiles"] == "ignore"


@pytest.mark.parametrize("instance_class", ["db.t4g.medium", "db.r6g.large", "db.r7g.4xlarge"])
def test_thresholds_of_the_database_follow_from_the_memory_of_its_class(instance_class: str) -> None:
    section = json.loads(Project(ROOT).config("dev")["ai-prism:database"])
    graph = record_with("dev", database=json.dumps({**section, "instance_class": instance_class}))
    memory = (database_memory_gib(instance_class) or 0) * 1024**3
    free = graph.named(ALARM, "observability-database-memory-low")["threshold"]
    assert free == pytest.approx(memory * 0.05, abs=1)
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Managing.html: 420 for 4 GiB.
    admitted = {"db.t4g.medium": 420, "db.r6g.large": 1600, "db.r7g.4xlarge": 5000}[instance_class]
    assert 0.7 * admitted < graph.named(ALARM, "observability-database-connections-high")["threshold"] < 0.95 * admitted


@pytest.mark.parametrize("name", ["nat-ports-exhausted", "load-balancer-errors", "application-unreachable"])
def test_what_users_feel_calls_somebody_at_any_hour(name: str) -> None:
    graph = recorded("prod", known=True)
    for alarm in named("prod", name):
        assert alarm["alarmActions"] == alarm["okActions"] == [graph.outputs["alertsTopicArn"]]


@pytest.mark.parametrize("stack", STACKS)
def test_warnings_reach_another_topic_than_what_calls_somebody(stack: str) -> None:
    graph = recorded(stack, known=True)
    topics = {graph.outputs["alertsTopicArn"]: "critical", graph.outputs["warningsTopicArn"]: "warning"}
    assert len(topics) == 2
    for alarm in alarms(stack):
        (topic,) = alarm["alarmActions"]
        assert alarm["alarmDescription"].startswith(f"{topics[topic]}: "), alarm.name
    assert {topics[alarm["alarmActions"][0]] for alarm in alarms(stack)} == {"critical", "warning"}


def _with_emails(**emails: list[str]) -> Graph:
    section = json.loads(Project(ROOT).config("prod")["ai-prism:observability"]) | emails
    return record_with("prod", observability=json.dumps(section))


@pytest.mark.parametrize(
    ("emails", "critical", "warnings"),
    [
        ({"alert_emails": ["pager@example.com"]}, {"pager@example.com"}, {"pager@example.com"}),
        (
            {"alert_emails": ["pager@example.com"], "warning_emails": ["team@example.com"]},
            {"pager@example.com"},
            {"team@example.com"},
        ),
    ],
)
def test_whoever_is_called_at_night_need_not_get_what_can_wait(
    emails: dict[str, list[str]], critical: set[str], warnings: set[str]
) -> None:
    graph = _with_emails(**emails)
    subscribed: dict[str, set[str]] = {}
    for item in graph.of_type("aws:sns/topicSubscription:TopicSubscription"):
        subscribed.setdefault(item["topic"], set()).add(item["endpoint"])
    assert subscribed[graph.outputs["alertsTopicArn"]] == critical
    assert subscribed[graph.outputs["warningsTopicArn"]] == warnings


def _policy(graph: Graph, topic: str) -> list[dict[str, Any]]:
    arn = graph.named(TOPIC, f"observability-{topic}").outputs["arn"]
    (found,) = [item for item in graph.of_type("aws:sns/topicPolicy:TopicPolicy") if item["arn"] == arn]
    return json.loads(found["policy"])["Statement"]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("topic", ["alerts", "warnings"])
def test_alarms_and_events_may_publish_and_the_key_opens_for_them(stack: str, topic: str) -> None:
    """A topic that admits a service does not help if its key does not: the notification is lost without a word.

    Of EventBridge AWS says: "Adding the aws:SourceAccount, aws:SourceArn, and aws:SourceOrgID to a AWS KMS policy is
    not supported for EventBridge-to-encrypted topics" (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
    """
    graph = recorded(stack, known=True)
    statements = _policy(graph, topic)
    admitted = {service for item in statements for service in _listed(item["Principal"]["Service"])}
    assert {"cloudwatch.amazonaws.com", "events.amazonaws.com"} <= admitted
    key = graph.named("aws:kms/key:Key", "encryption-logs")
    assert graph.named(TOPIC, f"observability-{topic}")["kmsMasterKeyId"] == key.outputs["arn"]
    opens = {
        service: item.get("Condition")
        for item in json.loads(key["policy"])["Statement"]
        if "kms:Decrypt" in _listed(item["Action"])
        for service in _listed(item["Principal"].get("Service", []))
    }
    assert admitted <= opens.keys()
    assert opens["events.amazonaws.com"] is None


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("stack", STACKS)
def test_the_clusters_heartbeat_is_heard_before_the_alarm_for_its_silence_fires(stack: str) -> None:
    graph = recorded(stack, known=True)
    config = graph.named("kubernetes:helm.sh/v3:Release", "kube-prometheus-stack")["values"]["alertmanager"]["config"]
    first = config["route"]["routes"][0]
    assert first["matchers"] == ['alertname = "Watchdog"']
    receivers = {item["name"]: item.get("sns_configs", []) for item in config["receivers"]}
    (told,) = receivers[first["receiver"]]
    topic = graph.named(TOPIC, "observability-heartbeat")
    assert told["topic_arn"] == topic.outputs["arn"]
    (alarm,) = named(stack, "heartbeat-missing")
    assert alarm["dimensions"] == {"TopicName": topic.outputs["name"]}
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("LessThanThreshold", 1)
    minutes = {key: int(first[key].removesuffix("m")) for key in ("group_interval", "repeat_interval")}
    assert minutes["group_interval"] <= minutes["repeat_interval"]
    assert sum(minutes.values()) * 60 <= alarm["period"]
    assert alarm["alarmActions"] == [graph.outputs["alertsTopicArn"]]


RUNBOOK = ROOT / "docs/runbooks/aws-alarms.md"


def _sections() -> set[str]:
    return set(re.findall(r"^### (\S+)$", RUNBOOK.read_text(), re.MULTILINE))


def _linked(text: str) -> str:
    (section,) = re.findall(r"https://\S+/docs/runbooks/aws-alarms\.md#([a-z0-9-]+)", text)
    return section


@pytest.mark.parametrize("stack", STACKS)
def test_every_alarm_and_every_event_leads_to_a_section_of_the_runbook(stack: str) -> None:
    graph = recorded(stack, known=True)
    for alarm in alarms(stack):
        section = _linked(alarm["alarmDescription"])
        assert is_named(alarm, section), alarm.name
        assert section in _sections(), alarm.name
    for target in graph.of_type("aws:cloudwatch/eventTarget:EventTarget"):
        if transformer := target.get("inputTransformer"):
            section = _linked(transformer["inputTemplate"])
            assert target.name == f"events-{section}"
            assert section in _sections()


def test_every_section_of_the_runbook_is_of_an_alarm_or_event() -> None:
    graph = recorded("prod", known=True)
    linked = {_linked(alarm["alarmDescription"]) for alarm in alarms("prod")}
    for target in graph.of_type("aws:cloudwatch/eventTarget:EventTarget"):
        if transformer := target.get("inputTransformer"):
            linked.add(_linked(transformer["inputTemplate"]))
    assert _sections() == linked


def test_every_section_says_what_it_means_and_gives_a_command() -> None:
    for section in re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        assert re.search(r"^1\. .*`(aws|kubectl|k) ", text, re.MULTILINE), f"{name}: no first command"
        assert re.search(r"^2\. ", text, re.MULTILINE), f"{name}: no remedy"
