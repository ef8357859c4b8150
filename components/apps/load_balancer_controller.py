"""AWS Load Balancer Controller: puts pods into the target group that the program owns."""

from dataclasses import dataclass

import pulumi

from components.apps.installer import CRITICAL, RESTRICTED, WEB_TIER, Base, Chart, resources
from components.cluster import Cluster
from components.identity import Identity
from components.namespaces import KUBE_SYSTEM
from components.network import Network

CHART = Chart("aws-load-balancer-controller", KUBE_SYSTEM)


@dataclass(frozen=True)
class LoadBalancerControllerArgs:
    """What the controller rests on."""

    base: Base
    cluster: Cluster
    network: Network
    identity: Identity
    """Gives its service account the role; pods that start before it would be without."""


class LoadBalancerController(pulumi.ComponentResource):
    """A controller that registers pods and makes no load balancer; it outlives every TargetGroupBinding."""

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:LoadBalancerController", name, None, opts)
        base = args.base

        base.install(
            CHART,
            {
                "image": {"repository": base.place_of("public.ecr.aws/eks/aws-load-balancer-controller")},
                "clusterName": args.cluster.physical_name,
                "region": base.foundation.location.region,
                # Given, so that pods need not ask the node's metadata, which they cannot reach.
                "vpcId": args.network.vpc_id,
                "serviceAccount": {"name": args.identity.service_accounts["load-balancer-controller"]},
                "replicaCount": base.replicas,
                "podDisruptionBudget": base.disruption_budget,
                "priorityClassName": CRITICAL,
                "nodeSelector": WEB_TIER,
                "securityContext": RESTRICTED,
                "resources": resources("100m", "128Mi", memory_limit="256Mi"),
                # The balancer, its firewall and its groups are the program's own: pods join, and that is all.
                "enableServiceMutatorWebhook": False,
                "enableShield": False,
                "enableWaf": False,
                "enableWafv2": False,
                "createIngressClassResource": False,
                "enableBackendSecurityGroup": False,
                "defaultTags": base.foundation.location.tags,
            },
            parent=self,
            after=[args.identity],
        )
        self.register_outputs({})
