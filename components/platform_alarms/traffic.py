"""Alarms on what lets requests in and out: load balancer, firewall, certificate, NAT, models.

Thresholds without a source are estimates.
"""

import functools
from collections.abc import Iterator, Mapping

import pulumi

from components.firewall import BY_FINGERPRINT, BY_NETWORK
from components.platform_alarms.alarm import Alarm, Dimensions

_DAY = 24 * 60


def load_balancer_alarms(balancer: pulumi.Input[str], targets: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield alarms of an application load balancer, given CloudWatch's names for it and for its target group.

    Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    """
    where: Dimensions = {"LoadBalancer": balancer, "TargetGroup": targets}
    alarm = functools.partial(Alarm, namespace="AWS/ApplicationELB", dimensions=where)
    yield alarm(
        name="load-balancer-errors",
        severity="critical",
        metric="HTTPCode_ELB_5XX_Count",
        dimensions={"LoadBalancer": balancer},
        statistic="Sum",
        threshold=10,
        advice="The balancer itself answered: no healthy target, or targets that hang up.",
    )
    yield alarm(
        name="application-errors",
        severity="critical",
        metric="HTTPCode_Target_5XX_Count",
        statistic="Sum",
        threshold=50,
        advice="Look at the last rollout and the application's logs.",
    )
    yield alarm(
        name="application-slow",
        severity="warning",
        metric="TargetResponseTime",
        statistic="p95",
        threshold=1,
        advice="Seconds at the 95th percentile: compare with the database's and the model's latency.",
    )
    yield alarm(
        name="application-unhealthy",
        severity="warning",
        metric="UnHealthyHostCount",
        statistic="Maximum",
        threshold=0,
        minutes=10,
        advice="Gateway pods fail their readiness check.",
    )


def reachability_alarms(balancer: pulumi.Input[str], targets: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield the alarm that nobody answers; no registered target, no data."""
    yield Alarm(
        name="application-unreachable",
        severity="critical",
        namespace="AWS/ApplicationELB",
        metric="HealthyHostCount",
        dimensions={"LoadBalancer": balancer, "TargetGroup": targets},
        statistic="Maximum",
        comparison="below",
        threshold=1,
        minutes=5,
        period=1,
        silence_is_trouble=True,
        advice="No gateway pod is healthy: every request is answered with 503.",
    )


def firewall_alarms(acl_metric: pulumi.Input[str], region: str) -> Iterator[Alarm]:
    """Yield the alarms of a web ACL, given the name that its metrics have.

    Source: https://docs.aws.amazon.com/waf/latest/developerguide/waf-metrics.html
    """
    yield Alarm(
        name="firewall-blocks-spike",
        severity="warning",
        namespace="AWS/WAFV2",
        metric="BlockedRequests",
        dimensions={"WebACL": acl_metric, "Region": region, "Rule": "ALL"},
        statistic="Sum",
        threshold=2000,
        minutes=10,
        advice="An attack, or a rule that blocks users: see which rule, and whose addresses.",
    )
    for rule, whose in ((BY_FINGERPRINT, "one kind of client"), (BY_NETWORK, "one network")):
        yield Alarm(
            # Once these rules block, their requests are among those above.
            name="firewall-crawler",
            of=whose.removeprefix("one ").replace(" ", "-"),
            severity="warning",
            namespace="AWS/WAFV2",
            metric="CountedRequests",
            dimensions={"WebACL": acl_metric, "Region": region, "Rule": rule},
            statistic="Sum",
            threshold=0,
            minutes=15,
            advice=f"Many addresses of {whose} ask as one: a crawler, or a limit that users reach.",
        )


def certificate_alarms(arn: pulumi.Input[str]) -> Iterator[Alarm]:
    """Yield the alarm that ACM has not renewed a certificate, which it does weeks before.

    Source: https://docs.aws.amazon.com/acm/latest/userguide/cloudwatch-metrics.html
    """
    yield Alarm(
        name="certificate-expiring",
        severity="warning",
        namespace="AWS/CertificateManager",
        metric="DaysToExpiry",
        dimensions={"CertificateArn": arn},
        statistic="Minimum",
        comparison="below",
        threshold=21,
        minutes=_DAY,
        period=_DAY,
        advice="ACM could not renew it: look for the validation record in the zone.",
    )


def nat_alarms(gateways: Mapping[str, pulumi.Input[str]]) -> Iterator[Alarm]:
    """Yield alarms of NAT gateways, by zone.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/metrics-dimensions-nat-gateway.html
    """
    for zone, gateway in gateways.items():
        where: Dimensions = {"NatGatewayId": gateway}
        yield Alarm(
            name="nat-ports-exhausted",
            of=zone,
            severity="critical",
            namespace="AWS/NATGateway",
            metric="ErrorPortAllocation",
            dimensions=where,
            statistic="Sum",
            threshold=0,
            advice="Too many connections to one destination: an interface endpoint takes them off the gateway.",
        )
        yield Alarm(
            name="nat-packets-dropped",
            of=zone,
            severity="warning",
            namespace="AWS/NATGateway",
            metric="PacketsDropCount",
            dimensions=where,
            statistic="Sum",
            threshold=100,
            advice="The gateway is in trouble or over its bandwidth.",
        )


def model_alarms() -> Iterator[Alarm]:
    """Yield the alarm that Bedrock throttles; the application decides which models there are.

    Source: https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html
    """
    yield Alarm(
        name="models-throttled",
        severity="warning",
        namespace="AWS/Bedrock",
        metric="InvocationThrottles",
        dimensions={"ModelId": "all"},
        all_of_the_account=True,
        statistic="Sum",
        threshold=10,
        minutes=15,
        advice="The account's quota of a model is used up: ask for more, or use an inference profile.",
    )
