"""The EKS add-ons that want nodes to run on."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.addon import make_addon
from components.cluster import Cluster
from components.foundation import Foundation
from components.iam_roles import Role
from components.iam_statements import USE_KEY, allow, trust_pods
from components.nodes import Nodes


@dataclass(frozen=True)
class NodeAddonsArgs:
    """What NodeAddons rests on and is told."""

    foundation: Foundation
    cluster: Cluster
    nodes: Nodes


class NodeAddons(pulumi.ComponentResource):
    """The add-ons whose pods must be scheduled before EKS calls them active: made after the nodes, gone before them."""

    def __init__(self, name: str, args: NodeAddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:NodeAddons", name, None, opts)
        self._name, self._args = name, args

        self._make("coredns")
        self._make("metrics-server")
        # Tells `node_repair_config` of faults that a kubelet does not see, such as a GPU's:
        # https://docs.aws.amazon.com/eks/latest/userguide/node-health.html
        self._make("eks-node-monitoring-agent")
        self._make("aws-ebs-csi-driver", service_accounts={"ebs-csi-controller-sa": self._make_volume_role().arn})
        self.register_outputs({})

    def _make(self, addon: str, service_accounts: Mapping[str, pulumi.Input[str]] | None = None) -> None:
        make_addon(
            addon,
            parent=self,
            cluster_name=self._args.cluster.name,
            version=self._args.cluster.addon_versions[addon],
            service_accounts=service_accounts,
            # Scarce spot or GPU capacity does not keep the cluster without DNS.
            depends_on=[self._args.nodes.on_demand],
        )

    def _make_volume_role(self) -> Role:
        args = self._args
        return args.foundation.roles.make(
            f"{self._name}-volumes",
            parent=self,
            trusts=trust_pods(args.cluster.arn, args.foundation.location.account_id),
            managed=["service-role/AmazonEBSCSIDriverPolicy"],
            # Volumes are encrypted by a key of ours, which the managed policy does not know.
            # https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
            grants=[
                allow(
                    USE_KEY,
                    [args.foundation.encryption.cluster_key_arn],
                ),
                allow(
                    ["kms:CreateGrant"],
                    [args.foundation.encryption.cluster_key_arn],
                    {"Bool": {"kms:GrantIsForAWSResource": "true"}},
                ),
            ],
        )
