"""Flagger: moves traffic to a new version step by step, and back where it measures worse; and its load tester."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import RESTRICTED, WEB_TIER, Chart, Installer, resources
from components.apps.rights import WATCH, Rule, grant
from components.namespaces import APPLICATION, FLAGGER, MONITORING, PROMETHEUS_PORT

CHART = Chart("flagger", FLAGGER)
LOAD_TESTER = Chart("flagger-loadtester", FLAGGER, chart="loadtester")
PROMETHEUS_URL = f"http://prometheus-operated.{MONITORING}:{PROMETHEUS_PORT}"
LOAD_TESTER_URL = f"http://{LOAD_TESTER.name}.{FLAGGER}/"
_METRICS_PORT = 8080


_KEEP = (*WATCH, "create", "update", "patch")
_RIGHTS: tuple[Rule, ...] = (
    # The copies that the primary gets of what its Deployment names.
    ("", ("configmaps", "services"), _KEEP),
    # Their annotation says not to copy them, which Flagger reads: https://docs.flagger.app/usage/how-it-works
    ("", ("secrets",), ("get",), ("api-keys", "postgres-credentials")),
    ("", ("events",), ("create", "patch")),
    ("coordination.k8s.io", ("leases",), ("get", "create", "update")),
    ("apps", ("deployments",), _KEEP),
    ("autoscaling", ("horizontalpodautoscalers",), _KEEP),
    ("flagger.app", ("canaries", "canaries/status", "canaries/finalizers"), _KEEP),
    ("flagger.app", ("metrictemplates", "alertproviders"), WATCH),
    ("networking.istio.io", ("virtualservices", "destinationrules"), _KEEP),
)
"""By API group, what Flagger may do with which resources. It deletes nothing: the Canary owns what it makes."""


@dataclass(frozen=True, kw_only=True)
class FlaggerArgs:
    """Arguments of Flagger."""

    installer: Installer
    """Waits for the mesh, whose sidecars its pods get, and for Prometheus, by which it judges."""


class Flagger(pulumi.ComponentResource):
    """Progressive delivery for the application's namespace, and no other."""

    def __init__(self, name: str, args: FlaggerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Flagger", name, None, opts)

        self._install_flagger(args.installer)
        self._install_load_tester(args.installer)
        self.register_outputs({})

    def _install_flagger(self, installer: Installer) -> None:
        rights = self._make_rights(installer)
        installer.install(
            CHART,
            {
                "image": {"repository": installer.place_of("ghcr.io/fluxcd/flagger")},
                "meshProvider": "istio",
                "metricsServer": PROMETHEUS_URL,
                "namespace": APPLICATION,
                "noCrossNamespaceRefs": True,
                # The chart's reads and deletes Secrets of all namespaces.
                "rbac": {"create": False},
                "leaderElection": {"enabled": installer.replicas > 1, "replicaCount": installer.replicas},
                "securityContext": {"context": {**RESTRICTED, "runAsUser": 10001}},
                "resources": resources("50m", "64Mi", memory_limit="256Mi"),
                "nodeSelector": WEB_TIER,
                # Its series name the application's namespace, which its own must not hide.
                "podMonitor": {"enabled": True, "honorLabels": True},
                # Strict mutual TLS would refuse Prometheus, which is not in the mesh; network policies refuse others.
                "podAnnotations": {"traffic.sidecar.istio.io/excludeInboundPorts": str(_METRICS_PORT)},
            },
            parent=self,
            after=[rights],
            budgets=[CHART.name],
        )

    def _make_rights(self, installer: Installer) -> kubernetes.rbac.v1.RoleBinding:
        """Let Flagger do in the application's namespace what it does, and nothing anywhere else.

        Its lease is there, too: ns in startLeaderElection of
        https://github.com/fluxcd/flagger/blob/v1.44.0/cmd/flagger/main.go
        """
        return grant(CHART.name, FLAGGER, _RIGHTS, installer=installer, parent=self)

    def _install_load_tester(self, installer: Installer) -> None:
        installer.install(
            LOAD_TESTER,
            {
                "image": {"repository": installer.place_of("ghcr.io/fluxcd/flagger-loadtester")},
                # Runs commands that stand in a Canary: only the application's.
                "cmd": {"namespaceRegexp": f"^{APPLICATION}$"},
                "securityContext": {"enabled": True, "context": {**RESTRICTED, "runAsUser": 100, "runAsGroup": 101}},
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "100Mi"}}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # in a container of its own
                "resources": resources("100m", "64Mi", memory_limit="256Mi"),
                "nodeSelector": WEB_TIER,
            },
            parent=self,
        )
