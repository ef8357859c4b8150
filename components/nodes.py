"""The tiers of nodes: web on demand, the API on spot, document analysis on GPUs."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import node_sizes
from components.cluster import Cluster
from components.foundation import Foundation
from components.network import Network
from components.node_group import Group, NodeGroup, NodeGroupArgs, image_type
from settings import cluster as tiers
from settings import stack as settings
from settings import versions


@dataclass(frozen=True)
class NodesArgs:
    """What Nodes rests on and is told."""

    foundation: Foundation
    settings: settings.Nodes
    network: Network
    cluster: Cluster


class Nodes(pulumi.ComponentResource):
    """Groups that are rotated one after the other: of the web tier one in each zone, since its pods have volumes; of
    each other tier one over all zones. The API's spot nodes have on-demand ones to fall back on where the stack asks
    for it."""

    on_demand: NodeGroup
    """The tier that is always there, in every zone: no bidding, no scarce hardware."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Nodes", name, None, opts)
        self._args = args
        self._made: list[NodeGroup] = []

        tiers = args.settings
        self.on_demand = self._make_tier("web", "web", tiers.web, self._in_each_zone("web", tiers.web))
        self._make_tier("api", "api", tiers.api, self._over_all_zones("api", tiers.api), spot=True)
        if tiers.api.on_demand_fallback:
            fallback = tiers.api.model_copy(update={"min": 0, "desired": 0, "max": tiers.api.on_demand_fallback})
            self._make_tier("api-fallback", "api", fallback, self._over_all_zones("api-fallback", fallback))
        self._make_tier("gpu", "gpu", tiers.gpu, self._over_all_zones("gpu", tiers.gpu), gpu=True)
        self.register_outputs({})

    def _in_each_zone(self, name: str, tier: tiers.NodeGroup) -> list[Group]:
        """Return a group in each zone, named after it: a volume is of use in its own zone alone.

        A group over all zones brings up its next node in whichever it chooses, and a pod waits for ever for one in the
        zone of its volume (https://github.com/kubernetes/autoscaler/issues/1431).
        """
        subnets = self._args.network.private_subnet_by_zone
        shares = node_sizes.divided(tier, subnets)
        return [self._group(f"{name}-{zone}", shares[zone], [subnets[zone]]) for zone in sorted(subnets)]

    def _over_all_zones(self, name: str, tier: tiers.NodeGroup) -> list[Group]:
        return [self._group(name, node_sizes.Sizes.of(tier), self._args.network.private_subnet_ids)]

    def _group(self, name: str, sizes: node_sizes.Sizes, subnet_ids: Sequence[pulumi.Output[str]]) -> Group:
        present = node_sizes.running(self._args.cluster.physical_name, f"{name}-nodes", self)
        return Group(name, subnet_ids, sizes, present)

    def _make_tier(
        self,
        name: str,
        tier: str,
        nodes: tiers.NodeGroup,
        groups: Sequence[Group],
        *,
        spot: bool = False,
        gpu: bool = False,
    ) -> NodeGroup:
        cluster = self._args.cluster
        made = NodeGroup(
            name,
            NodeGroupArgs(
                foundation=self._args.foundation,
                cluster_name=cluster.name,
                version=cluster.version,
                release=versions.load().node_image(image_type(gpu=gpu), cluster.version),
                groups=groups,
                after=[*cluster.before_nodes, *self._args.network.private_routes],
                behind=self._made[-1:],
                node_role_arn=cluster.node_role.arn,
                security_group_ids=cluster.node_security_group_ids,
                tier=tier,
                types=nodes.types,
                disk_gb=nodes.disk_gb,
                spot=spot,
                gpu=gpu,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._made.append(made)
        return made
