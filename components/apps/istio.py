"""Istio: mutual TLS between pods, the gateway behind the load balancer, and routes that a canary can move."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import CRITICAL, RESTRICTED, WEB_TIER, Chart, Installer, make_object, resources, spread
from components.load_balancer import HEALTH_PORT, TARGET_PORT
from components.namespaces import APPLICATION, FLAGGER, GATEWAY, KUBE_SYSTEM, MESH, MONITORING
from settings import versions

_PIN = "istio"
DEFINITIONS = Chart("istio-base", MESH, chart="base", pin=_PIN)
CONTROL_PLANE = Chart("istiod", MESH, pin=_PIN)
NODE_AGENT = Chart("istio-cni", KUBE_SYSTEM, chart="cni", pin=_PIN)
"""Beside the cluster's own network plugin, since it is privileged: so no pod of the mesh has to be."""
INGRESS = Chart("istio-ingressgateway", GATEWAY, chart="gateway", pin=_PIN)

GATEWAY_LABEL = "ingressgateway"
"""Value of the label `istio` on the gateway's pods, by which a Gateway finds them."""
_PROXY_USER = 1337
"""Whom images of Istio run as (https://istio.io/latest/docs/ops/deployment/application-requirements/)."""
_DRAIN_SECONDS = 45
"""Longer than the target group's deregistration delay, in which the load balancer still sends requests."""
_TRACED_PERCENT = 5.0
_ACCESS_LOG, _TRACES = "failures", "traces"


@dataclass(frozen=True, kw_only=True)
class IstioArgs:
    """Arguments of Istio."""

    installer: Installer
    """Waits for the load balancer controller, which deregisters the gateway's pods before they end."""
    target_group_arn: pulumi.Input[str]
    """The gateway's pods are its targets."""


