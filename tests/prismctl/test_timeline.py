"""The prediction of a first update, and that the documents say the same."""

import functools
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from support import STACKS, recorded

from prismctl import cli
from prismctl.project import ROOT
from prismctl.render.words import minutes
from recording.graph import STACK_TYPE, Graph, Resource
from recording.timeline import Step, Timeline, needs, timeline

GUIDE = (ROOT / "docs/run-for-real.md").read_text(encoding="utf-8")
SEARCH, CHART = "aws:opensearch/domain:Domain", "kubernetes:helm.sh/v3:Release"
APPLICATION = "kubernetes:argoproj.io/v1alpha1:Application"
ROWS = {
    "three KMS keys": ("aws:kms/key:Key", ""),
    "VPC": ("aws:ec2/vpc:Vpc", ""),
    "NAT gateways": ("aws:ec2/natGateway:NatGateway", ""),
    "interface endpoints": ("aws:ec2/vpcEndpoint:VpcEndpoint", "network-sts"),
    "load balancer": ("aws:lb/loadBalancer:LoadBalancer", ""),
    "certificate": ("aws:route53/record:Record", "entrance-certificate-proof"),
    "control plane": ("aws:eks/cluster:Cluster", ""),
    "Aurora: cluster": ("aws:rds/cluster:Cluster", ""),
    "Valkey": ("aws:elasticache/replicationGroup:ReplicationGroup", ""),
    "add-ons that nodes need": ("aws:eks/addon:Addon", "cluster-vpc-cni"),
    "node groups": ("aws:eks/nodeGroup:NodeGroup", "web-*-nodes"),
    "add-ons that need nodes": ("aws:eks/addon:Addon", "cluster-coredns"),
    "OpenSearch": (SEARCH, ""),
    "charts: the load balancer controller": (CHART, "aws-load-balancer-controller"),
    "monitoring chart": (CHART, "kube-prometheus-stack"),
    "Argo CD": (CHART, "argo-cd"),
    "other charts": (CHART, "istio-base"),
}
"""What a row of the guide's table begins with, and the type and name of what it tells of; no name where any will do."""


@functools.cache
def predicted(stack: str) -> Timeline:
    return timeline(recorded(stack, known=True))


def first(stack: str, type_: str, name: str = "") -> Step:
    """Return the first of a stack's operations on a type, or on the resources of that name (a pattern)."""
    found = [
        step
        for step in predicted(stack).steps.values()
        if step.resource.type == type_ and fnmatchcase(step.resource.name, name or "*")
    ]
    return min(found, key=lambda step: step.begins)


def resource(
    name: str, *dependencies: str, custom: bool = True, parent: str | None = "stack", **others: Any
) -> Resource:
    return Resource(
        urn=name,
        type=STACK_TYPE if name == "stack" else "aws:kms/key:Key",
        name=name,
        custom=custom,
        parent=None if name == "stack" else parent,
        dependencies=dependencies,
        read_inputs=dict,
        read_outputs=dict,
        **others,
    )


def graph(*resources: Resource) -> Graph:
    stack = resource("stack", custom=False)
    return Graph(project="p", stack="s", resources=(stack, *resources), outputs={}, known=True)


def test_everything_begins_as_soon_as_what_it_waits_for_is_done():
    found = timeline(graph(resource("a"), resource("b", "a"), resource("c")))

    takes = found.steps["a"].takes
    assert {name: step.begins for name, step in found.steps.items()} == {"a": 0, "b": takes, "c": 0}
    assert found.seconds == 2 * takes
    assert found.at_once == 2
    assert [step.resource.name for step in found.critical_path] == ["a", "b"]


def test_of_those_that_end_together_always_the_same_is_on_the_path():
    last = resource("z", "x", "y")
    one, other = (
        timeline(graph(*each, last)) for each in ((resource("x"), resource("y")), (resource("y"), resource("x")))
    )

    assert [step.resource.name for step in one.critical_path] == [step.resource.name for step in other.critical_path]


def test_nothing_at_all_takes_no_time():
    assert (timeline(graph()).seconds, timeline(graph()).critical_path, timeline(graph()).at_once) == (0, (), 0)


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


@pytest.mark.parametrize("stack", STACKS)
def test_the_critical_path_has_no_pauses_and_takes_as_long_as_the_update(stack: str):
    found = predicted(stack)

    assert sum(step.takes for step in found.critical_path) == pytest.approx(found.seconds)
    assert found.critical_path[0].begins == 0


@pytest.mark.parametrize("stack", STACKS)
def test_charts_count_and_begin_when_there_are_nodes(stack: str):
    charts = [step for step in predicted(stack).steps.values() if step.resource.type == CHART]
    nodes = first(stack, "aws:eks/nodeGroup:NodeGroup")

    assert all(step.takes > 0 and step.begins >= nodes.ends for step in charts)
    assert predicted(stack).seconds >= max(step.ends for step in charts)


def test_text_and_json_say_the_same(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["timeline", "dev"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["timeline", "dev", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)

    assert text.startswith(f"dev: the first update takes about {minutes(document['seconds'])}\n")
    assert document["seconds"] == predicted("dev").seconds
    by_urn = {each["urn"]: each for each in document["operations"]}
    assert all(by_urn[urn]["name"] in text for urn in document["criticalPath"] if by_urn[urn]["takes"])


def test_the_picture_has_a_bar_for_each_step_that_takes_time_and_none_lies_outside(tmp_path: Path):
    file = tmp_path / "dev.svg"
    assert cli.main(["timeline", "dev", "--svg", str(file)]) == 0

    root = ET.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314  # our own
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.attrib["width"] != "100%"]
    assert len(bars) == sum(step.takes > 0 for step in predicted("dev").critical_path)
    for bar in bars:
        assert 0 <= float(bar.attrib["x"]) <= float(bar.attrib["x"]) + float(bar.attrib["width"])
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= float(root.attrib["width"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["all"], "give one STACK"), (["nowhere"], "nowhere"), (["dev", "--svg", "/nonexistent/dev.svg"], "dev.svg")],
)
def test_bad_use_is_told_in_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["timeline", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err


# The guide's figures


def test_the_guide_says_how_long_a_first_update_takes():
    (told,) = re.findall(
        r"The first update of staging or prod is predicted to take (.+?), that of dev or integration (.+?):", GUIDE
    )

    assert told == (minutes(predicted("prod").seconds), minutes(predicted("dev").seconds))
    assert predicted("staging").seconds == predicted("prod").seconds
    assert predicted("integration").seconds == predicted("dev").seconds
    assert f"everything else is there after {minutes(first('prod', APPLICATION).ends)}" in GUIDE


def test_the_guide_says_how_much_there_is_to_do_at_once():
    assert f"has up to {max(predicted(stack).at_once for stack in STACKS)} to do at once" in GUIDE


def test_every_row_of_the_guide_is_held():
    rows = re.findall(r"^\| (?:\d+ min )?\d+ s \| (.+?) \|", GUIDE, re.MULTILINE)

    assert [row for row in rows if not row.startswith(tuple(ROWS))] == []
    assert len(rows) == len(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_guide_says_when_something_begins_and_how_long_it_takes(row: str):
    (told,) = re.findall(rf"^\| ([^|]+) \| {row}[^|]*\| ([^|]+) \|$", GUIDE, re.MULTILINE)
    step = first("prod" if row == "OpenSearch" else "dev", *ROWS[row])

    assert told[0] == minutes(step.begins)
    assert re.split(r",| \(| each", told[1])[0] == minutes(step.takes)
