"""CloudFormation's order of the same resources."""

import pytest
from engine.timeline import cloudformation
from engine.timeline.cloudformation import CLUSTER, CUSTOM_RESOURCE, HANDLER, POLLING, RULES, WHOLE_VPC, order
from engine.timeline.schedule import ideal, needs
from support import STACKS, recorded

from fakes.aws.durations import duration
from recording.graph import Resource


def seconds(resource: Resource) -> float:
    return duration(resource.type, "create", resource.inputs).seconds


@pytest.mark.parametrize("stack", STACKS)
def test_without_any_rule_the_order_is_that_of_our_graph(stack: str):
    graph = recorded(stack, known=True)

    assert order(graph, seconds, ()).total == ideal(graph, seconds).total


@pytest.mark.parametrize("stack", STACKS)
def test_no_resource_is_ready_sooner_than_here(stack: str):
    graph = recorded(stack, known=True)
    ours = ideal(graph, seconds).by_urn

    for operation in order(graph, seconds).operations:
        if operation.urn != HANDLER:
            assert operation.ended >= ours[operation.urn].ended


def test_the_control_plane_waits_for_every_nat_gateway():
    graph = recorded("prod", known=True)
    found = order(graph, seconds, [WHOLE_VPC])
    (cluster,) = graph.of_type(CLUSTER)

    gateways = {resource.urn for resource in graph.of_type("aws:ec2/natGateway:NatGateway")}
    assert gateways
    assert found.by_urn[cluster.urn].needs - needs(graph)[cluster.urn] >= gateways
    assert graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")[0].urn not in found.by_urn[cluster.urn].needs


def test_the_control_plane_waits_for_the_handlers_of_its_custom_resource():
    graph = recorded("dev", known=True)
    found = order(graph, seconds, [CUSTOM_RESOURCE])
    (cluster,) = graph.of_type(CLUSTER)

    assert found.by_urn[cluster.urn].started >= found.by_urn[HANDLER].ended > 0


def test_the_control_plane_is_noticed_on_the_minute():
    graph = recorded("dev", known=True)
    (cluster,) = graph.of_type(CLUSTER)

    assert order(graph, lambda _: 61.0, [POLLING]).by_urn[cluster.urn].seconds == 120
    assert order(graph, lambda _: 60.0, [POLLING]).by_urn[cluster.urn].seconds == 60


def test_every_type_in_the_vpc_exists_in_the_program():
    types = {resource.type for resource in recorded("prod", known=True).resources}

    assert types >= cloudformation._IN_VPC


def test_every_rule_has_a_source():
    assert all(rule.source.startswith("https://") for rule in RULES)


@pytest.mark.parametrize("stack", STACKS)
def test_our_first_update_makes_the_cluster_sooner_and_never_ends_later(stack: str):
    graph = recorded(stack, known=True)
    ours, theirs = ideal(graph, seconds), order(graph, seconds)
    nodes = "aws:eks/nodeGroup:NodeGroup"

    # A domain of OpenSearch takes longer than all else, and waits for the same in both.
    assert ours.total <= theirs.total
    assert max(each.ended for each in ours.operations if each.type == nodes) < min(
        each.ended for each in theirs.operations if each.type == nodes
    )
