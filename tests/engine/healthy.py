"""A stack as it is when nothing is wrong with it, and the series by which Prometheus would see it so.

The objects of the program and of the charts stand in a real API server, on as many nodes as the stack begins with, of
their size, until all their pods are ready. What the real kube-state-metrics says of them, and the API server of itself,
is taken as it is; what no test can run is in `components.yaml`.
"""

import json
import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
import yaml
from chart import NAMESPACE, render
from node_groups import GROUP, zones
from support import recorded
from third_party import everything, plain, rendered
from web_tier import ADDONS, EVERY_NODE, Ask
from web_tier import node as size_of

from components.namespaces import KUBE_SYSTEM
from fakes.cluster.api import Api, ApiError, Object
from fakes.cluster.cluster import CONTROLLERS, Cluster, free_ports, node
from fakes.cluster.processes import Processes
from recording.graph import Graph
from tools.build import locate

COMPONENTS = Path(__file__).with_name("components.yaml")
STACK = "kube-prometheus-stack"
_SECONDS = 240
_STATE = "kube-state-metrics"
_KINDS = (
    *("Namespace", "PriorityClass", "StorageClass", "LimitRange", "ResourceQuota", "ServiceAccount", "Service"),
    *("PersistentVolumeClaim", "PodDisruptionBudget", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"),
    "HorizontalPodAutoscaler",
)
"""What has pods, or bounds them, in an order in which it can be made."""
_GONE = ("test", "hook-succeeded")
"""Helm's hooks that are no part of a stack: https://helm.sh/docs/topics/charts_hooks/."""


_AVAILABLE = {
    "deployments": "availableReplicas",
    "statefulsets": "availableReplicas",
    "daemonsets": "numberAvailable",
}
"""Where the status of workloads says how many pods there are."""


@dataclass(frozen=True)
class Series:
    """One series: its name and labels, with where it begins and how much it grows a minute."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float = 0
    growth: float = 0

    def __str__(self) -> str:
        return self.name + "{" + ",".join(f"{key}={json.dumps(text)}" for key, text in self.labels.items()) + "}"

    def values(self, minutes: int, seconds: int) -> str:
        """Return them in promtool's notation, so many seconds apart."""
        return f"{self.value:f}{self.growth * seconds / 60:+f}x{minutes * 60 // seconds}"


@dataclass(frozen=True)
class Healthy:
    """What Prometheus sees of a healthy stack, and which metrics kube-state-metrics would have besides."""

    series: Sequence[Series]
    described: frozenset[str]
    unwatched: Sequence[str]
    """Monitors that find no target."""


def see(stack: str, folder: Path) -> Healthy:
    """Bring up a stack's objects, and return what is seen of them."""
    graph = recorded(stack, known=True)
    nodes = list(_nodes(graph))
    with Cluster(folder / "cluster", CONTROLLERS, [each for each, _ in nodes]) as cluster:
        for each, has in nodes:
            _size(cluster.api, each, has)
        _bring_up(cluster.api, list(_objects(stack, graph)))
        with _state_metrics(folder / _STATE, cluster, stack) as (text, own):
            return _seen(cluster.api, stack, text, own)


def _nodes(graph: Graph) -> Iterator[tuple[Object, Ask]]:
    for group in graph.of_type(GROUP):
        where = zones(graph, group)
        taints = [
            {"key": taint["key"], "value": taint["value"], "effect": "NoSchedule"}
            for taint in group.inputs.get("taints") or ()
        ]
        for number in range(int(group["scalingConfig"]["desiredSize"])):
            labels = {**group["labels"], "topology.kubernetes.io/zone": where[number % len(where)]}
            yield node(f"{group.name}-{number}", labels, taints), size_of(group["instanceTypes"][0])


def _size(api: Api, each: Object, has: Ask) -> None:
    """Give a node the size of its type; kwok's are larger than any."""
    amounts = {"cpu": f"{has.cpu}m", "memory": f"{has.memory}Mi", "pods": str(has.pods)}
    status = {"status": {"capacity": amounts, "allocatable": amounts}}
    api.request("PATCH", f"{api.path(each)}/status", status, content_type="application/merge-patch+json")


def _objects(stack: str, graph: Graph) -> Iterator[Object]:
    for resource in graph.resources:
        if resource.type.startswith("kubernetes:") and resource.get("apiVersion"):
            made = plain(dict(resource.inputs))
            yield {**made, "metadata": {"name": resource.name, **made["metadata"]}}
    for release, manifest in everything(stack):
        made = {**manifest, "metadata": {"namespace": release["namespace"], **manifest["metadata"]}}
        if not any(word in str(made["metadata"].get("annotations")) for word in (f'hook": "{_GONE[0]}', *_GONE[1:])):
            yield _operated(made) if made["kind"] in ("Prometheus", "Alertmanager") else made
    for made in render(stack).objects:
        yield {**made, "metadata": {"namespace": NAMESPACE, **made["metadata"]}}
    for addon in graph.of_type("aws:eks/addon:Addon"):
        yield from _addon(addon["addonName"])


def _operated(custom: Object) -> Object:
    """Return the StatefulSet that the operator makes: names, labels and ports are those that Services select by.

    https://github.com/prometheus-operator/prometheus-operator/tree/v0.93.1/pkg: alertmanager/statefulset.go,
    prometheus/server/statefulset.go, operator/config_reloader.go
    """
    kind, name, spec = custom["kind"].lower(), custom["metadata"]["name"], custom["spec"]
    labels = {"app.kubernetes.io/name": kind, "operator.prometheus.io/name": name, kind: name}
    port = {"prometheus": 9090, "alertmanager": 9093}[kind]
    volume = spec["storage"]["volumeClaimTemplate"]["spec"]
    containers = [
        {"name": kind, "ports": [{"name": spec["portName"], "containerPort": port}], "resources": spec["resources"]},
        {"name": "config-reloader", "ports": [{"name": "reloader-web", "containerPort": 8080}]},
    ]
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    passed = ("affinity", "nodeSelector", "securityContext", "serviceAccountName", "topologySpreadConstraints")
    pod = {
        **{key: spec[key] for key in passed if key in spec},
        "containers": [{"image": spec["image"], "securityContext": secure, **each} for each in containers],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": f"{kind}-{name}", "namespace": custom["metadata"]["namespace"]},
        "spec": {
            "replicas": spec["replicas"],
            "podManagementPolicy": "Parallel",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": volume}],
        },
    }


def _addon(name: str) -> Iterator[Object]:
    """Yield what an add-on of EKS runs."""
    for number, (count, ask) in enumerate(ADDONS[name]):
        labels = {"k8s-app": "kube-dns" if name == "coredns" else f"{name}-{number}"}
        requests = {"cpu": f"{ask.cpu}m", "memory": f"{ask.memory}Mi"}
        ports = [{"name": "metrics", "containerPort": 9153}]
        container = {"name": name, "image": name, "resources": {"requests": requests}, "ports": ports}
        tolerations = [{"operator": "Exists"}] if count is EVERY_NODE else []
        yield {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet" if count is EVERY_NODE else "Deployment",
            "metadata": {"name": f"{name}-{number}", "namespace": KUBE_SYSTEM},
            "spec": {
                **({} if count is EVERY_NODE else {"replicas": count}),
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container], "tolerations": tolerations},
                },
            },
        }


