"""Tiers of nodes: a pod finds a node where its volume is, and zones come and go without moving anybody's."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, build
from hypothesis import given
from hypothesis import strategies as st
from node_groups import GROUP, brought_up, pods_with_volumes, scattered, template, tier, zones
from support import STACKS, record_with, recorded
from user import something

from components import node_sizes
from components.apps.cluster_autoscaler import ALIKE
from components.apps.installer import WEB_TIER
from components.node_sizes import divided, running
from components.nodes import Nodes, NodesArgs
from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource
from settings import cluster as settings
from settings import versions

ROLE_ARN = CONTEXT.iam_arn("role/node")
SUBNETS = {"us-east-1c": "subnet-c", "us-east-1a": "subnet-a"}
VERSION = max(versions.load().kubernetes)


def tiers(fallback: int = 0) -> settings.Nodes:
    spot = ("m7i.large", "m6i.large", "m5.large")
    sections = {
        "web": {"types": ("m7g.large",), "min": 2, "desired": 3, "max": 6, "disk_gb": 60},
        "api": {"types": spot, "min": 1, "desired": 2, "max": 9, "on_demand_fallback": fallback},
        "gpu": {"types": ("g5.xlarge",), "min": 0, "desired": 1, "max": 4, "disk_gb": 200},
    }
    kinds = {"web": settings.NodeGroup, "api": settings.SpotNodes, "gpu": settings.GpuNodes}
    # What types go together is a rule of the settings, not of the component.
    made = {name: kinds[name].model_construct(**section) for name, section in sections.items()}
    return settings.Nodes.model_construct(**made)


def build_nodes(fallback: int) -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        args = NodesArgs(
            context=CONTEXT,
            settings=tiers(fallback),
            cluster_name="ai-prism-test",
            existing_cluster="ai-prism-test",
            version=VERSION,
            subnet_by_zone=SUBNETS,
            role_arn=ROLE_ARN,
            security_group_ids=["sg-cluster", "sg-nodes"],
            key_arn=KEY_ARN,
            after=[something("network", opts)],
        )
        made = Nodes("nodes", args, opts)
        something("dns", pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[made.on_demand])))

    return build(make)


@functools.cache
def nodes(fallback: int = 0) -> Graph:
    return build_nodes(fallback)


def group(name: str, graph: Graph | None = None) -> Resource:
    return (graph or nodes(5)).named(GROUP, f"{name}-nodes")


def sizes(name: str) -> tuple[int, int, int]:
    scaling = group(name)["scalingConfig"]
    return scaling["minSize"], scaling["desiredSize"], scaling["maxSize"]


def test_the_web_tier_has_a_group_in_each_zone_which_together_are_what_the_stack_asks_for() -> None:
    assert (sizes("web-us-east-1a"), sizes("web-us-east-1c")) == ((1, 2, 3), (1, 1, 3))
    for zone, subnet in SUBNETS.items():
        assert group(f"web-{zone}")["subnetIds"] == [subnet], "a volume is of use in its own zone alone"


def test_other_tiers_come_up_in_any_zone_as_often_as_the_stack_asks_for() -> None:
    assert {name: sizes(name) for name in ("api", "gpu")} == {"api": (1, 2, 9), "gpu": (0, 1, 4)}
    for name in ("api", "api-fallback", "gpu"):
        assert sorted(group(name)["subnetIds"]) == sorted(SUBNETS.values())


def test_the_api_runs_on_spot_and_while_there_is_none_on_as_many_nodes_on_demand_as_the_stack_allows() -> None:
    kinds = {each.name.removesuffix("-nodes"): each["capacityType"] for each in nodes(5).of_type(GROUP)}
    assert {name for name, kind in kinds.items() if kind == "SPOT"} == {"api"}
    assert sizes("api-fallback") == (0, 0, 5)
    assert group("api-fallback")["labels"]["tier"] == group("api")["labels"]["tier"] == "api"
    assert group("api-fallback")["instanceTypes"] == group("api")["instanceTypes"]
    assert "api-fallback-nodes" not in {each.name for each in nodes().of_type(GROUP)}


def test_only_document_analysis_runs_on_gpus() -> None:
    assert {each.name for each in nodes(5).of_type(GROUP) if "NVIDIA" in each["amiType"]} == {"gpu-nodes"}
    assert {each.name for each in nodes(5).of_type(GROUP) if each.get("taints")} == {"gpu-nodes"}


@pytest.mark.parametrize(
    ("name", "tier_", "type_"), [("web-us-east-1a", "web", "m7g.large"), ("gpu", "gpu", "g5.xlarge")]
)
def test_a_tier_has_its_label_its_types_and_its_disks(name: str, tier_: str, type_: str) -> None:
    disks = {"web": 60, "gpu": 200}
    assert group(name)["labels"]["tier"] == tier_
    assert group(name)["instanceTypes"] == [type_]
    template = nodes(5).named("aws:ec2/launchTemplate:LaunchTemplate", f"{tier_}-template")
    (device,) = template["blockDeviceMappings"]
    assert (device["ebs"]["volumeSize"], device["ebs"]["kmsKeyId"]) == (disks[tier_], KEY_ARN)
    assert template["vpcSecurityGroupIds"] == ["sg-cluster", "sg-nodes"]


def test_every_node_has_the_release_of_its_image_that_was_tried_with_this_kubernetes() -> None:
    for each in nodes(5).of_type(GROUP):
        assert each["version"] == VERSION
        assert each.get("releaseVersion") == versions.load().node_image(each["amiType"], VERSION), each.name
        assert (each["clusterName"], each["nodeRoleArn"]) == ("ai-prism-test", ROLE_ARN)


def test_nodes_wait_for_the_network_and_what_waits_for_nodes_waits_for_the_web_tier_alone() -> None:
    graph = nodes(5)
    for each in graph.of_type(GROUP):
        assert "network" in waited_for(graph, each), each.name
    dns = graph.named("aws:cloudwatch/logGroup:LogGroup", "dns")
    component = graph.by_urn[dns.parent or ""]
    web = {"web-us-east-1a-nodes", "web-us-east-1c-nodes"}
    assert {name for name in waited_for(graph, component) if name.endswith("-nodes")} == web


def waited_for(graph: Graph, resource: Resource) -> set[str]:
    return {graph.by_urn[urn].name for urn in graph.needs(resource)}


@pytest.mark.parametrize("fallback", [0, 5])
def test_an_upgrade_rotates_one_tier_after_the_other_and_the_web_tier_first(
    monkeypatch: pytest.MonkeyPatch, fallback: int
) -> None:
    """Spot capacity that is not to be had keeps nobody from the web tier."""
    monkeypatch.setattr(node_sizes, "running", lambda *_: 2)
    graph = build_nodes(fallback)
    order = ["web-us-east-1a", "web-us-east-1c", "api", *(["api-fallback"] if fallback else []), "gpu"]
    for place, name in enumerate(order):
        before = {each for each in waited_for(graph, group(name, graph)) if each.endswith("-nodes")}
        assert before == {f"{each}-nodes" for each in order[:place]}, name


def test_the_first_update_makes_all_tiers_side_by_side() -> None:
    for each in nodes(5).of_type(GROUP):
        assert not {name for name in waited_for(nodes(5), each) if name.endswith("-nodes")}, each.name


class Account:
    """An account with Auto Scaling groups, as the provider's data sources show it."""

    def __init__(self, groups: Mapping[str, int]) -> None:
        self.groups, self.filters = groups, []

    def get_ami_ids(self, *, filters: list[Any], opts: Any) -> Any:
        assert opts.parent
        self.filters = filters
        return type("Found", (), {"names": [*self.groups]})

    def get_group(self, *, name: str, opts: Any) -> Any:
        assert opts.parent
        return type("Found", (), {"desired_capacity": self.groups[name]})


