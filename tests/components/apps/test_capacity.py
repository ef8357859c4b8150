"""What runs on the web tier has room there from the start, before the autoscaler makes any."""

import pytest
from support import STACKS, recorded
from web_tier import Ask, asked, node, packed


def web(stack: str):
    """Return the web tier's node group."""
    return recorded(stack, known=True).named("aws:eks/nodeGroup:NodeGroup", "web-nodes")


@pytest.mark.parametrize("stack", STACKS)
def test_all_pods_of_controllers_have_room_on_the_web_tier_as_it_starts(stack: str) -> None:
    group = web(stack)
    nodes = int(group["scalingConfig"]["desiredSize"])
    each, pods = asked(recorded(stack, known=True))

    for instance_type in group["instanceTypes"]:
        assert not list(packed(pods, each, nodes, node(instance_type))), instance_type


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_all_pods_have_room_while_one_node_is_replaced(stack: str) -> None:
    group = web(stack)
    nodes = int(group["scalingConfig"]["desiredSize"]) - 1
    each, pods = asked(recorded(stack, known=True))

    assert not list(packed(pods, each, nodes, node(group["instanceTypes"][0])))


def test_a_pod_without_room_is_told() -> None:
    full = Ask(1000, 1000, 3)
    assert list(packed([Ask(100, 600), Ask(100, 600)], Ask(0, 0), 1, full)) == [Ask(100, 600)]
    assert list(packed([Ask(1, 1)] * 3, Ask(0, 0), 1, full)) == [Ask(1, 1)]
    assert not list(packed([Ask(100, 600), Ask(100, 600)], Ask(0, 0), 2, full))