def _bring_up(api: Api, objects: Sequence[Object]) -> None:
    made = sorted((each for each in objects if each["kind"] in _KINDS), key=lambda each: _KINDS.index(each["kind"]))
    for each in made:
        _insist(lambda each=each: api.apply(each, "test", force=True, dry=False))
    _until(lambda: _provide_volumes(api) or _lacking(api))


def _insist(act: Callable[[], Any]) -> None:
    """Do what is refused while the controllers have not yet seen what it rests on."""
    end = time.monotonic() + 30
    while True:
        try:
            act()
        except ApiError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def _until(lacking: Callable[[], Sequence[str]]) -> None:
    end = time.monotonic() + _SECONDS
    while left := lacking():
        assert time.monotonic() < end, f"not ready after {_SECONDS} s: {', '.join(left)}"
        time.sleep(0.5)


def _items(api: Api, path: str) -> list[Object]:
    return api.request("GET", path)["items"]


def _lacking(api: Api) -> list[str]:
    """Return what is not yet as it is to be."""
    found: list[str] = []
    for plural, have in _AVAILABLE.items():
        for each in _items(api, f"/apis/apps/v1/{plural}"):
            status = each["status"]
            wanted = each["spec"].get("replicas", status.get("desiredNumberScheduled", -1))
            seen = status.get("observedGeneration") == each["metadata"]["generation"]
            if not seen or wanted != status.get(have, 0):
                found.append(f"{plural} {each['metadata']['name']}")
    jobs = _items(api, "/apis/batch/v1/jobs")
    return found + [f"job {each['metadata']['name']}" for each in jobs if not each["status"].get("succeeded")]


def _provide_volumes(api: Api) -> list[str]:
    """Make a volume for each claim that has none, as the driver of EBS does."""
    for claim in _items(api, "/api/v1/persistentvolumeclaims"):
        name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
        if claim.get("status", {}).get("phase") == "Pending":
            volume = {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"{namespace}-{name}"},
                "spec": {
                    "capacity": claim["spec"]["resources"]["requests"],
                    "accessModes": claim["spec"]["accessModes"],
                    "storageClassName": claim["spec"].get("storageClassName", ""),
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "name": name,
                        "namespace": namespace,
                    },
                    "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": name},
                },
            }
            if not api.find(volume):
                api.apply(volume, "test", force=True, dry=False)
    return []


