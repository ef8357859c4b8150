"""The Gantt chart."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from engine.timeline import gantt
from engine.timeline.schedule import Operation, Schedule, ideal
from engine.timeline.words import minutes
from support import STACKS, recorded

from fakes.aws.durations import duration
from recording.graph import Graph

SVG = "{http://www.w3.org/2000/svg}"


def schedule(graph: Graph) -> Schedule:
    return ideal(graph, lambda resource: duration(resource.type, "create", resource.inputs).seconds)


def draw(stack: str, schedule_: Schedule | None = None) -> str:
    graph = recorded(stack, known=True)
    return gantt.render(graph, schedule_ or schedule(graph), title="First update", compared={"other": 1500.0})


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314  # our own


@pytest.mark.parametrize("stack", STACKS)
def test_the_chart_is_well_formed_and_nothing_lies_outside_of_it(stack: str):
    root = ET.fromstring(draw(stack))  # noqa: S314  # our own
    width, height = float(root.attrib["width"]), float(root.attrib["height"])

    for shape in root.iter(f"{SVG}rect"):
        if shape.attrib["width"] != "100%":
            assert 0 <= float(shape.attrib["x"]) <= float(shape.attrib["x"]) + float(shape.attrib["width"]) <= width
            assert 0 <= float(shape.attrib["y"]) <= float(shape.attrib["y"]) + float(shape.attrib["height"]) <= height
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


@pytest.mark.parametrize("stack", STACKS)
def test_no_two_names_or_durations_stand_on_each_other(stack: str):
    root = ET.fromstring(draw(stack))  # noqa: S314  # our own
    lines: dict[float, list[tuple[float, float]]] = {}
    for text in root.iter(f"{SVG}text"):
        content, x = "".join(text.itertext()), float(text.attrib["x"])
        size = {"heading": 22, "title": 13}.get(text.attrib.get("class", ""), 11)
        width = 0.56 * size * len(content)
        left = {"end": x - width, "middle": x - width / 2}.get(text.attrib.get("text-anchor", ""), x)
        lines.setdefault(float(text.attrib["y"]), []).append((left, left + width))
    for found in lines.values():
        found.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(found))


def test_every_component_is_there():
    graph = recorded("prod", known=True)
    found = set(texts(draw("prod")))

    assert found >= {child.name for child in graph.children[graph.root.urn] if not child.custom}


def test_what_is_on_the_critical_path_has_its_colour_and_the_rest_has_not():
    graph = recorded("prod", known=True)
    found = schedule(graph)
    bars = [row for row in gantt.rows(found.operations) if set(row.operations) & set(found.critical_path)]

    drawn = re.findall(rf'height="{gantt._BAR}" rx="2" fill="{gantt._CRITICAL}"', draw("prod"))
    assert len(drawn) == len(bars) >= 3


def test_what_was_ready_but_did_not_start_is_seen():
    graph = recorded("prod", known=True)
    found = schedule(graph)
    late = tuple(
        replace(operation, started=operation.started + 60, ended=operation.ended + 60)
        if operation.name == "cache"
        else operation
        for operation in found.operations
    )

    assert draw("prod").count(gantt._QUEUE) == 1  # in the legend
    assert draw("prod", Schedule(late)).count(gantt._QUEUE) == 2


def test_what_is_alike_and_ran_side_by_side_shares_a_bar():
    def ran(name: str, started: float, type_: str = "aws:ec2/natGateway:NatGateway") -> Operation:
        return Operation(urn=name, type=type_, name=name, started=started, ended=started + 100)

    found = gantt.rows(
        [
            ran("network-a", 0),
            ran("network-b", 2),
            ran("network-c", 50),
            ran("cluster", 0, "aws:eks/cluster:Cluster"),
        ]
    )

    assert sorted(row.label for row in found) == ["cluster", "network-a, b", "network-c"]


def test_many_that_are_alike_are_counted():
    def ran(number: int) -> Operation:
        return Operation(
            urn=str(number), type="aws:ec2/natGateway:NatGateway", name=f"nat-{number}", started=0, ended=90
        )

    assert [row.label for row in gantt.rows([ran(number) for number in range(11)])] == ["11 of ec2.NatGateway"]


def test_a_short_operation_has_no_bar():
    assert gantt.rows([Operation(urn="a", type="t", name="a", started=0, ended=3)]) == []


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (24, "24 s"), (60, "1 min"), (564, "9 min 24 s")])
def test_durations_in_words(seconds: float, words: str):
    assert minutes(seconds) == words
