"""The whole delivery on one machine: the program's cluster, the controllers in it, and the repository they watch."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from engine.delivery.controllers import Controllers
from engine.delivery.neighbours import Neighbours
from engine.delivery.repository import Repository
from engine.world import World

from fakes.cluster.api import Api, ApiError, Object
from fakes.cluster.cluster import CONTROLLERS, Cluster, node
from prismctl.project import ROOT, Project
from tools.definitions import collect

STACK = "dev"
APPLICATION, API = "ai-prism", "ai-prism-api"
_GPU_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
NODES = tuple(
    node(
        f"{tier}-{zone}",
        {"tier": tier, "topology.kubernetes.io/zone": f"us-east-1{zone}"},
        [_GPU_TAINT] if tier == "gpu" else (),
    )
    for tier in ("web", "api", "gpu")
    for zone in "ab"
)
"""Of each tier two, labelled and tainted as the program's node groups are."""

FIRST = "v2.1.0"
QUICKLY: Mapping[str, Any] = {
    "image.tag": FIRST,
    # The shortest that Flagger takes: https://docs.flagger.app/usage/how-it-works#canary-analysis
    "delivery.interval": "10s",
    "delivery.threshold": 2,
    "secrets.database.refreshInterval": "5s",
    "secrets.apiKeys.refreshInterval": "5s",
    "secrets.apiKeys.required": ["PAYMENT_KEY"],
    # No metrics move an autoscaler here, but it keeps to its minimum.
    "workloads.api.autoscaling.minReplicas": 3,
    "workloads.web.enabled": True,
    "workloads.worker.enabled": True,
}
"""Values by which a delivery takes minutes, and in which each tier has a workload."""

SECRETS = {
    "handover.database.secretArn": {"username": "ai_prism", "password": "first", "host": "database"},
    "handover.apiKeysSecretArn": {"OPENAI_API_KEY": "first", "PAYMENT_KEY": "other"},
}
"""What a person puts into the secrets that the program makes, by the parameter which hands a secret over."""


