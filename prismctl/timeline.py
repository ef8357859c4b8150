"""`prismctl timeline`: how long the first update of a stack takes, and what its end waits for."""

import json
import sys
from pathlib import Path

from prismctl.files import check_files, save
from prismctl.preview import preview
from prismctl.project import Project
from prismctl.render.timeline import render
from prismctl.render.words import minutes, short_type
from recording.timeline import Timeline, timeline


def write(project: Project, stack: str, *, as_json: bool, svg: Path | None) -> None:
    """Print a stack's timeline, and draw it into a file where one is named. Raises UsageError."""
    check_files([svg] if svg else [])
    found = timeline(preview(project, stack, known=True).graph)
    sys.stdout.write(json.dumps(found.as_json(), indent=2) + "\n" if as_json else _text(found))
    if svg:
        save(svg, render(found))


def _text(found: Timeline) -> str:
    steps = [step for step in found.critical_path if step.takes]
    width = max((len(step.resource.name) for step in steps), default=0)
    lines = [
        f"{found.stack}: the first update takes about {minutes(found.seconds)}",
        f"{len(found.steps)} operations, up to {found.at_once} at once; its end waits for these:",
        "",
        f"{'begins':>12}  {'takes':>12}  what",
    ]
    for step in steps:
        guess = "  (estimate)" if step.estimate else ""
        what = f"{step.resource.name:<{width}}  {short_type(step.resource.type)}{guess}"
        lines.append(f"{minutes(step.begins):>12}  {minutes(step.takes):>12}  {what}")
    return "\n".join(lines) + "\n"
