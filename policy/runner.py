"""Runs rules over resources: each rule sees each resource of its types once."""

import dataclasses
import functools
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from policy import waivers
from policy.findings import Finding, Report, Result, withheld
from policy.properties import Undetermined
from policy.registry import Context, Level, Rule, Settings, rules, rules_for, waivable_rules
from policy.view import Resource, Stack
from policy.waiver import Waiver
from recording.graph import Source

WAIVERS = "stk-waiver"
"""The rule about the waivers themselves. They go with a run and not with a resource: manifests and many a plan have no
Stack on which it could be run. Only the engine, which asks by resource, asks it about that."""

WHOLE = "stk-whole"
"""The rule that tells what cannot be judged where a plan leaves out what it does not change."""

_STACK = "pulumi:pulumi:Stack"

_NO_OTHERS = Stack(name="", resources=())


def run(stack: Stack, settings: Settings, only: Sequence[Rule] | None = None) -> Report:
    """Return what the rules (all, or `only` these) say of the stack; whatever a rule does, this does not raise."""
    contexts: dict[tuple[str, int], Context] = {}
    satisfied: Counter[str] = Counter()
    findings: list[Finding] = []
    chosen = None if only is None else {rule.id for rule in only}
    for resource in stack.resources:
        if resource.external:
            continue
        around = stack.around(resource)
        for rule in rules_for(resource.type):
            if (
                rule.id == WAIVERS
                or (chosen is not None and rule.id not in chosen)
                or needs_more(rule, stack)
                or (resource.partial and rule.kind == "stack")
                or (rule.looks_at and not rule.looks_at(resource))
                or is_judged_below(rule, resource, stack)
            ):
                continue
            about = rule.id, id(around)
            if about not in contexts:
                contexts[about] = context_for(rule, around, settings)
            found = tuple(judge(rule, resource, contexts[about]))
            findings += found
            satisfied[rule.id] += not (found or resource.partial)
    owned = (each for each in stack.resources if not each.external)
    unseen = Counter(each.type for each in owned if is_unseen(each) and each.type not in stack.asked)
    applicable = waivers.concerned(settings.waivers, (resource.urn for resource in stack.resources))
    asked = [waiver for waiver in applicable if chosen is None or waiver.rule in chosen]
    applied = waivers.apply(asked, findings, settings.today, whole=not stack.left_out)
    faults = list(applied.faults)
    if chosen is None or WAIVERS in chosen:
        waivable = waivable_rules()
        faults += [(waiver, fault) for waiver in applicable for fault in waiver.faults(settings.today, waivable)]
        satisfied[WAIVERS] += not faults
    return Report(
        stack=stack.name,
        environment=settings.environment,
        findings=(*applied.findings, *_faults(stack, settings, faults), *_ending(stack, settings, applicable)),
        satisfied=satisfied,
        unseen=unseen,
    )


def needs_more(rule: Rule, stack: Stack) -> bool:
    """Whether a rule about several resources would have to guess, since not all of them are told."""
    return bool(stack.left_out) and rule.kind == "stack" and rule.id != WHOLE


def is_unseen(resource: Resource) -> bool:
    """Whether no rule but those about everything is about a resource; components and providers are not looked into.

    It may still be a part of what a rule is about, as the public access block of a bucket.
    """
    return resource.custom and not resource.type.startswith("pulumi:") and not _is_seen(resource.type)


@functools.cache
def _is_seen(type_: str) -> bool:
    """Whether a rule names the type; `aws:*` and `*` name none."""
    return any(":" in each.partition(":")[2] for rule in rules_for(type_) for each in rule.types if _is(each, type_))


def _is(pattern: str, type_: str) -> bool:
    return type_.startswith(pattern[:-1]) if pattern.endswith("*") else type_ == pattern


def is_judged_below(rule: Rule, resource: Resource, stack: Stack) -> bool:
    """Whether the rule looks at what a component makes, and need not tell the same of the component once more."""
    return not resource.custom and any(child.type in rule.types for child in stack.children(resource))


