"""The picture of a first update: its critical path, one bar below the other."""

from prismctl.render.svg import Sketch, fit
from prismctl.render.words import minutes
from recording.timeline import Timeline

_MARGIN, _LABELS, _BARS, _AFTER = 24, 260, 640, 90
"""Widths from left to right: margin, names, the whole update, and room for what follows the last bar."""
_TOP, _ROW, _BAR = 84, 22, 12
_MEASURED, _ESTIMATE = "#2563eb", "#94a3b8"


def render(timeline: Timeline) -> str:
    """Return the picture as SVG: blue is what a log says, grey is an estimate."""
    sketch = Sketch()
    title = f"First update of {timeline.stack}: about {minutes(timeline.seconds)}"
    sketch.text(_MARGIN, 40, title, style="heading")
    sketch.text(_MARGIN, 62, "What its end waits for. Blue: from a log, grey: an estimate")
    steps = [step for step in timeline.critical_path if step.takes]
    left, scale = _MARGIN + _LABELS, _BARS / max(timeline.seconds, 1)
    for number, step in enumerate(steps):
        y = _TOP + _ROW * number
        x, width = left + scale * step.begins, max(scale * step.takes, 1.5)
        color = _ESTIMATE if step.estimate else _MEASURED
        sketch.text(_MARGIN, y + 10, fit(step.resource.name, _LABELS - 8))
        sketch.cards.append(f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{_BAR}" rx="2" fill="{color}"/>')
        sketch.text(x + width + 7, y + 10, minutes(step.takes))
    height = _TOP + _ROW * len(steps) + _MARGIN
    names = ", ".join(step.resource.name for step in steps)
    return sketch.document(left + _BARS + _AFTER, height, title, f"Critical path: {names}")
