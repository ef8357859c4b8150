"""How long a stack's first update takes, and what its end waits for, predicted from what the program registers.

An operation starts as soon as everything that it waits for is done, however many run at once, and takes as long as
`recording/durations.py` says. Left out is the engine's own time, and all that an account can add: throttling, retries,
a lack of capacity.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from recording.durations import duration
from recording.graph import Graph, Resource


@dataclass(frozen=True, kw_only=True)
class Step:
    """The creation of one resource."""

    resource: Resource
    begins: float
    """Seconds after the update began."""
    takes: float
    """Seconds."""
    estimate: bool
    """Whether no log says how long it takes."""
    waits_for: frozenset[str]
    """URNs of what had to be there before."""

    @property
    def ends(self) -> float:
        return self.begins + self.takes

    def as_json(self) -> dict[str, Any]:
        resource = self.resource
        what = {"urn": resource.urn, "type": resource.type, "name": resource.name}
        return {**what, "begins": self.begins, "takes": self.takes, "estimate": self.estimate}


@dataclass(frozen=True)
class Timeline:
    """The first update of a stack."""

    stack: str
    steps: Mapping[str, Step]
    """By URN."""

    @property
    def seconds(self) -> float:
        """When the last operation ends."""
        return max((step.ends for step in self.steps.values()), default=0.0)

    @cached_property
    def critical_path(self) -> tuple[Step, ...]:
        """What the end waits for, first to last: back from what ends last, each time to what it waited for longest."""
        path: list[Step] = []
        step = max(self.steps.values(), key=_end, default=None)
        while step is not None:
            path.append(step)
            step = max((self.steps[urn] for urn in step.waits_for), key=_end, default=None)
        return tuple(reversed(path))

    @property
    def at_once(self) -> int:
        """The most operations that run at the same time."""
        changes = [(step.begins, 1) for step in self.steps.values() if step.takes]
        changes += [(step.ends, -1) for step in self.steps.values() if step.takes]
        most = running = 0
        for _, change in sorted(changes):
            running += change
            most = max(most, running)
        return most

    def as_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "seconds": self.seconds,
            "atOnce": self.at_once,
            "criticalPath": [step.resource.urn for step in self.critical_path],
            "operations": [step.as_json() for step in self.steps.values()],
        }


def _end(step: Step) -> tuple[float, str]:
    """Order by the end; of those that end together, always the same one is last."""
    return step.ends, step.resource.name


def timeline(graph: Graph) -> Timeline:
    """Predict the first update of a program that was recorded with known values.

    Raises graphlib.CycleError where resources wait for each other.
    """
    waits = needs(graph)
    steps: dict[str, Step] = {}
    for urn in TopologicalSorter(waits).static_order():
        resource = graph.by_urn[urn]
        takes = duration(resource.type, "create", resource.inputs)
        steps[urn] = Step(
            resource=resource,
            begins=max((steps[needed].ends for needed in waits[urn]), default=0.0),
            takes=takes.seconds,
            estimate=takes.estimate,
            waits_for=waits[urn],
        )
    return Timeline(graph.stack, steps)


def needs(graph: Graph) -> dict[str, frozenset[str]]:
    """Return what each custom resource waits for, directly: URNs of custom resources.

    Beside its dependencies that is its provider and its parent. To depend on a component is to depend on what is in
    it, and a remote component is only constructed once all its inputs and dependencies are there, so that everything
    in it waits for them (https://www.pulumi.com/docs/iac/concepts/options/dependson/).
    """
    return {resource.urn: frozenset(_waits_for(graph, resource)) for resource in graph.resources if resource.custom}


def _waits_for(graph: Graph, resource: Resource) -> Iterable[str]:
    around = list(graph.ancestors(resource))
    own = {resource.urn, *(ancestor.urn for ancestor in around)}
    yield from (ancestor.urn for ancestor in around if ancestor.custom)
    if resource.provider_urn in graph.by_urn:
        yield resource.provider_urn or ""
    constructed_by = [ancestor for ancestor in around if ancestor.remote]
    for urn in {urn for waiting in (resource, *constructed_by) for urn in waiting.dependencies}:
        if urn not in own:
            yield from _customs(graph, urn)


def _customs(graph: Graph, urn: str) -> Iterable[str]:
    """Yield the URN of a custom resource, or those of the custom resources in a component.

    Whoever depends on a custom resource does not wait for its children; whoever depends on a remote component does,
    since its outputs are there once all that it registers is.
    """
    resource = graph.by_urn[urn]
    if resource.custom:
        yield urn
    elif resource.remote:
        yield from _inside(graph, urn)
    else:
        for child in graph.children.get(urn, ()):
            yield from _customs(graph, child.urn)


def _inside(graph: Graph, urn: str) -> Iterable[str]:
    for child in graph.children.get(urn, ()):
        if child.custom:
            yield child.urn
        yield from _inside(graph, child.urn)
