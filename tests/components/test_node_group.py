"""Node groups: what runs on a new node of an empty one, and who decides its size."""

import functools
import json
import re
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, build
from hypothesis import given
from hypothesis import strategies as st
from node_groups import GROUP, template
from support import STACKS, recorded
from user import something

from components.node_group import Group, NodeGroup, NodeGroupArgs, autoscaler_tags
from components.node_sizes import Sizes, next_size
from recording.graph import Graph, Resource
from settings import versions

ROLE_ARN = CONTEXT.iam_arn("role/node")
ONE, OTHER = "zone-a", "zone-b"
TYPES = ("m7i.large", "m6i.large")


def make_tier(opts: pulumi.ResourceOptions, *, present: int | None = None, **changes: Any) -> None:
    """Make a tier of two groups, after a network plugin and behind another tier."""
    waited = something("plugin", opts)
    before = something("tier-before", opts)
    given: dict[str, Any] = {
        "context": CONTEXT,
        "cluster_name": "ai-prism-test",
        "version": "1.36",
        "release": "1.36.1-20261101",
        "groups": [
            Group(ONE, ["subnet-a"], Sizes(1, 2, 4), present),
            Group(OTHER, ["subnet-b", "subnet-c"], Sizes(0, 1, 3), present),
        ],
        "after": [waited],
        "behind": [before],
        "node_role_arn": ROLE_ARN,
        "security_group_ids": ["sg-cluster", "sg-nodes"],
        "tier": "web",
        "types": TYPES,
        "disk_gb": 80,
        "key_arn": KEY_ARN,
        **changes,
    }
    NodeGroup("web", NodeGroupArgs(**given), opts)


@functools.cache
def nodes(
    *, present: int | None = None, spot: bool = False, gpu: bool = False, release: str = "1.36.1-20261101"
) -> Graph:
    return build(lambda opts: make_tier(opts, present=present, spot=spot, gpu=gpu, release=release or None))


def launched(graph: Graph | None = None) -> Resource:
    return (graph or nodes()).named("aws:ec2/launchTemplate:LaunchTemplate", "web-template")


def group(name: str = ONE, graph: Graph | None = None) -> Resource:
    return (graph or nodes()).named(GROUP, f"{name}-nodes")


def test_a_pod_does_not_get_at_the_credentials_of_its_node() -> None:
    """A pod is one hop further from the metadata than the node, and a session token is never forwarded.

    Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
    """
    assert launched()["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }


def test_nobody_logs_in_to_a_node() -> None:
    assert "keyName" not in launched()
    assert "remoteAccess" not in group()


def test_a_nodes_disk_is_encrypted_with_the_stacks_key_and_goes_with_the_node() -> None:
    (device,) = launched()["blockDeviceMappings"]
    # The root device of Amazon Linux: another name would add a second disk, and leave the first as the image has it.
    assert device["deviceName"] == "/dev/xvda"
    assert device["ebs"] == {
        "volumeType": "gp3",
        "volumeSize": 80,
        "encrypted": "true",
        "kmsKeyId": KEY_ARN,
        "deleteOnTermination": "true",
    }


def test_what_nodes_cost_is_found_by_the_tags_of_all_that_they_are_made_of() -> None:
    """The provider's default tags stop at the launch template."""
    tags = {"Name": "ai-prism-test-web", **CONTEXT.tags, "Tier": "web"}
    assert launched()["tagSpecifications"] == [
        {"resourceType": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
    ]


def test_nodes_are_reached_by_their_groups_and_come_up_with_what_was_changed_last() -> None:
    assert launched()["vpcSecurityGroupIds"] == ["sg-cluster", "sg-nodes"]
    assert launched()["updateDefaultVersion"] is True
    for name in (ONE, OTHER):
        assert group(name)["launchTemplate"] == {"id": launched().id, "version": "1"}


def test_a_group_brings_up_its_nodes_in_its_own_subnets_and_for_its_own_cluster() -> None:
    assert (group(ONE)["subnetIds"], group(OTHER)["subnetIds"]) == (["subnet-a"], ["subnet-b", "subnet-c"])
    for name in (ONE, OTHER):
        assert (group(name)["clusterName"], group(name)["nodeRoleArn"]) == ("ai-prism-test", ROLE_ARN)
        assert group(name)["instanceTypes"] == list(TYPES)


def test_a_node_has_kubernetes_and_the_image_that_belong_together() -> None:
    assert (group()["version"], group()["releaseVersion"]) == ("1.36", "1.36.1-20261101")
    assert "releaseVersion" not in group(ONE, nodes(release=""))


def test_on_demand_nodes_stay_and_spot_nodes_are_only_where_they_are_asked_for() -> None:
    assert group()["capacityType"] == "ON_DEMAND"
    assert group(ONE, nodes(spot=True))["capacityType"] == "SPOT"


def test_pods_choose_a_tier_by_its_label_and_only_who_needs_a_gpu_comes_onto_a_node_with_one() -> None:
    assert (group()["amiType"], group()["labels"], group().get("taints")) == (
        "AL2023_x86_64_STANDARD",
        {"tier": "web"},
        None,
    )
    gpu = group(ONE, nodes(gpu=True))
    assert gpu["amiType"] == "AL2023_x86_64_NVIDIA"
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}]
    # By the second label the autoscaler waits for a new node's GPUs, instead of adding nodes meanwhile:
    # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    assert gpu["labels"] == {"tier": "web", "nvidia.com/gpu": "true", "k8s.amazonaws.com/accelerator": "nvidia"}


