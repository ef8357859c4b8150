"""All apps of the cluster, in the order in which they rest on each other."""

from dataclasses import dataclass

import pulumi

from components.apps.base import Base
from components.apps.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.apps.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.cluster import Cluster
from components.foundation import Foundation
from components.identity import Identity
from components.namespaces import Namespaces
from components.network import Network


@dataclass(frozen=True)
class AppsArgs:
    """What Apps rests on."""

    foundation: Foundation
    namespaces: Namespaces
    cluster: Cluster
    network: Network
    identity: Identity


class Apps(pulumi.ComponentResource):
    """Charts installed one behind the other: webhooks before what they look at, kinds before objects of them."""

    def __init__(self, name: str, args: AppsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Apps", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        twice = args.foundation.location.environment in {"staging", "prod"}
        base = Base(args.foundation, args.namespaces, replicas=2 if twice else 1)

        balancing = LoadBalancerController(
            "load-balancer-controller",
            LoadBalancerControllerArgs(base, args.cluster, args.network, args.identity),
            child,
        )
        # Its webhook is asked about every new Service.
        base = base.after(balancing)
        ExternalSecrets("external-secrets", ExternalSecretsArgs(base, args.identity), child)
        self.register_outputs({})
