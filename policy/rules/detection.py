"""What looks at an account but leaves out what matters: trails, GuardDuty's filters, and plans of backups."""

from collections.abc import Iterator

from policy.properties import Findings, Properties
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource
from policy.wants import token

_READ, _WRITE = "reading", "changing"
_BOTH = frozenset({_READ, _WRITE})
_OF_SELECTOR = {"": _BOTH, "all": _BOTH, "readonly": frozenset({_READ}), "writeonly": frozenset({_WRITE})}


@rule(
    "trail-calls",
    "Trails record the reading and the changing calls of all services",
    types=(token("cloudtrail.Trail"),),
    severity=HIGH,
    controls=("CloudTrail.1",),
    paths=(
        "eventSelectors[].readWriteType",
        "eventSelectors[].includeManagementEvents",
        "advancedEventSelectors[].fieldSelectors[].field",
    ),
    why="Who looks around in an account, and what changes in it, is only known from the calls that are recorded.",
    fix='Leave the selectors out, or record management events with read_write_type="All".',
)
def recorded(trail: Resource, _: Context) -> Findings:
    basic, advanced = trail.nodes("eventSelectors"), trail.nodes("advancedEventSelectors")
    if not basic and not advanced:
        return
    kinds = frozenset[str]().union(*(_management(each) for each in basic), *(_advanced(each) for each in advanced))
    path = "eventSelectors" if basic else "advancedEventSelectors"
    for lacking in sorted(_BOTH - kinds):
        yield path, f"{lacking} calls are not recorded"


def _management(selector: Properties) -> frozenset[str]:
    if not selector.flag("includeManagementEvents", default=True):
        return frozenset()
    return _OF_SELECTOR.get(selector.text("readWriteType").lower(), frozenset())


def _advanced(selector: Properties) -> frozenset[str]:
    fields = {each.text("field").lower(): each for each in selector.nodes("fieldSelectors")}
    if "eventcategory" not in fields or "Management" not in fields["eventcategory"].texts("equals"):
        return frozenset()
    chosen = [each.lower() for each in fields["readonly"].texts("equals")] if "readonly" in fields else []
    return frozenset({_READ if each == "true" else _WRITE for each in chosen}) or _BOTH


_LOW = 4
"""Severity from which a finding is medium: https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html"""
_NARROWING = ("type", "resource.", "service.", "id", "title")
_WIDE = ("service.archived", "service.detectorId", "service.serviceName")


@rule(
    "gd-archive",
    "No filter archives findings of every kind",
    types=(token("guardduty.Filter"),),
    severity=HIGH,
    paths=("action", "findingCriteria.criterions[].field"),
    why="An archived finding is neither shown nor sent to anybody.",
    fix="Name the type of finding and the resource that is meant, or use action=NOOP.",
)
def archived(each: Resource, _: Context) -> Findings:
    if each.text("action").upper() != "ARCHIVE":
        return
    if not any(_is_narrow(criterion) for criterion in each.nodes("findingCriteria.criterions")):
        yield "findingCriteria", "findings of every kind are archived"


def _is_narrow(criterion: Properties) -> bool:
    field = criterion.text("field")
    if field == "severity":
        return any(limit is not None and limit < _LOW for limit in _at_most(criterion))
    wanted = [each for path in ("equals", "matches") for each in criterion.texts(path)]
    return field.startswith(_NARROWING) and field not in _WIDE and bool(wanted) and "*" not in wanted


def _at_most(criterion: Properties) -> Iterator[float | None]:
    less = criterion.number("lessThan")
    yield less if less is None else less - 0.1
    yield criterion.number("lessThanOrEqual")
    equal = [float(each) for each in criterion.texts("equals") if each.replace(".", "", 1).isdigit()]
    yield max(equal) if equal else None


_PLAN, _SELECTION = token("backup.Plan"), token("backup.Selection")
_WAYS = ("resources", "selectionTags", "conditions")


@rule(
    "bak-selection",
    "Backup plans select something",
    types=(_PLAN, _SELECTION),
    kind="stack",
    severity=MEDIUM,
    paths=tuple(f"{each}[]" for each in _WAYS),
    why="A plan to which nothing is assigned backs nothing up, and nobody notices before the day it is needed.",
    fix="Add an aws.backup.Selection with plan_id, and with resources or selection_tags.",
)
def selected(resource: Resource, context: Context) -> Findings:
    if resource.type == _PLAN:
        if not context.stack.is_used(resource, ("planId", (_SELECTION,))):
            yield "", "nothing is assigned to the plan"
    elif not any(resource.count(each) for each in _WAYS):
        yield "", "neither resources nor tags are named"
