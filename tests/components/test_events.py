"""What AWS tells of by itself is passed on, whole, and no more of it than asks for somebody."""

import json
from typing import Any

import pytest
from alone import CONTEXT, build
from moto.events.models import EventPattern
from support import STACKS, recorded

from components.events import Events, EventsArgs
from recording.graph import Graph

RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"


def rds(category: str, *, cluster: bool, source: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-cloud-watch-events.html."""
    return {
        "source": "aws.rds",
        "detail-type": f"RDS DB {'Cluster' if cluster else 'Instance'} Event",
        "detail": {
            "EventCategories": [category],
            "SourceType": "CLUSTER" if cluster else "DB_INSTANCE",
            "SourceIdentifier": source,
        },
    }


def search(domain: str, event: str, status: str, severity: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-events.html."""
    return {
        "source": "aws.es",
        "detail-type": "Amazon OpenSearch Service Notification",
        "resources": [domain],
        "detail": {"event": event, "status": status, "severity": severity},
    }


def health(scope: str, category: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html."""
    return {
        "source": "aws.health",
        "detail-type": "AWS Health Event",
        "detail": {"eventScopeCode": scope, "eventTypeCategory": category, "service": "RDS"},
    }


def key(call: str, key_id: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/kms/latest/developerguide/ct-schedule-key-deletion.html."""
    return {
        "source": "aws.kms",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": "kms.amazonaws.com", "eventName": call, "requestParameters": {"keyId": key_id}},
    }


def told_by(graph: Graph, event: dict[str, Any]) -> set[str]:
    """Return the rules that an event matches, by moto's reading of patterns."""
    told: set[str] = set()
    for rule in graph.of_type(RULE):
        whole = {"account": "123456789012", "region": "us-east-1", "resources": [], "id": "1", "time": "", **event}
        if EventPattern.load(rule["eventPattern"]).matches_event(whole):  # type: ignore[arg-type]
            told.add(rule.name.removeprefix("events-"))
    return told


@pytest.fixture
def prod() -> Graph:
    return recorded("prod", known=True)


def database(graph: Graph) -> str:
    return graph.of_type("aws:rds/cluster:Cluster")[0]["clusterIdentifier"]


def test_a_failover_and_a_failure_of_the_database_are_told(prod: Graph) -> None:
    instances = [item.outputs["identifier"] for item in prod.of_type("aws:rds/clusterInstance:ClusterInstance")]
    assert told_by(prod, rds("failover", cluster=True, source=database(prod))) == {"database-failover"}
    for instance in instances:
        assert told_by(prod, rds("failure", cluster=False, source=instance)) == {"database-failure"}
        assert told_by(prod, rds("low storage", cluster=False, source=instance)) == {"database-failure"}


def test_backups_and_another_stacks_database_are_not_told(prod: Graph) -> None:
    assert not told_by(prod, rds("backup", cluster=True, source=database(prod)))
    assert not told_by(prod, rds("creation", cluster=False, source=database(prod)))
    assert not told_by(prod, rds("failover", cluster=True, source="ai-prism-staging"))


def test_the_log_domains_warnings_are_told_and_its_updates_are_not(prod: Graph) -> None:
    ours = prod.of_type("aws:opensearch/domain:Domain")[0].outputs["arn"]
    assert told_by(prod, search(ours, "Low Disk Space", "Warning", "Medium")) == {"search-trouble"}
    assert told_by(prod, search(ours, "KMS Key Inaccessible", "Error", "High")) == {"search-trouble"}
    assert told_by(prod, search(ours, "Service Software Update", "Failed", "High")) == {"search-trouble"}
    assert not told_by(prod, search(ours, "Service Software Update", "Scheduled", "High"))
    assert not told_by(prod, search(ours, "Service Software Update", "Completed", "Informational"))
    assert not told_by(prod, search(ours, "Auto-Tune Event", "Started", "Informational"))
    assert not told_by(prod, search(f"{ours}-other", "Low Disk Space", "Warning", "Medium"))


@pytest.mark.parametrize("call", ["ScheduleKeyDeletion", "DisableKey"])
def test_a_key_of_the_platform_that_is_about_to_go_is_told_by_its_id_and_by_its_arn(prod: Graph, call: str) -> None:
    keys = prod.of_type("aws:kms/key:Key")
    assert len(keys) == 3
    for item in keys:
        arn = item.outputs["arn"]
        assert told_by(prod, key(call, arn)) == {"key-about-to-go"}
        assert told_by(prod, key(call, arn.rpartition("/")[2])) == {"key-about-to-go"}
    assert not told_by(prod, key(call, "00000000-0000-0000-0000-000000000000"))
    assert not told_by(prod, key("DescribeKey", keys[0].outputs["arn"]))


def test_what_aws_says_of_this_account_is_told_and_of_all_the_world_is_not(prod: Graph) -> None:
    assert told_by(prod, health("ACCOUNT_SPECIFIC", "issue")) == {"aws-health"}
    assert told_by(prod, health("ACCOUNT_SPECIFIC", "scheduledChange")) == {"aws-health"}
    assert not told_by(prod, health("PUBLIC", "issue"))
    assert not told_by(prod, health("ACCOUNT_SPECIFIC", "accountNotification"))


def test_a_certificate_that_needs_somebody_is_told(prod: Graph) -> None:
    """https://docs.aws.amazon.com/acm/latest/userguide/supported-events.html."""
    arn = prod.of_type("aws:acm/certificate:Certificate")[0].outputs["arn"]
    event = {"source": "aws.acm", "detail-type": "ACM Certificate Renewal Action Required", "resources": [arn]}
    assert told_by(prod, {**event, "detail": {}}) == {"certificate-trouble"}
    assert not told_by(prod, {**event, "resources": [f"{arn}x"], "detail": {}})


def test_missing_capacity_is_told_and_a_spot_interruption_only_counted(prod: Graph) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html."""
    failed = {
        "source": "aws.autoscaling",
        "detail-type": "EC2 Instance Launch Unsuccessful",
        "detail": {"AutoScalingGroupName": "eks-api-nodes-1"},
    }
    assert told_by(prod, failed) == {"nodes-not-launched"}
    interrupted = {"source": "aws.ec2", "detail-type": "EC2 Spot Instance Interruption Warning", "detail": {}}
    assert told_by(prod, interrupted) == {"spot-interrupted"}
    target = prod.named(TARGET, "events-spot-interrupted")
    topic = prod.named("aws:sns/topic:Topic", "observability-interruptions").outputs
    assert target["arn"] == topic["arn"]
    alarm = prod.named("aws:cloudwatch/metricAlarm:MetricAlarm", "observability-spot-interruptions")
    assert alarm["dimensions"] == {"TopicName": topic["name"]}


def events(*, search_domain_arn: str | None = "arn:domain") -> Graph:
    args = EventsArgs(
        topics={"critical": "arn:critical", "warning": "arn:warning"},
        interruptions_topic_arn="arn:interruptions",
        runbooks="https://runbooks",
        database_cluster="prism",
        database_instances=["prism-1", "prism-2"],
        certificate_arn="arn:certificate",
        key_arns=[CONTEXT.arn("kms", "key/1111")],
        search_domain_arn=search_domain_arn,
    )
    return build(lambda opts: Events("events", args, opts))


def test_what_loses_data_or_users_pages_somebody_and_the_rest_waits_for_working_hours() -> None:
    graph = events()
    topics = {target.name.removeprefix("events-"): target["arn"] for target in graph.of_type(TARGET)}
    assert topics == {
        "database-failover": "arn:warning",
        "database-failure": "arn:critical",
        "search-trouble": "arn:warning",
        "certificate-trouble": "arn:critical",
        "key-about-to-go": "arn:critical",
        "nodes-not-launched": "arn:warning",
        "spot-interrupted": "arn:interruptions",
        "aws-health": "arn:warning",
    }
    for target in graph.of_type(TARGET):
        assert target["rule"] == graph.named(RULE, target.name).outputs["name"]


def test_a_notification_says_what_has_happened_what_to_do_first_and_where_to_read_on() -> None:
    graph = events()
    for target in graph.of_type(TARGET):
        name = target.name.removeprefix("events-")
        if name == "spot-interrupted":
            # Only counted: nobody reads it.
            assert "inputTransformer" not in target
            continue
        template = target["inputTransformer"]["inputTemplate"]
        explanation = json.loads(template.replace("<aws.events.event.json>", '{"id": 1}'))
        assert explanation["event"] == {"id": 1}
        assert explanation["alarm"] == name
        assert target["arn"] == f"arn:{explanation['severity']}"
        assert explanation["advice"] == graph.named(RULE, target.name)["description"] != ""
        assert explanation["runbook"] == f"https://runbooks/aws-alarms.md#{name}"


def test_events_are_those_of_the_resources_that_are_given() -> None:
    graph = events()
    for source in ("prism", "prism-1", "prism-2"):
        assert told_by(graph, rds("failover", cluster=True, source=source)) == {"database-failover"}
    assert not told_by(graph, rds("failover", cluster=True, source="another"))
    for status in ("Warning", "Error", "Failed"):
        assert told_by(graph, search("arn:domain", "Any", status, "High")) == {"search-trouble"}
    for status in ("Scheduled", "Rescheduled", "Required", "Completed"):
        assert not told_by(graph, search("arn:domain", "Service Software Update", status, "High"))
    for detail in ("Renewal Action Required", "Expired", "Revoked"):
        event = {"source": "aws.acm", "detail-type": f"ACM Certificate {detail}", "detail": {}}
        assert told_by(graph, {**event, "resources": ["arn:certificate"]}) == {"certificate-trouble"}
    for category in ("issue", "scheduledChange", "investigation"):
        assert told_by(graph, health("ACCOUNT_SPECIFIC", category)) == {"aws-health"}
    assert told_by(graph, key("DisableKey", "1111")) == {"key-about-to-go"}


def test_groups_that_eks_did_not_make_are_not_watched() -> None:
    failed = {"source": "aws.autoscaling", "detail-type": "EC2 Instance Launch Unsuccessful"}
    assert told_by(events(), {**failed, "detail": {"AutoScalingGroupName": "eks-1"}}) == {"nodes-not-launched"}
    assert not told_by(events(), {**failed, "detail": {"AutoScalingGroupName": "other"}})


def test_a_stack_without_opensearch_has_no_rule_for_it() -> None:
    assert "events-search-trouble" not in {rule.name for rule in events(search_domain_arn=None).of_type(RULE)}


@pytest.mark.parametrize("stack", STACKS)
def test_subscribers_get_the_event_whole_with_what_to_do_first(stack: str) -> None:
    graph = recorded(stack, known=True)
    severities = {graph.outputs["alertsTopicArn"]: "critical", graph.outputs["warningsTopicArn"]: "warning"}
    for target in graph.of_type(TARGET):
        if target["arn"] in severities:
            template = target["inputTransformer"]["inputTemplate"]
            told = json.loads(template.replace("<aws.events.event.json>", "{}"))
            assert told.keys() == {"alarm", "severity", "advice", "runbook", "event"}
            assert told["severity"] == severities[target["arn"]]


@pytest.mark.parametrize("stack", STACKS)
def test_every_rule_has_a_target_that_admits_it(stack: str) -> None:
    graph = recorded(stack, known=True)
    rules = {rule.outputs["name"] for rule in graph.of_type(RULE)}
    assert {target["rule"] for target in graph.of_type(TARGET)} == rules
    admitting = {
        policy["arn"]
        for policy in graph.of_type("aws:sns/topicPolicy:TopicPolicy")
        if "events.amazonaws.com" in policy["policy"]
    }
    assert {target["arn"] for target in graph.of_type(TARGET)} <= admitting
