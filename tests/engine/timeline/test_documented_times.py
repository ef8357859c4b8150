"""The times in the documents are those that the graph and the table of durations give."""

import functools
import re

import pytest
from engine.timeline import cloudformation
from engine.timeline.__main__ import seconds
from engine.timeline.schedule import Operation, Schedule, ideal
from engine.timeline.words import minutes
from support import STACKS, recorded

from prismctl.project import ROOT

GUIDE = (ROOT / "docs/run-for-real.md").read_text(encoding="utf-8")
DECISION = (ROOT / "docs/adr/0011-critical-path-of-the-first-update.md").read_text(encoding="utf-8")
"""Of what AWS makes, but for a domain of OpenSearch."""
WITH_APPS = (ROOT / "docs/adr/0015-first-update-with-apps.md").read_text(encoding="utf-8")
"""Of everything."""
STANDING_FOR = {"dev": ("dev", "integration"), "prod": ("staging", "prod")}
"""Which stack's figures the documents give, and for which stacks."""
SEARCH, CHART = "aws:opensearch/domain:Domain", "kubernetes:helm.sh/v3:Release"
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
    "node groups": ("aws:eks/nodeGroup:NodeGroup", "web-us-east-1a-nodes"),
    "add-ons that need nodes": ("aws:eks/addon:Addon", "cluster-coredns"),
    "OpenSearch": (SEARCH, ""),
    "charts: the load balancer controller": (CHART, "aws-load-balancer-controller"),
    "monitoring chart": (CHART, "kube-prometheus-stack"),
    "Argo CD": (CHART, "argo-cd"),
    "other charts": (CHART, "istio-base"),
}
"""What a row of the guide's table begins with, and the type and name of what it tells of; no name where any will do."""


@functools.cache
def ours(stack: str) -> Schedule:
    return ideal(recorded(stack, known=True), seconds)


@functools.cache
def theirs(stack: str) -> Schedule:
    return cloudformation.order(recorded(stack, known=True), seconds)


def made_by_aws(schedule: Schedule) -> float:
    """Return when the last that AWS makes is there, without a domain of OpenSearch and what only watches the rest."""
    operations = [
        each
        for each in schedule.operations
        if each.type.startswith("aws:") and each.type != SEARCH and not each.name.startswith(("events-", "liveness-"))
    ]
    return max(each.ended for each in operations)


def of(stack: str, type_: str, name: str = "") -> Operation:
    """Return the first of a stack's operations on a type."""
    found = [each for each in ours(stack).operations if each.type == type_ and name in ("", each.name)]
    return min(found, key=lambda operation: operation.started)


def test_one_stack_stands_for_another_where_their_figures_are_the_same():
    for stack, stacks in STANDING_FOR.items():
        assert {(ours(each).total, theirs(each).total) for each in stacks} == {(ours(stack).total, theirs(stack).total)}
    assert {stack for stacks in STANDING_FOR.values() for stack in stacks} == set(STACKS)


def test_the_guide_says_how_long_a_first_update_takes():
    (told,) = re.findall(
        r"The first update of staging or prod is predicted to take (.+?), that of dev or integration (.+?):", GUIDE
    )

    assert told == (minutes(ours("prod").total), minutes(ours("dev").total))


def test_the_guide_says_how_much_there_is_to_do_at_once():
    most = max(ours(stack).peak for stack in STACKS)

    assert f"has up to {most} to do at once" in GUIDE
    assert f"There are up to {most} operations at once" in WITH_APPS


