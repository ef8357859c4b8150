"""What is committed is delivered: by the engine's `up`, real controllers, and a real API server.

The tests share one platform and come in the order of its life.
"""

import base64
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
import yaml
from engine.delivery.neighbours import SOUND
from engine.delivery.platform import API, APPLICATION, FIRST, SECRETS, STACK, Platform
from third_party import needs_charts

from fakes.cluster.api import ApiError, Object
from prismctl.project import ROOT

GOOD, BAD = "v2.2.0", "v2.3.0"
PRIMARY, WEB = f"{API}-primary", "ai-prism-web"
WORKLOADS = (API, PRIMARY, WEB, f"{WEB}-primary", "ai-prism-worker")
DEPLOYMENT, VIRTUAL_SERVICE = "apps/v1/Deployment", "networking.istio.io/v1/VirtualService"
SECONDS_OF_PEACE = 120


@pytest.fixture
def delivered(platform: Platform) -> Iterator[Platform]:
    """The platform when all that is committed is there, and nothing is under way."""
    platform.eventually(lambda: platform.synced, 120)
    platform.eventually(lambda: platform.phase in {"Initialized", "Succeeded", "Failed"}, 120)
    yield platform
    platform.neighbours.answers.update(SOUND)


@needs_charts
@pytest.mark.parametrize(
    ("account", "may", "may_not"),
    [
        ("argocd:argocd-application-controller", ("patch", "apps", "deployments"), ("list", "", "secrets")),
        ("external-secrets:external-secrets", ("create", "", "secrets"), ("create", "", "pods")),
        ("flagger-system:flagger", ("update", "apps", "deployments"), ("delete", "apps", "deployments")),
    ],
)
def test_controllers_deliver_as_their_service_accounts(
    delivered: Platform, account: str, may: tuple[str, str, str], may_not: tuple[str, str, str]
) -> None:
    """Without charts they are administrators, and the deliveries below say nothing of their rights."""
    assert delivered.allowed(account, *may)
    assert not delivered.allowed(account, *may_not)


def test_secrets_arrive_and_a_rotation_follows(delivered: Platform) -> None:
    before = delivered.get(DEPLOYMENT, API)["metadata"]["generation"]
    delivered.eventually(lambda: secret(delivered, "postgres-credentials") == SECRETS["handover.database.secretArn"])
    delivered.eventually(lambda: secret(delivered, "api-keys") == SECRETS["handover.apiKeysSecretArn"])

    delivered.rotate("handover.database.secretArn", username="second")
    delivered.rotate("handover.apiKeysSecretArn", PAYMENT_KEY="second")

    delivered.eventually(lambda: secret(delivered, "postgres-credentials")["username"] == "second", 30)
    delivered.eventually(lambda: secret(delivered, "api-keys")["PAYMENT_KEY"] == "second", 30)
    # Pods read them as files: a rotation is no new version.
    for _ in delivered.during(12):
        assert delivered.phase in {"Initialized", "Succeeded"}
        assert delivered.get(DEPLOYMENT, API)["metadata"]["generation"] == before


def test_a_key_that_is_gone_at_its_source_stays_with_the_pods_and_is_told(delivered: Platform) -> None:
    keys = "handover.apiKeysSecretArn"
    kept = secret(delivered, "api-keys")

    delivered.controllers.secrets_manager.put_secret_value(
        SecretId=delivered.parameters[keys].rpartition(":")[2], SecretString='{"OPENAI_API_KEY": "second"}'
    )
    delivered.eventually(lambda: conditions(delivered, keys) == RECORDED["fault"], 30)
    assert secret(delivered, "api-keys") == kept
    delivered.rotate(keys, PAYMENT_KEY="third")
    delivered.eventually(lambda: conditions(delivered, keys) == RECORDED["healthy"], 60)
    assert secret(delivered, "api-keys")["PAYMENT_KEY"] == "third"


