"""Metrics, traces and alerts: kept where, for how long, and who is told."""

import json
import re
from typing import Any

import pytest
from support import STACKS, recorded

from components.namespaces import APPLICATION, KUBE_SYSTEM, MONITORING, PROMETHEUS_PORT
from recording.graph import Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


def release(stack: str, name: str) -> Resource:
    return recorded(stack, known=True).named(RELEASE, name)


def values(stack: str, name: str) -> dict[str, Any]:
    return release(stack, name)["values"]


def gibibytes(text: str) -> int:
    return int(re.fullmatch(r"(\d+)G[iB]i?", text)[1])  # type: ignore[index]


@pytest.mark.parametrize("stack", STACKS)
def test_volumes_are_encrypted_by_the_clusters_key_and_go_with_their_claim(stack: str) -> None:
    graph = recorded(stack, known=True)
    (kind,) = graph.of_type(CLASS)
    key = graph.named("aws:kms/key:Key", "encryption-cluster")
    assert kind["parameters"]["encrypted"] == "true"
    assert kind["parameters"]["kmsKeyId"] == key.outputs["arn"]
    assert kind["reclaimPolicy"] == "Delete"
    assert kind["volumeBindingMode"] == "WaitForFirstConsumer"


@pytest.mark.parametrize("stack", STACKS)
def test_every_volume_is_of_the_encrypted_kind(stack: str) -> None:
    graph = recorded(stack, known=True)
    text = json.dumps([item["values"] for item in graph.of_type(RELEASE)], default=str)
    claims = [item["spec"] for item in graph.of_type("kubernetes:core/v1:PersistentVolumeClaim")]
    named = re.findall(r'"storageClassName": "([^"]+)"', text) + [claim["storageClassName"] for claim in claims]
    assert named
    assert set(named) == {"gp3-encrypted"}


