"""kube-prometheus-stack: metrics of everything, alerts to the platform's topic, and dashboards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import WEB_TIER, Base, Chart, resources, spread
from components.apps.rights import WATCH, grant
from components.apps.storage_class import claim
from components.identity import Identity
from components.namespaces import APPLICATION, KUBE_SYSTEM, MONITORING
from components.observability import Observability

CHART = Chart("kube-prometheus-stack", MONITORING)
_GRAFANA_ACCOUNT = f"{CHART.name}-grafana"
_RETENTION = "15d"


@dataclass(frozen=True)
class KubePrometheusStackArgs:
    """What the stack rests on."""

    base: Base
    identity: Identity
    """Lets alerts out; pods that start before it would be without."""
    observability: Observability


@dataclass(frozen=True)
class _Size:
    """What one Prometheus gets."""

    volume_gib: int
    cpu: str
    memory: str
    memory_limit: str

    @property
    def retention_size(self) -> str:
        """Return when the oldest blocks go, whatever their age: a full volume would stop Prometheus.

        Four fifths of the volume, since its log and what it compacts do not count
        (https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects). Its GB are powers of two.
        """
        return f"{self.volume_gib * 4 // 5}GB"


_SIZES: Mapping[str, _Size] = {
    "dev": _Size(20, "200m", "1Gi", "2Gi"),
    "integration": _Size(20, "200m", "1Gi", "2Gi"),
    "staging": _Size(50, "500m", "2Gi", "3Gi"),
    "prod": _Size(200, "1", "4Gi", "5Gi"),
}
"""By environment; an estimate, to be set right by what Prometheus itself reports."""


class KubePrometheusStack(pulumi.ComponentResource):
    """Metrics for 15 days on encrypted volumes; every alert that asks for somebody reaches the platform's one topic."""

    def __init__(self, name: str, args: KubePrometheusStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:KubePrometheusStack", name, None, opts)
        self._base, self._args = args.base, args

        args.base.install(
            CHART,
            {
                "crds": {"upgradeJob": self._definitions()},
                "prometheusOperator": self._operator(),
                "prometheus": self._prometheus(),
                "alertmanager": self._alertmanager(),
                "grafana": self._grafana(),
                "kube-state-metrics": {
                    "image": self._from("registry.k8s.io"),
                    "nodeSelector": WEB_TIER,
                    "collectors": list(_STATE),
                    # What it says of itself is at a port of its own; the alerts on it know it from there.
                    "selfMonitor": {"enabled": True},
                    # The general rule of upstream; the limit is an estimate, since it grows with the objects there are:
                    # https://github.com/kubernetes/kube-state-metrics/blob/main/README.md#resource-recommendation
                    "resources": resources("100m", "250Mi", memory_limit="500Mi"),
                },
                "prometheus-node-exporter": {"image": self._from("quay.io"), **_node_exporter()},
                **_OUT_OF_REACH,
                "defaultRules": {"disabled": dict.fromkeys(_silenced(args.base), True)},
            },
            parent=self,
            after=[args.identity, self._let_grafana_read_dashboards()],
        )
        self.register_outputs({})

    def _let_grafana_read_dashboards(self) -> kubernetes.rbac.v1.RoleBinding:
        """Let Grafana read the application's ConfigMaps; what the chart would give it there reads Secrets as well."""
        configuration = ("", ["configmaps"], WATCH)
        return grant(
            _GRAFANA_ACCOUNT, MONITORING, [configuration], base=self._base, parent=self, name="grafana-dashboards"
        )

    @property
    def _disruption_budget(self) -> dict[str, Any]:
        """Return what these charts are told: they keep one of two by default, and none is to be kept of one."""
        return {"enabled": self._base.replicas > 1}

    def _from(self, registry: str) -> dict[str, Any]:
        """Return what the chart is told of an image that is published in a registry."""
        return {"registry": self._base.place_of(registry)}

    def _definitions(self) -> dict[str, Any]:
        """Return the job that applies the definitions before each upgrade: Helm alone never upgrades them.

        What it gets is an estimate: kubectl holds all of them, some 5 MB, at once.
        """
        return {
            "enabled": True,
            # It unpacks them. The chart's tag is `latest`; this one is that of its Grafana:
            # https://github.com/grafana-community/helm-charts/blob/main/charts/grafana/values.yaml (initChownData)
            "image": {
                # Where Docker publishes its own images as well, so that ECR takes it without a login.
                "busybox": {**self._from("public.ecr.aws"), "repository": "docker/library/busybox", "tag": "1.38.0"},
                "kubectl": self._from("registry.k8s.io"),
            },
            "resources": resources("50m", "128Mi", memory_limit="256Mi"),
            "nodeSelector": WEB_TIER,
        }

    def _operator(self) -> dict[str, Any]:
        return {
            "image": self._from("quay.io"),
            # No pod runs it, since no Prometheus has a Thanos sidecar; the operator still has a flag for it.
            "thanosImage": self._from("quay.io"),
            "nodeSelector": WEB_TIER,
            "resources": resources("50m", "128Mi", memory_limit="256Mi"),
            "prometheusConfigReloader": {
                "image": self._from("quay.io"),
                "resources": resources("10m", "32Mi", memory_limit="64Mi"),
            },
            "admissionWebhooks": {
                # It tells early of rules that cannot be read, and the operator leaves them out in any case. While its
                # one pod restarts, nobody's release is to fail for that.
                "failurePolicy": "Ignore",
                "patch": {
                    "image": self._from("ghcr.io"),
                    "nodeSelector": WEB_TIER,
                    "resources": resources("10m", "64Mi"),
                },
            },
        }

    def _prometheus(self) -> dict[str, Any]:
        size = _SIZES[self._base.foundation.location.environment]
        # Without these, nothing but what carries this release's label is looked at.
        everything = {
            f"{kind}SelectorNilUsesHelmValues": False
            for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
        }
        return {
            "podDisruptionBudget": self._disruption_budget,
            "prometheusSpec": {
                **everything,
                "image": self._from("quay.io"),
                "replicas": self._base.replicas,
                "retention": _RETENTION,
                "retentionSize": size.retention_size,
                "storageSpec": {"volumeClaimTemplate": {"spec": claim(size.volume_gib)}},
                "resources": resources(size.cpu, size.memory, memory_limit=size.memory_limit),
                "nodeSelector": WEB_TIER,
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "prometheus"}),
                "externalLabels": {"stack": self._base.foundation.location.stack},
            },
        }

    def _alertmanager(self) -> dict[str, Any]:
        return {
            "serviceAccount": {"name": self._args.identity.service_accounts["alertmanager"]},
            "podDisruptionBudget": self._disruption_budget,
            "config": self._routes(),
            "alertmanagerSpec": {
                "image": self._from("quay.io"),
                "replicas": self._base.replicas,
                # Silences outlive a restart.
                "storage": {"volumeClaimTemplate": {"spec": claim(1)}},
                "resources": resources("20m", "64Mi", memory_limit="128Mi"),
                "nodeSelector": WEB_TIER,
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "alertmanager"}),
            },
        }

    def _routes(self) -> dict[str, Any]:
        """Return who is told of what: alerts without a severity that asks for somebody are seen in Grafana alone.

        Watchdog always fires, so as long as it is published all of Prometheus and Alertmanager works: an alarm in
        CloudWatch notices when it is not. Credentials are the pod's, signed requests go to SNS: `sns_configs` and
        `sigv4_config` of https://prometheus.io/docs/alerting/latest/configuration/.
        """

        def tell(topic_arn: pulumi.Input[str], *, resolved: bool) -> dict[str, Any]:
            return {
                "topic_arn": topic_arn,
                "sigv4": {"region": self._base.foundation.location.region},
                # SNS takes a hundred characters, and the default names every label.
                "subject": "{{ .Status | toUpper }} {{ .GroupLabels.severity }}: {{ .GroupLabels.alertname }}",
                "send_resolved": resolved,
            }

        topics = self._args.observability.topic_arns
        return {
            "route": {
                "receiver": "nobody",
                "group_by": ["namespace", "alertname", "severity"],
                "routes": [
                    {
                        "receiver": "heartbeat",
                        "matchers": ['alertname = "Watchdog"'],
                        "group_wait": "0s",
                        "group_interval": "1m",
                        "repeat_interval": "4m",
                    },
                    *({"receiver": severity, "matchers": [f'severity = "{severity}"']} for severity in topics),
                ],
            },
            "receivers": [
                {"name": "nobody"},
                {
                    "name": "heartbeat",
                    "sns_configs": [tell(self._args.observability.heartbeat.arn, resolved=False)],
                },
                *({"name": severity, "sns_configs": [tell(arn, resolved=True)]} for severity, arn in topics.items()),
            ],
        }

    def _grafana(self) -> dict[str, Any]:
        return {
            # What it shows lies in ConfigMaps and in git, so it keeps nothing. Two would know each other's sessions
            # only by a database.
            "replicas": 1,
            "image": self._from("docker.io"),
            "persistence": {"enabled": False},
            "testFramework": {"enabled": False},
            "nodeSelector": WEB_TIER,
            "resources": resources("100m", "256Mi", memory_limit="512Mi"),
            # A Role where it runs. By default it may read the Secrets of all namespaces:
            # https://github.com/grafana-community/helm-charts/blob/main/charts/grafana/templates/clusterrole.yaml
            "rbac": {"namespaced": True},
            "serviceAccount": {"name": _GRAFANA_ACCOUNT},
            "sidecar": {
                "image": self._from("quay.io"),
                "resources": resources("10m", "96Mi", memory_limit="128Mi"),
                "dashboards": {
                    "searchNamespace": [MONITORING, APPLICATION],
                    "resource": "configmap",
                    "label": "grafana_dashboard",
                    "labelValue": "1",
                },
                "datasources": {"resource": "configmap"},
            },
            "additionalDataSources": [
                {"name": "Jaeger", "uid": "jaeger", "type": "jaeger", "url": f"http://jaeger.{MONITORING}:16686"}
            ],
            # The administrator's password is made in the cluster by the chart. People come through kubectl's
            # port-forward; there is no way in from outside.
            "grafana.ini": {
                "auth.anonymous": {"enabled": False},
                "users": {"allow_sign_up": False},
                "analytics": {"reporting_enabled": False, "check_for_updates": False},
            },
        }