@pytest.mark.parametrize("parameter", SECRETS)
def test_a_secret_that_is_gone_at_its_source_stays_with_the_pods_and_is_told(
    delivered: Platform, parameter: str
) -> None:
    delivered.eventually(lambda: conditions(delivered, parameter) == RECORDED["healthy"], 60)
    kept = secret(delivered, TARGETS[parameter][1])

    delivered.delete_secret(parameter)
    try:
        delivered.eventually(lambda: conditions(delivered, parameter) == RECORDED["fault"], 30)
        for _ in delivered.during(12):
            assert secret(delivered, TARGETS[parameter][1]) == kept
            assert conditions(delivered, parameter) == RECORDED["fault"]
    finally:
        delivered.create_secret(parameter, SECRETS[parameter])
    delivered.eventually(lambda: conditions(delivered, parameter) == RECORDED["healthy"], 120)


TARGETS = {
    "handover.database.secretArn": ("ai-prism-database-secret", "postgres-credentials"),
    "handover.apiKeysSecretArn": ("ai-prism-api-keys", "api-keys"),
}
"""The ExternalSecret and the Secret, by the parameter."""


def recorded() -> dict[str, dict[str, str]]:
    """Return the series on which the alert is tested, before and during the fault, by condition and status."""
    file = ROOT / "tests" / "charts" / "alerts" / "secrets.yaml"
    (case,) = yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
    series = {condition_of(each["series"]): each["values"].split() for each in case["input_series"]}
    return {
        "healthy": {name: values[0].partition("x")[0] for name, values in series.items()},
        "fault": {name: values[1].partition("x")[0] for name, values in series.items()},
    }


def conditions(platform: Platform, parameter: str) -> dict[str, str]:
    """Return what External Secrets exports of an ExternalSecret, by condition and status."""
    found = platform.controllers.secrets_series("externalsecret_status_condition")
    name = f'name="{TARGETS[parameter][0]}",namespace="{APPLICATION}"'
    return {condition_of(series): value for series, value in found.items() if name in series}


def condition_of(series: str) -> str:
    return ",".join(sorted(re.findall(r'(?:condition|status)="\w+"', series)))


RECORDED = recorded()


@pytest.mark.parametrize(("component", "tier", "count"), [("api", "api", 3), ("web", "web", 1), ("worker", "gpu", 1)])
def test_pods_land_on_the_nodes_of_their_tier(delivered: Platform, component: str, tier: str, count: int) -> None:
    def placed() -> list[str]:
        return [pod["spec"]["nodeName"] for pod in delivered.pods(component)]

    delivered.eventually(lambda: len(placed()) == count)
    assert {name.partition("-")[0] for name in placed()} == {tier}


def test_nothing_but_the_workers_lands_on_gpu_nodes(delivered: Platform) -> None:
    others = [plain_pod(f"other-{number}") for number in range(12)]
    for pod in others:
        delivered.api.request("POST", "/api/v1/namespaces/default/pods", pod)
    try:
        nodes = delivered.eventually(
            lambda: [delivered.get("v1/Pod", pod["metadata"]["name"], "default")["spec"]["nodeName"] for pod in others]
        )
        assert not [name for name in nodes if name.startswith("gpu-")]
    finally:
        for pod in others:
            delivered.api.delete({**pod, "metadata": {**pod["metadata"], "namespace": "default"}}, "Background")


def test_a_privileged_pod_is_refused_in_the_applications_namespace(delivered: Platform) -> None:
    pod = plain_pod("privileged")
    pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}

    with pytest.raises(ApiError, match=r"violates PodSecurity.*privileged"):
        delivered.api.request("POST", f"/api/v1/namespaces/{APPLICATION}/pods", pod)


