"""kube-prometheus-stack: metrics of everything, alerts to the platform's topics, and dashboards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps import alertmanager, grafana
from components.apps.installer import WEB_TIER, Chart, Installer, resources, spread
from components.apps.storage_class import claim
from components.namespaces import KUBE_SYSTEM, MONITORING
from components.stack_context import StackContext

CHART = Chart("kube-prometheus-stack", MONITORING)
_RETENTION = "15d"


@dataclass(frozen=True, kw_only=True)
class KubePrometheusStackArgs:
    """Arguments of KubePrometheusStack."""

    installer: Installer
    context: StackContext
    topics: alertmanager.AlertTopics
    alertmanager_account: str
    """Service account of Alertmanager; its pods have the role that may publish to the topics."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


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
    """Metrics for 15 days on encrypted volumes; each alert of a severity that has a topic is published there."""

    def __init__(self, name: str, args: KubePrometheusStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:KubePrometheusStack", name, None, opts)
        installer = args.installer

        may_read_dashboards = grafana.let_read_dashboards(installer, self)
        installer.install(
            CHART,
            {
                "crds": {"upgradeJob": _definitions(installer)},
                "prometheusOperator": _operator(installer),
                "prometheus": _prometheus(installer, args.context),
                "alertmanager": alertmanager.values(
                    installer,
                    service_account=args.alertmanager_account,
                    topics=args.topics,
                    region=args.context.region,
                ),
                "grafana": grafana.values(installer),
                "kube-state-metrics": _kube_state_metrics(installer),
                "prometheus-node-exporter": _node_exporter(installer),
                **_OUT_OF_REACH,
                "defaultRules": {"disabled": dict.fromkeys(_silenced(installer.replicas), True)},
            },
            parent=self,
            after=[*args.after, may_read_dashboards],
        )
        self.register_outputs({})


def _definitions(installer: Installer) -> dict[str, Any]:
    """Return the job that applies the definitions before each upgrade: Helm alone never upgrades them.

    What it gets is an estimate: kubectl holds all of them, some 5 MB, at once.
    """
    return {
        "enabled": True,
        # It unpacks them. The chart's tag is `latest`; this one is that of its Grafana:
        # https://github.com/grafana-community/helm-charts/blob/main/charts/grafana/values.yaml (initChownData)
        "image": {
            # Where Docker publishes its own images as well, so that ECR takes it without a login.
            "busybox": {
                **installer.registry("public.ecr.aws"),
                "repository": "docker/library/busybox",
                "tag": "1.38.0",
            },
            "kubectl": installer.registry("registry.k8s.io"),
        },
        "resources": resources("50m", "128Mi", memory_limit="256Mi"),
        "nodeSelector": WEB_TIER,
    }


def _operator(installer: Installer) -> dict[str, Any]:
    return {
        "image": installer.registry("quay.io"),
        # No pod runs it, since no Prometheus has a Thanos sidecar; the operator still has a flag for it.
        "thanosImage": installer.registry("quay.io"),
        "nodeSelector": WEB_TIER,
        "resources": resources("50m", "128Mi", memory_limit="256Mi"),
        "prometheusConfigReloader": {
            "image": installer.registry("quay.io"),
            "resources": resources("10m", "32Mi", memory_limit="64Mi"),
        },
        "admissionWebhooks": {
            # The operator leaves out rules that cannot be read in any case. A release does not fail while the
            # webhook's one pod restarts.
            "failurePolicy": "Ignore",
            "patch": {
                "image": installer.registry("ghcr.io"),
                "nodeSelector": WEB_TIER,
                "resources": resources("10m", "64Mi"),
            },
        },
    }


def _prometheus(installer: Installer, context: StackContext) -> dict[str, Any]:
    size = _SIZES[context.environment]
    # Without these, nothing but what carries this release's label is looked at.
    everything = {
        f"{kind}SelectorNilUsesHelmValues": False
        for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    }
    return {
        # It keeps one pod, so a single one could never be evicted.
        "podDisruptionBudget": {"enabled": installer.replicas > 1},
        "prometheusSpec": {
            **everything,
            "image": installer.registry("quay.io"),
            "replicas": installer.replicas,
            "retention": _RETENTION,
            "retentionSize": size.retention_size,
            "storageSpec": {"volumeClaimTemplate": {"spec": claim(size.volume_gib)}},
            "resources": resources(size.cpu, size.memory, memory_limit=size.memory_limit),
            "nodeSelector": WEB_TIER,
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": "prometheus"}),
            "externalLabels": {"stack": context.stack},
        },
    }


def _silenced(replicas: int) -> list[str]:
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
    one_node_is_enough = ["KubeCPUOvercommit", "KubeMemoryOvercommit"] if replicas == 1 else []
    quotas = ["KubeCPUQuotaOvercommit", "KubeMemoryQuotaOvercommit"]
    return [*quotas, "KubeletServerCertificateExpiration", *one_node_is_enough]


def _kube_state_metrics(installer: Installer) -> dict[str, Any]:
    return {
        "image": installer.registry("registry.k8s.io"),
        "nodeSelector": WEB_TIER,
        "collectors": list(_STATE),
        # It has a port of its own for metrics of itself, by which its alerts know it.
        "selfMonitor": {"enabled": True},
        # The general rule of upstream; the limit is an estimate, since it grows with the objects there are:
        # https://github.com/kubernetes/kube-state-metrics/blob/main/README.md#resource-recommendation
        "resources": resources("100m", "250Mi", memory_limit="500Mi"),
    }


def _node_exporter(installer: Installer) -> dict[str, Any]:
    """Return how each node is watched: from kube-system, because it has to see the host, which `monitoring` forbids."""
    return {
        "image": installer.registry("quay.io"),
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
