"""The comment under a pull request: what one stack consists of, and what of it must not be lost."""

import re
from collections.abc import Iterable, Iterator, Sequence

from policy.findings import Finding, Report
from policy.reports.text import summary, unseen
from prismctl.render.words import phrase, short_type
from recording.graph import Graph, Resource

STATEFUL = (
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:opensearch/domain:Domain",
    "aws:secretsmanager/secret:Secret",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
)
"""Types of what cannot be made again from the program alone."""


def render(graph: Graph, report: Report | None = None) -> str:
    """Return the comment as GitHub-flavoured Markdown; a bot finds it again by its first line."""
    parts = [
        f"<!-- {graph.project} preview: {graph.stack} -->",
        f"## Preview: {_escape(graph.stack)}",
        _summary(graph),
        *_warnings(graph),
        *(("### Policies", *_policies(report)) if report else ()),
        *_components(graph),
        *_stateful(graph),
        *_outputs(graph),
        *_details("All resources", _fence(_tree(graph, graph.root))),
        *_details("Resources by type", _table(("Type", "Resources"), _counts(graph))),
    ]
    return "\n\n".join(parts) + "\n"


def render_policies(report: Report) -> str:
    """Return what the policies find in one stack, as GitHub-flavoured Markdown."""
    return "\n\n".join((f"## Policies: {_escape(report.stack or report.environment)}", *_policies(report))) + "\n"


def _summary(graph: Graph) -> str:
    resources = len(graph.resources)
    protected = sum(resource.protect for resource in graph.resources)
    mode = "as after an update" if graph.known else "as on an empty account"
    warnings = _number(len(graph.warnings), "warning") if graph.warnings else "no warnings"
    return f"**{_number(resources, 'resource')}**, {protected} protected, {warnings}; {mode}."


def _warnings(graph: Graph) -> Iterator[str]:
    if graph.warnings:
        lines = (line for warning in graph.warnings for line in _lines(warning))
        yield "\n".join(["> [!WARNING]", *(f"> - {_escape(line)}" for line in lines)])


def _policies(report: Report) -> Iterator[str]:
    """Yield what stops an update, and what else was found behind a click."""
    yield f"{_escape(summary(report))}."
    if report.unseen:
        yield f"{_escape(unseen(report))}."
    ordered = sorted(report.findings, key=lambda finding: (finding.rule.id, finding.resource.urn, finding.path))
    stopping = [_finding(finding) for finding in ordered if finding.stops]
    others = [_finding(finding) for finding in ordered if not finding.stops]
    if stopping:
        yield _table(_FINDING, stopping)
    if others:
        yield from _details("Advisory, undetermined and waived", _table(_FINDING, others))


_FINDING = ("Rule", "Severity", "Resource", "Finding", "How to fix")


def _finding(finding: Finding) -> tuple[str, ...]:
    where = f" ({finding.source})" if finding.source else ""
    path = f"{finding.path}: " if finding.path and finding.path not in finding.message else ""
    waived = f" (waived: {finding.waived_by})" if finding.waived_by else ""
    cells = (
        finding.rule.id,
        finding.rule.severity.value,
        f"{finding.resource.name}{where}",
        f"{path}{finding.message}{waived}",
        finding.rule.fix,
    )
    return tuple(_escape(cell) for cell in cells)


def _components(graph: Graph) -> Iterator[str]:
    """Yield the table of what lies directly below the stack; providers are no part of the platform."""
    rows: list[tuple[str, ...]] = []
    for component in sorted(graph.children.get(graph.root.urn, ()), key=lambda child: (child.name, child.type)):
        if component.custom:
            continue
        inside = [resource for resource in _below(graph, component) if resource.custom]
        stateful = [resource for resource in inside if resource.type in STATEFUL]
        protected = sum(resource.protect for resource in inside)
        rows.append(
            (
                f"**{_escape(component.name)}**",
                _escape(short_type(component.type)),
                str(len(inside)),
                _escape(", ".join(sorted(resource.name for resource in stateful))),
                str(protected),
            )
        )
    if rows:
        yield "### Components"
        yield _table(("Component", "Type", "Resources", "Stateful", "Protected"), rows)


def _stateful(graph: Graph) -> Iterator[str]:
    # Under parents of different types two resources may share type and name; never a URN.
    found = sorted(
        graph.of_type(*STATEFUL), key=lambda resource: (STATEFUL.index(resource.type), resource.name, resource.urn)
    )
    rows = [
        (_escape(resource.name), _escape(short_type(resource.type)), "yes" if resource.protect else "**no**")
        for resource in found
    ]
    if rows:
        yield "### Stateful resources"
        yield _table(("Resource", "Type", "Protected"), rows)


def _outputs(graph: Graph) -> Iterator[str]:
    rows = [(_escape(key), _escape(phrase(graph.outputs[key]))) for key in sorted(graph.outputs)]
    if rows:
        yield "### Outputs"
        yield _table(("Output", "Value"), rows)


def _counts(graph: Graph) -> list[tuple[str, ...]]:
    return [(_escape(short_type(type_)), str(number)) for type_, number in graph.counts().items()]


def _tree(graph: Graph, parent: Resource, indent: str = "") -> Iterator[str]:
    yield f"{indent}{parent.name}  {short_type(parent.type)}{'  protected' if parent.protect else ''}"
    for child in sorted(graph.children.get(parent.urn, ()), key=lambda child: (child.name, child.type)):
        yield from _tree(graph, child, f"{indent}  ")


def _below(graph: Graph, resource: Resource) -> Iterator[Resource]:
    for child in graph.children.get(resource.urn, ()):
        yield child
        yield from _below(graph, child)


def _details(title: str, content: str) -> tuple[str, str, str]:
    """Return a section that is opened by a click; Markdown inside needs empty lines around it."""
    return f"<details>\n<summary>{title}</summary>", content, "</details>"


def _fence(lines: Iterable[str]) -> str:
    """Return a block of code, whose fence is longer than any in it."""
    text = "\n".join(lines)
    ticks = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{ticks}text\n{text}\n{ticks}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already; columns of numbers are aligned to the right."""
    cells = list(rows)
    numbers = [all(row[column].isdecimal() for row in cells) for column in range(len(head))]
    ruler = ["--:" if number else "---" for number in numbers]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ruler, *cells])


def _escape(text: str) -> str:
    """Return `text` so that it shows as it is, in a cell as elsewhere.

    HTML entities stand for what Markdown would take as markup: unlike backslashes, they also keep cells whole, and
    mentions quiet (`@somebody` would be told of every preview).
    """
    return re.sub(r"[&\\`*_\[\]<>#!|~@$]", lambda match: f"&#{ord(match[0])};", " ".join(_lines(text)))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _number(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
