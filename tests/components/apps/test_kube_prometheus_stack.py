"""kube-prometheus-stack alone: what is kept for how long, which alert reaches whom, and who sees what."""

import dataclasses
import functools
from typing import Any

import pytest
from alone import CONTEXT
from alone_in_cluster import (
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    namespace,
    origin,
    release,
    spread_over,
    values,
    waits_for,
)

from components.apps.alertmanager import AlertTopics
from components.apps.kube_prometheus_stack import KubePrometheusStack, KubePrometheusStackArgs
from recording.graph import Graph

NAME = "kube-prometheus-stack"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


@functools.cache
def stack(*, environment: str = "prod", replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, role, opts: KubePrometheusStack(
            NAME,
            KubePrometheusStackArgs(
                installer=installer,
                context=dataclasses.replace(CONTEXT, environment=environment),
                topics=AlertTopics(
                    by_severity={"critical": "arn:alerts", "warning": "arn:warnings"}, heartbeat_arn="arn:heartbeat"
                ),
                alertmanager_account="publishing",
                after=[role],
            ),
            opts,
        ),
        replicas=replicas,
    )


def chart(**kind: Any) -> dict[str, Any]:
    return values(stack(**kind), NAME)


def prometheus(**kind: Any) -> dict[str, Any]:
    return chart(**kind)["prometheus"]["prometheusSpec"]


def config() -> dict[str, Any]:
    return chart()["alertmanager"]["config"]


def claim(gibibytes: int) -> dict[str, Any]:
    spec = {
        "storageClassName": "gp3-encrypted",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{gibibytes}Gi"}},
    }
    return {"volumeClaimTemplate": {"spec": spec}}


def test_it_runs_in_monitoring_and_alertmanager_has_the_role_that_publishes() -> None:
    assert origin(stack(), NAME) == (NAME, "monitoring", NAME)
    assert chart()["alertmanager"]["serviceAccount"] == {"name": "publishing"}
    assert "role" in waits_for(stack(), release(stack(), NAME))


@pytest.mark.parametrize(
    ("environment", "gibibytes", "kept", "needs"),
    [
        ("dev", 20, "16GB", asks("200m", "1Gi", limit="2Gi")),
        ("integration", 20, "16GB", asks("200m", "1Gi", limit="2Gi")),
        ("staging", 50, "40GB", asks("500m", "2Gi", limit="3Gi")),
        ("prod", 200, "160GB", asks("1", "4Gi", limit="5Gi")),
    ],
)
def test_metrics_stay_for_fifteen_days_and_the_oldest_go_before_the_volume_is_full(
    environment: str, gibibytes: int, kept: str, needs: object
) -> None:
    """https://prometheus.io/docs/prometheus/latest/storage/#operational-aspects: up to 80 to 85 % of the volume."""
    found = prometheus(environment=environment)
    assert found["storageSpec"] == claim(gibibytes)
    assert (found["retention"], found["retentionSize"]) == ("15d", kept)
    assert found["resources"] == needs


def test_whatever_any_namespace_wants_monitored_is_monitored() -> None:
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert prometheus()[f"{kind}SelectorNilUsesHelmValues"] is False, kind


def test_series_that_leave_the_cluster_name_their_stack() -> None:
    assert prometheus()["externalLabels"] == {"stack": "test"}


def test_prometheus_and_alertmanager_run_as_often_as_controllers_of_the_stack_do_on_different_nodes() -> None:
    for replicas in (1, 2):
        alertmanager = chart(replicas=replicas)["alertmanager"]
        assert prometheus(replicas=replicas)["replicas"] == alertmanager["alertmanagerSpec"]["replicas"] == replicas
        # The chart's budget keeps one pod, so a single one could never be evicted.
        assert chart(replicas=replicas)["prometheus"]["podDisruptionBudget"] == {"enabled": replicas > 1}
        assert alertmanager["podDisruptionBudget"] == {"enabled": replicas > 1}
    alertmanager = chart()["alertmanager"]["alertmanagerSpec"]
    labels = [{"app.kubernetes.io__name": each} for each in ("prometheus", "alertmanager")]
    assert prometheus()["topologySpreadConstraints"] == spread_over(**labels[0])
    assert alertmanager["topologySpreadConstraints"] == spread_over(**labels[1])


