"""The tiers of nodes: web on demand, the API on spot, document analysis on GPUs."""

from dataclasses import dataclass

import pulumi

import settings
import versions
from components import node_sizes
from components.cluster import Cluster
from components.foundation import Foundation
from components.network import Network
from components.node_group import NodeGroup, NodeGroupArgs, image_type


@dataclass(frozen=True)
class NodesArgs:
    """What Nodes rests on and is told."""

    foundation: Foundation
    settings: settings.Nodes
    network: Network
    cluster: Cluster


class Nodes(pulumi.ComponentResource):
    """One group per tier, rotated one after the other; the API's spot nodes have on-demand ones to fall back on where
    the stack asks for it."""

    on_demand: NodeGroup
    """The tier that is always there: no bidding, no scarce hardware."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Nodes", name, None, opts)
        self._args = args
        self._made: list[NodeGroup] = []

        tiers = args.settings
        self.on_demand = self._make_group("web", "web", tiers.web)
        self._make_group("api", "api", tiers.api, spot=True)
        if tiers.api.on_demand_fallback:
            fallback = tiers.api.model_copy(update={"min": 0, "desired": 0, "max": tiers.api.on_demand_fallback})
            self._make_group("api-fallback", "api", fallback)
        self._make_group("gpu", "gpu", tiers.gpu, gpu=True)
        self.register_outputs({})

    def _make_group(
        self, name: str, tier: str, group: settings.NodeGroup, *, spot: bool = False, gpu: bool = False
    ) -> NodeGroup:
        cluster = self._args.cluster
        present = node_sizes.running(cluster.physical_name, f"{name}-nodes", self)
        # One after the other, once they stand: an upgrade that goes wrong is seen on one tier, and stops before the
        # next. The first update makes them side by side.
        before = self._made[-1:] if present is not None else []
        made = NodeGroup(
            name,
            NodeGroupArgs(
                foundation=self._args.foundation,
                cluster_name=cluster.name,
                version=cluster.version,
                release=versions.load().node_image(image_type(gpu=gpu), cluster.version),
                present=present,
                after=[*cluster.before_nodes, *self._args.network.private_routes, *before],
                node_role_arn=cluster.node_role.arn,
                subnet_ids=self._args.network.private_subnet_ids,
                security_group_ids=cluster.node_security_group_ids,
                tier=tier,
                settings=group,
                spot=spot,
                gpu=gpu,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._made.append(made)
        return made
