"""The alerts that come with the monitoring chart are silent on a healthy stack, by what the stack itself declares."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from node_groups import tier
from promql import promtool
from support import STACKS, recorded
from third_party import needs_charts, rendered
from web_tier import asked, node

STACK = "kube-prometheus-stack"
HOURS = 2

pytestmark = needs_charts


def groups(stack: str) -> Iterator[dict[str, Any]]:
    for manifest in rendered(stack, STACK):
        if manifest["kind"] == "PrometheusRule":
            yield from manifest["spec"]["groups"]


def declared(stack: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Yield the series that the stack's own objects make on its nodes as they start: name, labels, value."""
    graph = recorded(stack, known=True)
    web = tier(graph, "web")
    count, has = sum(int(each["scalingConfig"]["desiredSize"]) for each in web), node(web[0]["instanceTypes"][0])
    state = {"job": "kube-state-metrics"}
    for number in range(count):
        for resource, value in (("cpu", has.cpu / 1000), ("memory", has.memory * 2**20)):
            labels = {**state, "node": f"web-{number}", "resource": resource}
            yield "kube_node_status_allocatable", labels, value
    everywhere, pods = asked(graph)
    for name, key, unit in (("cpu", "cpu", 1 / 1000), ("memory", "memory", 2**20)):
        total = count * getattr(everywhere, key) + sum(getattr(pod, key) for pod in pods)
        yield f"namespace_{name}:kube_pod_container_resource_requests:sum", {"namespace": "all"}, total * unit
    for quota in graph.of_type("kubernetes:core/v1:ResourceQuota"):
        labels = {**state, "namespace": quota["metadata"]["namespace"], "resourcequota": quota["metadata"]["name"]}
        for resource, hard in quota["spec"]["hard"].items():
            for kind, value in (("hard", amount(hard)), ("used", 0)):
                yield "kube_resourcequota", {**labels, "resource": resource, "type": kind}, value


def amount(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(Gi|)", text).groups()  # pyright: ignore[reportOptionalMemberAccess]
    return int(number) * (2**30 if unit else 1)


def fired(stack: str, folder: Path, more: Mapping[str, float] | None = None) -> set[str]:
    """Return the names of the alerts about resources that fire on what a stack declares."""
    rules = [each for group in groups(stack) if group["name"] == "kubernetes-resources" for each in group["rules"]]
    assert rules
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": "resources", "rules": rules}]}))
    series = [
        {
            "series": name + "{" + ",".join(f'{key}="{label}"' for key, label in labels.items()) + "}",
            "values": f"{value:f}x{HOURS * 60}",
        }
        for name, labels, value in [
            *declared(stack),
            *((name, {"a": "b"}, value) for name, value in (more or {}).items()),
        ]
    ]
    checks = [{"eval_time": f"{HOURS}h", "alertname": rule["alert"], "exp_alerts": []} for rule in rules]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": checks}
    (folder / "test.json").write_text(json.dumps({"rule_files": ["rules.json"], "tests": [test]}))
    run = promtool("test", "rules", folder / "test.json")
    found = set(re.findall(r"alertname: (\w+)", run.stdout))
    assert found or run.returncode == 0, run.stdout
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_quotas_and_requests_of_a_stack_as_it_starts_raise_no_alert(stack: str, tmp_path: Path) -> None:
    assert fired(stack, tmp_path) == set()


def test_more_asked_for_than_there_is_raises_one(tmp_path: Path) -> None:
    assert "KubeCPUOvercommit" in fired(
        "prod", tmp_path, {"namespace_cpu:kube_pod_container_resource_requests:sum": 1000}
    )


@pytest.mark.parametrize("stack", STACKS)
def test_no_alert_waits_for_a_component_that_cannot_be_watched(stack: str) -> None:
    expected = {
        job
        for group in groups(stack)
        for rule in group["rules"]
        if "alert" in rule
        for job in re.findall(r'absent\(up\{[^}]*job="([^"]+)"', rule["expr"])
    }
    watched = {
        manifest["metadata"]["name"].removeprefix(f"{STACK}-")
        for manifest in rendered(stack, STACK)
        if manifest["kind"] == "ServiceMonitor"
    }

    assert expected
    assert expected <= watched
    assert not watched & {"kube-controller-manager", "kube-scheduler", "kube-etcd", "kube-proxy"}
