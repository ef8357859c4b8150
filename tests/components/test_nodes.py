"""Tiers of nodes: a pod finds a node where its volume is, and zones come and go without moving anybody's."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_groups import GROUP, brought_up, pods_with_volumes, scattered, template, tier, zones
from support import STACKS, record_with, recorded

from components.apps.cluster_autoscaler import ALIKE
from components.apps.installer import WEB_TIER
from components.node_sizes import divided
from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource
from settings.cluster import NodeGroup


def private_zones(graph: Graph) -> set[str]:
    return {each["availabilityZone"] for each in graph.of_type("aws:ec2/subnet:Subnet")}


@pytest.mark.parametrize("stack", STACKS)
def test_a_pod_finds_a_node_in_the_zone_of_its_volume_whichever_that_is(stack: str) -> None:
    graph = recorded(stack, known=True)
    for zone in private_zones(graph):
        # The autoscaler asks this group for a node, and it can come up nowhere else.
        (group,) = brought_up(graph, {"nodeSelector": WEB_TIER}, zone)
        assert zones(graph, group) == [zone]
        # There is one without the autoscaler, too, which itself runs on these nodes.
        assert group["scalingConfig"]["minSize"] >= 1, group.name


@pytest.mark.parametrize("stack", STACKS)
def test_the_zones_of_the_web_tier_are_kept_level_and_spot_and_its_stand_in_are_not(stack: str) -> None:
    graph = recorded(stack, known=True)
    arguments = graph.named("kubernetes:helm.sh/v3:Release", "cluster-autoscaler")["values"]["extraArgs"]
    assert arguments["balance-similar-node-groups"] is True
    # The chart drops what follows an underscore, so an argument can be given more than once.
    by = [text for key, text in arguments.items() if key.partition("_")[0] == "balancing-label"]
    assert sorted(by) == sorted(ALIKE)

    # As areLabelsSame has it: https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.1/cluster-autoscaler/processors/nodegroupset/label_nodegroups.go
    alike: dict[tuple[str, ...], set[str]] = {}
    for group in graph.of_type(GROUP):
        labels = template(graph, group)["labels"]
        alike.setdefault(tuple(labels[label] for label in by), set()).add(group.name)
    together = [names for names in alike.values() if len(names) > 1]
    assert together == [{group.name for group in tier(graph, "web")}]


@pytest.mark.parametrize("stack", STACKS)
def test_what_has_a_volume_finds_it_again_after_any_node_is_replaced(stack: str) -> None:
    graph = recorded(stack, known=True)
    asking = {
        f"{release.name}{path}": pod
        for release in graph.of_type("kubernetes:helm.sh/v3:Release")
        for path, pod in pods_with_volumes(release["values"], {})
    }

    assert {name: groups for name, pod in asking.items() if (groups := scattered(graph, pod))} == {}
    assert {name.partition(".")[0] for name in asking} >= {"kube-prometheus-stack"}


def test_a_pod_that_may_run_on_a_tier_over_all_zones_is_told() -> None:
    graph = recorded("prod", known=True)
    assert sorted(scattered(graph, {"nodeSelector": {"tier": "api"}})) == ["api-fallback-nodes", "api-nodes"]
    assert sorted(scattered(graph, {})) == ["api-fallback-nodes", "api-nodes"]
    assert scattered(graph, {"nodeSelector": {"tier": "gpu"}, "tolerations": [{"operator": "Exists"}]}) == ["gpu-nodes"]
    assert scattered(graph, {"nodeSelector": WEB_TIER}) == []
    claim = {"volumes": [{"persistentVolumeClaim": {"claimName": "x"}}]}
    assert [pod for _, pod in pods_with_volumes({"server": {"nodeSelector": {"a": "b"}, "pod": claim}}, {})] == [
        {"nodeSelector": {"a": "b"}}
    ]


def shared(graph: Graph) -> Mapping[str, tuple[Any, ...]]:
    """Return what a change of it would replace in the groups of the web tier, by name."""
    subnets = {each.id: each.name for each in graph.of_type("aws:ec2/subnet:Subnet")}
    return {
        group.name: (group.urn, [subnets[each] for each in group["subnetIds"]], group["instanceTypes"])
        for group in tier(graph, "web")
    }


def test_a_zone_that_joins_or_another_order_of_zones_replaces_no_node_that_has_volumes() -> None:
    config = {key: json.loads(text) for key, text in Project(ROOT).config("dev").items() if text.startswith("{")}
    network, nodes = config["ai-prism:network"], config["ai-prism:nodes"]
    web = {**nodes["web"], "min": 3, "desired": 3, "max": 6}

    grown = record_with(
        "dev",
        network=json.dumps({**network, "zones": ["us-east-1c", *reversed(network["zones"])]}),
        nodes=json.dumps({**nodes, "web": web}),
    )

    before, after = shared(recorded("dev", known=True)), shared(grown)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {"web-us-east-1c-nodes"}


def test_all_groups_of_a_tier_share_a_launch_template_so_that_a_change_of_it_reaches_every_zone() -> None:
    graph = recorded("prod", known=True)
    templates = {group["launchTemplate"]["id"] for group in tier(graph, "web")}
    assert templates == {graph.named("aws:ec2/launchTemplate:LaunchTemplate", "web-template").id}


ZONES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)


@given(ZONES, st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.randoms())
def test_zones_share_what_the_settings_say_evenly_and_to_the_last_node(
    names: list[str], least: int, more: int, most: int, random: Any
) -> None:
    whole = NodeGroup.model_construct(min=least, desired=least + more, max=least + more + most)

    shares = divided(whole, names)

    for size in ("min", "desired", "max"):
        each = [getattr(share, size) for share in shares.values()]
        assert sum(each) == getattr(whole, size)
        assert max(each) - min(each) <= 1
    assert all(share.min <= share.desired <= share.max for share in shares.values())
    assert least < len(names) or all(share.min >= 1 for share in shares.values())
    random.shuffle(names)
    assert divided(whole, names) == shares


def rotated_before(graph: Graph, group: Resource) -> set[str]:
    return {each.name for each in graph.of_type(GROUP) if each.urn in graph.needs(group)}


def test_the_first_update_makes_all_groups_side_by_side() -> None:
    graph = recorded("prod", known=True)
    assert not any(rotated_before(graph, group) for group in graph.of_type(GROUP))
