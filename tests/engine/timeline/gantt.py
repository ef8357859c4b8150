"""A Gantt chart of an update: what ran when, what it waited for, and which of it the end had to wait for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os.path import commonprefix

from engine.timeline.schedule import Operation, Schedule
from engine.timeline.words import minutes

from prismctl.render.svg import Box, Sketch, fit, measure
from prismctl.render.words import short_type
from recording.graph import Graph

_MARGIN, _LABELS, _WIDTH, _AFTER = 24, 308, 840, 80
"""Widths from left to right: margin, names, the time until everything has ended, and room for what follows bars."""
_TOP, _ROW, _BAR, _GAP = 128, 20, 12, 10
_CRITICAL, _OTHER, _SHORT, _WAIT, _QUEUE, _LINE = "#dc2626", "#60a5fa", "#94a3b8", "#cbd5e1", "#f59e0b", "#e2e8f0"
_GROUND = "#f8fafc"
_LONG = 12.0
"""Seconds from which an operation has a bar of its own."""
_TICK = 46
"""Room for the name of a minute."""
_NAMED = 3
"""So many alike are named, more are counted."""
_TOGETHER = 8.0
"""Seconds by which starts and ends may differ where operations on one type share a bar."""


@dataclass(frozen=True)
class Row:
    """A bar: one operation, or several alike that ran side by side."""

    operations: tuple[Operation, ...]

    @property
    def started(self) -> float:
        return min(operation.started for operation in self.operations)

    @property
    def ended(self) -> float:
        return max(operation.ended for operation in self.operations)

    @property
    def label(self) -> str:
        """Return the names; from the second on without what they have in common, and many are only counted."""
        first, *others = (operation.name for operation in self.operations)
        if len(others) >= _NAMED:
            return f"{len(self.operations)} of {short_type(self.operations[0].type)}"
        common = commonprefix([first, *others]).rpartition("-")[0]  # noqa: RUF071  # then whole words
        return ", ".join([first, *(name.removeprefix(f"{common}-") for name in others)])

    def takes(self, operation: Operation) -> bool:
        """Tell whether `operation` is alike and ran beside."""
        return (
            operation.type == self.operations[0].type
            and abs(operation.started - self.started) <= _TOGETHER
            and abs(operation.ended - self.ended) <= _TOGETHER
        )


def render(graph: Graph, schedule: Schedule, *, title: str, compared: Mapping[str, float]) -> str:
    """Return the chart as SVG; `compared` are other totals to mark, by what they are of."""
    return _Chart(graph, schedule, compared).draw(title)


def component(graph: Graph, urn: str) -> str:
    """Return the name of the outermost component around a resource; empty where it lies in none."""
    outer = [ancestor.name for ancestor in graph.ancestors(graph.by_urn[urn])]
    return outer[-2] if len(outer) > 1 else ""


def rows(operations: Sequence[Operation]) -> list[Row]:
    """Return the bars of the long ones among `operations`, in order of their start."""
    found: list[Row] = []
    for operation in sorted(operations, key=lambda operation: (operation.started, operation.ended, operation.name)):
        if operation.seconds < _LONG:
            continue
        for number, row in enumerate(found):
            if row.takes(operation):
                found[number] = Row((*row.operations, operation))
                break
        else:
            found.append(Row((operation,)))
    return found


class _Chart:
    """Places everything, and remembers in which row each operation is, to connect the critical path."""

    def __init__(self, graph: Graph, schedule: Schedule, compared: Mapping[str, float]) -> None:
        self._graph, self._schedule, self._compared = graph, schedule, compared
        self._sketch = Sketch()
        self._critical = {operation.urn for operation in schedule.critical_path}
        self._end = max([schedule.total, *compared.values(), 60.0])
        self._at: dict[str, float] = {}

    def draw(self, title: str) -> str:
        y = float(_TOP)
        for name, operations in self._groups():
            y = self._draw_group(name, operations, y) + _GAP
        self._draw_axis(y)
        self._draw_path()
        self._draw_legend(y + 34)
        self._sketch.text(_MARGIN, 40, title, style="heading")
        steps = [step.name for step in self._schedule.critical_path if step.seconds >= _LONG]
        self._sketch.text(_MARGIN, 62, fit(f"Critical path: {' → '.join(steps)}", self._right - _MARGIN))
        return self._sketch.document(self._right + _MARGIN, y + 56, title, f"Critical path: {', '.join(steps)}")

    @property
    def _right(self) -> float:
        return _MARGIN + _LABELS + _WIDTH + _AFTER

    def _x(self, seconds: float) -> float:
        return _MARGIN + _LABELS + _WIDTH * seconds / self._end

    def _groups(self) -> list[tuple[str, list[Operation]]]:
        """Return components with what was done in them, in the order in which their long operations start."""
        found: dict[str, list[Operation]] = {}
        for operation in self._schedule.operations:
            name = component(self._graph, operation.urn)
            if name:
                found.setdefault(name, []).append(operation)

        def begin(item: tuple[str, list[Operation]]) -> tuple[float, float, str]:
            name, operations = item
            bars = rows(operations)
            first = min((row.started for row in bars), default=math.inf)
            return first, min(operation.started for operation in operations), name

        return sorted(found.items(), key=begin)

    def _draw_group(self, name: str, operations: Sequence[Operation], y: float) -> float:
        bars = rows(operations)
        height = _ROW * (len(bars) + 1)
        self._sketch.frames.append(_rectangle(Box(_MARGIN, y, self._right - _MARGIN, height), 4, _GROUND))
        self._sketch.text(_MARGIN + 8, y + 14, name, style="title")
        short = [operation for operation in operations if operation.seconds < _LONG]
        if short:
            note = f"{len(short)} short"
            self._sketch.text(_MARGIN + _LABELS - 8, y + 14, note, anchor="end")
        for operation in sorted(short, key=lambda operation: operation.urn in self._critical):
            color = _CRITICAL if operation.urn in self._critical else _SHORT
            self._bar(operation.started, operation.ended, y + 7, 6, color)
            self._at[operation.urn] = y + 10
        for number, row in enumerate(bars, start=1):
            self._draw_row(row, row.label, y + _ROW * number)
        return y + height

    def _draw_row(self, row: Row, label: str, y: float) -> None:
        center = y + _ROW / 2
        critical = any(operation.urn in self._critical for operation in row.operations)
        self._sketch.text(_MARGIN + 20, center + 4, fit(label, _LABELS - 28))
        self._sketch.arrows.append(
            f'<path d="M{self._x(0):g} {center:g} H{self._x(row.started):g}" stroke="{_WAIT}" stroke-width="1.5" '
            'stroke-dasharray="1.5 4" fill="none"/>'
        )
        ready = max(self._schedule.ready(operation) for operation in row.operations)
        if row.started - ready > 1:
            self._bar(ready, row.started, center - 2, 4, _QUEUE)
        self._bar(row.started, row.ended, center - _BAR / 2, _BAR, _CRITICAL if critical else _OTHER)
        # A rim in the colour of the ground keeps lines out of the text.
        self._sketch.texts.append(
            f'<text x="{self._x(row.ended) + 7:.1f}" y="{center + 4:g}" stroke="{_GROUND}" stroke-width="4" '
            f'paint-order="stroke">{minutes(row.ended - row.started)}</text>'
        )
        self._at.update(dict.fromkeys((operation.urn for operation in row.operations), center))

    def _bar(self, started: float, ended: float, y: float, height: float, color: str) -> None:
        x = self._x(started)
        box = Box(x, y, max(self._x(ended) - x, 1.5), height)
        self._sketch.cards.append(_rectangle(box, min(2, height / 3), color))

    def _draw_path(self) -> None:
        """Connect each step of the critical path with the next: down or up where the one ends."""
        steps = [step for step in self._schedule.critical_path if step.urn in self._at]
        for step, following in pairwise(steps):
            x, y = self._x(step.ended), self._at[step.urn]
            self._sketch.cards.append(
                f'<path d="M{x:.1f} {y:g} V{self._at[following.urn]:g} H{self._x(following.started):.1f}" fill="none" '
                f'stroke="{_CRITICAL}" stroke-width="1.5"/>'
            )

    def _draw_axis(self, bottom: float) -> None:
        every = math.ceil(self._end / 60 * _TICK / _WIDTH)
        for minute in range(0, math.floor(self._end / 60) + 1, every):
            x = self._x(60 * minute)
            self._sketch.arrows.insert(0, f'<path d="M{x:g} {_TOP - 6} V{bottom:g}" stroke="{_LINE}"/>')
            self._sketch.text(x, bottom + 14, f"{minute} min", anchor="middle")
        marks = {"this program": self._schedule.total, **self._compared}
        for number, (of, total) in enumerate(sorted(marks.items(), key=lambda item: -item[1])):
            x, y = self._x(total), 88 + 18 * number
            color = _CRITICAL if of == "this program" else "#475569"
            self._sketch.arrows.append(
                f'<path d="M{x:g} {y - 8} V{bottom:g}" stroke="{color}" stroke-width="1.5" stroke-dasharray="5 4"/>'
            )
            self._sketch.text(x - 6, y + 2, f"{of}: {minutes(total)}", anchor="end")

    def _draw_legend(self, y: float) -> None:
        x = float(_MARGIN + _LABELS)
        entries = (
            (_CRITICAL, 10, "critical path"),
            (_OTHER, 10, "other operations"),
            (_SHORT, 5, f"under {_LONG:g} s"),
            (_QUEUE, 4, "ready, but not started"),
        )
        for color, height, text in entries:
            box = Box(x, y - height / 2, 22, height)
            self._sketch.cards.append(_rectangle(box, 2, color))
            self._sketch.text(box.right + 6, y + 4, text)
            x = box.right + measure(text) + 26
        self._sketch.cards.append(
            f'<path d="M{x:g} {y:g} h22" stroke="{_WAIT}" stroke-width="1.5" stroke-dasharray="1.5 4"/>'
        )
        self._sketch.text(x + 28, y + 4, "waits for what it needs")


def _rectangle(box: Box, radius: float, color: str) -> str:
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:g}" width="{box.width:.1f}" height="{box.height:g}" rx="{radius:g}" '
        f'fill="{color}"/>'
    )
