"""The EKS add-ons that need nodes to run on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.addon import make_addon
from components.iam_roles import Role, RoleFactory
from components.iam_statements import USE_KEY, allow, trust_pods
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class NodeAddonsArgs:
    """Arguments of NodeAddons."""

    context: StackContext
    roles: RoleFactory
    cluster_name: pulumi.Input[str]
    cluster_arn: str
    versions: Mapping[str, str | None]
    """By add-on; None leaves the choice to EKS."""
    key_arn: pulumi.Input[str]
    """KMS key of the volumes that the storage driver makes."""
    after: Sequence[pulumi.Resource]
    """Nodes on which the add-ons' pods can run."""


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
            cluster_name=self._args.cluster_name,
            version=self._args.versions[addon],
            service_accounts=service_accounts,
            depends_on=self._args.after,
        )

    def _make_volume_role(self) -> Role:
        args = self._args
        return args.roles.make(
            f"{self._name}-volumes",
            parent=self,
            trusts=trust_pods(args.cluster_arn, args.context.account_id),
            managed=["service-role/AmazonEBSCSIDriverPolicy"],
            # Volumes are encrypted by a key of ours, which the managed policy does not know.
            # https://docs.aws.amazon.com/eks/latest/userguide/ebs-csi.html
            grants=[
                allow(
                    USE_KEY,
                    [args.key_arn],
                ),
                allow(
                    ["kms:CreateGrant"],
                    [args.key_arn],
                    {"Bool": {"kms:GrantIsForAWSResource": "true"}},
                ),
            ],
        )
