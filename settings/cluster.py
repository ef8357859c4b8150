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
    """Check the networks that may reach the cluster's public API endpoint."""
    if len(set(networks)) < len(networks):
        yield Problem("public_access_cidrs", "must name each network once", show(networks))
    for network in networks:
        # Traffic to the public endpoint never comes from private networks.
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
    """Zones of the control plane's network interfaces. They cannot change after the control plane is created, so leave
    them when you add a zone to `network.zones`; nodes and pods run in the new zone nevertheless."""
    public_access_cidrs: tuple[ipaddress.IPv4Network, ...] = ()
    """Networks that may reach the API endpoint from outside the VPC; an empty list turns the public endpoint off."""
    admins: Mapping[str, RoleArn]
    """IAM roles of cluster administrators, with their path, by a name that describes them.

    Updates must run as one of them, or as the deployment role, which the first update creates.
    """

    def rules(self) -> Iterator[Problem]:
        if len(set(self.zones)) != len(self.zones):
            yield Problem("zones", "must name each zone once", show(self.zones))
        yield from _named_networks(self.public_access_cidrs)
        if not self.admins:
            yield Problem("admins", "must name at least one role: the first update runs as one of them", "none")
        if len(set(self.admins.values())) < len(self.admins):
            yield Problem("admins", "must name each role once: it has one access entry", show(list(self.admins)))
        if "delivery" in self.admins:
            yield Problem(
                "admins.delivery",
                "must have another name: delivery is an administrator already",
            )
        if "preview" in self.admins:
            yield Problem("admins.preview", "must have another name: preview is the preview role, which is read-only")
        for name in self.admins:
            if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name):
                yield Problem("admins", "names must be lower-case words joined with hyphens", show(name))


class NodeGroup(Section):
    """One group of nodes over all zones. After creation the autoscaler sets the number between `min` and `max`."""

    types: Annotated[tuple[str, ...], Field(min_length=1)]
    """Instance types, in order of preference."""
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
                yield Problem("types", "must be x86_64, as node images and container images are", show(name))
        if len({shape for shape in shapes.values() if shape}) > 1:
            yield Problem("types", "must have the same size, because the autoscaler assumes it", show(self.types))


class SpotNodes(NodeGroup):
    """Spot nodes for the API, of several types with the same size, so that the loss of one is survived."""

    on_demand_fallback: Count = 0
    """Maximum number of on-demand nodes while there is no spot capacity; 0 creates no fallback group."""

    def rules(self) -> Iterator[Problem]:
        yield from super().rules()
        if len(self.types) < _SPOT_POOLS:
            yield Problem(
                "types", f"must be at least {_SPOT_POOLS} types of the same size for spot capacity", show(self.types)
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
    """The three node groups."""

    web: NodeGroup
    """On-demand nodes for web traffic and for controllers with volumes: at least one in each zone."""
    api: SpotNodes
    gpu: GpuNodes