@contextmanager
def _state_metrics(folder: Path, cluster: Cluster, stack: str) -> Generator[tuple[str, str]]:
    """Run kube-state-metrics as the chart does, and yield what it says of the cluster, and of itself."""
    [deployment] = (
        each
        for each in rendered(stack, STACK)
        if each["kind"] == "Deployment" and each["metadata"]["name"].endswith(_STATE)
    )
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    given = [each for each in container["args"] if not re.match(r"--(telemetry-)?(port|host)=", each)]
    port, own = free_ports(2)
    more = [f"--port={port}", f"--telemetry-port={own}", "--host=127.0.0.1", "--telemetry-host=127.0.0.1"]
    processes = Processes(folder)
    try:
        processes.start(_STATE, [str(locate(_STATE)), *given, *more, f"--kubeconfig={cluster.kubeconfig}"])
        pods = len(_items(cluster.api, "/api/v1/pods"))
        texts = ["", ""]

        def lacking() -> list[str]:
            processes.must_run()
            try:
                texts[:] = [
                    urllib3.request("GET", f"http://127.0.0.1:{each}/metrics", retries=False).data.decode()
                    for each in (port, own)
                ]
            except urllib3.exceptions.HTTPError:
                return [_STATE]
            return [] if texts[0].count("\nkube_pod_info{") >= pods else [_STATE]

        _until(lacking)
        yield texts[0], texts[1]
    finally:
        processes.end()


_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def parse(text: str) -> Iterator[Series]:
    """Yield the series of an exposition."""
    for line in text.splitlines():
        if found := _LINE.match(line):
            labels = {key: json.loads(f'"{value}"') for key, value in _LABEL.findall(found[2] or "")}
            yield Series(found[1], labels, float(found[3]))


def _seen(api: Api, stack: str, text: str, own: str) -> Healthy:
    series: list[Series] = []
    by_job: dict[str, list[Mapping[str, str]]] = {}
    unwatched: list[str] = []
    for monitor in rendered(stack, STACK):
        if monitor["kind"] == "ServiceMonitor":
            found = list(_targets(api, monitor))
            if not found:
                unwatched.append(monitor["metadata"]["name"])
            for target in found:
                by_job.setdefault(target["job"], []).append(target)
                series.append(Series("up", target, 1))
    state = by_job[_STATE]
    # Its own labels are kept: the monitor honors them.
    series += [Series(each.name, {**state[0], **each.labels}, each.value) for each in parse(text)]
    # What it says of itself is at a port of its own, so it is known only if that is watched.
    for target in state:
        if target["endpoint"] != "http":
            series += [
                Series(each.name, {**each.labels, **target}, each.value, 0 if "error" in str(each) else 1)
                if each.name.endswith("_total") and "shard" not in each.name
                else Series(each.name, {**each.labels, **target}, each.value)
                for each in parse(own)
            ]
    answers = [each for each in parse(api.request("GET", "/metrics")) if not _dropped(stack, each)]
    series += [_of_api_server({**each.labels, **target}, each) for target in by_job["apiserver"] for each in answers]
    claims = [each.labels for each in series if each.name == "kube_persistentvolumeclaim_info"]
    containers = [each.labels for each in series if each.name == "kube_pod_container_info"]
    series += _of_components(by_job, claims, containers)
    described = frozenset(re.findall(r"^# HELP (\S+)", text, re.MULTILINE))
    return Healthy(series, described, unwatched)


def _dropped(stack: str, each: Series) -> bool:
    """Whether the API server's monitor leaves a series out."""
    [endpoint] = next(
        one["spec"]["endpoints"]
        for one in rendered(stack, STACK)
        if one["kind"] == "ServiceMonitor" and one["metadata"]["name"] == f"{STACK}-apiserver"
    )
    labels = {**each.labels, "__name__": each.name}
    return any(
        re.fullmatch(rule["regex"], ";".join(labels.get(label, "") for label in rule["sourceLabels"]))
        for rule in endpoint["metricRelabelings"]
        if rule["action"] == "drop"
    )


def _of_api_server(labels: Mapping[str, str], each: Series) -> Series:
    """Return a series of the API server as it grows on: the same requests again, and all answered well and at once.

    How fast this machine is, and what it refused while it came up, says nothing of a stack.
    """
    counts = re.search(r"_(total|count|bucket)$", each.name)
    failed = str(labels.get("code", "")).startswith("5") or "terminations" in each.name or "unavailable" in each.name
    soon = each.name.startswith("apiserver_client_certificate") and float(labels.get("le", "inf")) <= 7 * 86400
    return Series(each.name, labels, each.value, 1 if counts and not failed and not soon else 0)


