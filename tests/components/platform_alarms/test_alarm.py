"""An alarm as CloudWatch gets it: when it fires, whom it notifies, and what missing data means."""

from typing import Any

import pytest
from alone import build

from components.platform_alarms.alarm import Alarm, make_alarm
from recording.graph import Resource

TOPICS = {"critical": "arn:critical", "warning": "arn:warning"}


def made(**more: Any) -> Resource:
    alarm = Alarm(
        **{
            "name": "thing-slow",
            "severity": "warning",
            "namespace": "AWS/Test",
            "metric": "Latency",
            "dimensions": {"Thing": "a"},
            "statistic": "Average",
            "threshold": 3,
            "minutes": 15,
            "advice": "Look at it.",
            **more,
        }
    )
    graph = build(lambda opts: make_alarm("prefix", alarm, TOPICS, "https://runbooks", opts))
    (found,) = graph.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
    return found


def test_it_watches_one_metric_of_one_resource_over_all_periods_of_its_minutes() -> None:
    found = made()
    assert (found["namespace"], found["metricName"], found["statistic"]) == ("AWS/Test", "Latency", "Average")
    assert found["dimensions"] == {"Thing": "a"}
    assert (found["threshold"], found["period"], found["evaluationPeriods"]) == (3, 300, 3)
    assert not {"metricQueries", "extendedStatistic", "evaluateLowSampleCountPercentiles"} & found.inputs.keys()
    assert made(period=1)["period"] == 60
    assert made(period=1)["evaluationPeriods"] == 15


@pytest.mark.parametrize(
    ("comparison", "operator"), [("above", "GreaterThanThreshold"), ("below", "LessThanThreshold")]
)
def test_it_fires_beyond_its_threshold_and_not_at_it(comparison: str, operator: str) -> None:
    assert made(comparison=comparison)["comparisonOperator"] == operator


def test_by_default_it_fires_above_its_threshold_and_stays_silent_without_data() -> None:
    assert made()["comparisonOperator"] == "GreaterThanThreshold"
    assert made()["treatMissingData"] == "notBreaching"
    assert made(silence_is_trouble=True)["treatMissingData"] == "breaching"


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_it_notifies_the_topic_of_its_severity_when_it_fires_and_when_it_is_over(severity: str) -> None:
    found = made(severity=severity)
    assert found["alarmActions"] == found["okActions"] == [f"arn:{severity}"]
    assert found["alarmDescription"] == f"{severity}: Look at it. https://runbooks/aws-alarms.md#thing-slow"


def test_several_alike_have_names_of_their_own_and_one_runbook() -> None:
    assert made().name == "prefix-thing-slow"
    assert made(of="a").name == "prefix-thing-slow-a"
    assert made(of="a")["alarmDescription"].endswith("#thing-slow")


def test_a_percentile_of_few_requests_is_no_alarm() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html."""
    found = made(statistic="p95")
    assert (found["extendedStatistic"], found["evaluateLowSampleCountPercentiles"]) == ("p95", "ignore")
    assert "statistic" not in found


def test_a_rise_is_the_difference_from_one_period_to_the_next() -> None:
    found = made(rises=True)
    metric, result = found["metricQueries"]
    assert metric["metric"] == {
        "namespace": "AWS/Test",
        "metricName": "Latency",
        "dimensions": {"Thing": "a"},
        "period": 300,
        "stat": "Average",
    }
    assert (metric["id"], metric["returnData"]) == ("metric", False)
    assert (result["id"], result["expression"], result["returnData"]) == ("result", "DIFF(metric)", True)
    assert result["label"] == "thing-slow"
    # Beside queries, CloudWatch takes none of these (PutMetricAlarm).
    assert not {"namespace", "metricName", "dimensions", "statistic", "period"} & found.inputs.keys()


@pytest.mark.parametrize(
    ("dimensions", "source"), [({"Thing": "all"}, 'SCHEMA("AWS/Test", Thing)'), ({}, '"AWS/Test"')]
)
def test_what_the_account_has_of_a_metric_is_added_up_over_all_values_of_its_dimensions(
    dimensions: dict[str, str], source: str
) -> None:
    found = made(all_of_the_account=True, statistic="Sum", dimensions=dimensions)
    (query,) = found["metricQueries"]
    assert query["expression"] == "SELECT SUM(Latency) FROM " + source  # noqa: S608  # of metrics, not SQL
    assert (query["period"], query["returnData"]) == (300, True)
