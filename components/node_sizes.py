"""How many nodes run now: the autoscaler decides it, between two updates."""

import pulumi
import pulumi_aws as aws


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
    # Two of them stand while one takes the other's place.
    return max(sizes, default=None)


def wanted(present: int | None, *, least: int, first: int, most: int) -> tuple[int, bool]:
    """Return the size to ask for, and whether it is the autoscaler's to change afterwards without a word.

    EKS refuses a minimum above the present size, and a maximum below it
    (https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3306): then the size moves along with the limit.
    """
    if present is None:
        return first, True
    within = min(max(present, least), most)
    return within, within == present