def test_the_first_update_makes_as_many_nodes_as_the_stack_starts_with() -> None:
    assert group(ONE)["scalingConfig"] == {"minSize": 1, "desiredSize": 2, "maxSize": 4}
    assert group(OTHER)["scalingConfig"] == {"minSize": 0, "desiredSize": 1, "maxSize": 3}


def test_an_update_takes_no_node_away_that_the_autoscaler_has_added() -> None:
    for graph in (nodes(), nodes(present=3)):
        for name in (ONE, OTHER):
            assert group(name, graph).ignore_changes == ("scalingConfig.desiredSize",)


def test_limits_that_leave_the_present_size_behind_take_it_along() -> None:
    """EKS refuses a minimum above the size: https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3306"""
    graph = nodes(present=0)
    assert group(ONE, graph)["scalingConfig"]["desiredSize"] == 1
    assert group(ONE, graph).ignore_changes == ()


def test_at_most_a_third_of_a_groups_nodes_is_replaced_at_a_time_and_a_faulty_one_is_repaired() -> None:
    assert group()["updateConfig"] == {"maxUnavailablePercentage": 33}
    assert group()["nodeRepairConfig"] == {"enabled": True}


def test_draining_nodes_has_the_time_that_disruption_budgets_take() -> None:
    assert group().custom_timeouts == {"create": "60m", "update": "120m", "delete": "60m"}


def test_new_nodes_come_up_beside_old_ones_where_a_group_is_replaced() -> None:
    """With a name of its own, the old group would have to go first."""
    assert "nodeGroupName" not in group()
    assert group().delete_before_replace is False


def waits_for(name: str, graph: Graph) -> set[str]:
    return {graph.by_urn[urn].name for urn in graph.needs(group(name, graph))}


def test_no_node_comes_up_before_its_network() -> None:
    for graph in (nodes(), nodes(present=2)):
        for name in (ONE, OTHER):
            assert "plugin" in waits_for(name, graph)


def test_an_upgrade_that_goes_wrong_is_seen_on_one_group_and_stops_before_the_next() -> None:
    graph = nodes(present=2)
    assert "tier-before" in waits_for(ONE, graph)
    assert {"tier-before", f"{ONE}-nodes"} <= waits_for(OTHER, graph)


def test_the_first_update_does_not_wait_for_one_group_after_the_other() -> None:
    for name in (ONE, OTHER):
        assert not {"tier-before", f"{ONE}-nodes"} & waits_for(name, nodes())


def test_a_new_group_waits_for_none_of_those_that_are_rotated() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        groups = [Group(ONE, ["subnet-a"], Sizes(1, 2, 4), 2), Group(OTHER, ["subnet-b"], Sizes(1, 2, 4), None)]
        make_tier(opts, groups=groups)

    assert f"{ONE}-nodes" not in waits_for(OTHER, build(make))


def test_the_autoscaler_knows_the_disk_of_a_node_that_is_yet_to_come() -> None:
    assert group()["tags"] == {"k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage": "70Gi"}


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
    size, autoscaled = next_size(present, Sizes(least, first, top))
    assert least <= size <= top
    if present is None:
        assert (size, autoscaled) == (first, True)
    else:
        assert autoscaled is (least <= present <= top)
        assert not autoscaled or size == present