def test_every_row_of_the_guide_is_held():
    rows = re.findall(r"^\| (?:\d+ min )?\d+ s \| (.+?) \|", GUIDE, re.MULTILINE)

    assert [row for row in rows if not row.startswith(tuple(ROWS))] == []
    assert len(rows) == len(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_guide_says_when_something_begins_and_how_long_it_takes(row: str):
    (told,) = re.findall(rf"^\| ([^|]+) \| {row}[^|]*\| ([^|]+) \|$", GUIDE, re.MULTILINE)
    operation = of("prod" if row == "OpenSearch" else "dev", *ROWS[row])

    assert told[0] == minutes(operation.started)
    assert re.split(r",| \(| each", told[1])[0] == minutes(operation.seconds)


@pytest.mark.parametrize("stack", STANDING_FOR)
def test_the_decision_says_how_long_and_by_how_much_shorter(stack: str):
    after, before = made_by_aws(ours(stack)), made_by_aws(theirs(stack))
    (row,) = re.findall(rf"^\| {', '.join(STANDING_FOR[stack])} \| (.+) \|$", DECISION, re.MULTILINE)
    was, first, second, *told = row.split(" | ")
    steps = [int(re.sub(r"\D", "", each)) for each in (first, second)]

    assert told == [f"{after:.0f} s", f"{before:.0f} s", f"{1 - after / before:.0%}".replace("%", " %")]
    assert int(was.removesuffix(" s")) - sum(steps) == round(after)


@pytest.mark.parametrize("stack", STANDING_FOR)
def test_the_decision_about_apps_says_how_long_it_takes_with_them(stack: str):
    after, before = ours(stack).total, theirs(stack).total
    (row,) = re.findall(rf"^\| {', '.join(STANDING_FOR[stack])} \| (.+) \|$", WITH_APPS, re.MULTILINE)

    shorter = f"{1 - after / before:.0%}".replace("%", " %")
    assert row == f"{made_by_aws(ours(stack)):.0f} s | {after:.0f} s | {before:.0f} s | {shorter}"


def test_the_decision_about_apps_says_what_is_the_longest():
    dev, prod = ours("dev"), ours("prod")
    charts = of("dev", "kubernetes:argoproj.io/v1alpha1:Application").ended - made_by_aws(dev)
    domain, *after = [each for each in prod.critical_path if each.started >= of("prod", SEARCH).started]
    application = of("prod", "kubernetes:argoproj.io/v1alpha1:Application")

    assert f"charts follow AWS's part for {charts:.0f} s" in WITH_APPS
    assert f"monitoring {of('dev', CHART, 'kube-prometheus-stack').seconds:.0f} s" in WITH_APPS
    assert f"{domain.started:.0f} s before it, the domain {domain.seconds:.0f} s" in WITH_APPS
    assert f"after it {sum(each.seconds for each in after):.0f} s for the job" in WITH_APPS
    assert f"The application itself is there at {application.ended:.0f} s, as elsewhere" in WITH_APPS
    # "As elsewhere" is within a few seconds: staging and prod make more roles and alarms on the way.
    assert abs(application.ended - of("dev", "kubernetes:argoproj.io/v1alpha1:Application").ended) < 5
    assert f"everything else is there after {minutes(application.ended)}" in GUIDE


def test_the_decision_says_what_is_left_of_the_longest():
    total = made_by_aws(theirs("dev"))
    node_group = of("dev", "aws:eks/nodeGroup:NodeGroup", "web-us-east-1a-nodes")
    addon = of("dev", "aws:eks/addon:Addon", "cluster-metrics-server")
    control_plane = of("dev", "aws:eks/cluster:Cluster")
    readers = [each for each in ours("prod").operations if each.type == "aws:rds/clusterInstance:ClusterInstance"]
    aurora = [of("prod", "aws:rds/cluster:Cluster").seconds, max(each.seconds for each in readers)]

    assert f"A quarter less than {total:.0f} s is {int(total * 0.75)} s" in DECISION
    assert f"Of the {made_by_aws(ours('dev')):.0f} s the control plane takes {control_plane.seconds:.0f} s" in DECISION
    assert f"before it writes to it ({control_plane.started:.0f} s)" in DECISION
    assert f"{node_group.seconds:.0f} s); add-ons that need nodes come after them ({addon.seconds:.0f} s)" in DECISION
    assert f"cluster {aurora[0]:.0f} s, readers that wait for their writer {aurora[1]:.0f} s" in DECISION
    assert f"Aurora alone would take {sum(aurora):.0f} s" in DECISION
