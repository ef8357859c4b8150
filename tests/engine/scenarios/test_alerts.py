"""The monitoring chart's alerts on what Prometheus sees of a stack: silent while it is healthy, heard when not."""

import fcntl
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from engine.healthy import STACK, Healthy, Series, see
from promql import promtool, reads
from support import STACKS
from third_party import needs_charts, rendered

pytestmark = needs_charts

HEALTHY_MINUTES = 260
"""The longest that an alert of the chart waits is four hours."""
BROKEN_MINUTES = 90
"""The longest that an alert in FAULTS waits is an hour."""
ALWAYS = {"Watchdog"}
"""What fires for ever on purpose: that it arrives shows that alerts do."""

NOT_THERE: Mapping[str, str] = {
    "ALERTS": "is made by Prometheus itself while an alert is pending or fires",
    "kube_pod_container_status_waiting_reason": "is there while a container waits",
    "kube_job_failed": "is there once a Job has failed",
    "kube_pod_status_reason": "is there while a pod has a reason, such as Evicted",
    "kube_state_metrics_list_total": "is there once kube-state-metrics has listed: it has lists streamed by watches",
    "apiserver_request_terminations_total": "is there once the API server has given up a request",
    "kube_node_role": "EKS labels no node with a role",
    "kube_node_spec_taint": "is there where a stack has nodes with GPUs",
    "kube_persistentvolumeclaim_labels": "is there where labels are allowed, and no volume is left out here",
    "kubelet_certificate_manager_client_ttl_seconds": "nodes of EKS have tokens of IAM in place of certificates",
    "kubelet_certificate_manager_client_expiration_renew_errors": "nodes of EKS have tokens of IAM",
    "aggregator_unavailable_apiservice_total": "is there once an API was away",
    "node_bonding_active": "instances of EC2 have no bonded interfaces",
    "node_bonding_slaves": "instances of EC2 have no bonded interfaces",
    "node_md_disks": "the nodes have no RAID",
    "node_md_disks_required": "the nodes have no RAID",
    "node_systemd_unit_state": "the exporter reads no systemd unless told to",
    "node_systemd_service_restart_total": "the exporter reads no systemd unless told to",
    "prometheus_remote_storage_failed_samples_total": "nothing is written to another storage",
    "prometheus_remote_storage_samples_failed_total": "nothing is written to another storage",
    "prometheus_remote_storage_succeeded_samples_total": "nothing is written to another storage",
    "prometheus_remote_storage_samples_total": "nothing is written to another storage",
    "prometheus_remote_storage_queue_highest_timestamp_seconds": "nothing is written to another storage",
    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds": "nothing is written to another storage",
    "prometheus_remote_storage_shards_desired": "nothing is written to another storage",
    "prometheus_remote_storage_shards_max": "nothing is written to another storage",
}
"""Metrics that alerts read and a healthy stack does not have, each with the reason."""

_OF_TARGETS = ("job", "metrics_path", "container", "namespace")
"""Labels by which a rule finds what it watches."""


@dataclass(frozen=True)
class Fault:
    """What changes in a series when something goes wrong: one of a metric's, or another beside it."""

    metric: str
    where: Mapping[str, str] = field(default_factory=dict)
    value: float = 0
    growth: float = 0
    beside: Mapping[str, str] | None = None
    """Labels, and the name if another, of a series that is there besides."""


FAULTS: Mapping[str, Fault] = {
    # A configuration that cannot be read, of Alertmanager and of Prometheus.
    "AlertmanagerFailedReload": Fault("alertmanager_config_last_reload_successful"),
    "ConfigReloaderSidecarErrors": Fault("reloader_last_reload_successful"),
    "PrometheusRuleFailures": Fault("prometheus_rule_evaluation_failures_total", growth=1),
    "TargetDown": Fault("up", {"job": "kube-prometheus-stack-operator"}),
    "KubeAPIErrorBudgetBurn": Fault("apiserver_request_total", {"verb": "LIST"}, 0, 9000, {"code": "503"}),
    "KubeStateMetricsWatchErrors": Fault("kube_state_metrics_watch_total", {}, 0, 1000, {"result": "error"}),
    "KubePodCrashLooping": Fault(
        "kube_pod_container_status_restarts_total",
        {},
        1,
        0,
        {"__name__": "kube_pod_container_status_waiting_reason", "reason": "CrashLoopBackOff"},
    ),
    "KubeQuotaExceeded": Fault("kube_resourcequota", {"type": "used", "resource": "pods"}, 100000),
    "KubePersistentVolumeFillingUp": Fault("kubelet_volume_stats_available_bytes", value=1000),
    "KubeAPIInstanceUnreachable": Fault("up", {"job": "apiserver"}),
    "KubeNodeNotReady": Fault("kube_node_status_condition", {"condition": "Ready", "status": "true"}),
    "KubeVersionMismatch": Fault("kubernetes_build_info", {}, 1, 0, {"git_version": "v1.20.0"}),
    "NodeFilesystemAlmostOutOfSpace": Fault("node_filesystem_avail_bytes", value=1000),
    "NodeNetworkInterfaceFlapping": Fault("node_network_up", growth=1),
    "PrometheusOperatorRejectedResources": Fault("prometheus_operator_managed_resources", {"state": "rejected"}, 1),
}
"""For each group an alert, and what makes it fire."""


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def healthy(stack: str, shared: Path, tmp_path: Path) -> Healthy:
    """What is seen of a stack, which is brought up once in a run."""
    kept = shared / f"healthy-{stack}"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(see(stack, tmp_path)))
    return pickle.loads(kept.read_bytes())  # noqa: S301  # written above


