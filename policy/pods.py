"""Pods and containers, wherever a kind of workload keeps them: the same questions to Deployment, CronJob and Pod."""

from collections.abc import Callable
from functools import partial

from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.view import Resource

GROUPS = ("containers", "initContainers", "ephemeralContainers")
LASTING = ("containers", "initContainers")
"""Those that a workload is made of; ephemeral ones are put into a running pod to debug it."""

_TEMPLATE = "spec.template"
_TEMPLATES = {"Pod": "", "PodTemplate": "template", "CronJob": "spec.jobTemplate.spec.template"}


def kind(resource: Resource) -> str:
    """Return the kind of an object, such as Deployment."""
    return resource.type.rpartition(":")[2]


def template(resource: Resource) -> Properties:
    """Return what the pods of a workload are made from; raises Undetermined where that is unknown as a whole."""
    path = _TEMPLATES.get(kind(resource), _TEMPLATE)
    return _inside(resource.inputs, path) if path else resource.inputs


def pod(resource: Resource) -> Properties:
    """Return the specification of a workload's pods."""
    return _inside(template(resource), "spec")


def _inside(node: Properties, path: str) -> Properties:
    value = node.get_part(path)
    return Properties({} if value is MISSING else value, node.at(path))


def each_container(
    resource: Resource, check: Callable[[Properties, Properties], Findings], groups: tuple[str, ...] = GROUPS
) -> Findings:
    """Check every container of a workload, together with its pod; what is unknown of one hides nothing of the next."""
    spec = pod(resource)
    for group in groups:
        yield from attempt(spec.each, group, partial(check, spec))


def deciding(spec: Properties, container: Properties, key: str) -> Properties:
    """Return whoever decides on a part of the security context: the container, or its pod where it is silent.

    https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
    """
    return spec if container.peek(f"securityContext.{key}") is MISSING else container


def on_windows(spec: Properties) -> bool:
    """Whether the pod is for Windows, which knows no capabilities, seccomp or escalation by setuid.

    Rules ask last: what is right on any system is so whatever this one will be.
    """
    told = {path: spec.peek(path) for path in ("os.name", 'nodeSelector["kubernetes.io/os"]')}
    if "windows" in told.values():
        return True
    for path, value in told.items():
        if value is UNKNOWN:
            raise Undetermined(spec.at(path))
    return False


def is_injected(resource: Resource, container: Properties) -> bool:
    """Whether the container is only a place that Istio's webhook fills, as in the chart of the gateway.

    Rules do not name these labels and annotations among their paths: to ignore changes of them hides nothing.
    https://istio.io/latest/docs/setup/additional-setup/gateway/
    """
    if container.peek("image") not in ("auto", UNKNOWN):
        return False
    metadata = template(resource)
    marks = [
        metadata.peek(f'metadata.{where}["{key}"]')
        for where in ("labels", "annotations")
        for key in ("sidecar.istio.io/inject", "inject.istio.io/templates")
    ]
    if all(mark is MISSING for mark in marks):
        return False
    if container.peek("image") is UNKNOWN or all(mark in (MISSING, UNKNOWN) for mark in marks):
        raise Undetermined(container.at("image"), "may be one that the mesh fills in")
    return True


_MESH = ("istio-proxy", "discovery", "ztunnel", "install-cni")


def is_of_mesh(container: Properties) -> bool:
    """Whether the container is a part of Istio: its proxy or its control plane."""
    return container.text("name") in _MESH


def pod_paths(*keys: str) -> tuple[str, ...]:
    """Return the paths of parts of the pod in every kind of workload."""
    templates = (_TEMPLATE, *reversed(_TEMPLATES.values()))
    return tuple(f"{base}.spec.{key}".removeprefix(".") for base in templates for key in keys)


def container_paths(*keys: str, groups: tuple[str, ...] = GROUPS) -> tuple[str, ...]:
    """Return the paths of parts of all containers in every kind of workload."""
    return pod_paths(*(f"{group}[].{key}" for group in groups for key in keys))
