"""The tiers of nodes: web on demand, the API on spot, document analysis on GPUs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components import node_sizes
from components.node_group import Group, NodeGroup, NodeGroupArgs, image_type
from components.stack_context import StackContext
from settings import cluster as settings
from settings import versions


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """Arguments of Nodes."""

    context: StackContext
    settings: settings.Nodes
    cluster_name: pulumi.Input[str]
    """Known once the control plane exists."""
    existing_cluster: str
    """The same name as plain text, by which node groups of earlier updates are found."""
    version: str
    """Minor version of Kubernetes, such as `1.36`."""
    subnet_by_zone: Mapping[str, pulumi.Input[str]]
    """Private subnets, by zone."""
    role_arn: pulumi.Input[str]
    security_group_ids: Sequence[pulumi.Input[str]]
    """Exactly one of them may carry the cluster's tag, or load balancing fails on these nodes."""
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the nodes' volumes."""
    after: Sequence[pulumi.Resource]
    """What nodes need to become ready: the network add-ons, and the way to the internet."""


class Nodes(pulumi.ComponentResource):
    """Groups that are rotated one after the other: of the web tier one in each zone, since its pods have volumes; of
    each other tier one over all zones. The API's spot nodes have on-demand ones to fall back on where the stack asks
    for it."""

    on_demand: NodeGroup
    """The tier that is always there, in every zone: no bidding, no scarce hardware."""

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Nodes", name, None, opts)
        self._args = args

        tiers = args.settings
        self.on_demand = self._make_tier("web", "web", tiers.web, self._in_each_zone("web", tiers.web))
        last = self._make_tier(
            "api", "api", tiers.api, self._over_all_zones("api", tiers.api), behind=self.on_demand, spot=True
        )
        if tiers.api.on_demand_fallback:
            fallback = tiers.api.model_copy(update={"min": 0, "desired": 0, "max": tiers.api.on_demand_fallback})
            groups = self._over_all_zones("api-fallback", fallback)
            last = self._make_tier("api-fallback", "api", fallback, groups, behind=last)
        self._make_tier("gpu", "gpu", tiers.gpu, self._over_all_zones("gpu", tiers.gpu), behind=last, gpu=True)
        self.register_outputs({})

    def _in_each_zone(self, name: str, tier: settings.NodeGroup) -> list[Group]:
        """Return a group in each zone, named after it: a volume is of use in its own zone alone.

        A group over all zones brings up its next node in whichever it chooses, and a pod waits for ever for one in the
        zone of its volume (https://github.com/kubernetes/autoscaler/issues/1431).
        """
        subnets = self._args.subnet_by_zone
        shares = node_sizes.divided(tier, subnets)
        return [self._group(f"{name}-{zone}", shares[zone], [subnets[zone]]) for zone in sorted(subnets)]

    def _over_all_zones(self, name: str, tier: settings.NodeGroup) -> list[Group]:
        return [self._group(name, node_sizes.Sizes.of(tier), list(self._args.subnet_by_zone.values()))]

    def _group(self, name: str, sizes: node_sizes.Sizes, subnet_ids: Sequence[pulumi.Input[str]]) -> Group:
        present = node_sizes.running(self._args.existing_cluster, f"{name}-nodes", self)
        return Group(name, subnet_ids, sizes, present)

    def _make_tier(
        self,
        name: str,
        tier: str,
        nodes: settings.NodeGroup,
        groups: Sequence[Group],
        *,
        behind: NodeGroup | None = None,
        spot: bool = False,
        gpu: bool = False,
    ) -> NodeGroup:
        args = self._args
        return NodeGroup(
            name,
            NodeGroupArgs(
                context=args.context,
                cluster_name=args.cluster_name,
                version=args.version,
                release=versions.load().node_image(image_type(gpu=gpu), args.version),
                groups=groups,
                after=args.after,
                behind=[behind] if behind else [],
                node_role_arn=args.role_arn,
                security_group_ids=args.security_group_ids,
                tier=tier,
                types=nodes.types,
                disk_gb=nodes.disk_gb,
                key_arn=args.key_arn,
                spot=spot,
                gpu=gpu,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
