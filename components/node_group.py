"""Nodes: one managed node group for one tier."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import settings
from components.foundation import Foundation

GPU_TAINT: aws.eks.NodeGroupTaintArgsDict = {"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}

_GPU_LABELS = {
    "nvidia.com/gpu": "true",
    # By this the autoscaler knows that a new node is yet to report its GPUs, and does not add another meanwhile:
    # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    "k8s.amazonaws.com/accelerator": "nvidia",
}


@dataclass(frozen=True)
class NodeGroupArgs:
    """What a NodeGroup rests on and is told."""

    foundation: Foundation
    cluster_name: pulumi.Input[str]
    after: Sequence[pulumi.Resource]
    """What nodes need to become ready."""
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_ids: Sequence[pulumi.Input[str]]
    """Exactly one of them may carry the cluster's tag, or load balancing fails on these nodes."""
    tier: str
    settings: settings.NodeGroup
    """Its desired size is only the one to start with: the autoscaler owns it from then on."""
    spot: bool = False
    gpu: bool = False
    """NVIDIA image, and a taint that keeps everything else away."""


class NodeGroup(pulumi.ComponentResource):
    """Nodes without SSH or reachable instance metadata, on encrypted disks, replaced before they are removed."""

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:NodeGroup", name, None, opts)
        self._name, self._args = name, args

        self._make_group(self._make_launch_template())
        self.register_outputs({})

    def _make_launch_template(self) -> aws.ec2.LaunchTemplate:
        args = self._args
        # The provider's default tags stop at the template; what it launches is tagged here.
        tags = {
            "Name": f"ai-prism-{args.foundation.location.stack}-{self._name}",
            **args.foundation.location.tags,
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
                        "volume_size": args.settings.disk_gb,
                        "encrypted": "true",
                        "kms_key_id": args.foundation.encryption.cluster_key_arn,
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

    def _make_group(self, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        args = self._args
        return aws.eks.NodeGroup(
            # No physical name: new nodes come up beside the old ones whenever a change replaces the group.
            f"{self._name}-nodes",
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=args.subnet_ids,
            ami_type="AL2023_x86_64_NVIDIA" if args.gpu else "AL2023_x86_64_STANDARD",
            capacity_type="SPOT" if args.spot else "ON_DEMAND",
            instance_types=list(args.settings.types),
            scaling_config={
                "min_size": args.settings.min,
                "desired_size": args.settings.desired,
                "max_size": args.settings.max,
            },
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            labels={"tier": args.tier, **(_GPU_LABELS if args.gpu else {})},
            taints=[GPU_TAINT] if args.gpu else None,
            update_config={"max_unavailable_percentage": 33},
            node_repair_config={"enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.after),
                ignore_changes=["scalingConfig.desiredSize"],
                # Draining ends when every disruption budget allows it.
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )
