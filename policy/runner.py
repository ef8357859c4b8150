"""Runs rules over resources: each rule sees each resource of its types once."""

import dataclasses
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from policy import waivers
from policy.findings import Finding, Report, Result, withheld
from policy.properties import Undetermined
from policy.registry import Context, Level, Rule, Settings, rules, rules_for
from policy.view import Resource, Stack
from prismctl.graph import Source

WAIVERS = f"policy/{waivers.FILE.name}"

_NO_OTHERS = Stack(name="", resources=())


def run(stack: Stack, settings: Settings, only: Sequence[Rule] | None = None) -> Report:
    """Return what the rules (all, or `only` these) say of the stack; whatever a rule does, this does not raise."""
    contexts: dict[str, Context] = {}
    satisfied: Counter[str] = Counter()
    findings: list[Finding] = []
    chosen = None if only is None else {rule.id for rule in only}
    for resource in stack.resources:
        for rule in rules_for(resource.type):
            if (chosen is not None and rule.id not in chosen) or is_judged_below(rule, resource, stack):
                continue
            if rule.id not in contexts:
                contexts[rule.id] = context_for(rule, stack, settings)
            found = tuple(judge(rule, resource, contexts[rule.id]))
            findings += found
            satisfied[rule.id] += not found
    applicable = [waiver for waiver in settings.waivers if chosen is None or waiver.rule in chosen]
    if applicable and stack.resources:
        findings = list(_waived(stack, dataclasses.replace(settings, waivers=applicable), findings))
    return Report(stack=stack.name, environment=settings.environment, findings=tuple(findings), satisfied=satisfied)


def is_judged_below(rule: Rule, resource: Resource, stack: Stack) -> bool:
    """Whether the rule looks at what a component makes, and need not tell the same of the component once more."""
    return not resource.custom and any(child.type in rule.types for child in stack.children(resource))


def _waived(stack: Stack, settings: Settings, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings, those with a waiver marked, and what is wrong with the waivers themselves."""
    root = stack.resources[0]
    applied = waivers.apply(settings.waivers, findings, stack.project, stack.name, settings.today)
    yield from applied.findings
    by_id = {rule.id: rule for rule in rules()}
    for waiver, fault in applied.faults:
        rule = by_id["stk-waiver"]
        level = rule.level(settings)
        if level is not Level.DISABLED:
            yield Finding(
                rule=rule,
                resource=root,
                path="",
                message=f"the waiver of {waiver.rule} for {waiver.urn} {fault}",
                result=Result.VIOLATED,
                level=level,
                elsewhere=Source(WAIVERS, waiver.line),
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