def groups(stack: str) -> list[dict[str, Any]]:
    """Return the groups of rules that the chart makes; what is recorded comes before what reads it."""
    found = [
        group
        for manifest in rendered(stack, STACK)
        if manifest["kind"] == "PrometheusRule"
        for group in manifest["spec"]["groups"]
    ]
    return sorted(found, key=lambda group: any("alert" in rule for rule in group["rules"]))


def expression(rule: Mapping[str, Any]) -> str:
    """Return what a rule asks, without comments, and with the words of PromQL as `reads` knows them."""
    lines = [line for line in rule["expr"].splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\b(BY|WITHOUT|ON|GROUP_LEFT|OR|AND)\b", lambda word: word[0].lower(), "\n".join(lines))
    return re.sub(r"\bgroup_left\b(?!\s*\()", "", text)


def names(rules: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for rule in rules for name, _ in reads(expression(rule))}


def rules(stack: str) -> list[dict[str, Any]]:
    return [rule for group in groups(stack) for rule in group["rules"]]


def fired(stack: str, series: Sequence[Series], folder: Path, minutes: int, seconds: int = 60) -> set[str]:
    """Return the names of the alerts that fire after so many minutes of these series, with a value every so often."""
    folder.mkdir(exist_ok=True)
    read = names(rules(stack))
    given = [{"series": str(each), "values": each.values(minutes, seconds)} for each in series if each.name in read]
    alerts = sorted({rule["alert"] for rule in rules(stack) if "alert" in rule})
    checks = [{"eval_time": f"{minutes}m", "alertname": name, "exp_alerts": []} for name in alerts]
    test = {"interval": f"{seconds}s", "input_series": given, "alert_rule_test": checks}
    (folder / "rules.json").write_text(json.dumps({"groups": groups(stack)}))
    asked = {"rule_files": ["rules.json"], "evaluation_interval": "2m", "tests": [test]}
    (folder / "test.json").write_text(json.dumps(asked))
    run = promtool("test", "rules", folder / "test.json", seconds=600)
    found = set(re.findall(r"alertname: (\w+)", run.stdout))
    assert found, run.stdout
    return found


def unmatched(rule: Mapping[str, Any], series: Sequence[Series]) -> Iterator[str]:
    """Yield what a rule looks for by the labels of a target, and what no series has."""
    for name, inside in re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", expression(rule)):
        wanted = [
            (key, text)
            for key, kind, _, text in re.findall(r'(\w+)\s*(=~|=)\s*(["`])(.*?)\3', inside)
            if kind in ("=", "=~") and key in _OF_TARGETS
        ]
        there = [each for each in series if each.name == name]
        if there and not any(
            all(re.fullmatch(text, each.labels.get(key, "")) for key, text in wanted) for each in there
        ):
            yield f"{name}{{{inside}}}"


def test_a_healthy_stack_raises_no_alert_but_the_one_that_always_fires(
    stack: str, healthy: Healthy, tmp_path: Path
) -> None:
    assert fired(stack, healthy.series, tmp_path, HEALTHY_MINUTES) == ALWAYS


def test_every_alert_finds_what_it_reads(stack: str, healthy: Healthy) -> None:
    recorded = {rule["record"] for rule in rules(stack) if "record" in rule}
    there = {each.name for each in healthy.series} | recorded | set(NOT_THERE)
    alerts = [rule for rule in rules(stack) if "alert" in rule]

    assert len(alerts) > 100
    assert {rule["alert"]: missing for rule in alerts if (missing := names([rule]) - there)} == {}
    assert [(rule["alert"], each) for rule in alerts for each in unmatched(rule, healthy.series)] == []
    assert set(NOT_THERE) <= {name for each in STACKS for name in names(rules(each))}


def test_every_monitor_finds_a_target(healthy: Healthy) -> None:
    assert healthy.unwatched == []


def test_in_each_group_an_alert_fires_when_something_is_wrong(stack: str, healthy: Healthy, tmp_path: Path) -> None:
    audible = {group["name"] for group in groups(stack) for rule in group["rules"] if rule.get("alert") in FAULTS}
    broken = list(healthy.series)
    for fault in FAULTS.values():
        broken = changed(broken, fault)

    assert audible == {group["name"] for group in groups(stack) if any("alert" in rule for rule in group["rules"])}
    assert fired(stack, broken, tmp_path, BROKEN_MINUTES, 30) >= set(FAULTS)


def changed(series: Sequence[Series], fault: Fault) -> list[Series]:
    """Return the series with one of them as a fault makes it."""
    index = next(
        index
        for index, each in enumerate(series)
        if each.name == fault.metric and fault.where.items() <= each.labels.items()
    )
    if fault.beside is None:
        return [*series[:index], replace(series[index], value=fault.value, growth=fault.growth), *series[index + 1 :]]
    labels = {**series[index].labels, **fault.beside}
    return [*series, Series(labels.pop("__name__", fault.metric), labels, fault.value, fault.growth)]
