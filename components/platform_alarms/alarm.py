"""A CloudWatch alarm: what it watches, whom it notifies, and where its runbook is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

Severity = Literal["critical", "warning"]
"""*Critical* pages at any hour, *warning* waits for working hours."""
Dimensions = Mapping[str, pulumi.Input[str]]
RUNBOOK = "aws-alarms.md"
"""In docs/runbooks: a section for each alarm, under its name."""
_COMPARISONS = {"above": "GreaterThanThreshold", "below": "LessThanThreshold"}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`metric` beyond `threshold` in every period of the last `minutes`. Metric names: see the source at each group."""

    name: str
    """What is wrong, in a few words; also the title of its section in the runbook."""
    of: str = ""
    """Which one of several alike: a zone, a node."""
    severity: Severity
    namespace: str
    metric: str
    dimensions: Dimensions
    statistic: Literal["Average", "Maximum", "Sum", "Minimum", "p95"]
    comparison: Literal["above", "below"] = "above"
    threshold: float
    minutes: int = 5
    period: int = 5
    """Minutes over which the statistic is taken."""
    rises: bool = False
    """Compares the change from one period to the next, instead of the value."""
    all_of_the_account: bool = False
    """Adds up the metric over all values of the dimensions, of which the names alone count: for what this program does
    not name, such as models. Without dimensions it is all of the metric, whatever its dimensions."""
    silence_is_trouble: bool = False
    """Fires when there is no data. By default missing data does not fire: an idle tier sends none."""
    advice: str
    """The first thing to look at."""

    @property
    def logical_name(self) -> str:
        return f"{self.name}-{self.of}" if self.of else self.name

    @property
    def expression(self) -> str | None:
        """Return what is computed of the metric, where that is not the metric itself.

        Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html and
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html.
        """
        if self.all_of_the_account:
            names = "".join(f", {name}" for name in self.dimensions)
            source = f'SCHEMA("{self.namespace}"{names})' if names else f'"{self.namespace}"'
            return f"SELECT {self.statistic.upper()}({self.metric}) FROM {source}"  # noqa: S608  # of metrics, not SQL
        return "DIFF(metric)" if self.rises else None


def make_alarm(
    prefix: str,
    alarm: Alarm,
    topics: Mapping[Severity, pulumi.Input[str]],
    runbooks: str,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """Make the alarm; it notifies the topic of its severity when it fires and when it is over.

    `runbooks` is the address of docs/runbooks, `prefix` the start of the logical name.
    """
    plain = alarm.expression is None
    percentile = alarm.statistic.startswith("p")
    topic = topics[alarm.severity]
    return aws.cloudwatch.MetricAlarm(
        f"{prefix}-{alarm.logical_name}",
        alarm_description=f"{alarm.severity}: {alarm.advice} {runbooks}/{RUNBOOK}#{alarm.name}",
        namespace=alarm.namespace if plain else None,
        metric_name=alarm.metric if plain else None,
        dimensions=alarm.dimensions if plain else None,
        statistic=alarm.statistic if plain and not percentile else None,
        extended_statistic=alarm.statistic if percentile else None,
        # What is too few is AWS's to say: for the 95th percentile less than 200 in a period, 10 / (1 - 0.95).
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
        evaluate_low_sample_count_percentiles="ignore" if percentile else None,
        period=alarm.period * 60 if plain else None,
        metric_queries=None if plain else _queries(alarm),
        comparison_operator=_COMPARISONS[alarm.comparison],
        threshold=alarm.threshold,
        evaluation_periods=alarm.minutes // alarm.period,
        treat_missing_data="breaching" if alarm.silence_is_trouble else "notBreaching",
        alarm_actions=[topic],
        ok_actions=[topic],
        opts=opts,
    )


def _queries(alarm: Alarm) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict]:
    result: aws.cloudwatch.MetricAlarmMetricQueryArgsDict = {
        "id": "result",
        "expression": alarm.expression or "",
        "label": alarm.name,
        "return_data": True,
    }
    if alarm.all_of_the_account:
        return [{**result, "period": alarm.period * 60}]
    metric: aws.cloudwatch.MetricAlarmMetricQueryMetricArgsDict = {
        "namespace": alarm.namespace,
        "metric_name": alarm.metric,
        "dimensions": alarm.dimensions,
        "period": alarm.period * 60,
        "stat": alarm.statistic,
    }
    return [{"id": "metric", "metric": metric, "return_data": False}, result]