@pytest.mark.parametrize("stack", STACKS)
def test_metrics_are_kept_for_fifteen_days_and_never_fill_their_volume(stack: str) -> None:
    spec = values(stack, "kube-prometheus-stack")["prometheus"]["prometheusSpec"]
    claim = spec["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert spec["retention"] == "15d"
    assert gibibytes(spec["retentionSize"]) < 0.9 * gibibytes(claim["resources"]["requests"]["storage"])


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_any_namespace_wants_watched_is_watched(stack: str) -> None:
    spec = values(stack, "kube-prometheus-stack")["prometheus"]["prometheusSpec"]
    for kind in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert spec[f"{kind}SelectorNilUsesHelmValues"] is False
        assert not spec.get(f"{kind}Selector")
        assert not spec.get(f"{kind}NamespaceSelector")


@pytest.mark.parametrize("stack", STACKS)
def test_alerts_that_ask_for_somebody_reach_the_topics_that_alarms_of_their_severity_reach(stack: str) -> None:
    graph = recorded(stack, known=True)
    config = values(stack, "kube-prometheus-stack")["alertmanager"]["config"]
    told = {receiver["name"]: receiver.get("sns_configs", []) for receiver in config["receivers"]}
    routes = {route["matchers"][0]: told[route["receiver"]] for route in config["route"]["routes"]}
    assert routes['severity = "critical"'][0]["topic_arn"] == graph.outputs["alertsTopicArn"]
    assert routes['severity = "warning"'][0]["topic_arn"] == graph.outputs["warningsTopicArn"]
    assert "severity" in config["route"]["group_by"]
    assert not told[config["route"]["receiver"]]
    sent = [config for configs in told.values() for config in configs]
    assert not any("access_key" in config["sigv4"] for config in sent)
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", "identity-alertmanager-grants")["policy"]
    publish, _ = json.loads(policy)["Statement"]
    assert publish["Action"] == ["sns:Publish"]
    assert sorted(publish["Resource"]) == sorted(config["topic_arn"] for config in sent)


@pytest.mark.parametrize("stack", STACKS)
def test_the_pods_that_wear_a_role_have_the_service_account_that_it_is_given_to(stack: str) -> None:
    graph = recorded(stack, known=True)
    worn = {
        (item["namespace"], item["serviceAccount"])
        for item in graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    }
    metrics = values(stack, "kube-prometheus-stack")
    assert (MONITORING, metrics["alertmanager"]["serviceAccount"]["name"]) in worn
    assert ("logging", values(stack, "fluent-bit")["serviceAccount"]["name"]) in worn
    assert (KUBE_SYSTEM, values(stack, "cluster-autoscaler")["rbac"]["serviceAccount"]["name"]) in worn


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_in_monitoring_sees_the_host(stack: str) -> None:
    metrics = values(stack, "kube-prometheus-stack")
    assert metrics["prometheus-node-exporter"]["namespaceOverride"] == KUBE_SYSTEM
    assert metrics["grafana"]["persistence"]["enabled"] is False


@pytest.mark.parametrize("stack", STACKS)
def test_no_alarm_is_raised_for_what_eks_keeps_to_itself(stack: str) -> None:
    metrics = values(stack, "kube-prometheus-stack")
    for part in ("kubeControllerManager", "kubeEtcd", "kubeProxy", "kubeScheduler"):
        assert metrics[part]["enabled"] is False


@pytest.mark.parametrize("stack", STACKS)
def test_nobody_looks_at_grafana_without_a_name_and_no_password_is_given(stack: str) -> None:
    grafana = values(stack, "kube-prometheus-stack")["grafana"]
    assert grafana["grafana.ini"]["auth.anonymous"]["enabled"] is False
    assert "ingress" not in grafana
    assert not re.search("password", json.dumps(grafana, default=str), re.IGNORECASE)


@pytest.mark.parametrize("stack", STACKS)
def test_grafana_reads_dashboards_where_they_lie_and_the_secrets_of_no_other_namespace(stack: str) -> None:
    graph = recorded(stack, known=True)
    grafana = values(stack, "kube-prometheus-stack")["grafana"]
    assert grafana["rbac"] == {"namespaced": True}
    assert grafana["sidecar"]["dashboards"]["searchNamespace"] == [MONITORING, APPLICATION]
    assert {grafana["sidecar"][part]["resource"] for part in ("dashboards", "datasources")} == {"configmap"}
    role = graph.named("kubernetes:rbac.authorization.k8s.io/v1:Role", "grafana-dashboards")
    binding = graph.named("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "grafana-dashboards")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", role["metadata"]["name"])
    (reader,) = binding["subjects"]
    assert (reader["namespace"], reader["name"]) == (MONITORING, grafana["serviceAccount"]["name"])
    # Otherwise its sidecar would start by being refused.
    assert binding.urn in graph.needs(release(stack, "kube-prometheus-stack"))
    space = graph.named("kubernetes:core/v1:Namespace", APPLICATION).urn
    for item in (role, binding):
        assert item["metadata"]["namespace"] == APPLICATION
        assert item.deleted_with == space


@pytest.mark.parametrize("stack", STACKS)
def test_controllers_run_twice_on_nodes_of_their_own_where_a_stack_matters(stack: str) -> None:
    twice = stack in ("staging", "prod")
    metrics = values(stack, "kube-prometheus-stack")
    counts = [
        metrics["prometheus"]["prometheusSpec"]["replicas"],
        metrics["alertmanager"]["alertmanagerSpec"]["replicas"],
        values(stack, "prometheus-adapter")["replicas"],
        values(stack, "opentelemetry-collector")["replicaCount"],
        values(stack, "cluster-autoscaler")["replicaCount"],
    ]
    assert set(counts) == {2 if twice else 1}
    assert values(stack, "prometheus-adapter")["podDisruptionBudget"]["enabled"] is twice
    for part in ("prometheus", "alertmanager"):
        # It keeps one, which nothing may ask of one alone.
        assert metrics[part]["podDisruptionBudget"] == {"enabled": twice}


@pytest.mark.parametrize("stack", STACKS)
def test_autoscalers_can_ask_for_one_metric_of_pods(stack: str) -> None:
    adapter = values(stack, "prometheus-adapter")
    assert adapter["rules"]["default"] is False
    (rule,) = adapter["rules"]["custom"]
    assert rule["name"]["as"] == "active_requests"
    assert rule["resources"]["overrides"].keys() == {"namespace", "pod"}
    assert adapter["prometheus"] == {"url": "http://prometheus-operated.monitoring", "port": PROMETHEUS_PORT}


@pytest.mark.parametrize("stack", STACKS)
def test_the_adapter_goes_before_the_namespaces_whose_deletion_it_would_hold_up(stack: str) -> None:
    graph = recorded(stack, known=True)
    adapter = release(stack, "prometheus-adapter")
    assert adapter.deleted_with is None
    spaces = {space.urn for space in graph.of_type("kubernetes:core/v1:Namespace")}
    assert spaces <= graph.needs(adapter)


@pytest.mark.parametrize("stack", STACKS)
def test_traces_pass_the_limiter_first_and_end_in_jaeger(stack: str) -> None:
    config = values(stack, "opentelemetry-collector")["alternateConfig"]
    traces = config["service"]["pipelines"]["traces"]
    assert traces["receivers"] == ["otlp"]
    assert traces["processors"][0] == "memory_limiter"
    assert [config["exporters"][name]["endpoint"] for name in traces["exporters"]] == ["jaeger.monitoring:4317"]


@pytest.mark.parametrize("stack", STACKS)
def test_traces_outlive_a_restart_where_a_stack_matters(stack: str) -> None:
    graph = recorded(stack, known=True)
    jaeger = values(stack, "jaeger")
    (store,) = jaeger["userconfig"]["extensions"]["jaeger_storage"]["backends"].values()
    claims = graph.of_type("kubernetes:core/v1:PersistentVolumeClaim")
    # One pod writes to it.
    assert jaeger["jaeger"]["replicas"] == 1
    if stack in ("staging", "prod"):
        (claim,) = claims
        (volume,) = jaeger["jaeger"]["extraVolumes"]
        (mount,) = jaeger["jaeger"]["extraVolumeMounts"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert all(folder.startswith(mount["mountPath"]) for folder in store["badger"]["directories"].values())
        assert claim.urn in graph.needs(release(stack, "jaeger"))
        assert claim.deleted_with == graph.named("kubernetes:core/v1:Namespace", MONITORING).urn
    else:
        assert not claims
        assert store["memory"]["max_traces"] > 0


@pytest.mark.parametrize("stack", STACKS)
def test_charts_that_say_what_is_to_be_watched_come_after_the_kinds_for_it(stack: str) -> None:
    graph = recorded(stack, known=True)
    kinds = release(stack, "kube-prometheus-stack")
    watched = [
        item
        for item in graph.of_type(RELEASE)
        if re.search(r"'(service|pod)Monitor': ", repr(item["values"])) and item != kinds
    ]
    assert len(watched) > 3
    for item in watched:
        assert kinds.urn in graph.needs(item), item.urn


def test_series_keep_the_labels_by_which_alerts_know_them() -> None:
    graph = recorded("prod", known=True)
    values = {release.name: release["values"] for release in graph.of_type("kubernetes:helm.sh/v3:Release")}

    assert values["flagger"]["podMonitor"]["honorLabels"]
    assert values["external-secrets"]["serviceMonitor"]["honorLabels"]
    assert values["argo-cd"]["controller"]["metrics"]["serviceMonitor"]["honorLabels"]
