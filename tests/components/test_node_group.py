"""Node groups: what runs on a new node of an empty one, and who decides its size."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_groups import GROUP, template
from support import STACKS, recorded

from components.node_group import autoscaler_tags
from components.node_sizes import Sizes, wanted
from settings import versions


@pytest.mark.parametrize("stack", STACKS)
def test_a_pod_that_asks_for_disk_fits_on_a_new_node_of_every_empty_group(stack: str) -> None:
    asked = 0.5  # gibibytes; charts/ai-prism asks for 500Mi
    graph = recorded(stack, known=True)
    for group in graph.of_type(GROUP):
        disk = template(graph, group)["capacity"]["ephemeral-storage"]
        assert re.fullmatch(r"[0-9]+Gi", str(disk)), group.name
        assert int(str(disk).removesuffix("Gi")) > asked, group.name


@pytest.mark.parametrize("stack", STACKS)
def test_an_empty_gpu_group_comes_up_for_what_tolerates_it_and_asks_for_a_gpu(stack: str) -> None:
    graph = recorded(stack, known=True)
    node = template(graph, graph.named(GROUP, "gpu-nodes"))
    assert node["capacity"]["nvidia.com/gpu"]
    assert node["labels"].items() >= {"tier": "gpu", "k8s.amazonaws.com/accelerator": "nvidia"}.items()
    assert node["taints"] == {"nvidia.com/gpu": "NO_SCHEDULE"}


@pytest.mark.parametrize("stack", STACKS)
def test_the_autoscaler_may_ask_eks_for_what_it_does_not_find_in_tags(stack: str) -> None:
    policy = recorded(stack, known=True).named("aws:iam/rolePolicy:RolePolicy", "identity-cluster-autoscaler-grants")
    actions = [action for statement in json.loads(policy["policy"])["Statement"] for action in statement["Action"]]
    assert "eks:DescribeNodegroup" in actions


@given(st.integers(20, 16384))
def test_a_node_is_never_thought_to_have_more_disk_than_the_kubelet_leaves(disk: int) -> None:
    (told,) = autoscaler_tags(disk).values()
    assert int(told.removesuffix("Gi")) <= disk * 0.9 - 1
    assert int(told.removesuffix("Gi")) > 0


@pytest.mark.parametrize("stack", STACKS)
def test_nodes_and_their_images_have_the_version_of_the_control_plane(stack: str) -> None:
    graph = recorded(stack, known=True)
    (plane,) = graph.of_type("aws:eks/cluster:Cluster")
    for group in graph.of_type(GROUP):
        assert group["version"] == plane["version"]
        assert group["releaseVersion"].startswith(f"{plane['version']}."), group.name


@pytest.mark.parametrize("minor", versions.load().kubernetes)
def test_what_belongs_to_a_minor_version_of_kubernetes_is_not_of_a_later_one(minor: str) -> None:
    known = versions.load()
    proxy, autoscaler = known.addons_for(minor)["kube-proxy"], known.images["cluster-autoscaler"].versions[minor]
    assert (proxy or "").startswith(f"v{minor}.")
    assert (autoscaler or "").startswith(f"v{minor}.")
    for kind in known.node_images:
        assert (known.node_image(kind, minor) or f"{minor}.").startswith(f"{minor}.")


@pytest.mark.parametrize("stack", STACKS)
def test_the_autoscaler_simulates_the_scheduler_of_its_own_cluster(stack: str) -> None:
    graph = recorded(stack, known=True)
    (plane,) = graph.of_type("aws:eks/cluster:Cluster")
    release = graph.named("kubernetes:helm.sh/v3:Release", "cluster-autoscaler")
    assert release["values"]["image"]["tag"].startswith(f"v{plane['version']}.")


@given(st.integers(0, 60) | st.none(), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_the_size_lies_between_the_limits_and_is_left_alone_where_it_did(
    present: int | None, least: int, more: int, most: int
) -> None:
    first, top = least + more, least + more + most
    size, autoscaled = wanted(present, Sizes(least, first, top))
    assert least <= size <= top
    if present is None:
        assert (size, autoscaled) == (first, True)
    else:
        assert autoscaled is (least <= present <= top)
        assert not autoscaled or size == present
