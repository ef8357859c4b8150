"""Namespaces: who may run what in them, and who may speak to whom."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

from components.load_balancer import HEALTH_PORT, TARGET_PORT
from components.network_policies import (
    Flow,
    from_namespace,
    from_network,
    policy,
    to_dns,
    to_namespace,
    to_network,
    to_pod_identity,
    to_world,
    within,
)
from components.node_addons import NodeAddons
from settings import stack as settings
from settings.address_plan import allocate

APPLICATION = "ai-prism"
ARGO_CD = "argocd"
DATABASE_ACCESS = "database-access"
EXTERNAL_SECRETS = "external-secrets"
FLAGGER = "flagger-system"
GATEWAY = "istio-ingress"
LOGGING = "logging"
MESH = "istio-system"
MONITORING = "monitoring"
KUBE_SYSTEM = "kube-system"
"""Is there before the program, and not its own."""

_ISTIOD, _ISTIOD_WEBHOOK, _ISTIOD_METRICS = 15012, 15017, 15014
_PROXY_METRICS = 15090
"""Ports of the mesh: https://istio.io/latest/docs/ops/deployment/application-requirements/"""
_OTLP = 4317
"""By gRPC, as proxies and pods of the application send traces."""
PROMETHEUS_PORT = 9090
_HTTPS = 443
_SERVICES = tuple(ipaddress.IPv4Network(block) for block in ("10.100.0.0/16", "172.20.0.0/16"))
"""Where EKS takes the addresses of Services from, the API server's among them.

A pod that asks for the API server names its Service, and the network plugin judges a packet before that becomes the
address of an interface: for peers that are selected, it looks the Services up; for blocks it cannot.
Sources: https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
https://github.com/aws/amazon-network-policy-controller-k8s/blob/main/pkg/resolvers/endpoints.go
"""


@dataclass(frozen=True)
class Space:
    """What one namespace is for, and what it allows beyond the least."""

    flows: Sequence[Flow]
    level: Literal["restricted", "privileged"] = "restricted"
    """Pod security standard that is enforced."""
    reason: str = ""
    """Why it is not the strictest."""
    injected: bool = False
    """Whether its pods join the mesh."""
    balanced: bool = False
    """Whether its pods count as ready only once the load balancer finds them so."""


@dataclass(frozen=True)
class NamespacesArgs:
    """What Namespaces rests on and is told."""

    addons: NodeAddons
    """Wait for nodes, as everything in the cluster does by way of its namespace."""
    network: settings.Network
    api: settings.Api