def test_an_alert_reaches_the_topic_of_its_severity_and_of_none_nobody() -> None:
    route = config()["route"]
    assert route["receiver"] == "nobody"
    assert route["routes"][1:] == [
        {"receiver": "critical", "matchers": ['severity = "critical"']},
        {"receiver": "warning", "matchers": ['severity = "warning"']},
    ]
    receivers = {each["name"]: each.get("sns_configs", []) for each in config()["receivers"]}
    assert receivers.keys() == {"nobody", "heartbeat", "critical", "warning"}
    assert receivers["nobody"] == []
    for name, arn in (("critical", "arn:alerts"), ("warning", "arn:warnings")):
        (sent,) = receivers[name]
        assert (sent["topic_arn"], sent["send_resolved"]) == (arn, True)


def test_alerts_of_one_name_in_one_namespace_are_one_message() -> None:
    assert config()["route"]["group_by"] == ["namespace", "alertname", "severity"]


def test_the_heartbeat_comes_at_once_and_every_few_minutes_so_that_its_alarm_notices_silence() -> None:
    assert config()["route"]["routes"][0] == {
        "receiver": "heartbeat",
        "matchers": ['alertname = "Watchdog"'],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "4m",
    }
    (sent,) = next(each["sns_configs"] for each in config()["receivers"] if each["name"] == "heartbeat")
    assert (sent["topic_arn"], sent["send_resolved"]) == ("arn:heartbeat", False)


def test_messages_are_signed_with_the_pods_credentials_and_their_subject_fits_sns() -> None:
    sent = [config for each in config()["receivers"] for config in each.get("sns_configs", [])]
    assert len(sent) == 3
    for each in sent:
        assert each["sigv4"] == {"region": "us-east-1"}
        # At most 100 characters: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
        subject = "{{ .Status | toUpper }} {{ .GroupLabels.severity }}: {{ .GroupLabels.alertname }}"
        assert each["subject"] == subject


def test_silences_outlive_a_restart() -> None:
    assert chart()["alertmanager"]["alertmanagerSpec"]["storage"] == claim(1)


def test_definitions_are_upgraded_with_the_chart() -> None:
    job = chart()["crds"]["upgradeJob"]
    assert job["enabled"] is True
    busybox = {"registry": cached("public.ecr.aws"), "repository": "docker/library/busybox", "tag": "1.38.0"}
    assert job["image"] == {"busybox": busybox, "kubectl": {"registry": cached("registry.k8s.io")}}
    assert job["resources"] == asks("50m", "128Mi", limit="256Mi")
    assert job["nodeSelector"] == WEB_TIER


def test_no_release_fails_while_the_operators_webhook_restarts() -> None:
    assert chart()["prometheusOperator"]["admissionWebhooks"]["failurePolicy"] == "Ignore"


def test_alerts_that_a_healthy_stack_would_fire_for_ever_are_left_out() -> None:
    always = {"KubeCPUQuotaOvercommit", "KubeMemoryQuotaOvercommit", "KubeletServerCertificateExpiration"}
    assert chart()["defaultRules"] == {"disabled": dict.fromkeys(always, True)}
    alone = always | {"KubeCPUOvercommit", "KubeMemoryOvercommit"}
    assert chart(replicas=1)["defaultRules"] == {"disabled": dict.fromkeys(alone, True)}


def test_no_alert_fires_for_what_eks_keeps_to_itself() -> None:
    for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert chart()[part] == {"enabled": False}, part


def test_there_are_metrics_of_every_kind_but_secrets() -> None:
    collectors = chart()["kube-state-metrics"]["collectors"]
    assert "secrets" not in collectors
    assert sorted(collectors) == collectors
    assert set(collectors) == {
        *("certificatesigningrequests", "configmaps", "cronjobs", "daemonsets", "deployments", "endpointslices"),
        *("horizontalpodautoscalers", "jobs", "leases", "limitranges", "mutatingwebhookconfigurations", "namespaces"),
        *("networkpolicies", "nodes", "persistentvolumeclaims", "persistentvolumes", "poddisruptionbudgets", "pods"),
        *("replicasets", "replicationcontrollers", "resourcequotas", "services", "statefulsets", "storageclasses"),
        *("validatingwebhookconfigurations", "volumeattachments"),
    }
    assert chart()["kube-state-metrics"]["selfMonitor"] == {"enabled": True}


def test_nothing_in_monitoring_sees_the_host() -> None:
    exporter = chart()["prometheus-node-exporter"]
    assert exporter["namespaceOverride"] == "kube-system"
    # It is there as long as its node.
    assert exporter["priorityClassName"] == "system-node-critical"


