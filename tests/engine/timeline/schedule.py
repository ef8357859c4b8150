"""When operations ran, which of them the end had to wait for, and when they could have run at best."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import accumulate, pairwise

from recording.graph import Graph, Resource

Needs = Mapping[str, frozenset[str]]
"""What must be done before a custom resource, by its URN: the URNs of custom resources."""
_TOLERANCE = 0.001
"""Seconds by which clocks and sums may disagree."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that was done to one resource, in seconds since the update began."""

    urn: str
    type: str
    name: str
    started: float
    ended: float
    needs: frozenset[str] = frozenset()
    """URNs of the operations that had to end before."""

    @property
    def seconds(self) -> float:
        return self.ended - self.started


@dataclass(frozen=True)
class Gap:
    """A time in which nothing ran."""

    started: float
    ended: float


@dataclass(frozen=True)
class Schedule:
    """All operations of an update."""

    operations: tuple[Operation, ...]

    @cached_property
    def by_urn(self) -> Mapping[str, Operation]:
        return {operation.urn: operation for operation in self.operations}

    @cached_property
    def total(self) -> float:
        """When the last operation ended."""
        return max((operation.ended for operation in self.operations), default=0.0)

    def ready(self, operation: Operation) -> float:
        """Return when the last of what `operation` needed had ended."""
        return max((needed.ended for needed in self._needed(operation)), default=0.0)

    @cached_property
    def critical_path(self) -> tuple[Operation, ...]:
        """The operations that the end had to wait for, first to last: back from the last to end, each time to that
        one of its needs that ended last before it started."""
        path: list[Operation] = []
        step = max(self.operations, key=_last, default=None)
        while step is not None:
            path.append(step)
            before = [needed for needed in self._needed(step) if needed.ended <= step.started + _TOLERANCE]
            step = max(before, key=_last, default=None)
        return tuple(reversed(path))

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """When nothing ran between the start and the end."""
        gaps: list[Gap] = []
        reached = 0.0
        for operation in sorted(self.operations, key=lambda operation: operation.started):
            if operation.started > reached + _TOLERANCE:
                gaps.append(Gap(reached, operation.started))
            reached = max(reached, operation.ended)
        return tuple(gaps)

    @cached_property
    def concurrency(self) -> tuple[tuple[float, int], ...]:
        """How many operations ran from each moment on at which that changed."""
        changes: dict[float, int] = {}
        for operation in self.operations:
            if operation.seconds > 0:
                changes[operation.started] = changes.get(operation.started, 0) + 1
                changes[operation.ended] = changes.get(operation.ended, 0) - 1
        moments = sorted(changes)
        return tuple(zip(moments, accumulate(changes[moment] for moment in moments), strict=True))

    @property
    def peak(self) -> int:
        """The most operations at once."""
        return max((running for _, running in self.concurrency), default=0)

    @property
    def average(self) -> float:
        """How many operations ran at once, on average."""
        busy = sum(running * (until - since) for (since, running), (until, _) in pairwise(self.concurrency))
        return busy / self.total if self.total else 0.0

    def _needed(self, operation: Operation) -> list[Operation]:
        return [self.by_urn[urn] for urn in operation.needs if urn in self.by_urn]


def _last(operation: Operation) -> tuple[float, str]:
    """Order by the end; of those that end together, always the same one is last."""
    return operation.ended, operation.name


def needs(graph: Graph) -> Needs:
    """Return what each custom resource waits for, directly.

    Beside its dependencies that is its provider and its parent. To depend on a component is to depend on what is in
    it, and a remote component is only constructed once all its inputs and dependencies are there, so that everything
    in it waits for them (https://www.pulumi.com/docs/iac/concepts/options/dependson/).
    """
    return {resource.urn: frozenset(_waits_for(graph, resource)) for resource in graph.resources if resource.custom}


def _waits_for(graph: Graph, resource: Resource) -> Iterable[str]:
    around = list(graph.ancestors(resource))
    own = {resource.urn, *(ancestor.urn for ancestor in around)}
    for ancestor in around:
        if ancestor.custom:
            yield ancestor.urn
    if resource.provider_urn in graph.by_urn:
        yield resource.provider_urn or ""
    constructed_by = [ancestor for ancestor in around if ancestor.remote]
    for urn in {urn for waiting in (resource, *constructed_by) for urn in waiting.dependencies}:
        if urn not in own:
            yield from _customs(graph, urn)


def _customs(graph: Graph, urn: str) -> Iterable[str]:
    """Yield the URN of a custom resource, or those of the custom resources in a component.

    A custom resource's own children are nobody else's business, except in a remote component, whose outputs are there
    once all that it registers is.
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


def ideal(graph: Graph, seconds: Callable[[Resource], float], *, waits: Needs | None = None) -> Schedule:
    """Return the schedule in which each operation starts as soon as what it needs is done, however many run at once.

    `waits` are the needs to go by, where they are not those of the graph.
    """
    waits = needs(graph) if waits is None else waits
    return Schedule(
        tuple(
            Operation(urn=urn, type=resource.type, name=resource.name, started=at, ended=end, needs=waits[urn])
            for urn, (at, end) in times(waits, lambda urn: seconds(graph.by_urn[urn])).items()
            for resource in [graph.by_urn[urn]]
        )
    )


def times(waits: Needs, seconds: Callable[[str], float]) -> dict[str, tuple[float, float]]:
    """Return when each starts and ends at the earliest; raises graphlib.CycleError where they wait for each other."""
    found: dict[str, tuple[float, float]] = {}
    for urn in TopologicalSorter(waits).static_order():
        started = max((found[needed][1] for needed in waits[urn]), default=0.0)
        found[urn] = started, started + seconds(urn)
    return found
