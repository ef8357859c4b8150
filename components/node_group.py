"""Nodes of one tier: a managed node group, or one in each zone."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import node_sizes
from components.stack_context import StackContext

GPU_TAINT: aws.eks.NodeGroupTaintArgsDict = {"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}

_GPU_LABELS = {
    "nvidia.com/gpu": "true",
    # By this the autoscaler knows that a new node is yet to report its GPUs, and does not add another meanwhile:
    # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    "k8s.amazonaws.com/accelerator": "nvidia",
}


@dataclass(frozen=True)
class Group:
    """One Auto Scaling group of a tier."""

    name: str
    subnet_ids: Sequence[pulumi.Input[str]]
    sizes: node_sizes.Sizes
    """Its desired size is only the one to start with: the autoscaler owns it from then on, between the limits."""
    present: int | None
    """How many nodes run now; None before there is a group."""


@dataclass(frozen=True, kw_only=True)
class NodeGroupArgs:
    """Arguments of NodeGroup."""

    context: StackContext
    cluster_name: pulumi.Input[str]
    version: str
    """Minor version of Kubernetes, the control plane's."""
    release: str | None
    """Release of the node image for that version; None leaves the choice to EKS."""
    groups: Sequence[Group]
    after: Sequence[pulumi.Resource]
    """What nodes need to become ready."""
    behind: Sequence[pulumi.Resource]
    """The tier that is rotated before this one."""
    node_role_arn: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    """Exactly one of them may carry the cluster's tag, or load balancing fails on these nodes."""
    tier: str
    """Label and tag by which pods and budgets choose nodes."""
    types: Sequence[str]
    """Instance types, preferred ones first."""
    disk_gb: int
    """Size of each node's volume, in GiB."""
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the volumes."""
    spot: bool = False
    gpu: bool = False
    """NVIDIA image, and a taint that keeps everything else away."""


def image_type(*, gpu: bool) -> str:
    """Return what EKS calls the kind of node image."""
    return "AL2023_x86_64_NVIDIA" if gpu else "AL2023_x86_64_STANDARD"


def autoscaler_tags(disk_gb: int) -> dict[str, str]:
    """Return the tags of a node group that tell the autoscaler what a node of an empty group would have.

    It knows processors, memory and GPUs from the instance type, labels and taints from the node group, and the disk
    from nowhere: without this a pod that asks for ephemeral storage fits on no new node. Sources: buildNodeFromTemplate
    of https://github.com/kubernetes/autoscaler/blob/cluster-autoscaler-1.36.1/cluster-autoscaler/cloudprovider/aws/aws_manager.go;
    a node keeps 10 % and 1 GiB of its disk for itself, by nodeadm/internal/kubelet/config.go of
    https://github.com/awslabs/amazon-eks-ami, and about 1 GiB goes to the file system.
    """
    return {
        "k8s.io/cluster-autoscaler/node-template/resources/ephemeral-storage": f"{disk_gb * 9 // 10 - 2}Gi",
    }


class NodeGroup(pulumi.ComponentResource):
    """Nodes without SSH or reachable instance metadata, on encrypted disks, replaced before they are removed."""

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:NodeGroup", name, None, opts)
        self._name, self._args = name, args

        # All groups of the tier share it: nodes carry its id as a label.
        template = self._make_launch_template()
        before = list(args.behind)
        for group in args.groups:
            # One after the other, once they exist: an upgrade that goes wrong is seen on one group, and stops before
            # the next. The first update makes them side by side.
            before.append(self._make_group(group, template, before if group.present is not None else []))
        self.register_outputs({})

    def _make_launch_template(self) -> aws.ec2.LaunchTemplate:
        args = self._args
        # The provider's default tags stop at the template; what it launches is tagged here.
        tags = {
            "Name": f"ai-prism-{args.context.stack}-{self._name}",
            **args.context.tags,
            "Tier": args.tier,
        }
        return aws.ec2.LaunchTemplate(
            f"{self._name}-template",
            vpc_security_group_ids=args.security_group_ids,
            # One hop: pods cannot reach the node's credentials, they have roles of their own.
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": args.disk_gb,
                        "encrypted": "true",
                        "kms_key_id": args.key_arn,
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
            ],
            update_default_version=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _make_group(
        self, group: Group, template: aws.ec2.LaunchTemplate, before: Sequence[pulumi.Resource]
    ) -> aws.eks.NodeGroup:
        args, sizes = self._args, group.sizes
        desired, autoscaled = node_sizes.next_size(group.present, sizes)
        return aws.eks.NodeGroup(
            # No physical name: new nodes come up beside the old ones whenever a change replaces the group.
            f"{group.name}-nodes",
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=group.subnet_ids,
            # They change together: EKS takes no release of another minor version.
            version=args.version,
            release_version=args.release,
            ami_type=image_type(gpu=args.gpu),
            capacity_type="SPOT" if args.spot else "ON_DEMAND",
            instance_types=list(args.types),
            scaling_config={"min_size": sizes.min, "desired_size": desired, "max_size": sizes.max},
            tags=autoscaler_tags(args.disk_gb),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            labels={"tier": args.tier, **(_GPU_LABELS if args.gpu else {})},
            taints=[GPU_TAINT] if args.gpu else None,
            update_config={"max_unavailable_percentage": 33},
            node_repair_config={"enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*args.after, *before],
                ignore_changes=["scalingConfig.desiredSize"] if autoscaled else None,
                # Draining ends when every disruption budget allows it.
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )
