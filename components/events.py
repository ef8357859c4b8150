"""Events that AWS reports and no metric shows: failovers, failures, expiring certificates, keys to be deleted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.platform_alarms.alarm import RUNBOOK, Severity


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that EventBridge passes on."""

    name: str
    """What has happened, in a few words; also the title of its section in the runbook."""
    severity: Severity | None
    """None where a single one notifies nobody: it is only counted."""
    pattern: Mapping[str, Any]
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"""
    advice: str = ""
    """The first thing to do."""


@dataclass(frozen=True, kw_only=True)
class EventsArgs:
    """Arguments of Events."""

    topics: Mapping[Severity, pulumi.Input[str]]
    interruptions_topic_arn: pulumi.Input[str]
    """Where spot interruptions are counted."""
    runbooks: str
    """Address of docs/runbooks, without a slash at its end."""
    database_cluster: pulumi.Input[str]
    """Identifier of the cluster that serves."""
    database_instances: Sequence[pulumi.Input[str]]
    """Identifiers of all instances."""
    certificate_arn: pulumi.Input[str]
    """Of the load balancer's certificate."""
    key_arns: Sequence[pulumi.Input[str]]
    search_domain_arn: str | None
    """None in a stack without OpenSearch."""


class Events(pulumi.ComponentResource):
    """Every event that somebody has to act on reaches the topic of its severity, with the address of its runbook."""

    def __init__(self, name: str, args: EventsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Events", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for event in _events(args):
            rule = aws.cloudwatch.EventRule(
                f"{name}-{event.name}",
                description=event.advice,
                event_pattern=pulumi.Output.json_dumps(event.pattern),
                opts=child,
            )
            explanation = {
                "alarm": event.name,
                "severity": event.severity,
                "advice": event.advice,
                "runbook": f"{args.runbooks}/{RUNBOOK}#{event.name}",
            }
            # Subscribers get the whole event, after our explanation of it:
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
            template = json.dumps(explanation)[:-1] + ', "event": <aws.events.event.json>}'
            aws.cloudwatch.EventTarget(
                f"{name}-{event.name}",
                rule=rule.name,
                arn=args.topics[event.severity] if event.severity else args.interruptions_topic_arn,
                input_transformer={"input_template": template} if event.severity else None,
                opts=child,
            )
        self.register_outputs({})


def _events(args: EventsArgs) -> Iterator[Event]:
    yield from _database_events(args.database_cluster, args.database_instances)
    if args.search_domain_arn:
        yield _search_event(args.search_domain_arn)
    yield _certificate_event(args.certificate_arn)
    yield _key_event(args.key_arns)
    yield from _node_events()
    yield Event(
        # Public events are of services as a whole; those of this account name what they are about.
        # https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
        name="aws-health",
        severity="warning",
        pattern={
            "source": ["aws.health"],
            "detail-type": ["AWS Health Event"],
            "detail": {
                "eventScopeCode": ["ACCOUNT_SPECIFIC"],
                "eventTypeCategory": ["issue", "scheduledChange", "investigation"],
            },
        },
        advice="AWS has trouble with something in this account, or will replace it: the event names what.",
    )


def _database_events(cluster: pulumi.Input[str], instances: Sequence[pulumi.Input[str]]) -> Iterator[Event]:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html."""
    of_rds: Mapping[str, Any] = {
        "source": ["aws.rds"],
        "detail-type": ["RDS DB Cluster Event", "RDS DB Instance Event"],
    }
    ours = [cluster, *instances]
    yield Event(
        name="database-failover",
        severity="warning",
        pattern={**of_rds, "detail": {"EventCategories": ["failover"], "SourceIdentifier": ours}},
        advice="The writer has moved, or will: connections were cut off for a moment.",
    )
    yield Event(
        name="database-failure",
        severity="critical",
        pattern={**of_rds, "detail": {"EventCategories": ["failure", "low storage"], "SourceIdentifier": ours}},
        advice="An instance has failed, or storage runs out: the event says which.",
    )


def _search_event(domain_arn: str) -> Event:
    """Source: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/monitoring-events.html."""
    return Event(
        name="search-trouble",
        severity="warning",
        pattern={
            "source": ["aws.es"],
            "resources": [domain_arn],
            "detail": {
                "severity": ["High", "Medium"],
                # Updates of the service, and nodes that it replaces, are announced and come to pass.
                "status": [{"anything-but": ["Scheduled", "Rescheduled", "Required", "Completed"]}],
            },
        },
        advice="The domain warns of its state: the event says of what.",
    )


def _certificate_event(arn: pulumi.Input[str]) -> Event:
    """Source: https://docs.aws.amazon.com/acm/latest/userguide/supported-events.html."""
    return Event(
        name="certificate-trouble",
        severity="critical",
        pattern={
            "source": ["aws.acm"],
            "detail-type": [
                "ACM Certificate Renewal Action Required",
                "ACM Certificate Expired",
                "ACM Certificate Revoked",
            ],
            "resources": [arn],
        },
        advice="The entrance's certificate is not renewed by itself.",
    )


def _key_event(arns: Sequence[pulumi.Input[str]]) -> Event:
    """Calls reach EventBridge where a trail of the account logs management events, and not otherwise.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """
    keys = [*arns, *(pulumi.Output.from_input(arn).apply(lambda arn: arn.rpartition("/")[2]) for arn in arns)]
    return Event(
        name="key-about-to-go",
        severity="critical",
        pattern={
            "source": ["aws.kms"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["kms.amazonaws.com"],
                "eventName": ["ScheduleKeyDeletion", "DisableKey"],
                "requestParameters": {"keyId": keys},
            },
        },
        advice="Somebody has disabled a key of the platform, or scheduled its deletion: what it encrypts is lost.",
    )


def _node_events() -> Iterator[Event]:
    """All of the account's and region's: neither names a stack.

    Sources: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html and
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
    """
    yield Event(
        name="nodes-not-launched",
        severity="warning",
        pattern={
            "source": ["aws.autoscaling"],
            "detail-type": ["EC2 Instance Launch Unsuccessful"],
            # EKS names its groups so: https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
            "detail": {"AutoScalingGroupName": [{"prefix": "eks-"}]},
        },
        advice="EC2 has no capacity of this type, or the account no quota: the event says which.",
    )
    yield Event(
        name="spot-interrupted",
        severity=None,
        pattern={"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]},
    )
