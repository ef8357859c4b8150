"""The tiers of nodes: web on demand, the API on spot, document analysis on GPUs."""

from dataclasses import dataclass

import pulumi

import settings
from components.cluster import Cluster
from components.foundation import Foundation
from components.network import Network
from components.node_group import NodeGroup, NodeGroupArgs


@dataclass(frozen=True)
class NodesArgs:
    """What Nodes rests on and is told."""

    foundation: Foundation
    settings: settings.Nodes
    network: Network
    cluster: Cluster


class Nodes(pulumi.ComponentResource):
    """One group per tier; the API's spot nodes have on-demand ones to fall back on where the stack asks for it."""

    on_demand: NodeGroup
    """The tier that is always there: no bidding, no scarce hardware."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Nodes", name, None, opts)
        self._args = args

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
        return NodeGroup(
            name,
            NodeGroupArgs(
                foundation=self._args.foundation,
                cluster_name=self._args.cluster.name,
                after=[*self._args.cluster.before_nodes, *self._args.network.private_routes],
                node_role_arn=self._args.cluster.node_role.arn,
                subnet_ids=self._args.network.private_subnet_ids,
                security_group_ids=self._args.cluster.node_security_group_ids,
                tier=tier,
                settings=group,
                spot=spot,
                gpu=gpu,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
