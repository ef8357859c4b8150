"""Waits until an object is what was asked for, or gone, as the Kubernetes provider does.

Which kinds it waits for: https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-await/
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fakes.cluster.api import Api, Object
from fakes.cluster.states import TIMEOUT_SECONDS, annotation

_SECONDS = 600
"""Ten minutes: https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/await/await.go."""
_SECONDS_BETWEEN_LOOKS = 0.1


class TimedOutError(Exception):
    """It was not so in time; the object is there nevertheless."""


def seconds_to_wait(timeout: float, inputs: Mapping[str, Any]) -> float:
    """Return how long to wait: the resource's own timeout, its annotation, or the default."""
    annotated = annotation(inputs, TIMEOUT_SECONDS)
    return timeout or (float(annotated) if annotated.isdigit() else _SECONDS)


def wait_until_ready(api: Api, object_: Object, seconds: float, cancelled: threading.Event) -> Object:
    """Return the object when it is ready; raises TimedOutError."""
    if (object_["apiVersion"], object_["kind"]) not in _READY:
        return object_
    for _ in _looks(seconds, cancelled):
        object_ = api.get(object_)
        if is_ready(object_):
            return object_
        # A job that has failed stays so: https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/await/job.go
        if object_["kind"] == "Job" and _has(object_, "Failed"):
            break
    troubles = "".join(f"\n{trouble}" for trouble in _troubles(object_))
    raise TimedOutError(f"'{object_['metadata']['name']}' timed out waiting to be Ready{troubles}")


def is_ready(object_: Object) -> bool:
    """Return whether an object is what was asked for; kinds that nobody waits for always are."""
    kind = object_["apiVersion"], object_["kind"]
    return kind not in _READY or _READY[kind](object_)


def wait_until_gone(api: Api, object_: Object, seconds: float, cancelled: threading.Event) -> None:
    """Wait for the end of a deletion; raises TimedOutError."""
    found: Object | None = object_
    for _ in _looks(seconds, cancelled):
        found = api.find(object_)
        if found is None or found["metadata"]["uid"] != object_["metadata"]["uid"]:
            return
    finalizers = ", ".join((found or object_)["metadata"].get("finalizers", ()))
    # https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/await/condition/deleted.go
    raise TimedOutError(f"timed out waiting for the condition\nfinalizers might be preventing deletion ({finalizers})")


def _looks(seconds: float, cancelled: threading.Event) -> Iterator[None]:
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end and not cancelled.wait(_SECONDS_BETWEEN_LOOKS):
        yield


def _troubles(object_: Object) -> Iterator[str]:
    for each in object_.get("status", {}).get("conditions", ()):
        if each["status"] == ("True" if each["type"] in {"ReplicaFailure", "Failed"} else "False"):
            yield f"[{each.get('reason', each['type'])}] {each.get('message', '')}"


def _has(object_: Object, condition: str) -> bool:
    conditions = object_.get("status", {}).get("conditions", ())
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


# As `kubectl rollout status` tells it: https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go


def _is_observed(object_: Object) -> bool:
    return object_.get("status", {}).get("observedGeneration", 0) >= object_["metadata"]["generation"]


def _is_rolled_out(object_: Object) -> bool:
    wanted, status = object_["spec"].get("replicas", 1), object_.get("status", {})
    counts = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    return _is_observed(object_) and all(count == wanted for count in counts)


def _runs_everywhere(object_: Object) -> bool:
    status = object_.get("status", {})
    counts = (status.get(key, 0) for key in ("updatedNumberScheduled", "numberAvailable"))
    return _is_observed(object_) and all(count == status.get("desiredNumberScheduled") for count in counts)


def _runs(object_: Object) -> bool:
    return _has(object_, "Ready") or object_.get("status", {}).get("phase") == "Succeeded"


_READY: Mapping[tuple[str, str], Callable[[Object], bool]] = {
    ("apps/v1", "DaemonSet"): _runs_everywhere,
    ("apps/v1", "Deployment"): _is_rolled_out,
    ("apps/v1", "StatefulSet"): _is_rolled_out,
    ("batch/v1", "Job"): lambda job: _has(job, "Complete"),
    ("v1", "Pod"): _runs,
}