@pytest.mark.parametrize(
    ("groups", "present"),
    [
        ({}, None),
        ({"eks-api-nodes-1a2b-3c4d": 3}, 3),
        # While one takes another's place.
        ({"eks-api-nodes-1a2b-3c4d": 3, "eks-api-nodes-5e6f-7a8b": 5}, 5),
        ({"eks-api-fallback-nodes-1a2b-3c4d": 3, "api-nodes-1a2b": 7}, None),
        ({"eks-api-nodes-1a2b-3c4d": 0}, 0),
    ],
)
def test_the_size_of_a_group_is_what_the_autoscaler_has_made_of_it(
    monkeypatch: pytest.MonkeyPatch, groups: dict[str, int], present: int | None
) -> None:
    account = Account(groups)
    monkeypatch.setattr(node_sizes.aws, "autoscaling", account)
    monkeypatch.setattr(node_sizes.pulumi, "InvokeOptions", lambda parent: type("Options", (), {"parent": parent}))
    assert running("ai-prism-test", "api-nodes", object()) == present  # type: ignore[arg-type]
    assert account.filters == [{"name": "tag:eks:cluster-name", "values": ["ai-prism-test"]}]


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

    (joins,) = {f"{network['zones'][0][:-1]}{letter}" for letter in "abc"} - set(network["zones"])
    grown = record_with(
        "dev",
        network=json.dumps({**network, "zones": [joins, *reversed(network["zones"])]}),
        nodes=json.dumps({**nodes, "web": web}),
    )

    before, after = shared(recorded("dev", known=True)), shared(grown)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {f"web-{joins}-nodes"}


def test_all_groups_of_a_tier_share_a_launch_template_so_that_a_change_of_it_reaches_every_zone() -> None:
    graph = recorded("prod", known=True)
    templates = {group["launchTemplate"]["id"] for group in tier(graph, "web")}
    assert templates == {graph.named("aws:ec2/launchTemplate:LaunchTemplate", "web-template").id}


ZONES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True)


@given(ZONES, st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.randoms())
def test_zones_share_what_the_settings_say_evenly_and_to_the_last_node(
    names: list[str], least: int, more: int, most: int, random: Any
) -> None:
    whole = settings.NodeGroup.model_construct(min=least, desired=least + more, max=least + more + most)

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