class Istio(pulumi.ComponentResource):
    """A mesh in which pods accept mutual TLS alone, entered through one gateway, without a load balancer of its own."""

    def __init__(self, name: str, args: IstioArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Istio", name, None, opts)
        self._installer = args.installer
        self._images = {
            # The place of releases; the charts' sources name one of test builds.
            "hub": args.installer.place_of("docker.io/istio"),
            "tag": versions.load().charts[_PIN].version,
            "logAsJson": True,
        }

        definitions = args.installer.install(DEFINITIONS, {"global": {"enableReaderRBAC": False}}, parent=self)
        control_plane = self._install_control_plane(definitions)
        node_agent = self._install_node_agent(definitions)
        self._make_mesh_rules(control_plane)
        self._make_monitors(control_plane)
        # Its pods are completed by the control plane's webhook.
        gateway = self._install_gateway(control_plane, node_agent)
        self._bind_targets(gateway, args.target_group_arn)
        self.register_outputs({})

    def _install_control_plane(self, definitions: pulumi.Resource) -> kubernetes.helm.v3.Release:
        replicas = self._installer.replicas
        return self._installer.install(
            CONTROL_PLANE,
            {
                "autoscaleMin": replicas,
                "autoscaleMax": replicas + 3,
                "nodeSelector": WEB_TIER,
                "topologySpreadConstraints": spread({"app": "istiod"}),
                "resources": resources("200m", "512Mi", memory_limit="1Gi"),
                "seccompProfile": RESTRICTED["seccompProfile"],
                # Traffic is redirected by the agent on the node, so that pods need no NET_ADMIN.
                "cni": {"enabled": True},
                # A sidecar starts before what it serves, and stops after it, jobs included.
                "env": {"ENABLE_NATIVE_SIDECARS": "true"},
                "global": {
                    **self._images,
                    "priorityClassName": CRITICAL,
                    # An account for control planes of other clusters, which reads all Secrets; there are none.
                    "enableReaderRBAC": False,
                    # It keeps one pod, so a single one could never be evicted.
                    "defaultPodDisruptionBudget": {"enabled": replicas > 1},
                    "proxy": {"seccompProfile": RESTRICTED["seccompProfile"]},
                },
                # One of two or more always stays.
                "pdb": {"unhealthyPodEvictionPolicy": self._installer.disruption_budget["unhealthyPodEvictionPolicy"]},
                "meshConfig": _mesh(),
            },
            parent=self,
            after=[definitions],
        )

    def _install_node_agent(self, definitions: pulumi.Resource) -> kubernetes.helm.v3.Release:
        return self._installer.install(
            NODE_AGENT,
            {
                "global": self._images,
                "seccompProfile": RESTRICTED["seccompProfile"],
                "resources": resources("20m", "64Mi", memory_limit="128Mi"),
            },
            parent=self,
            after=[definitions],
        )

    def _install_gateway(self, *after: pulumi.Resource) -> kubernetes.helm.v3.Release:
        installer = self._installer
        return installer.install(
            INGRESS,
            {
                "labels": {"istio": GATEWAY_LABEL},
                "service": {
                    # The load balancer is the program's, and sends to the pods themselves.
                    "type": "ClusterIP",
                    "ports": [
                        {"name": "http2", "port": TARGET_PORT, "targetPort": TARGET_PORT, "protocol": "TCP"},
                        {"name": "status-port", "port": HEALTH_PORT, "targetPort": HEALTH_PORT, "protocol": "TCP"},
                    ],
                },
                "autoscaling": {
                    "enabled": True,
                    "minReplicas": installer.replicas,
                    "maxReplicas": installer.replicas + 4,
                },
                # For a single pod the chart makes none.
                "podDisruptionBudget": installer.disruption_budget,
                "podAnnotations": {
                    "proxy.istio.io/config": json.dumps(
                        {
                            "terminationDrainDuration": f"{_DRAIN_SECONDS}s",
                            # The load balancer: who the client is and that it spoke TLS is what the balancer says
                            # (https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/).
                            "gatewayTopology": {"numTrustedProxies": 1},
                        }
                    ),
                },
                "terminationGracePeriodSeconds": _DRAIN_SECONDS + 15,
                # Its ports are above 1024, so the chart's sysctl for lower ones is not needed.
                "securityContext": {"seccompProfile": RESTRICTED["seccompProfile"]},
                "containerSecurityContext": {**RESTRICTED, "runAsUser": _PROXY_USER, "runAsGroup": _PROXY_USER},
                "resources": resources("200m", "128Mi", memory_limit="512Mi"),
                "nodeSelector": WEB_TIER,
                "topologySpreadConstraints": spread({"istio": GATEWAY_LABEL}),
                "priorityClassName": CRITICAL,
            },
            parent=self,
            after=after,
        )

    def _make_mesh_rules(self, control_plane: kubernetes.helm.v3.Release) -> None:
        """Make the rules that hold in all namespaces: those of the namespace in which the control plane is."""
        self._make("mesh", "security.istio.io/v1", "PeerAuthentication", {"mtls": {"mode": "STRICT"}}, control_plane)
        self._make(
            "mesh",
            "telemetry.istio.io/v1",
            "Telemetry",
            {
                "tracing": [{"providers": [{"name": _TRACES}], "randomSamplingPercentage": _TRACED_PERCENT}],
                # Of each request there are metrics, and of some a trace; a line is for what went wrong.
                "accessLogging": [
                    {"providers": [{"name": _ACCESS_LOG}], "filter": {"expression": "response.code >= 500"}}
                ],
            },
            control_plane,
        )

    def _make_monitors(self, control_plane: kubernetes.helm.v3.Release) -> None:
        """Make Prometheus read what the proxies and the control plane report; Flagger judges by the former."""
        self._make(
            "istio-proxies",
            "monitoring.coreos.com/v1",
            "PodMonitor",
            {
                "namespaceSelector": {"matchNames": [APPLICATION, FLAGGER, GATEWAY]},
                "selector": {"matchExpressions": [{"key": "service.istio.io/canonical-name", "operator": "Exists"}]},
                "podMetricsEndpoints": [{"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": "15s"}],
            },
            control_plane,
        )
        self._make(
            "istiod",
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            {"selector": {"matchLabels": {"istio": "pilot"}}, "endpoints": [{"port": "http-monitoring"}]},
            control_plane,
        )

    def _make(
        self, name: str, api_version: str, kind: str, spec: Mapping[str, Any], release: kubernetes.helm.v3.Release
    ) -> None:
        make_object(
            name,
            api_version,
            kind,
            spec,
            namespace=MESH,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[release, *self._installer.after], deleted_with=self._installer.namespaces[MESH]
            ),
        )

    def _bind_targets(self, gateway: kubernetes.helm.v3.Release, target_group_arn: pulumi.Input[str]) -> None:
        """Put the gateway's pods into the target group. Deleted for real, or the pods would stay registered in it.

        The program's security groups admit the load balancer, so the binding says nothing of networks
        (https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/).
        """
        make_object(
            INGRESS.name,
            "elbv2.k8s.aws/v1beta1",
            "TargetGroupBinding",
            {
                "serviceRef": {"name": INGRESS.name, "port": TARGET_PORT},
                "targetGroupARN": target_group_arn,
                "targetType": "ip",
            },
            namespace=GATEWAY,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway, *self._installer.after]),
        )


def _mesh() -> dict[str, Any]:
    """Return the mesh's configuration (https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/)."""
    return {
        # Where pods may go is said by network policies, which a pod cannot get round as it can its own sidecar
        # (https://istio.io/latest/docs/ops/best-practices/security/). REGISTRY_ONLY would want every endpoint of AWS
        # by name, and refuse nothing more.
        "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
        "extensionProviders": [
            {
                "name": _TRACES,
                "opentelemetry": {"service": f"opentelemetry-collector.{MONITORING}.svc.cluster.local", "port": 4317},
            },
            {"name": _ACCESS_LOG, "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"labels": {}}}},
        ],
    }
