"""Namespaces: who may run what in them, and who may speak to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

from components.network_policies import Flow, policy

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
"""EKS makes it."""

PROMETHEUS_PORT = 9090
_OTHER_PODS = 60
"""Pods of web, twice while its version changes, of the worker, and of jobs, as far as the chart lets them grow."""


@dataclass(frozen=True, kw_only=True)
class NamespaceSpec:
    """What a namespace allows."""

    flows: Sequence[Flow]
    """What its pods may receive and send; everything else is refused."""
    level: Literal["restricted", "privileged"] = "restricted"
    """Pod security standard that is enforced."""
    reason: str = ""
    """Why it is not the strictest."""
    injected: bool = False
    """Whether its pods join the mesh."""
    balanced: bool = False
    """Whether its pods count as ready only once the load balancer finds them healthy."""


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """Arguments of Namespaces."""

    specs: Mapping[str, NamespaceSpec]
    """By name; APPLICATION is one of them."""
    api_max_replicas: int
    """Pods of the API at most, of one version: the namespace of the application has room for two."""
    after: Sequence[pulumi.Resource]
    """Add-ons that wait for nodes, and everything in the cluster waits for them by way of its namespace."""


class Namespaces(pulumi.ComponentResource):
    """Namespaces in which pods run unprivileged, reach only what they need, and leave room for others."""

    by_name: Mapping[str, kubernetes.core.v1.Namespace]
    """With each of them, what is in it is deleted."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Namespaces", name, None, opts)
        self._args = args

        self.by_name = {each: self._make_namespace(each, spec) for each, spec in args.specs.items()}
        self._make_limits(self.by_name[APPLICATION])
        self.register_outputs({})

    def _make_namespace(self, name: str, spec: NamespaceSpec) -> kubernetes.core.v1.Namespace:
        """Make a namespace; whatever is in it is deleted with it, volumes included."""
        labels = {
            **{f"pod-security.kubernetes.io/{mode}": spec.level for mode in ("enforce", "audit", "warn")},
            **({"istio-injection": "enabled"} if spec.injected else {}),
            # Without it a rollout may end the old pods before the load balancer sends to the new ones:
            # https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/
            **({"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"} if spec.balanced else {}),
        }
        namespace = kubernetes.core.v1.Namespace(
            name,
            metadata={
                "name": name,
                "labels": labels,
                "annotations": {"ai-prism.com/pod-security-reason": spec.reason} if spec.reason else None,
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=self._args.after,
                # Its claims are deleted first, and their volumes with them.
                custom_timeouts=pulumi.CustomTimeouts(delete="20m"),
            ),
        )
        for policy_name, flows in (("default-deny", ()), ("needed-flows", spec.flows)):
            kubernetes.networking.v1.NetworkPolicy(
                f"{name}-{policy_name}",
                metadata={"name": policy_name, "namespace": name},
                spec=policy(flows),
                opts=self._inside(namespace),
            )
        return namespace

    def _make_limits(self, namespace: kubernetes.core.v1.Namespace) -> None:
        """Keep the application from taking the cluster: room for all its pods twice, while versions change."""
        pods = 2 * self._args.api_max_replicas + _OTHER_PODS
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
