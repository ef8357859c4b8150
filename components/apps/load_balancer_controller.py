"""AWS Load Balancer Controller: puts pods into the target group that the program owns."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.apps.installer import CRITICAL, RESTRICTED, WEB_TIER, Chart, Installer, resources
from components.namespaces import KUBE_SYSTEM
from components.stack_context import StackContext

CHART = Chart("aws-load-balancer-controller", KUBE_SYSTEM)


@dataclass(frozen=True, kw_only=True)
class LoadBalancerControllerArgs:
    """Arguments of LoadBalancerController."""

    installer: Installer
    context: StackContext
    cluster_name: str
    vpc_id: pulumi.Input[str]
    service_account: str
    """Its pods have the role that is associated with this one."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


class LoadBalancerController(pulumi.ComponentResource):
    """A controller that registers pods and makes no load balancer; it outlives every TargetGroupBinding."""

    def __init__(self, name: str, args: LoadBalancerControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:LoadBalancerController", name, None, opts)
        installer = args.installer

        installer.install(
            CHART,
            {
                "image": {"repository": installer.place_of("public.ecr.aws/eks/aws-load-balancer-controller")},
                "clusterName": args.cluster_name,
                "region": args.context.region,
                # Pods cannot reach the metadata of their node, from which the controller would take it.
                "vpcId": args.vpc_id,
                "serviceAccount": {"name": args.service_account},
                "replicaCount": installer.replicas,
                "podDisruptionBudget": installer.disruption_budget,
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
                "defaultTags": args.context.tags,
            },
            parent=self,
            after=args.after,
        )
        self.register_outputs({})