def test_drift_made_by_hand_is_healed(delivered: Platform) -> None:
    budget = delivered.get("policy/v1/PodDisruptionBudget", API)
    delivered.api.delete(budget, "Background")
    delivered.patch("networking.k8s.io/v1/NetworkPolicy", API, {"spec": {"ingress": [{}]}})

    def healed() -> bool:
        policy = delivered.get("networking.k8s.io/v1/NetworkPolicy", API)
        again = delivered.get("policy/v1/PodDisruptionBudget", API)
        return {} not in policy["spec"]["ingress"] and again["metadata"]["uid"] != budget["metadata"]["uid"]

    delivered.eventually(healed, 60)
    delivered.eventually(lambda: delivered.synced, 60)


def test_a_good_version_is_promoted_step_by_step(delivered: Platform) -> None:
    assert (delivered.image(PRIMARY), delivered.weights) == (FIRST, (100, 0))
    seen: list[tuple[tuple[int, int], str]] = []
    synced: list[bool] = []

    delivered.repository.change_values(STACK, {"image.tag": GOOD}, f"Release {GOOD}")

    def promoted() -> bool:
        seen.append((delivered.weights, delivered.image(PRIMARY)))
        synced.append(delivered.synced)
        return delivered.phase == "Succeeded" and delivered.image(PRIMARY) == GOOD

    delivered.eventually(promoted, 240)
    steps = [weights for weights, _ in groupby(weights for weights, _ in seen)]
    assert steps == [(100, 0), (90, 10), (80, 20), (70, 30), (60, 40), (50, 50), (100, 0)]
    # The new version became the running one after the last step, and not before.
    assert {image for weights, image in seen[: [weights for weights, _ in seen].index((50, 50))]} == {FIRST}
    # What Flagger changes meanwhile is no difference to Argo CD.
    assert all(synced[synced.index(True) :])
    assert delivered.neighbours.asked.keys() == SOUND.keys()
    assert delivered.parameters["handover.loadTesterUrl"] in delivered.neighbours.called
    assert {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in delivered.pods("api")} == {GOOD}


def test_a_bad_version_is_rolled_back_and_nobody_fights_over_it(delivered: Platform) -> None:
    running = delivered.image(PRIMARY)
    assert running != BAD
    delivered.neighbours.answers["success"] = 50

    delivered.repository.change_values(STACK, {"image.tag": BAD}, f"Release {BAD}")

    delivered.eventually(lambda: delivered.phase == "Progressing", 60)
    assert delivered.image(API) == BAD
    delivered.eventually(lambda: delivered.phase == "Failed", 120)
    assert (delivered.image(PRIMARY), delivered.weights) == (running, (100, 0))
    delivered.eventually(lambda: delivered.synced)
    is_left_in_peace(delivered)
    assert (delivered.image(PRIMARY), delivered.weights) == (running, (100, 0))


def is_left_in_peace(platform: Platform) -> None:
    """Check that Argo CD and Flagger agree: neither changes what the other has made."""

    def stand() -> dict[str, Any]:
        deployments = {name: platform.get(DEPLOYMENT, name) for name in WORKLOADS}
        routes = {name: platform.get(VIRTUAL_SERVICE, name) for name in (API, WEB)}
        return {
            "deployments": {name: each["metadata"]["generation"] for name, each in deployments.items()},
            "replicas": {name: each["spec"]["replicas"] for name, each in deployments.items()},
            "routes": {name: each["metadata"]["generation"] for name, each in routes.items()},
            "synchronization": platform.application["status"]["operationState"]["finishedAt"],
        }

    # Flagger takes the pods of what it has rolled back away a moment later.
    platform.eventually(lambda: stand()["replicas"][API] == stand()["replicas"][WEB] == 0)
    before = stand()
    for _ in platform.during(SECONDS_OF_PEACE):
        assert platform.synced
        assert stand() == before


