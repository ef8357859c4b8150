"""Alarms, events and budgets: whether anybody is told."""

from policy import resource_types as types
from policy.properties import UNKNOWN, Findings, Properties, Undetermined
from policy.registry import LOW, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "cw-alarm",
    "Alarms tell somebody",
    types=(*types.ALARM, *types.COMPOSITE_ALARM),
    kind="stack",
    severity=MEDIUM,
    controls=("CloudWatch.15", "CloudWatch.17", "CKV_AWS_319"),
    paths=("actionsEnabled", "alarmActions[]"),
    why="An alarm without an action changes its colour in a console that nobody looks at.",
    fix="Set alarm_actions to a topic that people or a pager subscribe to, and leave actions_enabled on.",
)
def alarm(resource: Resource, context: Context) -> Findings:
    if _is_part(resource, context):
        return
    if not resource.flag("actionsEnabled", default=True):
        yield "actionsEnabled", "actions are switched off"
    elif not resource.count("alarmActions"):
        yield "alarmActions", "no action tells anybody"


def _is_part(alarm: Resource, context: Context) -> bool:
    """Whether a composite alarm is made of it, which then tells."""
    for each in context.stack.of_type(*types.COMPOSITE_ALARM):
        rule = each.peek("alarmRule")
        name = alarm.peek("name" if alarm.type in types.ALARM else "alarmName")
        if alarm.urn in each.needs("alarmRule"):
            return True
        if isinstance(rule, str) and isinstance(name, str) and name and name in rule:
            return True
        if isinstance(rule, str) and name is UNKNOWN:
            raise Undetermined("", f"{each.name} may be made of it: its own name is unknown")
        if rule is UNKNOWN and not each.needs("alarmRule"):
            raise Undetermined("", f"{each.name} may be made of it: its alarmRule is unknown")
    return False


@rule(
    "cw-event",
    "Event rules are on, and have a target",
    types=types.EVENT_RULE,
    kind="stack",
    severity=MEDIUM,
    paths=("state", "isEnabled"),
    why="A rule that is disabled, or that has no target, is one that somebody relies on and that does nothing.",
    fix='Set state="ENABLED", and add an aws.cloudwatch.EventTarget.',
)
def event_rule(event: Resource, context: Context) -> Findings:
    if event.text("state").upper() == "DISABLED":
        yield "state", "the rule is disabled"
    if not event.flag("isEnabled", default=True):
        yield "isEnabled", "the rule is disabled"
    if not context.stack.is_used(event, ("rule", types.EVENT_TARGET)):
        yield "", "has no target"


@rule(
    "cw-event-lost",
    "Events that cannot be delivered are kept",
    types=types.EVENT_TARGET,
    kind="stack",
    severity=LOW,
    paths=("deadLetterConfig.arn", "arn"),
    why="After a day of retries, an event that could not be delivered is dropped, and nobody knows.",
    fix="Set dead_letter_config to a queue. Notifications by SNS, which are late by then, need none.",
)
def dead_letters(target: Resource, context: Context) -> Findings:
    if target.has("deadLetterConfig.arn") or _is_notice(target, context):
        return
    yield "deadLetterConfig.arn", "events that cannot be delivered are lost"


def _is_notice(target: Resource, context: Context) -> bool:
    value = target.peek("arn")
    if isinstance(value, str):
        return ":sns:" in value or ":logs:" in value
    if not target.needs("arn"):
        raise Undetermined("arn")
    try:
        return bool(context.stack.targets(target, "arn", *types.TOPIC, *types.LOG_GROUP))
    except Undetermined:
        return False


_MOST = 100
"""Percent of the limit above which a notice comes too late."""


@rule(
    "bdg-notice",
    "Budgets tell somebody before the limit is passed",
    types=types.BUDGET,
    severity=MEDIUM,
    paths=(
        "notifications[].threshold",
        "notifications[].thresholdType",
        "notifications[].subscriberEmailAddresses[]",
        "notifications[].subscriberSnsTopicArns[]",
    ),
    why="A budget does not stop costs: it is the notice in time that does.",
    fix="Add a notification at 100 percent of the limit or below, with subscribers.",
)
def budget(budget: Resource, _: Context) -> Findings:
    unsure = None
    for each in budget.nodes("notifications"):
        try:
            if _tells_in_time(each):
                return
        except Undetermined as unknown:
            unsure = unknown
    if unsure:
        raise unsure
    yield "notifications", "nobody is told before the limit is passed"


def _tells_in_time(notice: Properties) -> bool:
    told = any(notice.count(path) for path in ("subscriberEmailAddresses", "subscriberSnsTopicArns"))
    absolute = notice.text("thresholdType").upper() == "ABSOLUTE_VALUE"
    return told and (absolute or (notice.number("threshold") or 0) <= _MOST)
