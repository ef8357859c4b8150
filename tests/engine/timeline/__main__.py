"""How long the first update of a stack takes: `python -m engine.timeline STACK [--svg FILE] [--json] [--ideal]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.timeline import cloudformation, gantt
from engine.timeline.measure import measure
from engine.timeline.schedule import Operation, Schedule, ideal
from engine.timeline.words import minutes
from support import STACKS, recorded

from fakes.aws.durations import Kind, duration
from prismctl.render.words import short_type
from recording.graph import Graph, Resource


def seconds(resource: Resource, operation: Kind = "create") -> float:
    """Return how long an operation on a resource takes."""
    return duration(resource.type, operation, resource.inputs).seconds


@dataclass(frozen=True)
class Report:
    """What there is to say of an update."""

    stack: str
    graph: Graph
    schedule: Schedule
    """As it ran."""
    ideal: Schedule
    """With as many operations at once as there are to do."""
    cloudformation: Schedule

    @property
    def shorter(self) -> float:
        """By which part of CloudFormation's time this one is shorter."""
        return 1 - self.schedule.total / self.cloudformation.total

    def text(self) -> str:
        ours, theirs = self.schedule, self.cloudformation
        lines = [
            f"{self.stack}: the first update takes {minutes(self.schedule.total)}, at best {minutes(self.ideal.total)}",
            f"{len(ours.operations)} operations, {ours.peak} at once at most, {ours.average:.1f} on average",
            *(f"nothing runs from {gap.started:.0f} to {gap.ended:.0f} s" for gap in self.schedule.gaps),
            "",
            "Critical path",
            *_table(self.graph, self.schedule),
            "",
            f"In CloudFormation's order: {minutes(theirs.total)}; this is {self.shorter:.0%} shorter",
            *_table(self.graph, theirs),
            *(f"- {rule.says}: alone {minutes(self._adds(rule))} more" for rule in cloudformation.RULES),
        ]
        return "\n".join(lines) + "\n"

    def _adds(self, rule: cloudformation.Rule) -> float:
        return cloudformation.order(self.graph, seconds, [rule]).total - self.ideal.total

    def json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "seconds": self.schedule.total,
            "idealSeconds": self.ideal.total,
            "cloudFormationSeconds": self.cloudformation.total,
            "shorter": round(self.shorter, 4),
            "criticalPath": [_step(operation) for operation in self.schedule.critical_path],
            "cloudFormationCriticalPath": [_step(operation) for operation in self.cloudformation.critical_path],
            "operations": [_step(operation) for operation in self.schedule.operations],
        }

    def svg(self) -> str:
        return gantt.render(
            self.graph,
            self.schedule,
            title=f"First update of {self.stack}: {minutes(self.schedule.total)}",
            compared={"in CloudFormation's order": self.cloudformation.total},
        )


def report(stack: str, operations: Sequence[Operation], graph: Graph) -> Report:
    """Compare `operations`, in seconds as they would pass in the real cloud, with what is possible and usual."""
    return Report(
        stack, graph, Schedule(tuple(operations)), ideal(graph, seconds), cloudformation.order(graph, seconds)
    )


def _step(operation: Operation) -> dict[str, Any]:
    found = {"urn": operation.urn, "type": operation.type, "name": operation.name}
    return {**found, "started": round(operation.started, 3), "ended": round(operation.ended, 3)}


def _table(graph: Graph, schedule: Schedule) -> list[str]:
    """Return the steps of the critical path that take any time: start, duration, what, and whether it is a guess."""
    steps = [step for step in schedule.critical_path if step.seconds > 0]
    width = max((len(step.name) for step in steps), default=0)
    lines: list[str] = []
    for step in steps:
        resource = graph.by_urn.get(step.urn)
        guess = "  estimate" if resource and duration(step.type, "create", resource.inputs).estimate else ""
        kind = short_type(step.type) if resource else step.type
        lines.append(f"{step.started:6.0f} s  {minutes(step.seconds):>12}  {step.name:<{width}}  {kind}{guess}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.timeline", description="How long a first update takes.")
    parser.add_argument("stack", choices=STACKS)
    parser.add_argument("--svg", type=Path, help="write a Gantt chart")
    parser.add_argument("--json", action="store_true", help="write one document instead of text")
    parser.add_argument("--ideal", action="store_true", help="work it out from the graph, without running the engine")
    chosen = parser.parse_args(arguments)
    graph = recorded(chosen.stack, known=True)
    found = report(chosen.stack, ideal(graph, seconds).operations if chosen.ideal else measure(graph, seconds), graph)
    if chosen.svg:
        chosen.svg.write_text(found.svg())
    sys.stdout.write(json.dumps(found.json(), indent=2) + "\n" if chosen.json else found.text())


if __name__ == "__main__":
    main()