class Namespaces(pulumi.ComponentResource):
    """Namespaces in which pods run unprivileged, reach only what they need, and leave room for others."""

    made: Mapping[str, kubernetes.core.v1.Namespace]
    """By name, for what goes with them when they go."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Namespaces", name, None, opts)
        self._args = args

        self.made = {space: self._make_namespace(space, what) for space, what in spaces(args.network).items()}
        self._make_limits(self.made[APPLICATION])
        self.register_outputs({})

    def _make_namespace(self, name: str, space: Space) -> kubernetes.core.v1.Namespace:
        """Make a namespace; whatever is in it is deleted with it, volumes included."""
        labels = {
            **{f"pod-security.kubernetes.io/{mode}": space.level for mode in ("enforce", "audit", "warn")},
            **({"istio-injection": "enabled"} if space.injected else {}),
            # Without it a roll-out may end old pods while the balancer still looks at the new ones:
            # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
            **({"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"} if space.balanced else {}),
        }
        namespace = kubernetes.core.v1.Namespace(
            name,
            metadata={
                "name": name,
                "labels": labels,
                "annotations": {"ai-prism.com/pod-security-reason": space.reason} if space.reason else None,
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[self._args.addons],
                # Claims go first, and with them their volumes.
                custom_timeouts=pulumi.CustomTimeouts(delete="20m"),
            ),
        )
        for policy_name, flows in (("default-deny", ()), ("needed-flows", space.flows)):
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-{policy_name}",
                metadata={"name": policy_name, "namespace": name},
                spec=policy(flows),
                opts=self._inside(namespace),
            )
        return namespace

    def _make_limits(self, namespace: kubernetes.core.v1.Namespace) -> None:
        """Keep the application from taking the cluster: room for all its pods twice, while versions change."""
        pods = 2 * self._args.api.max_replicas + _OTHER_PODS
        kubernetes.core.v1.ResourceQuota(
            f"{APPLICATION}-quota",
            metadata={"name": "quota", "namespace": APPLICATION},
            spec={
                "hard": {
                    "pods": str(pods),
                    "requests.cpu": str(pods),
                    "requests.memory": f"{2 * pods}Gi",
                    "limits.memory": f"{4 * pods}Gi",
                    "services.loadbalancers": "0",
                    "services.nodeports": "0",
                }
            },
            opts=self._inside(namespace),
        )
        limits: kubernetes.core.v1.LimitRangeItemArgsDict = {
            "type": "Container",
            "default_request": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "100Mi"},
            "default": {"memory": "256Mi", "ephemeral-storage": "1Gi"},
        }
        kubernetes.core.v1.LimitRange(
            f"{APPLICATION}-limits",
            metadata={"name": "limits", "namespace": APPLICATION},
            spec={"limits": [limits]},
            opts=self._inside(namespace),
        )

    def _inside(self, namespace: kubernetes.core.v1.Namespace) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[namespace], deleted_with=namespace)


_OTHER_PODS = 60
"""Pods of web, twice while its version changes, of the worker, and of jobs, as far as the chart lets them grow."""


def spaces(network: settings.Network) -> Mapping[str, Space]:
    """Return the platform's namespaces by name."""
    vpc = network.cidr
    scraped = (from_namespace(MONITORING, ports=[_PROXY_METRICS]), to_namespace(MESH, ports=[_ISTIOD]))
    # The interfaces of the API server lie in the VPC, as the endpoints of AWS do.
    api_server = to_network(vpc, *_SERVICES, ports=[_HTTPS])
    return {
        # What a pod of its own needs beyond the mesh is said by the chart, pod by pod: policies add up, so what stood
        # here for all could not be taken from one.
        APPLICATION: Space([*scraped, to_dns()], injected=True),
        GATEWAY: Space(
            [
                *scraped,
                # The load balancer's interfaces: whoever else is in the VPC comes through the firewall too.
                from_network(*_blocks("public", network), ports=[TARGET_PORT, HEALTH_PORT]),
                to_dns(),
                to_namespace(APPLICATION, ports=[TARGET_PORT]),
                to_namespace(MONITORING, ports=[_OTLP]),
            ],
            injected=True,
            balanced=True,
        ),
        MESH: Space(
            [
                from_network(vpc, ports=[_ISTIOD_WEBHOOK]),
                from_namespace(APPLICATION, FLAGGER, GATEWAY, ports=[_ISTIOD]),
                from_namespace(MONITORING, ports=[_ISTIOD_METRICS]),
                to_dns(),
                api_server,
            ]
        ),
        EXTERNAL_SECRETS: Space(
            [
                from_network(vpc, ports=[10250]),
                from_namespace(MONITORING, ports=[8080]),
                to_dns(),
                to_pod_identity(),
                api_server,
            ]
        ),
        FLAGGER: Space(
            [
                *scraped,
                *within(),
                from_namespace(MONITORING, ports=[8080]),
                to_dns(),
                to_namespace(APPLICATION, ports=[TARGET_PORT]),
                to_namespace(MONITORING, ports=[_OTLP, PROMETHEUS_PORT]),
                api_server,
            ],
            # Load tests have to speak the mesh's TLS.
            injected=True,
        ),
        ARGO_CD: Space(
            [
                *within(),
                from_namespace(MONITORING, ports=[8082, 8083, 8084, 9001]),
                to_dns(),
                api_server,
                to_world(),
            ]
        ),
        DATABASE_ACCESS: Space([to_dns()]),
        MONITORING: Space(
            [
                *within(),
                from_network(vpc, ports=[10250, 6443]),
                from_namespace(APPLICATION, FLAGGER, GATEWAY, ports=[_OTLP]),
                from_namespace(FLAGGER, ports=[PROMETHEUS_PORT]),
                to_dns(),
                # Whatever in the VPC reports something: nodes, pods, the API server.
                to_network(vpc),
                to_pod_identity(),
                to_world(),
            ]
        ),
        LOGGING: Space(
            [
                from_namespace(MONITORING, ports=[2020]),
                to_dns(),
                to_pod_identity(),
                api_server,
            ],
            level="privileged",
            reason="the log collector reads the containers' log files on the node",
        ),
    }


def _blocks(tier: str, network: settings.Network) -> list[ipaddress.IPv4Network]:
    """Return the addresses of a tier, zone by zone."""
    return [block for (name, _), block in allocate(network.cidr, network.zones).items() if name == tier]
