"""The text report: findings by component, the most severe first, and how to fix each."""

import textwrap
from collections.abc import Iterator, Mapping

from policy.findings import Finding, Report, Result
from policy.registry import Level, Severity
from policy.view import Resource

_ORDER = list(Severity)


def summary(report: Report) -> str:
    """Return one line with the numbers."""
    mandatory, waived = len(report.mandatory), sum(bool(finding.waived_by) for finding in report.findings)
    open_ = sum(finding.result is Result.UNDETERMINED and not finding.stops for finding in report.findings)
    advisory = len(report.findings) - mandatory - waived - open_
    judged = f"{report.stack}: " if report.stack else ""
    return (
        f"{judged}{mandatory} mandatory and {advisory} advisory findings, {open_} undetermined, {waived} waived;"
        f" {sum(report.satisfied.values())} checks passed (as {report.environment})"
    )


def unseen(report: Report, *, brief: bool = False) -> str:
    """Return one line about resources that no rule checks, without types if `brief`; empty where there are none."""
    if not report.unseen:
        return ""
    kinds = ", ".join(f"{type_} {count}" for type_, count in sorted(report.unseen.items()))
    resources = sum(report.unseen.values())
    return f"no rule checks {resources} {'resource' if resources == 1 else 'resources'}{'' if brief else f': {kinds}'}"


def render(report: Report, components: Mapping[str, str], *, brief: bool = False, width: int | None = None) -> str:
    """Return findings by component (`components` has its name by URN of the resource), the summary, and what is unseen.

    All of them, or in brief those that somebody has to mend. Lines are broken at `width`; without, each stays whole.
    """
    lines: list[str] = []
    named: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if brief and not finding.stops and (finding.waived_by or not finding.is_violation):
            continue
        named.setdefault(components.get(finding.resource.urn, ""), []).append(finding)
    for component in sorted(named):
        lines += [component or report.stack, *_component(named[component])]
    lines += [line for line in (summary(report), unseen(report, brief=brief)) if line]
    return "\n".join(part for line in lines for part in (_broken(line, width) if width else [line])) + "\n"


def _broken(line: str, width: int) -> list[str]:
    """Return a line in parts, all but the first of them further in."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _component(findings: list[Finding]) -> Iterator[str]:
    resource: Resource | None = None
    for finding in sorted(findings, key=_rank):
        if finding.resource is not resource:
            resource = finding.resource
            yield f"  {resource.name}  {resource.type}{f'  {finding.source}' if finding.source else ''}"
        yield from _lines(finding)


def _rank(finding: Finding) -> tuple[str, str, bool, int, str]:
    resource = finding.resource
    return resource.name, resource.urn, not finding.stops, _ORDER.index(finding.rule.severity), finding.rule.id


def _lines(finding: Finding) -> Iterator[str]:
    rule = finding.rule
    if finding.waived_by:
        word = f"waived by {finding.waived_by}"
    elif finding.result is Result.UNDETERMINED:
        word = "undetermined"
    else:
        word = finding.level.value
    where = f"{finding.path}: " if finding.path and finding.path not in finding.message else ""
    yield f"    {word} {rule.severity.value} {rule.id}: {where}{finding.message}{rule.shown_controls}"
    if finding.result is Result.VIOLATED and not finding.waived_by and finding.level is not Level.DISABLED:
        yield f"      {rule.fix}"


def components_of(resources: Mapping[str, Resource]) -> dict[str, str]:
    """Return the name of the component right below the stack, by URN of each resource in it."""
    found: dict[str, str] = {}

    def name(urn: str) -> str:
        if urn not in found:
            found[urn] = ""  # a parent that is its own ancestor has no component
            resource = resources[urn]
            parent = resources.get(resource.parent)
            if parent is not None and parent.type != "pulumi:pulumi:Stack":
                found[urn] = name(parent.urn)
            elif not resource.custom:
                found[urn] = resource.name
        return found[urn]

    for urn, resource in resources.items():
        if resource.type != "pulumi:pulumi:Stack":
            name(urn)
    return found