def _silenced(base: Base) -> list[str]:
    """Return the alerts of the chart that a healthy stack would fire for ever.

    They take the nodes that are there for all that could be, and the autoscaler makes more. A quota is an upper bound
    of what the application may ask for, not what is set aside for it. Where every controller runs once, no node
    stands by for another.
    https://github.com/kubernetes-monitoring/kubernetes-mixin/issues/984

    A kubelet renews its serving certificate when a tenth to three tenths of its time are left (client-go's certificate
    manager). Those of EKS last for 45 days, and the alert wants seven to be left: it would fire on each node, for days,
    before each renewal. Renewals that fail have an alert of their own.
    https://github.com/prometheus-community/helm-charts/issues/6918
    https://docs.aws.amazon.com/eks/latest/userguide/cert-signing.html
    """
    one_node_is_enough = ["KubeCPUOvercommit", "KubeMemoryOvercommit"] if base.replicas == 1 else []
    quotas = ["KubeCPUQuotaOvercommit", "KubeMemoryQuotaOvercommit"]
    return [*quotas, "KubeletServerCertificateExpiration", *one_node_is_enough]


def _node_exporter() -> dict[str, Any]:
    """Return how each node is watched: from kube-system, because it has to see the host, which `monitoring` forbids."""
    return {
        "namespaceOverride": KUBE_SYSTEM,
        "resources": resources("20m", "32Mi", memory_limit="64Mi"),
        "priorityClassName": "system-node-critical",
    }


_STATE = (
    "certificatesigningrequests",
    "configmaps",
    "cronjobs",
    "daemonsets",
    "deployments",
    "endpointslices",
    "horizontalpodautoscalers",
    "jobs",
    "leases",
    "limitranges",
    "mutatingwebhookconfigurations",
    "namespaces",
    "networkpolicies",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "poddisruptionbudgets",
    "pods",
    "replicasets",
    "replicationcontrollers",
    "resourcequotas",
    "services",
    "statefulsets",
    "storageclasses",
    "validatingwebhookconfigurations",
    "volumeattachments",
)
"""Kinds of which there are metrics: by default, Secrets of all namespaces are listed as well."""

_OUT_OF_REACH: Mapping[str, Any] = {
    # EKS runs these where no pod can ask them, and kube-proxy reports to its own node only: watching them would do
    # nothing but raise alarms (https://docs.aws.amazon.com/eks/latest/best-practices/control-plane.html).
    "kubeControllerManager": {"enabled": False},
    "kubeScheduler": {"enabled": False},
    "kubeEtcd": {"enabled": False},
    "kubeProxy": {"enabled": False},
}
