"""Nodes for pods: which come first, and which have GPUs."""

import re

import pytest
from support import STACKS, recorded

from components.apps.cluster_autoscaler import PRIORITIES

RELEASE = "kubernetes:helm.sh/v3:Release"
GROUP = "aws:eks/nodeGroup:NodeGroup"


def values(stack: str, name: str):
    return recorded(stack, known=True).named(RELEASE, name)["values"]


def priority(group: str) -> int:
    """Return the priority of a node group, by the name that EKS gives its Auto Scaling group."""
    (found,) = {
        int(rank)
        for rank, patterns in PRIORITIES.items()
        for pattern in patterns
        if re.search(pattern, f"eks-{group}-8ec4d2a1-7c0b-9f5e-2d6a-1b3c5d7e9f00")
    }
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_on_demand_stands_in_for_spot_only_when_there_is_none(stack: str) -> None:
    groups = recorded(stack, known=True).of_type(GROUP)
    ranks = {group.name: priority(group.outputs["nodeGroupName"]) for group in groups}
    assert all(ranks[name] < ranks["api-nodes"] for name in ranks if name == "api-fallback-nodes")
    assert len({rank for name, rank in ranks.items() if name != "api-fallback-nodes"}) == 1
    arguments = values(stack, "cluster-autoscaler")["extraArgs"]
    assert arguments["expander"].split(",")[0] == "priority"


@pytest.mark.parametrize("stack", STACKS)
def test_the_device_plugin_runs_on_gpu_nodes_and_on_no_other(stack: str) -> None:
    plugin = values(stack, "nvidia-device-plugin")
    gpu = recorded(stack, known=True).named(GROUP, "gpu-nodes")
    assert plugin["nodeSelector"].items() <= gpu["labels"].items()
    (taint,) = gpu["taints"]
    (toleration,) = plugin["tolerations"]
    assert (toleration["key"], toleration["effect"]) == (taint["key"], "NoSchedule")
    (term,) = plugin["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert [(each["key"], each["values"]) for each in term["matchExpressions"]] == [("tier", ["gpu"])]
