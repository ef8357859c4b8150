"""Pods follow their configuration: what a value changes in a mounted ConfigMap or Secret reaches what runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support import recorded
from third_party import (
    SEPARATOR,
    Manifest,
    another,
    chart_of,
    found_once,
    kubernetes_version,
    needs_charts,
    objects_with,
    paths,
    plain,
    releases,
    rendered,
    value_at,
    with_value,
)

from components.apps.installer import MARK
from recording.graph import Resource

pytestmark = needs_charts

STACK = "prod"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
FOLLOWED: Mapping[str, str] = {
    "jaeger: ConfigMap user-config": "the program's label on the pod changes with it: components/apps/jaeger.py",
}
"""What pods follow though the chart does not restart them, and by what."""
WATCHED: Mapping[str, str] = {
    "argo-cd: ConfigMap argocd-rbac-cm": "the server watches it",
    # WatchClusters in https://github.com/argoproj/argo-cd/blob/v3.4.4/util/db/cluster.go
    "argo-cd: Secret argocd-cluster-in-cluster": "the controller and the server watch it",
    "argo-cd: Secret argocd-secret": "the server writes it",
    # https://github.com/argoproj/notifications-engine/blob/master/pkg/api/factory.go
    "argo-cd: ConfigMap argocd-notifications-cm": "the notifications controller watches it",
    # https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/expander/priority/readme.md
    "cluster-autoscaler: ConfigMap cluster-autoscaler-priority-expander": "read for each decision",
    # https://github.com/istio/istio/blob/1.30.3/pilot/pkg/bootstrap/mesh.go
    "istiod: ConfigMap istio": "istiod watches it",
    # https://github.com/istio/istio/blob/1.30.3/pkg/kube/inject/watcher.go
    "istiod: ConfigMap istio-sidecar-injector": "istiod watches it; pods have it when they are made",
    "istiod: ConfigMap values": "for istioctl, no pod reads it",
    # https://github.com/prometheus-operator/prometheus-operator/blob/v0.93.1/pkg/alertmanager/statefulset.go
    "kube-prometheus-stack: Secret alertmanager-kube-prometheus-stack-alertmanager": "the operator's config reloader",
    # charts/crds/templates/upgrade/job.yaml of the chart
    "kube-prometheus-stack: ConfigMap kube-prometheus-stack-crds-upgrade": "the job of each upgrade reads it",
}
"""What no pod has as files or variables, and who notices a change of it."""
SIDECAR = ("grafana_dashboard", "grafana_datasource")
"""Labels by which Grafana's sidecar watches ConfigMaps."""
NAMES = [release.name for release in releases(recorded(STACK, known=True))]


def read_by(template: Manifest) -> Iterator[str]:
    """Yield the ConfigMaps and Secrets that a pod has as files or variables."""
    spec = template["spec"]
    for volume in spec.get("volumes") or []:
        for source in (volume, *volume.get("projected", {}).get("sources", [])):
            if "configMap" in source:
                yield f"ConfigMap {source['configMap']['name']}"
            if "secret" in source:
                yield f"Secret {source['secret'].get('secretName') or source['secret'].get('name')}"
    for container in (*(spec.get("initContainers") or []), *spec["containers"]):
        variables = [each["valueFrom"] for each in container.get("env") or [] if "valueFrom" in each]
        for each in (*variables, *(container.get("envFrom") or [])):
            for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if reference := each.get(f"{key}Ref") or each.get(f"{key}KeyRef"):
                    yield f"{kind} {reference['name']}"