class Platform:
    """A platform that was brought up by the engine and delivers; leaves nothing behind but its logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as held:
            self._come_up(held)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _come_up(self, held: contextlib.ExitStack) -> None:
        logs = self._folder / "logs"
        self.cluster = held.enter_context(Cluster(self._folder / "cluster", CONTROLLERS, NODES, logs))
        self.api: Api = self.cluster.api
        self.controllers = held.enter_context(Controllers(self._folder / "controllers", self.cluster, logs))
        self.controllers.start_aws(json.loads(Project(ROOT).config(STACK)["ai-prism:aws"])["account_id"])
        self.neighbours = held.enter_context(Neighbours())
        self.repository = Repository(self._folder / "repository", ROOT / "charts" / "ai-prism")
        self.repository.change_values(STACK, QUICKLY, "Deliver quickly")
        variables = {"AI_PRISM_KUBECONFIG": str(self.cluster.kubeconfig), "AI_PRISM_DEFINITIONS": str(collect())}
        self.world = held.enter_context(World(self._folder / "world", STACK, self._folder / "cache", cluster=variables))
        self._point_to_repository()
        self.world.init()
        self.world.up().must()
        self._fill_secrets()
        self.controllers.give_rights(STACK)
        self.controllers.start_external_secrets()
        self.controllers.start_flagger(self.neighbours.variables, self.parameters["handover.prometheusUrl"])
        self.controllers.start_argo_cd()

    def _point_to_repository(self) -> None:
        """Let the program name the local repository: the only thing about it that is not as in an account."""
        self.world.change_program("settings/forms.py", 'rf"https://[a-z0-9.-]+{URL_PATH}"', 'r"(https|file)://.+"')
        self.world.change_settings("gitops", repository=self.repository.address, revision="main")

    def _fill_secrets(self) -> None:
        for parameter, contents in SECRETS.items():
            self.create_secret(parameter, contents)

    def rotate(self, parameter: str, **changes: str) -> None:
        """Put other contents into a secret, as a rotation does."""
        contents = json.dumps({**SECRETS[parameter], **changes})
        name = self.parameters[parameter].rpartition(":")[2]
        self.controllers.secrets_manager.put_secret_value(SecretId=name, SecretString=contents)

    def delete_secret(self, parameter: str) -> None:
        """Delete a secret where it comes from."""
        name = self.parameters[parameter].rpartition(":")[2]
        self.controllers.secrets_manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def create_secret(self, parameter: str, contents: Mapping[str, str]) -> None:
        # An ARN ends with six characters that moto would make up anew, so they are part of the name here.
        name = self.parameters[parameter].rpartition(":")[2]
        self.controllers.secrets_manager.create_secret(Name=name, SecretString=json.dumps(contents))

    # What stands in the cluster

    def allowed(self, account: str, verb: str, group: str, resource: str) -> bool:
        """Whether a service account, as `namespace:name`, may do it in the application's namespace."""
        what = {"verb": verb, "group": group, "resource": resource, "namespace": APPLICATION}
        asked = {"user": f"system:serviceaccount:{account}", "resourceAttributes": what}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": asked}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return self.api.request("POST", path, review)["status"]["allowed"]

    def find(self, kind: str, name: str, namespace: str = APPLICATION) -> Object | None:
        """Return an object; `kind` with its group and version, such as `apps/v1/Deployment`."""
        api_version, _, type_ = kind.rpartition("/")
        return self.api.find(
            {"apiVersion": api_version, "kind": type_, "metadata": {"name": name, "namespace": namespace}}
        )

    def get(self, kind: str, name: str, namespace: str = APPLICATION) -> Object:
        found = self.find(kind, name, namespace)
        assert found, f"no {kind} {namespace}/{name}"
        return found

    def all(self, kind: str, namespace: str = APPLICATION) -> list[Object]:
        api_version, _, type_ = kind.rpartition("/")
        where = self.api.kind(api_version, type_)
        return self.api.request("GET", where.path(namespace, "").rstrip("/"))["items"]

    def patch(self, kind: str, name: str, change: Object, namespace: str = APPLICATION) -> None:
        """Change an object by hand, as `kubectl patch` does."""
        self.api.request(
            "PATCH", self.api.path(self.get(kind, name, namespace)), change, content_type="application/merge-patch+json"
        )

    def pods(self, component: str) -> list[Object]:
        """Return the pods of a workload that are to stay."""
        return [
            pod
            for pod in self.all("v1/Pod")
            if pod["metadata"]["labels"].get("app.kubernetes.io/component") == component
            and "deletionTimestamp" not in pod["metadata"]
        ]

    @property
    def application(self) -> Object:
        return self.get("argoproj.io/v1alpha1/Application", "ai-prism", "argocd")

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the program hands over to the chart."""
        helm = self.application["spec"]["source"]["helm"]
        return {each["name"]: each["value"] for each in helm["parameters"]}

    @property
    def synced(self) -> bool:
        """Whether the cluster is as the newest commit says."""
        sync = self.application.get("status", {}).get("sync", {})
        return sync.get("status") == "Synced" and sync.get("revision") == self.repository.head

    @property
    def canary(self) -> Object:
        return self.get("flagger.app/v1beta1/Canary", API)

    @property
    def phase(self) -> str:
        found = self.find("flagger.app/v1beta1/Canary", API)
        return found.get("status", {}).get("phase", "") if found else ""

    @property
    def weights(self) -> tuple[int, int]:
        """Return which part of the traffic the running version gets, and which the new one."""
        routes = self.get("networking.istio.io/v1/VirtualService", API)["spec"]["http"][0]["route"]
        by_host = {route["destination"]["host"]: route.get("weight", 100) for route in routes}
        return by_host[f"{API}-primary"], by_host.get(f"{API}-canary", 0)

    def image(self, name: str) -> str:
        """Return the tag that a Deployment runs."""
        [container] = self.get("apps/v1/Deployment", name)["spec"]["template"]["spec"]["containers"]
        return container["image"].rpartition(":")[2]

    # Time

    def eventually(self, holds: Callable[[], Any], seconds: float = 60) -> Any:
        """Return what holds within the time; raises AssertionError with how Argo CD and Flagger stand."""
        end = time.monotonic() + seconds
        while not (found := _or_not(holds)):
            self.controllers.must_run()
            assert time.monotonic() < end, f"not so after {seconds} s; {self._stand()}"
            time.sleep(0.2)
        return found

    def during(self, seconds: float) -> Iterator[None]:
        """Yield now and then for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield
            self.controllers.must_run()
            time.sleep(0.5)

    def _stand(self) -> str:
        status = self.application.get("status", {})
        stand = {key: status.get(key) for key in ("sync", "health", "conditions", "operationState")}
        canary = self.find("flagger.app/v1beta1/Canary", API)
        return json.dumps({"application": stand, "canary": canary and canary.get("status")}, indent=1)[:6000]


def _or_not(holds: Callable[[], Any]) -> Any:
    """Return what holds; nothing where what it looks at is not there."""
    try:
        return holds()
    except (ApiError, AssertionError, KeyError):
        return None
