"""Pod security: what pods and containers can do to their node."""

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
    why="A privileged container is root on the node, and can read every secret and every disk there.",
    fix="Remove privileged from the container's security_context; add only the capability that is needed.",
    strict=True,
)
def privileged(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        if container.flag(f"{_CONTEXT}.privileged"):
            yield container.at(f"{_CONTEXT}.privileged"), "privileged"
        process = "windowsOptions.hostProcess"
        if deciding(spec, container, process).flag(f"{_CONTEXT}.{process}"):
            yield container.at(f"{_CONTEXT}.{process}"), "runs as a host process"

    yield from each_container(resource, check)


_SHARED = ("hostNetwork", "hostPID", "hostIPC")


@rule(
    "k8s-hostns",
    "Pods do not share the node's network, PID or IPC namespace",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_17", "CKV_K8S_18", "CKV_K8S_19"),
    paths=pod_paths(*_SHARED),
    why="Such a pod sees the node's traffic and processes, and network policies do not apply; node agents need it.",
    fix="Remove host_network, host_pid and host_ipc; waive the rule for node agents (CNI, node metrics).",
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
    "Containers do not allow privilege escalation",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_20", "CKV_K8S_30"),
    paths=(*container_paths(f"{_CONTEXT}.allowPrivilegeEscalation"), *pod_paths("os.name", "nodeSelector.*")),
    why="By default, a process can become root through a setuid program in its image.",
    fix="Set allow_privilege_escalation=False in the container's security_context.",
    strict=True,
)
def escalation(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.allowPrivilegeEscalation"
        if container.flag(path, default=True) and not on_windows(spec):
            yield container.at(path), "privilege escalation is allowed"

    yield from each_container(resource, check)


_GROUPS = ("runAsGroup", "fsGroup", "supplementalGroups[]")


@rule(
    "k8s-nonroot",
    "Containers do not run as root",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_23",),
    paths=(
        *container_paths(*(f"{_CONTEXT}.{key}" for key in ("runAsNonRoot", "runAsUser", "runAsGroup"))),
        *pod_paths(
            *(
                f"{_CONTEXT}.{key}"
                for key in ("runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "supplementalGroups[]")
            )
        ),
    ),
    why="After an escape from the container, root in the container is root on the node.",
    fix="Set run_as_non_root=True, or a run_as_user above 0, in the security_context of the pod or the container.",
    strict=True,
    config={"uid": {"type": "integer", "minimum": 1, "default": 1}},  # CKV_K8S_40 asks for 10000
)
def non_root(resource: Resource, context: Context) -> Findings:
    spec = pod(resource)
    yield from attempt(_group, spec, "fsGroup")
    yield from attempt(_groups, spec)
    yield from each_container(resource, partial(_may_be_root, context.config["uid"]))
    yield from each_container(resource, _main_group)


def _main_group(spec: Properties, container: Properties) -> Findings:
    yield from _group(deciding(spec, container, "runAsGroup"), "runAsGroup")


def _group(holder: Properties, key: str) -> Findings:
    """Find the group root, which owns the files of an image that only its user is not to change."""
    if holder.number(f"{_CONTEXT}.{key}") == 0:
        yield holder.at(f"{_CONTEXT}.{key}"), "in the group of root"


def _groups(spec: Properties) -> Findings:
    path = f"{_CONTEXT}.supplementalGroups"
    if "0" in {each.removesuffix(".0") for each in spec.texts(path)}:
        yield spec.at(path), "in the group of root"


def _may_be_root(least: int, spec: Properties, container: Properties) -> Findings:
    user, refusal = f"{_CONTEXT}.runAsUser", f"{_CONTEXT}.runAsNonRoot"
    chosen, refusing = deciding(spec, container, "runAsUser"), deciding(spec, container, "runAsNonRoot")
    if chosen.peek(user) is UNKNOWN:
        # Whatever the user is, the kubelet refuses to start root where runAsNonRoot is set.
        if least > 1 or not refusing.flag(refusal):
            raise Undetermined(chosen.at(user))
        return
    number = chosen.number(user)
    if number is None:
        if not refusing.flag(refusal):
            yield container.at(refusal), "may run as root"
    elif number < least:
        yield container.at(user), f"runs as a user below {least}" if number else "runs as root"
    elif container.has(refusal) and not container.flag(refusal):
        # The restricted standard refuses it whatever the user is.
        yield container.at(refusal), "root is no longer refused"
    name = f"{_CONTEXT}.windowsOptions.runAsUserName"
    if deciding(spec, container, "windowsOptions.runAsUserName").text(name).lower() in _ADMINISTRATORS:
        yield container.at(name), "runs as an administrator"


_ADMINISTRATORS = ("containeradministrator", "nt authority\\system")
"""https://kubernetes.io/docs/tasks/configure-pod-container/configure-runasusername/"""


@rule(
    "k8s-caps",
    "Containers drop all capabilities, and add only harmless ones",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_28", "CKV_K8S_37", "CKV_K8S_39"),
    paths=(
        *container_paths(f"{_CONTEXT}.capabilities.drop[]", f"{_CONTEXT}.capabilities.add[]"),
        *pod_paths("os.name", "nodeSelector.*"),
    ),
    why="With the default capabilities, a container can forge packets and change the owners of files.",
    fix='Set capabilities to drop=["ALL"], and add only NET_BIND_SERVICE where a low port is needed.',
    strict=True,
    config={"added": {"type": "array", "items": {"type": "string"}, "default": ["NET_BIND_SERVICE"]}},
)
def capabilities(resource: Resource, context: Context) -> Findings:
    # What the restricted profile allows to add: https://kubernetes.io/docs/concepts/security/pod-security-standards/
    harmless = {_capability(each) for each in context.config["added"]}

    def dropped(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.capabilities.drop"
        if "ALL" not in map(_capability, container.texts(path)) and not on_windows(spec):
            yield container.at(path), "capabilities are not dropped"

    def added(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.capabilities.add"
        if {_capability(each) for each in container.texts(path)} - harmless and not on_windows(spec):
            yield container.at(path), "adds capabilities that are not allowed"

    def check(spec: Properties, container: Properties) -> Findings:
        yield from attempt(dropped, spec, container)
        yield from attempt(added, spec, container)

    yield from each_container(resource, check)


def _capability(name: str) -> str:
    return name.upper().removeprefix("CAP_")


@rule(
    "k8s-rofs",
    "Containers have a read-only root file system",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_22",),
    paths=(*container_paths(f"{_CONTEXT}.readOnlyRootFilesystem"), *pod_paths("os.name", "nodeSelector.*")),
    why="In a writable file system, an intruder can install and run tools.",
    fix="Set read_only_root_filesystem=True, and mount an empty_dir where the program writes.",
    strict=True,
)
def read_only(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.readOnlyRootFilesystem"
        if not container.flag(path) and not on_windows(spec):
            yield container.at(path), "the root file system is writable"

    yield from each_container(resource, check)


@rule(
    "k8s-seccomp",
    "Containers have a seccomp profile",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_29", "CKV_K8S_31"),
    paths=(
        *container_paths(f"{_CONTEXT}.seccompProfile.type"),
        *pod_paths(f"{_CONTEXT}.seccompProfile.type", "os.name", "nodeSelector.*"),
    ),
    why="Without a profile, a container can use every system call of the kernel, including those used in escapes.",
    fix='Set seccomp_profile to type="RuntimeDefault" in the security_context of the pod.',
    strict=True,
)
def seccomp(resource: Resource, _: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        path = f"{_CONTEXT}.seccompProfile.type"
        chosen = deciding(spec, container, "seccompProfile.type")
        if chosen.text(path) not in ("RuntimeDefault", "Localhost") and not on_windows(spec):
            yield container.at(path), "no seccomp profile is set"

    yield from each_container(resource, check)


@rule(
    "k8s-hostpath",
    "Pods use no host paths and no host ports",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_26", "CKV_K8S_27"),
    paths=(*pod_paths("volumes[].hostPath.path"), *container_paths("ports[].hostPort")),
    why="A mounted host directory or runtime socket gives control of the node; a host port bypasses services.",
    fix="Use a claim, an empty_dir or a projected volume, and a Service for the port; waive the rule for node agents.",
    strict=True,
    config={"paths": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def host_paths(resource: Resource, context: Context) -> Findings:
    def mounted(volume: Properties) -> Findings:
        if volume.has("hostPath") and not _is_below(volume.text("hostPath.path"), context.config["paths"]):
            yield volume.at("hostPath"), "mounts a host path"

    def port(node: Properties) -> Findings:
        if node.number("hostPort"):
            yield node.at("hostPort"), "uses a host port"

    def ports(_spec: Properties, container: Properties) -> Findings:
        yield from container.each("ports", port)

    yield from attempt(pod(resource).each, "volumes", mounted)
    yield from each_container(resource, ports, GROUPS)


def _is_below(path: str, allowed: list[str]) -> bool:
    path = posixpath.normpath(path)
    return any(path == each.rstrip("/") or path.startswith(f"{each.rstrip('/')}/") for each in allowed)