class Rendering:
    """The pods of a release, and what configures them."""

    def __init__(self, objects: list[Manifest]) -> None:
        self.pods = {
            f"{each['kind']} {each['metadata']['name']}": each["spec"]["template"]
            for each in objects
            if each["kind"] in WORKLOADS
        }
        self.data = {
            f"{each['kind']} {each['metadata']['name']}": {**(each.get("data") or {}), **(each.get("stringData") or {})}
            for each in objects
            if each["kind"] in ("ConfigMap", "Secret")
        }

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield each pod with what it reads of what the chart makes."""
        for pod, template in self.pods.items():
            yield from ((pod, config) for config in sorted(set(read_by(template)) & set(self.data)))


def differs(before: Any, again: Any, after: Any) -> bool:
    """Whether something has changed that does not change by itself, as passwords that a chart makes up do."""
    if isinstance(before, dict) and isinstance(again, dict) and isinstance(after, dict):
        return any(differs(before.get(key), again.get(key), after.get(key)) for key in {*before, *after})
    return before == again and before != after


def settled(before: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """Whether values have a part in what is there: certificates are new each time, other Secrets empty."""
    return any(before[key] == again.get(key) for key in before)


def left_behind(before: Rendering, again: Rendering, after: Rendering) -> Iterator[str]:
    """Yield the pods that stay as they are though what they read has changed."""
    for pod, config in before.pairs():
        if pod not in after.pods or config not in after.data:
            continue
        restarts = differs(before.pods[pod], again.pods[pod], after.pods[pod])
        if not restarts and differs(before.data[config], again.data[config], after.data[config]):
            yield f"{pod} with {config}"


def reaching(values: Mapping[str, Any], pods: list[Manifest], chart: str) -> Iterator[str]:
    """Yield the values of a chart that may reach some pods: all, or those of the subchart that makes them."""
    parts = {pod["metadata"]["labels"].get("app.kubernetes.io/name", "") for pod in pods}
    heads = {"global", *parts} if chart not in parts and parts <= set(values) else set(values)
    for path, _ in paths(values):
        if path.split(SEPARATOR)[0] in heads and path != SEPARATOR.join(("global", MARK)):
            yield path


def found(release: Resource) -> Iterator[str]:
    values, version = plain(release["values"]), kubernetes_version(STACK)

    def rendering(changed: Mapping[str, Any]) -> Rendering | None:
        objects = objects_with(release, changed, version)
        return None if objects is None else Rendering(objects)

    before = rendering(values)
    assert before
    again = rendering(values)
    assert again
    pairs = [
        (pod, config)
        for pod, config in before.pairs()
        if f"{release.name}: {config}" not in FOLLOWED and settled(before.data[config], again.data[config])
    ]
    if not pairs:
        return
    for path in reaching(values, [before.pods[pod] for pod, _ in pairs], chart_of(release)):
        keys = path.split(SEPARATOR)
        after = rendering(with_value(values, keys, another(value_at(values, keys))))
        for each in left_behind(before, again, after) if after else ():
            if f"{release.name}: {each.partition(' with ')[2]}" not in FOLLOWED:
                yield f"{path}: {each}"


@pytest.mark.parametrize("name", NAMES)
def test_configuration_that_no_pod_mounts_is_watched_by_somebody(name: str) -> None:
    objects = rendered(STACK, name)
    read = {config for _, config in Rendering(objects).pairs()}
    loose = {
        f"{name}: {each['kind']} {each['metadata']['name']}"
        for each in objects
        if each["kind"] in ("ConfigMap", "Secret") and not set(SIDECAR) & set(each["metadata"].get("labels") or {})
    } - {f"{name}: {config}" for config in read}

    assert loose == {each for each in WATCHED if each.startswith(f"{name}: ")}


@pytest.mark.parametrize("name", NAMES)
def test_pods_restart_when_a_value_changes_what_they_read(name: str) -> None:
    release = next(each for each in releases(recorded(STACK, known=True)) if each.name == name)

    what = {"values": plain(release["values"]), "by": Path(__file__).read_text(encoding="utf-8")}

    assert found_once(release, what, kubernetes_version(STACK), lambda: found(release)) == []


def test_a_pod_that_would_keep_its_old_configuration_is_told() -> None:
    def objects(level: str, annotations: Mapping[str, str]) -> Rendering:
        spec = {"volumes": [{"name": "config", "configMap": {"name": "shop"}}], "containers": []}
        template = {"metadata": {"annotations": annotations}, "spec": spec}
        deployment = {"kind": "Deployment", "metadata": {"name": "shop"}, "spec": {"template": template}}
        config = {"kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"level": level}}
        return Rendering([deployment, config])

    before = objects("info", {"checksum": "1"})

    assert list(left_behind(before, before, objects("debug", {"checksum": "1"}))) == [
        "Deployment shop with ConfigMap shop"
    ]
    assert list(left_behind(before, before, objects("debug", {"checksum": "2"}))) == []
    # New each time, whatever the values are.
    assert list(left_behind(before, objects("other", {"checksum": "1"}), objects("debug", {"checksum": "1"}))) == []
