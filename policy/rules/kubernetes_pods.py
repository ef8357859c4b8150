"""What pods and containers may do to the node that they run on."""

import posixpath
from functools import partial

from policy import resource_types as types
from policy.pods import GROUPS, container_paths, deciding, each_container, on_windows, pod, pod_paths
from policy.properties import UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_CONTEXT = "securityContext"


@rule(
    "k8s-priv",
    "No container is privileged",
    types=types.WORKLOADS,
    severity=CRITICAL,
    controls=("CKV_K8S_16",),
    paths=(
        *container_paths(f"{_CONTEXT}.privileged", f"{_CONTEXT}.windowsOptions.hostProcess"),
        *pod_paths(f"{_CONTEXT}.windowsOptions.hostProcess"),
    ),
    why="A privileged container is root on the node: it reads every secret and every disk there.",
    fix="Remove privileged from the container's security_context; add the one capability that is needed.",
    strict=True,
)
def privileged(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        if container.flag(f"{_CONTEXT}.privileged"):
            yield container.at(f"{_CONTEXT}.privileged"), "privileged"
        process = "windowsOptions.hostProcess"
        if deciding(spec, container, process).flag(f"{_CONTEXT}.{process}"):
            yield container.at(f"{_CONTEXT}.{process}"), "a process of the host"

    yield from each_container(resource, check)


_SHARED = ("hostNetwork", "hostPID", "hostIPC")


@rule(
    "k8s-hostns",
    "Pods share no network, processes or memory with their node",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19"),
    paths=pod_paths(*_SHARED),
    why="Such a pod sees the node's traffic and processes, and no network policy holds it; agents on nodes need it.",
    fix="Remove host_network, host_pid and host_ipc; waive it for what drives the node (CNI, metrics of the node).",
    strict=True,
)
def host_namespaces(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, key: str) -> Findings:
        if spec.flag(key):
            yield spec.at(key), "shared with the node"

    spec = pod(resource)
    for key in _SHARED:
        yield from attempt(check, spec, key)


@rule(
    "k8s-escalate",
    "No process can gain more rights than its parent",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_20",),
    paths=(*container_paths(f"{_CONTEXT}.allowPrivilegeEscalation"), *pod_paths("os.name", "nodeSelector.*")),
    why="Unless told otherwise, a process becomes root by any setuid program in its image.",
    fix="Set allow_privilege_escalation=False in the container's security_context.",
    strict=True,
)
def escalation(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.allowPrivilegeEscalation"
        if container.flag(path, default=True) and not on_windows(spec):
            yield container.at(path), "processes may gain rights"

    yield from each_container(resource, check)


@rule(
    "k8s-nonroot",
    "Containers run as somebody other than root",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_23", "CKV_K8S_40"),
    paths=(
        *container_paths(f"{_CONTEXT}.runAsNonRoot", f"{_CONTEXT}.runAsUser"),
        *pod_paths(f"{_CONTEXT}.runAsNonRoot", f"{_CONTEXT}.runAsUser"),
    ),
    why="Root in a container is root on the node as soon as anything lets it out.",
    fix="Set run_as_non_root=True, or a run_as_user above 0, in the security_context of the pod or the container.",
    strict=True,
    config={"uid": {"type": "integer", "minimum": 1, "default": 1}},  # CKV_K8S_40 asks for 10000
)
def non_root(resource: Resource, context: Context) -> Findings:
    yield from each_container(resource, partial(_may_be_root, context.config["uid"]))


def _may_be_root(least: int, spec: Properties, container: Properties) -> Findings:
    user, refusal = f"{_CONTEXT}.runAsUser", f"{_CONTEXT}.runAsNonRoot"
    chosen, refusing = deciding(spec, container, "runAsUser"), deciding(spec, container, "runAsNonRoot")
    if chosen.peek(user) is UNKNOWN:
        # Whatever it turns out to be, the kubelet starts no root where that is refused.
        if least > 1 or not refusing.flag(refusal):
            raise Undetermined(chosen.at(user))
        return
    number = chosen.number(user)
    if number is None:
        if not refusing.flag(refusal):
            yield container.at(refusal), "may run as root"
    elif number < least:
        yield container.at(user), f"runs as a user below {least}" if number else "runs as root"


@rule(
    "k8s-caps",
    "Containers drop all capabilities, and take back none but harmless ones",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_28", "CKV_K8S_37"),
    paths=(
        *container_paths(f"{_CONTEXT}.capabilities.drop[]", f"{_CONTEXT}.capabilities.add[]"),
        *pod_paths("os.name", "nodeSelector.*"),
    ),
    why="With the default capabilities, a container forges packets of others and changes owners of files.",
    fix='Set capabilities to drop=["ALL"], and add NET_BIND_SERVICE alone where a low port is needed.',
    strict=True,
    config={"added": {"type": "array", "items": {"type": "string"}, "default": ["NET_BIND_SERVICE"]}},
)
def capabilities(resource: Resource, context: Context) -> Findings:
    # What the restricted profile takes back: https://kubernetes.io/docs/concepts/security/pod-security-standards/
    harmless = {_capability(each) for each in context.config["added"]}

    def dropped(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.capabilities.drop"
        if "ALL" not in map(_capability, container.texts(path)) and not on_windows(spec):
            yield container.at(path), "capabilities are not dropped"

    def added(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.capabilities.add"
        if {_capability(each) for each in container.texts(path)} - harmless and not on_windows(spec):
            yield container.at(path), "takes capabilities that reach beyond the container"

    def check(spec: Properties, container: Properties) -> Findings:
        yield from attempt(dropped, spec, container)
        yield from attempt(added, spec, container)

    yield from each_container(resource, check)


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


@rule(
    "k8s-rofs",
    "Containers cannot write to their own image",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_22",),
    paths=(*container_paths(f"{_CONTEXT}.readOnlyRootFilesystem"), *pod_paths("os.name", "nodeSelector.*")),
    why="An intruder's first step is to write a tool and to run it.",
    fix="Set read_only_root_filesystem=True, and mount an empty_dir where the program writes.",
    strict=True,
)
def read_only(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.readOnlyRootFilesystem"
        if not container.flag(path) and not on_windows(spec):
            yield container.at(path), "the root file system can be written"

    yield from each_container(resource, check)


@rule(
    "k8s-seccomp",
    "System calls are filtered",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_31",),
    paths=(
        *container_paths(f"{_CONTEXT}.seccompProfile.type"),
        *pod_paths(f"{_CONTEXT}.seccompProfile.type", "os.name", "nodeSelector.*"),
    ),
    why="Without a profile, every system call of the kernel is open, those of the next escape among them.",
    fix='Set seccomp_profile to type="RuntimeDefault" in the security_context of the pod.',
    strict=True,
)
def seccomp(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.seccompProfile.type"
        chosen = deciding(spec, container, "seccompProfile.type")
        if chosen.text(path) not in ("RuntimeDefault", "Localhost") and not on_windows(spec):
            yield container.at(path), "no profile filters system calls"

    yield from each_container(resource, check)


@rule(
    "k8s-hostpath",
    "Pods mount nothing of their node, and take none of its ports",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_26", "CKV_K8S_27"),
    paths=(*pod_paths("volumes[].hostPath.path"), *container_paths("ports[].hostPort")),
    why="Who mounts a directory of the node, or the runtime's socket, has the node; a host port evades the services.",
    fix="Use a claim, an empty_dir or a projected volume, and a Service for the port; waive it for agents on nodes.",
    strict=True,
    config={"paths": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def host_paths(resource: Resource, context: Context) -> Findings:
    def mounted(volume: Properties) -> Findings:
        if volume.has("hostPath") and not _is_below(volume.text("hostPath.path"), context.config["paths"]):
            yield volume.at("hostPath"), "mounts a directory of the node"

    def port(node: Properties) -> Findings:
        if node.number("hostPort"):
            yield node.at("hostPort"), "takes a port of the node"

    def ports(_spec: Properties, container: Properties) -> Findings:
        yield from container.each("ports", port)

    yield from attempt(pod(resource).each, "volumes", mounted)
    yield from each_container(resource, ports, GROUPS)


def _is_below(path: str, allowed: list[str]) -> bool:
    path = posixpath.normpath(path)
    return any(path == each.rstrip("/") or path.startswith(f"{each.rstrip('/')}/") for each in allowed)