def test_grafana_keeps_nothing_so_that_one_pod_is_enough() -> None:
    grafana = chart()["grafana"]
    assert grafana["replicas"] == 1
    assert grafana["persistence"] == {"enabled": False}
    assert grafana["testFramework"] == {"enabled": False}


def test_nobody_gets_into_grafana_without_the_password_that_its_chart_makes_or_makes_an_account() -> None:
    assert chart()["grafana"]["grafana.ini"] == {
        "auth.anonymous": {"enabled": False},
        "users": {"allow_sign_up": False},
        "analytics": {"reporting_enabled": False, "check_for_updates": False},
    }
    assert "adminPassword" not in chart()["grafana"]


def test_grafana_shows_the_dashboards_of_the_platform_and_the_application_and_traces() -> None:
    grafana = chart()["grafana"]
    assert grafana["sidecar"]["dashboards"] == {
        "searchNamespace": ["monitoring", "ai-prism"],
        "resource": "configmap",
        "label": "grafana_dashboard",
        "labelValue": "1",
    }
    assert grafana["sidecar"]["datasources"] == {"resource": "configmap"}
    assert grafana["additionalDataSources"] == [
        {"name": "Jaeger", "uid": "jaeger", "type": "jaeger", "url": "http://jaeger.monitoring:16686"}
    ]


def test_grafana_reads_the_secrets_of_no_other_namespace() -> None:
    assert chart()["grafana"]["rbac"] == {"namespaced": True}
    role = stack().named(f"{RBAC}:Role", "grafana-dashboards")
    binding = stack().named(f"{RBAC}:RoleBinding", "grafana-dashboards")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    account = chart()["grafana"]["serviceAccount"]["name"]
    assert account == "kube-prometheus-stack-grafana"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "monitoring"}]
    # Otherwise its sidecar would start by being refused.
    assert "grafana-dashboards" in waits_for(stack(), release(stack(), NAME))
    assert binding.deleted_with == namespace(stack(), "ai-prism")


@pytest.mark.parametrize(
    ("path", "registry"),
    [
        ("prometheus.prometheusSpec", "quay.io"),
        ("alertmanager.alertmanagerSpec", "quay.io"),
        ("prometheusOperator", "quay.io"),
        ("prometheusOperator.prometheusConfigReloader", "quay.io"),
        ("prometheusOperator.admissionWebhooks.patch", "ghcr.io"),
        ("grafana", "docker.io"),
        ("grafana.sidecar", "quay.io"),
        ("kube-state-metrics", "registry.k8s.io"),
        ("prometheus-node-exporter", "quay.io"),
    ],
)
def test_images_are_pulled_through_the_cache(path: str, registry: str) -> None:
    assert at(path)["image"] == {"registry": cached(registry)}
    assert chart()["prometheusOperator"]["thanosImage"] == {"registry": cached("quay.io")}


@pytest.mark.parametrize(
    "path",
    [
        "prometheus.prometheusSpec",
        "alertmanager.alertmanagerSpec",
        "prometheusOperator",
        "prometheusOperator.admissionWebhooks.patch",
        "grafana",
        "kube-state-metrics",
    ],
)
def test_every_part_runs_on_demand_nodes(path: str) -> None:
    assert at(path)["nodeSelector"] == WEB_TIER


@pytest.mark.parametrize(
    ("path", "needs"),
    [
        ("alertmanager.alertmanagerSpec", asks("20m", "64Mi", limit="128Mi")),
        ("prometheusOperator", asks("50m", "128Mi", limit="256Mi")),
        ("prometheusOperator.prometheusConfigReloader", asks("10m", "32Mi", limit="64Mi")),
        ("prometheusOperator.admissionWebhooks.patch", asks("10m", "64Mi")),
        ("grafana", asks("100m", "256Mi", limit="512Mi")),
        ("grafana.sidecar", asks("10m", "96Mi", limit="128Mi")),
        # https://github.com/kubernetes/kube-state-metrics/blob/main/README.md#resource-recommendation
        ("kube-state-metrics", asks("100m", "250Mi", limit="500Mi")),
        ("prometheus-node-exporter", asks("20m", "32Mi", limit="64Mi")),
    ],
)
def test_each_part_requests_what_the_web_tier_has_room_for(path: str, needs: object) -> None:
    assert at(path)["resources"] == needs


def at(path: str) -> dict[str, Any]:
    """Return the values at a path."""
    found: Any = chart()
    for key in path.split("."):
        found = found[key]
    return found
