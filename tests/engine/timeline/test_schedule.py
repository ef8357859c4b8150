"""Schedules: the critical path, gaps and concurrency of what ran, and what was possible."""

import graphlib

import pytest
from engine.timeline.schedule import Operation, Schedule, ideal, needs
from support import STACKS, recorded

from recording.graph import STACK_TYPE, Graph, Resource


def ran(urn: str, started: float, ended: float, *needed: str) -> Operation:
    return Operation(urn=urn, type="t", name=urn, started=started, ended=ended, needs=frozenset(needed))


def resource(urn: str, *dependencies: str, parent: str = "stack", custom: bool = True, **others: object) -> Resource:
    return Resource(
        urn=urn,
        type=STACK_TYPE if urn == "stack" else "t",
        name=urn,
        custom=custom,
        parent=None if urn == "stack" else parent,
        dependencies=dependencies,
        read_inputs=dict,
        read_outputs=dict,
        **others,
    )


def graph(*resources: Resource) -> Graph:
    stack = resource("stack", custom=False)
    return Graph(project="p", stack="s", resources=(stack, *resources), outputs={}, known=True)


def test_the_critical_path_goes_back_by_the_need_that_ended_last():
    schedule = Schedule(
        (
            ran("network", 0, 10),
            ran("key", 0, 30),
            ran("cluster", 30, 100, "network", "key"),
            ran("cache", 10, 90, "network"),
        )
    )

    assert [step.urn for step in schedule.critical_path] == ["key", "cluster"]
    assert schedule.total == 100


def test_a_step_that_started_late_is_still_followed_back_to_its_need():
    schedule = Schedule((ran("a", 0, 10), ran("b", 25, 40, "a")))

    assert [step.urn for step in schedule.critical_path] == ["a", "b"]
    assert schedule.ready(schedule.by_urn["b"]) == 10


def test_of_those_that_end_together_always_the_same_is_on_the_path():
    one = (ran("x", 0, 5), ran("y", 0, 5), ran("z", 5, 6, "x", "y"))

    assert Schedule(one).critical_path == Schedule(tuple(reversed(one))).critical_path


def test_a_gap_is_when_nothing_runs():
    schedule = Schedule((ran("a", 0, 10), ran("b", 4, 6), ran("c", 15, 20)))

    assert [(gap.started, gap.ended) for gap in schedule.gaps] == [(10, 15)]


def test_concurrency_counts_what_runs_at_once():
    schedule = Schedule((ran("a", 0, 10), ran("b", 0, 4), ran("c", 4, 10), ran("nothing", 4, 4)))

    assert schedule.concurrency == ((0, 2), (4, 2), (10, 0))
    assert schedule.peak == 2
    assert schedule.average == 2


def test_nothing_at_all_is_a_schedule_too():
    schedule = Schedule(())

    assert (schedule.total, schedule.critical_path, schedule.gaps, schedule.peak, schedule.average) == (0, (), (), 0, 0)


def test_everything_starts_as_soon_as_its_needs_are_done():
    found = ideal(graph(resource("a"), resource("b", "a"), resource("c")), lambda _: 10)

    assert {operation.urn: operation.started for operation in found.operations} == {"a": 0, "b": 10, "c": 0}


def test_a_child_waits_for_a_parent_that_is_a_resource_and_for_its_provider():
    found = needs(
        graph(resource("provider"), resource("parent"), resource("child", parent="parent", provider="provider::id"))
    )

    assert found["child"] == {"parent", "provider"}


def test_to_need_a_component_is_to_need_what_is_in_it():
    found = needs(
        graph(
            resource("component", custom=False), resource("inside", parent="component"), resource("after", "component")
        )
    )

    assert found["after"] == {"inside"}


def test_a_remote_component_waits_as_a_whole_and_is_waited_for_as_a_whole():
    found = needs(
        graph(
            resource("role"),
            resource("component", "role", custom=False, remote=True),
            resource("cluster", parent="component"),
            resource("entry", parent="component"),
            resource("association", parent="entry"),
            resource("after", "component"),
        )
    )

    assert found["cluster"] == {"role"}
    assert found["after"] == {"cluster", "entry", "association"}


def test_what_is_in_a_component_does_not_wait_for_it():
    found = needs(graph(resource("component", custom=False), resource("inside", "component", parent="component")))

    assert found["inside"] == frozenset()


def test_a_circle_is_refused():
    with pytest.raises(graphlib.CycleError):
        ideal(graph(resource("a", "b"), resource("b", "a")), lambda _: 1)


@pytest.mark.parametrize("stack", STACKS)
def test_the_critical_path_of_an_ideal_schedule_has_no_pauses(stack: str):
    found = ideal(recorded(stack, known=True), lambda resource: len(resource.name))

    assert sum(step.seconds for step in found.critical_path) == pytest.approx(found.total)
    assert found.gaps == ()
