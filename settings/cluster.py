"""The EKS control plane and its nodes."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from settings.forms import PRIVATE_RANGES, RoleArn, Zones
from settings.instance_types import InstanceShape
from settings.section import Problem, Section, show

_WIDEST_NAMED_NETWORK = 16
_SPOT_POOLS = 3
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-best-practices.html: be flexible about instance types."""
Count = Annotated[int, Field(ge=0, le=1000)]


def _named_networks(networks: Sequence[ipaddress.IPv4Network]) -> Iterator[Problem]:
    """Yield what is wrong with networks that may reach the cluster's API from outside."""
    if len(set(networks)) < len(networks):
        yield Problem("public_access_cidrs", "must name each network once", show(networks))
    for network in networks:
        # Nobody comes from there by the public endpoint.
        if any(network.subnet_of(each) for each in PRIVATE_RANGES):
            yield Problem("public_access_cidrs", "must be public networks", str(network))
        if network.prefixlen < _WIDEST_NAMED_NETWORK:
            yield Problem(
                "public_access_cidrs",
                f"must be named networks of /{_WIDEST_NAMED_NETWORK} or smaller",
                str(network),
            )


class Cluster(Section):
    """The EKS control plane."""

    version: str
    zones: Annotated[Zones, Field(min_length=2)]
    """Zones in which the control plane has its network interfaces. AWS fixes them when it makes the control plane, so
    they stay as they are when `network.zones` grows; nodes and pods run in the new zone all the same."""
    public_access_cidrs: tuple[ipaddress.IPv4Network, ...] = ()
    """Networks that may reach the API endpoint from outside the VPC; none turns the public endpoint off."""
    admins: Mapping[str, RoleArn]
    """IAM roles with cluster administration, path and all, by the name that explains who they are.

    Whoever runs an update must be one of them, or the deployment role, which the first update makes.
    """

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        yield from _named_networks(self.public_access_cidrs)
        if not self.admins:
            yield Problem("admins", "must name at least one role: the first update runs as one of them", "none")
        if len(set(self.admins.values())) < len(self.admins):
            yield Problem("admins", "must name each role once: an access entry is one role's", show(list(self.admins)))
        if "delivery" in self.admins:
            yield Problem("admins.delivery", "must have another name: the deployment role is an administrator already")
        if "preview" in self.admins:
            yield Problem("admins.preview", "must have another name: it is the preview role's, which only looks")
        for name in self.admins:
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
                yield Problem("admins", "must be named by lower-case words joined with hyphens", show(name))


class NodeGroup(Section):
    """One tier of nodes, in all zones together. The autoscaler owns the number between `min` and `max` later on."""

    types: Annotated[tuple[str, ...], Field(min_length=1)]
    """Instance types, most wanted first."""
    min: Count
    desired: Count
    max: Annotated[int, Field(ge=1, le=1000)]
    disk_gb: Annotated[int, Field(ge=20, le=16384)] = 50

    def rules(self) -> Iterator[Problem]:
        if self.desired < self.min:
            yield Problem("desired", f"must be at least min ({self.min})", str(self.desired))
        if self.max < self.desired:
            yield Problem("max", f"must be at least desired ({self.desired})", str(self.max))
        if len(set(self.types)) != len(self.types):
            yield Problem("types", "must name each type once", show(self.types))
        shapes = {name: InstanceShape.of(name) for name in self.types}
        for name, shape in shapes.items():
            if shape is None:
                yield Problem("types", "must be instance types such as c6i.xlarge", show(name))
            elif shape.arm:
                yield Problem("types", "must be x86_64: node images and container images are", show(name))
        if len({shape for shape in shapes.values() if shape}) > 1:
            yield Problem("types", "must be of like size, or the autoscaler misjudges a new node", show(self.types))


class SpotNodes(NodeGroup):
    """Spot nodes for the API; enough pools of like size to survive the loss of one."""

    on_demand_fallback: Count = 0
    """Most on-demand nodes that may stand in while no spot capacity is to be had; 0 makes no fallback group."""

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if len(self.types) < _SPOT_POOLS:
            yield Problem(
                "types", f"must be at least {_SPOT_POOLS} types of like size for spot capacity", show(self.types)
            )


class GpuNodes(NodeGroup):
    """Tainted nodes for document analysis."""

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        for name in self.types:
            shape = InstanceShape.of(name)
            if shape is not None and not shape.nvidia:
                yield Problem("types", "must be instance types with NVIDIA GPUs such as g4dn.xlarge", show(name))


class Nodes(Section):
    """The three tiers of nodes."""

    web: NodeGroup
    """On-demand nodes for web traffic and the platform's controllers, which have volumes: at least one in each zone."""
    api: SpotNodes
    gpu: GpuNodes
