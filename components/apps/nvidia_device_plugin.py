"""NVIDIA device plugin: tells the scheduler how many GPUs a node has."""

from dataclasses import dataclass

import pulumi

from components.apps.installer import Chart, Installer, resources
from components.namespaces import KUBE_SYSTEM
from components.node_group import GPU_TAINT

CHART = Chart("nvidia-device-plugin", KUBE_SYSTEM)
GPU_TIER = {"tier": "gpu"}


@dataclass(frozen=True, kw_only=True)
class NvidiaDevicePluginArgs:
    """Arguments of NvidiaDevicePlugin."""

    installer: Installer


class NvidiaDevicePlugin(pulumi.ComponentResource):
    """Pods can ask for `nvidia.com/gpu`; it runs on nodes of the GPU tier, and on no other."""

    def __init__(self, name: str, args: NvidiaDevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:NvidiaDevicePlugin", name, None, opts)

        args.installer.install(
            CHART,
            {
                "image": {"repository": args.installer.place_of("nvcr.io/nvidia/k8s-device-plugin")},
                "nodeSelector": GPU_TIER,
                # The chart's own affinity waits for labels of node feature discovery, which is not installed: every
                # node of this tier has a GPU.
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {
                                    "matchExpressions": [
                                        {"key": key, "operator": "In", "values": [value]}
                                        for key, value in GPU_TIER.items()
                                    ]
                                }
                            ]
                        }
                    }
                },
                "tolerations": [{"key": GPU_TAINT["key"], "operator": "Exists", "effect": "NoSchedule"}],
                "resources": resources("20m", "64Mi", memory_limit="128Mi"),
                "gfd": {"enabled": False},
            },
            parent=self,
        )
        self.register_outputs({})
