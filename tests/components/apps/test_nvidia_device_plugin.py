"""NVIDIA's device plugin: pods can ask for GPUs, and nodes without one run nothing for it."""

import functools

from alone_in_cluster import asks, cached, in_cluster, origin, values

from components.apps.nvidia_device_plugin import NvidiaDevicePlugin, NvidiaDevicePluginArgs
from recording.graph import Graph

NAME = "nvidia-device-plugin"


@functools.cache
def plugin() -> Graph:
    return in_cluster(
        lambda installer, _, opts: NvidiaDevicePlugin(NAME, NvidiaDevicePluginArgs(installer=installer), opts)
    )


def test_it_runs_in_kube_system_since_it_sees_the_nodes_devices() -> None:
    assert origin(plugin(), NAME) == (NAME, "kube-system", NAME)


def test_it_runs_on_each_gpu_node_although_that_is_kept_free_and_on_no_other() -> None:
    found = values(plugin(), NAME)
    assert found["nodeSelector"] == {"tier": "gpu"}
    assert found["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_it_waits_for_no_labels_of_node_feature_discovery_which_is_not_installed() -> None:
    expressions = [{"key": "tier", "operator": "In", "values": ["gpu"]}]
    terms = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    assert values(plugin(), NAME)["affinity"] == {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    }
    assert values(plugin(), NAME)["gfd"] == {"enabled": False}


def test_its_image_is_pulled_through_the_cache() -> None:
    assert values(plugin(), NAME)["image"] == {"repository": cached("nvcr.io/nvidia/k8s-device-plugin")}


def test_it_leaves_the_node_to_the_pods() -> None:
    assert values(plugin(), NAME)["resources"] == asks("20m", "64Mi", limit="128Mi")
