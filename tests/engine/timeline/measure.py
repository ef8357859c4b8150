"""Runs a first update on the real engine, with doubles that take their time, and returns what ran when."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.cloud import account
from engine.timeline.schedule import Operation, needs
from engine.urns import name_of
from engine.world import World

from prismctl.graph import Graph

PACE = 1 / 20
"""Seconds here for a second in AWS: a quarter of an hour takes three quarters of a minute."""
PARALLEL = 64
"""Operations at once: more than there ever are to do, so that nothing waits for a free hand."""


def measure(graph: Graph) -> list[Operation]:
    """Bring up the graph's stack; returns its operations in seconds as they would pass in AWS."""
    with (
        tempfile.TemporaryDirectory() as private,
        World(Path(private) / "world", graph.stack, Path(private) / "cache") as world,
    ):
        world.init()
        # The first preview finds out what is sound, so that no check holds up the update.
        world.preview()
        world.account.set("pace", str(PACE))
        world.up("--parallel", str(PARALLEL)).must()
        return slow_down(world.account.operations("create"), needs(graph))


def slow_down(made: Sequence[account.Operation], needed: Mapping[str, frozenset[str]]) -> list[Operation]:
    """Give each operation AWS's time, and the engine its own.

    Between the end of what an operation needs and its start the engine is at work; it would be no slower in AWS.
    """
    began, ended = min(each.started for each in made), {each.urn: each.ended or 0 for each in made}
    done: dict[str, Operation] = {}
    for each in sorted(made, key=lambda operation: operation.started):
        before = [urn for urn in needed[each.urn] if urn in done]
        engine = each.started - max((ended[urn] for urn in before), default=began)
        started = max((done[urn].ended for urn in before), default=0.0) + max(engine, 0.0)
        done[each.urn] = Operation(
            urn=each.urn,
            type=each.type,
            name=name_of(each.urn),
            started=started,
            ended=started + (ended[each.urn] - each.started) / PACE,
            needs=needed[each.urn],
        )
    return sorted(done.values(), key=lambda operation: operation.started)
