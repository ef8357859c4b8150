"""What is used in which version, and when that leaves support."""

import datetime
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from prismctl.errors import UsageError
from prismctl.project import Project
from settings import versions


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that has a version."""

    kind: str
    name: str
    version: str | None
    """None where the service chooses."""
    used_by: tuple[str, ...]
    """Stacks; all of them where the version is not a stack's to choose."""
    support_ends: datetime.date | None
    source: str
    note: str = ""
    status: str
    """What has to be done, in a word or two."""


def write(project: Project, *, as_json: bool) -> None:
    """Print every version in use, those that leave support first."""
    try:
        today, known = versions.today(), versions.load()
    except ValueError as error:
        raise UsageError(str(error)) from None
    stacks = project.stacks()
    rows = sorted(
        _rows(project, known, today), key=lambda row: (row.support_ends or datetime.date.max, row.kind, row.name)
    )
    if as_json:
        document = {
            "checked": known.checked.isoformat(),
            "versions": [asdict(row) for row in rows],
        }
        sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("Kind", "Name", "Version", "Used by", "Support ends", ""):
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(
            row.kind,
            row.name,
            row.version or "service's default",
            "all stacks" if row.used_by == stacks else ", ".join(row.used_by) or "none yet",
            row.support_ends.isoformat() if row.support_ends else "",
            f"[{_STYLES.get(row.status.split()[0], 'dim')}]{row.status}[/]",
        )
    # A cut version is of no use: rather let a narrow terminal wrap its lines.
    width = max(Console().width, table.__rich_measure__(Console(width=_WIDEST), Console(width=_WIDEST).options).maximum)
    console = Console(highlight=False, width=width)
    console.print(table)
    console.print(f"\nSources and notes, read on {known.checked}: versions.yaml", style="dim")


_WIDEST = 1000
_STYLES = {"out": "bold red", "leaves": "yellow", "not": "yellow", "supported": "green"}


def _rows(project: Project, known: versions.Versions, today: datetime.date) -> Iterator[Row]:
    stacks = project.stacks()
    chosen = {stack: project.config(stack) for stack in stacks}
    engines = (
        ("Kubernetes", "cluster", known.kubernetes),
        ("Aurora PostgreSQL", "database", known.aurora_postgresql),
        ("Valkey", "cache", known.valkey),
        ("OpenSearch", "observability.search", known.opensearch),
    )
    for kind, section, releases in engines:
        used = _used(project.name, section, chosen)
        for version, users in used.items():
            release = releases.get(version)
            yield Row(
                kind=kind,
                name="",
                version=version,
                used_by=users,
                support_ends=release.support_ends if release else None,
                source=release.source if release else "",
                note=release.note if release else "not in versions.yaml",
                status=_status(release, today),
            )
    kubernetes = _used(project.name, "cluster", chosen)
    for kind, pinned in (("add-on", known.addons), ("node image", known.node_images), ("image", known.images)):
        for name, pins in pinned.items():
            for minor, users in kubernetes.items():
                version = pins.versions.get(minor)
                yield Row(
                    kind=kind,
                    name=name,
                    version=version,
                    used_by=users,
                    support_ends=pins.support_ends,
                    source=pins.source,
                    note=pins.note,
                    status=_status(pins, today) if version else "not pinned: EKS chooses once",
                )
    for name, pin in known.charts.items():
        yield Row(
            kind="chart",
            name=name,
            version=pin.version,
            used_by=stacks,
            support_ends=pin.support_ends,
            source=pin.source,
            note=pin.note,
            status=_status(pin, today),
        )


def _status(record: versions.Record | None, today: datetime.date) -> str:
    if record is None or record.support_ends is None:
        return "no date known"
    if record.ended(today):
        return "out of support"
    return f"leaves in {(record.support_ends - today).days} days" if record.leaving(today) else "supported"


def _used(project: str, section: str, chosen: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the stacks by the version that they give in `section`, or in a part of it."""
    section, *parts = section.split(".")
    used: dict[str, tuple[str, ...]] = {}
    for stack, config in chosen.items():
        try:
            values: Any = json.loads(config.get(f"{project}:{section}", "{}"))
        except ValueError:
            raise UsageError(f"Pulumi.{stack}.yaml: {project}:{section}: must be a mapping") from None
        for part in parts:
            values = values.get(part) if isinstance(values, dict) else None
        version = values.get("version") if isinstance(values, dict) else None
        if version is not None:
            used[str(version)] = (*used.get(str(version), ()), stack)
    return used
