"""Deliveries of the chart beside each other, each in a namespace of its own, on one cluster with one Flagger.

Manifests are applied and pruned as Argo CD does it; the whole way from a commit is in `platform.py`.
"""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import yaml
from chart import CHART, HANDOVER

from fakes.cluster.api import Api, ApiError, Object
from tools.build import locate

API, WEB = "ai-prism-api", "ai-prism-web"
HOST = "api.ai-prism.com"
CANARY, DEPLOYMENT = ("flagger.app/v1beta1", "Canary"), ("apps/v1", "Deployment")
ROUTE = ("networking.istio.io/v1", "VirtualService")
LEAST = 4
"""Pods of the API."""
_MANAGER = "delivery"
_BESIDE_THE_POINT = {"ExternalSecret", "PrometheusRule", "ServiceMonitor"}
"""Kinds whose definitions are not here."""

_QUICKLY: Mapping[str, Any] = {
    "delivery": {
        # The shortest that Flagger takes: https://docs.flagger.app/usage/how-it-works#canary-analysis
        "interval": "10s",
        "threshold": 2,
        "canary": {"maxWeight": 50, "stepWeight": 50},
        "blueGreen": {"interval": "10s", "stepWeights": [50, 100]},
        "abTest": {"iterations": 2},
    },
    "monitoring": {"enabled": False},
    "workloads": {"api": {"autoscaling": {"minReplicas": LEAST, "maxReplicas": 2 * LEAST}}},
}


