"""What runs on the web tier has room there: from the start, before the autoscaler makes any, and when some is lost."""

import pytest
from node_groups import tier
from support import STACKS, recorded
from web_tier import Ask, asked, node, packed, with_volumes

from recording.graph import Graph


def web(stack: str) -> tuple[Graph, list[int], list[str]]:
    """Return a stack, how many nodes each zone starts with, and of which types."""
    graph = recorded(stack, known=True)
    groups = tier(graph, "web")
    return graph, [int(each["scalingConfig"]["desiredSize"]) for each in groups], groups[0]["instanceTypes"]


@pytest.mark.parametrize("stack", STACKS)
def test_all_pods_of_controllers_have_room_on_the_web_tier_as_it_starts(stack: str) -> None:
    graph, nodes, types = web(stack)
    each, pods = asked(graph)

    for instance_type in types:
        assert not list(packed(pods, each, sum(nodes), node(instance_type))), instance_type


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_all_pods_have_room_while_one_node_is_replaced_or_a_zone_is_lost(stack: str) -> None:
    """All but those whose volume is in the lost zone: they wait for it. Counted are even these."""
    graph, nodes, types = web(stack)
    each, pods = asked(graph)

    assert not list(packed(pods, each, sum(nodes) - 1, node(types[0])))
    assert not list(packed(pods, each, sum(nodes) - max(nodes), node(types[0])))


@pytest.mark.parametrize("stack", STACKS)
def test_every_zone_may_grow_until_all_pods_with_volumes_have_room_in_it(stack: str) -> None:
    """Nobody decides where volumes are made: at worst all of them in one zone."""
    graph = recorded(stack, known=True)
    each, _ = asked(graph)
    tied = with_volumes(graph)
    assert tied

    for group in tier(graph, "web"):
        most = int(group["scalingConfig"]["maxSize"])
        for instance_type in group["instanceTypes"]:
            assert not list(packed(tied, each, most, node(instance_type))), group.name


def test_a_pod_without_room_is_told() -> None:
    full = Ask(1000, 1000, 3)
    assert list(packed([Ask(100, 600), Ask(100, 600)], Ask(0, 0), 1, full)) == [Ask(100, 600)]
    assert list(packed([Ask(1, 1)] * 3, Ask(0, 0), 1, full)) == [Ask(1, 1)]
    assert not list(packed([Ask(100, 600), Ask(100, 600)], Ask(0, 0), 2, full))