def test_a_drain_ends_even_where_pods_are_not_ready(delivered: Platform) -> None:
    delivered.eventually(lambda: len(delivered.pods("api")) == 3)
    node = delivered.pods("api")[0]["spec"]["nodeName"]
    for pod in delivered.pods("api"):
        unready(delivered, pod)

    delivered.patch("v1/Node", node, {"spec": {"unschedulable": True}}, "")
    try:
        drain(delivered, node)
        delivered.eventually(lambda: len(delivered.pods("api")) == 3)
        assert node not in {pod["spec"]["nodeName"] for pod in delivered.pods("api")}
    finally:
        delivered.patch("v1/Node", node, {"spec": {"unschedulable": None}}, "")


@pytest.mark.parametrize("tier", ["api", "web", "gpu"])
def test_a_drain_takes_pods_one_after_the_other_and_ends(delivered: Platform, tier: str) -> None:
    component = {"gpu": "worker"}.get(tier, tier)
    node = delivered.eventually(lambda: delivered.pods(component))[0]["spec"]["nodeName"]
    delivered.patch("v1/Node", node, {"spec": {"unschedulable": True}}, "")
    try:
        drain(delivered, node)
        delivered.eventually(lambda: delivered.pods(component) and node not in nodes_of(delivered, component))
    finally:
        delivered.patch("v1/Node", node, {"spec": {"unschedulable": None}}, "")


def test_destroy_leaves_no_finalizer_hanging(platform: Platform) -> None:
    done = platform.world.destroy()

    assert done, done.output
    assert "resources" not in platform.world.state()
    assert platform.world.left() == []
    left = {name: objects for name, objects in everything(platform).items() if objects}
    assert left == {}


def everything(platform: Platform) -> dict[str, list[str]]:
    """Return, by kind, the custom objects that are there, and whatever waits to be gone."""
    definitions = platform.all("apiextensions.k8s.io/v1/CustomResourceDefinition", "")
    found = {}
    for definition in definitions:
        spec = definition["spec"]
        [version] = [each["name"] for each in spec["versions"] if each["storage"]]
        path = f"/apis/{spec['group']}/{version}/{spec['names']['plural']}"
        found[spec["names"]["kind"]] = [each["metadata"]["name"] for each in platform.api.request("GET", path)["items"]]
    for name in ("namespaces", "pods", "services", "secrets", "configmaps"):
        items = platform.api.request("GET", f"/api/v1/{name}")["items"]
        found[name] = [each["metadata"]["name"] for each in items if "deletionTimestamp" in each["metadata"]]
    return found


def drain(platform: Platform, node: str) -> None:
    """Evict what runs on a node, as `kubectl drain` does; budgets may put it off, but not for ever."""

    def emptied() -> bool:
        pods = [pod for pod in platform.all("v1/Pod") if pod["spec"].get("nodeName") == node]
        for pod in pods:
            evict(platform, pod)
        return not pods

    platform.eventually(emptied, 60)


def evict(platform: Platform, pod: Object) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod["metadata"]["name"]}}
    try:
        platform.api.request("POST", f"{platform.api.path(pod_of(pod))}/eviction", eviction)
    except ApiError as error:
        # 429: the budget asks for patience. https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
        if error.code not in {404, 429}:
            raise


def unready(platform: Platform, pod: Object) -> None:
    """Let a pod be as one whose probe fails."""
    conditions = [
        {**each, "status": "False"} if each["type"] in {"Ready", "ContainersReady"} else each
        for each in pod["status"]["conditions"]
    ]
    change = {"status": {"conditions": conditions}}
    path = f"{platform.api.path(pod_of(pod))}/status"
    platform.api.request("PATCH", path, change, content_type="application/merge-patch+json")


def pod_of(pod: Object) -> Object:
    """Return a pod out of a list, where objects do not say what they are."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}


def nodes_of(platform: Platform, component: str) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in platform.pods(component)}


def secret(platform: Platform, name: str) -> dict[str, str]:
    return {key: base64.b64decode(text).decode() for key, text in platform.get("v1/Secret", name)["data"].items()}


def plain_pod(name: str) -> Object:
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": name, "image": "other:1", "resources": resources}]},
    }
