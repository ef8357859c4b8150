"""Cluster Autoscaler: as many nodes as the pods ask for, within what each tier allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.apps.installer import CRITICAL, RESTRICTED, WEB_TIER, Chart, Installer, resources, spread
from components.namespaces import KUBE_SYSTEM, MONITORING
from settings import versions

CHART = Chart("cluster-autoscaler", KUBE_SYSTEM)

PRIORITIES: Mapping[str, Sequence[str]] = {
    "50": [r"^eks-web-.*", r"^eks-(api|gpu)-nodes-.*"],
    "10": [r"^eks-api-fallback-nodes-.*"],
}
"""Which of the groups that fit a pod is asked first: spot capacity, and on demand only while there is none.

Auto Scaling groups are called by EKS after the node group; the highest number wins
(https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/expander/priority/readme.md).
"""

ALIKE = ("tier", "eks.amazonaws.com/capacityType")
"""Labels of nodes in which groups are alike that are kept at the same size. EKS sets the second one."""


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """Arguments of ClusterAutoscaler."""

    installer: Installer
    region: str
    cluster_name: str
    kubernetes_version: str
    """Minor version of the cluster, such as `1.36`."""
    service_account: str
    """Its pods have the role that is associated with this one."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


class ClusterAutoscaler(pulumi.ComponentResource):
    """Nodes come when pods wait for them and go when they stand idle; on demand stands in for spot, and only then."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ClusterAutoscaler", name, None, opts)
        installer = args.installer

        installer.install(
            CHART,
            {
                "fullnameOverride": CHART.name,
                # The chart's default is of the newest minor version when the chart was made. It simulates the
                # cluster's scheduler: https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler#releases
                "image": {
                    "repository": installer.place_of("registry.k8s.io/autoscaling/cluster-autoscaler"),
                    "tag": versions.load().images[CHART.name].versions[args.kubernetes_version],
                },
                "autoDiscovery": {"clusterName": args.cluster_name},
                "awsRegion": args.region,
                "rbac": {"serviceAccount": {"name": args.service_account}},
                "replicaCount": installer.replicas,
                # The chart has no value that turns its own off.
                "podDisruptionBudget": None,
                "topologySpreadConstraints": spread({"app.kubernetes.io/instance": CHART.name}),
                "priorityClassName": CRITICAL,
                "nodeSelector": WEB_TIER,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65534,
                    "seccompProfile": RESTRICTED["seccompProfile"],
                },
                "containerSecurityContext": RESTRICTED,
                # It holds every pod and node in memory.
                "resources": resources("100m", "256Mi", memory_limit="512Mi"),
                "expanderPriorities": {priority: list(groups) for priority, groups in PRIORITIES.items()},
                "extraArgs": {
                    "expander": "priority,least-waste",
                    # The zones of the web tier are kept level as far as volumes let them. Alike are groups of one
                    # tier, bought in one way. By itself the autoscaler compares all labels and what is free, and takes
                    # groups for different by the version of a launch template, or another type in one zone
                    # (https://github.com/kubernetes/autoscaler/issues/4165).
                    "balance-similar-node-groups": True,
                    **{f"balancing-label_{number}": label for number, label in enumerate(ALIKE)},
                    # Spot that does not come is given up after this, and the fallback asked.
                    "max-node-provision-time": "10m",
                    # Controllers in kube-system have disruption budgets; without this they would hold every node that
                    # they ever ran on.
                    "skip-nodes-with-system-pods": False,
                    # Caches and temporary files in emptyDir are no reason to keep a node.
                    "skip-nodes-with-local-storage": False,
                },
                "serviceMonitor": {"enabled": True, "namespace": MONITORING},
            },
            parent=self,
            after=args.after,
            budgets=["aws-cluster-autoscaler"],
        )
        self.register_outputs({})