def _of_components(
    by_job: Mapping[str, Sequence[Mapping[str, str]]],
    claims: Sequence[Mapping[str, str]],
    containers: Sequence[Mapping[str, str]],
) -> Iterator[Series]:
    for component in yaml.safe_load(COMPONENTS.read_text(encoding="utf-8")):
        chosen = {key: component[key] for key in ("container", "metrics_path") if key in component}
        targets = [each for each in by_job[component["job"]] if chosen.items() <= each.items()]
        assert targets, f"nothing is watched as {component['job']} with {chosen}"
        wanted = {
            "container": [
                {**{key: each[key] for key in ("namespace", "pod", "container")}, "image": each["image_spec"]}
                for each in containers
            ],
            "persistentvolumeclaim": [
                {key: each[key] for key in ("namespace", "persistentvolumeclaim")} for each in claims
            ],
        }
        each = component.get("each")
        # A node reports what is on it; which node it is matters to no rule.
        labels = [{**targets[0], **own} for own in wanted[each]] if each else targets
        for text, value in component["series"].items():
            name, _, _ = text.partition("{")
            own = dict(_LABEL.findall(text))
            for target in labels:
                more = {key: own[key].replace("$node", target.get("node", "")) for key in own}
                yield Series(name, {**target, **more}, *_value(str(value), len({each["instance"] for each in targets})))


def _value(text: str, targets: int) -> tuple[float, float]:
    if text == "targets":
        return targets, 0
    number, slash, _ = text.partition("/min")
    return (0, float(number)) if slash else (float(number), 0)


def _targets(api: Api, monitor: Object) -> Iterator[dict[str, str]]:
    """Yield the labels of the targets that a monitor finds in the cluster, as the operator lets Prometheus make them.

    https://github.com/prometheus-operator/prometheus-operator/blob/v0.93.1/pkg/prometheus/promcfg.go
    """
    spec = monitor["spec"]
    namespaces = spec.get("namespaceSelector", {}).get("matchNames") or [monitor["metadata"]["namespace"]]
    wanted = spec["selector"]["matchLabels"]
    if wanted.get("k8s-app") == "kubelet":
        yield from _kubelets(api, spec)
        return
    for namespace in namespaces:
        for service in _items(api, f"/api/v1/namespaces/{namespace}/services"):
            labels = service["metadata"].get("labels", {})
            if not wanted.items() <= labels.items():
                continue
            name = service["metadata"]["name"]
            job = labels.get(spec.get("jobLabel", ""), name)
            for endpoint in spec["endpoints"]:
                base = {"job": job, "namespace": namespace, "service": name, "endpoint": str(endpoint["port"])}
                if wanted.get("component") == "apiserver":
                    # On loopback the API server does not tell where it is; EKS runs two at least:
                    # https://docs.aws.amazon.com/eks/latest/userguide/eks-architecture.html
                    yield from ({**base, "instance": f"10.0.{number}.10:443"} for number in range(2))
                else:
                    yield from ({**base, **each} for each in _pods(api, namespace, name, endpoint["port"]))


def _pods(api: Api, namespace: str, service: str, port: str) -> Iterator[dict[str, str]]:
    for slice_ in _items(api, f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"):
        if slice_["metadata"]["labels"].get("kubernetes.io/service-name") != service:
            continue
        numbers = [each["port"] for each in slice_["ports"] or () if each.get("name") == port]
        for endpoint in slice_["endpoints"] or ():
            for number in numbers:
                name = endpoint["targetRef"]["name"]
                pod = api.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")
                at = [
                    each["name"]
                    for each in pod["spec"]["containers"]
                    if any(open_["containerPort"] == number for open_ in each.get("ports", ()))
                ]
                yield {
                    "instance": f"{endpoint['addresses'][0]}:{number}",
                    "pod": name,
                    **({"container": at[0]} if at else {}),
                }


def _kubelets(api: Api, spec: Object) -> Iterator[dict[str, str]]:
    """Yield the kubelets' targets: the operator keeps a Service without a selector for them."""
    base = {"job": "kubelet", "namespace": KUBE_SYSTEM, "service": f"{STACK}-kubelet", "endpoint": "https-metrics"}
    for number, each in enumerate(_items(api, "/api/v1/nodes")):
        for endpoint in spec["endpoints"]:
            where = {"instance": f"10.1.0.{number}:10250", "node": each["metadata"]["name"]}
            yield {**base, **where, "metrics_path": endpoint.get("path", "/metrics")}
