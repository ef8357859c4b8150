"""Runs a first update on the real engine, with doubles that take their time, and returns what ran when."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path

from engine.timeline.schedule import Operation, needs
from engine.world import World

from fakes.aws import account
from fakes.urns import name_of
from recording.graph import Graph, Resource

PACE = 1 / 20
"""Seconds here for a second in AWS: a quarter of an hour takes three quarters of a minute."""
PARALLEL = 64
"""Operations at once: more than there ever are to do, so that nothing waits for a free hand."""


def measure(graph: Graph, seconds: Callable[[Resource], float]) -> list[Operation]:
    """Bring up the graph's stack; returns its operations in seconds as they would pass in AWS.

    What is in the cluster passes in no time here, and takes `seconds` there.
    """
    with (
        tempfile.TemporaryDirectory() as private,
        World(Path(private) / "world", graph.stack, Path(private) / "cache") as world,
    ):
        world.init()
        # The first preview finds out what is sound, so that no check holds up the update.
        world.preview()
        world.account.set("pace", str(PACE))
        world.up("--parallel", str(PARALLEL)).must()
        made = world.account.operations("create")
        return slow_down(made, needs(graph), lambda urn: seconds(graph.by_urn[urn]))


def slow_down(
    made: Sequence[account.Operation], needed: Mapping[str, frozenset[str]], unseen: Callable[[str], float]
) -> list[Operation]:
    """Give each operation AWS's time, and the engine its own; what the account has not seen takes `unseen`.

    Between the end of what an operation needs and its start the engine is at work; it would be no slower in AWS.
    """
    seen = {each.urn: each for each in made}
    began, ended = min(each.started for each in made), {each.urn: each.ended or 0 for each in made}
    done: dict[str, Operation] = {}
    for urn in TopologicalSorter(needed).static_order():
        before = needed.get(urn, frozenset())
        started = max((done[each].ended for each in before if each in done), default=0.0)
        if found := seen.get(urn):
            idle = max((ended[each] for each in before if each in ended), default=began)
            started += max(found.started - idle, 0.0)
            took = (ended[urn] - found.started) / PACE
        elif urn in needed:
            took = unseen(urn)
        else:
            continue
        done[urn] = Operation(
            urn=urn,
            type=found.type if found else urn.split("::")[2].rpartition("$")[2],
            name=name_of(urn),
            started=started,
            ended=started + took,
            needs=before,
        )
    return sorted(done.values(), key=lambda operation: operation.started)
