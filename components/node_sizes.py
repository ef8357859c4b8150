"""How many nodes there are: within limits of the settings, as the autoscaler decides between two updates."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from settings.cluster import NodeGroup


@dataclass(frozen=True)
class Sizes:
    """Numbers of nodes, each at least the one before it: the limits, and between them the one to start with."""

    min: int
    desired: int
    max: int

    @classmethod
    def of(cls, tier: NodeGroup) -> Self:
        return cls(tier.min, tier.desired, tier.max)


def divided(tier: NodeGroup, zones: Iterable[str]) -> dict[str, Sizes]:
    """Return how many of a tier's nodes each zone has; together exactly as many as the settings say.

    What cannot be divided evenly goes to the first zones by name, in whichever order the settings list them.
    """
    names = sorted(zones)
    return {
        zone: Sizes(*((total + len(names) - 1 - place) // len(names) for total in (tier.min, tier.desired, tier.max)))
        for place, zone in enumerate(names)
    }


def running(cluster_name: str, group: str, parent: pulumi.Resource) -> int | None:
    """Return the present size of a node group, by the beginning of its name; None before there is one.

    EKS calls an Auto Scaling group `eks-`, the node group's name and an id, and tags it with the cluster's name.
    """
    opts = pulumi.InvokeOptions(parent=parent)
    found = aws.autoscaling.get_ami_ids(  # the data source aws_autoscaling_groups, by pulumi-aws's name for it
        filters=[{"name": "tag:eks:cluster-name", "values": [cluster_name]}], opts=opts
    )
    sizes = [
        aws.autoscaling.get_group(name=name, opts=opts).desired_capacity
        for name in found.names
        if name.startswith(f"eks-{group}-")
    ]
    # There are two while one replaces the other.
    return max(sizes, default=None)


def next_size(present: int | None, sizes: Sizes) -> tuple[int, bool]:
    """Return the size to ask for, and whether later updates leave the size to the autoscaler.

    EKS refuses a minimum above the present size, and a maximum below it
    (https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3306): then the size moves along with the limit.
    """
    if present is None:
        return sizes.desired, True
    within = min(max(present, sizes.min), sizes.max)
    return within, within == present