@dataclass
class Delivery:
    """One installation of the chart."""

    api: Api
    namespace: str
    least: int = LEAST
    """Pods that have to serve the API now."""
    watched: bool = False
    violations: list[str] = field(default_factory=list)
    _applied: dict[tuple[str, str], Object] = field(default_factory=dict)

    def create(self) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.api.request("POST", "/api/v1/namespaces", body)
        for name in ("api-keys", "postgres-credentials"):
            # As External Secrets would make them.
            metadata = {"name": name, "annotations": {"flagger.app/config-tracking": "disabled"}}
            self.api.request("POST", f"/api/v1/namespaces/{self.namespace}/secrets", {"metadata": metadata})

    def apply(self, strategy: str, tag: str, more: Mapping[str, Any] | None = None) -> None:
        """Bring the namespace to what the chart renders, and take away what it no longer does."""
        values = _merged(_QUICKLY, {"delivery": {"strategy": strategy}, "image": {"tag": tag}}, more or {})
        wanted = {(each["kind"], each["metadata"]["name"]): each for each in self._render(values)}
        for each in wanted.values():
            self.api.apply(each, _MANAGER, force=True, dry=False)
        for gone in self._applied.keys() - wanted.keys():
            self.api.delete(self._applied[gone], "Foreground")
        self._applied = wanted

    def _render(self, values: Mapping[str, Any]) -> Iterator[Object]:
        files = (CHART / "values-dev.yaml", HANDOVER, "-")
        done = subprocess.run(  # noqa: S603  # Helm
            [
                str(locate("helm")),
                *("template", "ai-prism", str(CHART), f"--namespace={self.namespace}"),
                *(f"--values={file}" for file in files),
            ],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=True,
        )
        for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader):
            if each and each["kind"] not in _BESIDE_THE_POINT:
                yield each

    def find(self, kind: tuple[str, str], name: str) -> Object | None:
        metadata = {"name": name, "namespace": self.namespace}
        return self.api.find({"apiVersion": kind[0], "kind": kind[1], "metadata": metadata})

    def phase(self, name: str = API) -> str:
        return (self.find(CANARY, name) or {}).get("status", {}).get("phase", "")

    def image(self, name: str) -> str:
        found = self.find(DEPLOYMENT, name)
        return found["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2] if found else ""

    def weights(self) -> list[dict[str, int]]:
        """Return where the requests go: which part to which service, for each rule of the route."""
        found = self.find(ROUTE, API)
        return [_weights(rule) for rule in found["spec"]["http"]] if found else []

    def ready(self, name: str) -> int:
        """Return how many pods of a Deployment are ready."""
        return (self.find(DEPLOYMENT, name) or {}).get("status", {}).get("readyReplicas", 0)

    def eventually(self, holds: Callable[[], Any], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            canary = (self.find(CANARY, API) or {}).get("status", {})
            assert time.monotonic() < end, f"{self.namespace}: not so after {seconds} s; {json.dumps(canary)[:2000]}"
            time.sleep(0.5)

    def succeeded(self, tag: str, seconds: float = 200) -> None:
        """Wait until a version serves alone."""
        self.eventually(lambda: self.phase() == "Succeeded" and self.image(f"{API}-primary") == tag, seconds)
        assert all(each.get(f"{API}-canary", 0) == 0 for each in self.weights())

    def come_up(self, strategy: str, tag: str, more: Mapping[str, Any] | None = None) -> None:
        """Install, and let nothing be missing from then on."""
        self.create()
        self.apply(strategy, tag, more)
        self.eventually(lambda: self.phase() == "Initialized" and not _problem(self._seen(), self.least), 200)
        self.watched = True

    def _seen(self) -> "_Seen":
        return _look(self.api, self.namespace)[self.namespace]


class Watcher:
    """Looks all the time at whether enough ready pods of each delivery are behind its route."""

    def __init__(self, api: Api, deliveries: list[Delivery]) -> None:
        self._api, self._deliveries = api, deliveries
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.3):
            before = {each.namespace: (each.watched, each.least) for each in self._deliveries}
            try:
                seen = _look(self._api)
            except ApiError as error:
                seen = dict[str, _Seen]()
                print(f"not seen: {error}")  # noqa: T201  # in the test's output
            for each in self._deliveries:
                was_watched, least = before[each.namespace]
                problem = was_watched and _problem(seen.get(each.namespace, _Seen()), min(least, each.least))
                if problem and problem not in each.violations[-1:]:
                    each.violations.append(problem)


@dataclass
class _Seen:
    pods: list[Object] = field(default_factory=list)
    services: list[Object] = field(default_factory=list)
    routes: list[Object] = field(default_factory=list)
    canaries: list[Object] = field(default_factory=list)


def _look(api: Api, namespace: str = "") -> dict[str, _Seen]:
    """Return what stands in each namespace. Pods first: a new version is ready before it is routed to."""
    seen = {namespace: _Seen()} if namespace else dict[str, _Seen]()
    for attribute, prefix, plural in (
        ("pods", "/api/v1", "pods"),
        ("services", "/api/v1", "services"),
        ("routes", "/apis/networking.istio.io/v1", "virtualservices"),
        ("canaries", "/apis/flagger.app/v1beta1", "canaries"),
    ):
        place = f"{prefix}/namespaces/{namespace}/{plural}" if namespace else f"{prefix}/{plural}"
        for each in api.request("GET", place)["items"]:
            getattr(seen.setdefault(each["metadata"]["namespace"], _Seen()), attribute).append(each)
    return seen


def _problem(seen: _Seen, least: int) -> str:
    """Return what keeps the API from being served by enough pods; nothing where nothing does."""
    routes = [each for each in seen.routes if HOST in each["spec"]["hosts"]]
    if len(routes) != 1:
        return f"{len(routes)} routes of {HOST}"
    failed = [each for each in seen.canaries if each.get("status", {}).get("failedChecks")]
    if failed:
        return f"a check of {failed[0]['metadata']['name']} failed"
    services = {each["metadata"]["name"]: each["spec"]["selector"] for each in seen.services}
    for rule in routes[0]["spec"]["http"]:
        behind = {
            name: [pod for pod in seen.pods if _is_ready(pod) and _selects(services.get(name), pod)]
            for name, weight in _weights(rule).items()
            if weight
        }
        empty = [name for name, pods in behind.items() if not pods]
        if empty or not behind:
            return f"requests lead to {empty}, where no pod is ready"
        if sum(map(len, behind.values())) < least:
            counts = {name: len(pods) for name, pods in behind.items()}
            return f"{counts} pods are ready, fewer than {least}"
    return ""


def _weights(rule: Object) -> dict[str, int]:
    """Return which part goes where: all of it where there is one destination, whatever its weight.

    https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRouteDestination
    """
    weights = {each["destination"]["host"]: each.get("weight", 0) for each in rule["route"]}
    return weights if len(weights) > 1 else dict.fromkeys(weights, 100)


def _is_ready(pod: Object) -> bool:
    conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def _selects(selector: Mapping[str, str] | None, pod: Object) -> bool:
    return selector is not None and selector.items() <= pod["metadata"]["labels"].items()


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those of later layers on top."""
    merged = dict[str, Any]()
    for layer in layers:
        for key, value in layer.items():
            merged[key] = _merged(merged.get(key, {}), value) if isinstance(value, Mapping) else value
    return merged