def _faults(stack: Stack, settings: Settings, faults: Sequence[tuple[Waiver, str]]) -> Iterator[Finding]:
    """Yield what is wrong with waivers, each shown where it stands in its file."""
    rule = next(rule for rule in rules() if rule.id == WAIVERS)
    level = rule.level(settings)
    if level is Level.DISABLED:
        return
    for waiver, fault in faults:
        yield _about(waiver, fault, rule, level, stack)


def _ending(stack: Stack, settings: Settings, applicable: Sequence[Waiver]) -> Iterator[Finding]:
    """Yield which waivers end soon; an update goes on meanwhile."""
    rule = next(rule for rule in rules() if rule.id == WAIVERS)
    if rule.level(settings) is Level.DISABLED:
        return
    for waiver in applicable:
        said = waiver.ending(settings.today)
        if said:
            yield _about(waiver, said, rule, Level.ADVISORY, stack)


def _about(waiver: Waiver, said: str, rule: Rule, level: Level, stack: Stack) -> Finding:
    about = f"the waiver of {waiver.rule or 'no rule'}{f' for {waiver.urn}' if waiver.urn else ''}"
    return Finding(
        rule=rule,
        resource=_root(stack),
        path="",
        message=f"{about} {said}",
        result=Result.VIOLATED,
        level=level,
        elsewhere=Source(waiver.file, waiver.line),
    )


def _root(stack: Stack) -> Resource:
    """Return the Stack, or one in its place where there is none."""
    found = stack.of_type(_STACK)
    if found:
        return found[0]
    place, project = stack.resources[0].urn.split("::")[:2] if stack.resources else (f"urn:pulumi:{stack.name}", "")
    return Resource(
        urn=f"{place}::{project}::{_STACK}::{stack.name}", type=_STACK, name=stack.name, custom=False, read_inputs=dict
    )


def context_for(rule: Rule, stack: Stack, settings: Settings) -> Context:
    """Return what `rule` may look at; only stack rules see other resources."""
    seen = stack if rule.kind == "stack" else _NO_OTHERS
    return Context(settings=settings, stack=seen, config=rule.configured(settings))


def judge(rule: Rule, resource: Resource, context: Context) -> Iterator[Finding]:
    """Yield what one rule says of one resource: nothing where it is content."""
    level = rule.level(context.settings)
    if level is Level.DISABLED:
        return
    for finding in _findings(rule, resource, context, level):
        if resource.partial and finding.result is Result.UNDETERMINED:
            continue  # what a patch leaves out is not its own
        message, path = withheld(finding.message, resource, rule.title), withheld(finding.path, resource, "")
        yield dataclasses.replace(finding, message=message, path=path)


def _findings(rule: Rule, resource: Resource, context: Context, level: Level) -> Iterator[Finding]:
    # In prod, a strict rule takes no "perhaps".
    unsure = level if rule.strict and context.is_prod else Level.ADVISORY
    try:
        for found in rule.check(resource, context):
            if isinstance(found, Undetermined):
                yield _undetermined(rule, resource, found, unsure)
            else:
                path, message = found
                yield Finding(
                    rule=rule, resource=resource, path=path, message=message, result=Result.VIOLATED, level=level
                )
    except Undetermined as found:
        yield _undetermined(rule, resource, found, unsure)
    except Exception as error:  # noqa: BLE001  # whatever it is: a rule that cannot answer must not pass for one that did
        yield Finding(
            rule=rule,
            resource=resource,
            path="",
            # The error's own text may quote a value.
            message=f"the rule {rule.id} crashed: {type(error).__name__} at {_place(error)}",
            result=Result.CRASHED,
            level=Level.MANDATORY,
        )


def _undetermined(rule: Rule, resource: Resource, found: Undetermined, level: Level) -> Finding:
    message = (
        f"cannot be determined: {found.path or 'it'} {found.reason}"
        if found.path
        else f"cannot be determined: {found.reason}"
    )
    return Finding(
        rule=rule, resource=resource, path=found.path, message=message, result=Result.UNDETERMINED, level=level
    )


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
