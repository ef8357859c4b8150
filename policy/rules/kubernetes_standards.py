"""The rest of the Pod Security Standards, and what else of a pod reaches past its own containers.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from functools import partial

from policy import resource_types as types
from policy.objects import objects
from policy.permissions import SYSTEM
from policy.pods import LASTING, container_paths, each_container, kind, pod, pod_paths, template
from policy.properties import Findings, Properties, attempt, join
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_CONTEXT = "securityContext"
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_notsent_lowat",
    }
)
_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_APPARMOR = ("", "RuntimeDefault", "Localhost")
_APPARMOR_OF_OLD = "container.apparmor.security.beta.kubernetes.io/"


@rule(
    "k8s-kernel",
    "Pods keep the kernel's protections: /proc, sysctls, SELinux and AppArmor",
    types=types.WORKLOADS,
    severity=HIGH,
    paths=(
        *container_paths(
            f"{_CONTEXT}.procMount",
            f"{_CONTEXT}.seLinuxOptions.type",
            f"{_CONTEXT}.seLinuxOptions.user",
            f"{_CONTEXT}.seLinuxOptions.role",
            f"{_CONTEXT}.appArmorProfile.type",
        ),
        *pod_paths(
            f"{_CONTEXT}.sysctls[].name",
            f"{_CONTEXT}.seLinuxOptions.type",
            f"{_CONTEXT}.appArmorProfile.type",
        ),
    ),
    why="They are what is left between an intruder in a container and the kernel that all pods of the node share.",
    fix="Remove procMount, seLinuxOptions and the sysctl; set profiles to RuntimeDefault or Localhost.",
)
def kernel(resource: Resource, _: Context) -> Findings:
    spec = pod(resource)
    yield from attempt(spec.each, f"{_CONTEXT}.sysctls", _sysctl)
    yield from _profiles(spec)
    yield from attempt(_annotated, resource)
    yield from each_container(resource, lambda _spec, container: _of_container(container))


def _sysctl(node: Properties) -> Findings:
    if node.text("name") not in _SYSCTLS:
        yield node.at("name"), "not a sysctl that is safe for other pods of the node"


def _profiles(holder: Properties) -> Findings:
    yield from attempt(_selinux, holder)
    yield from attempt(_apparmor, holder)


def _selinux(holder: Properties) -> Findings:
    options = f"{_CONTEXT}.seLinuxOptions"
    if holder.text(f"{options}.type") not in _SELINUX:
        yield holder.at(f"{options}.type"), "not a type of SELinux for containers"
    for key in ("user", "role"):
        if holder.text(f"{options}.{key}"):
            yield holder.at(f"{options}.{key}"), "sets an SELinux user or role"


def _apparmor(holder: Properties) -> Findings:
    path = f"{_CONTEXT}.appArmorProfile.type"
    if holder.text(path) not in _APPARMOR:
        yield holder.at(path), "switches AppArmor off"


def _annotated(resource: Resource) -> Findings:
    made = template(resource)
    for key in made.keys("metadata.annotations"):
        path = join("metadata.annotations", key)
        if key.startswith(_APPARMOR_OF_OLD):
            said = made.text(path)
            if said not in ("", "runtime/default") and not said.startswith("localhost/"):
                yield made.at(path), "switches AppArmor off"


def _of_container(container: Properties) -> Findings:
    yield from _profiles(container)
    path = f"{_CONTEXT}.procMount"
    if container.text(path) not in ("", "Default"):
        yield container.at(path), "shows the node's /proc"


_VOLUMES = frozenset(
    {
        "name",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
        "hostPath",  # has a rule of its own
    }
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop")
_HOSTS = ("httpGet.host", "tcpSocket.host")


@rule(
    "k8s-volumes",
    "Pods mount volumes of harmless kinds, and probes stay in the pod",
    types=types.WORKLOADS,
    severity=MEDIUM,
    paths=(
        *pod_paths("volumes[].nfs", "volumes[].gitRepo", "volumes[].awsElasticBlockStore"),
        *container_paths(*(f"{probe}.{host}" for probe in _PROBES[:2] for host in _HOSTS), groups=LASTING),
    ),
    why="Kernel drivers of network disks parse what others wrote; and the kubelet sends probes into any network.",
    fix="Use a claim, an emptyDir, a projected or a CSI volume, and leave out the host of probes.",
)
def volumes(resource: Resource, _: Context) -> Findings:
    def check(_spec: Properties, container: Properties) -> Findings:
        for probe in _PROBES:
            for host in _HOSTS:
                yield from attempt(_has_host, container, f"{probe}.{host}")
        yield from attempt(container.each, "volumeMounts", _is_kept_inside)

    yield from attempt(pod(resource).each, "volumes", _is_harmless)
    yield from each_container(resource, check)


def _is_kept_inside(mount: Properties) -> Findings:
    if mount.text("mountPropagation") == "Bidirectional":
        yield mount.at("mountPropagation"), "what is mounted in the container appears on the node"


def _has_host(container: Properties, path: str) -> Findings:
    if container.text(path):
        yield container.at(path), "the node calls another host"


def _is_harmless(volume: Properties) -> Findings:
    for key in volume.keys(""):
        if key not in _VOLUMES and volume.has(key):
            yield volume.at(key), "not a kind of volume that is allowed"


_OTHERS = 0o007


@rule(
    "k8s-secret-files",
    "Secrets in files are readable by the container's user alone, and tokens are short",
    types=types.WORKLOADS,
    severity=MEDIUM,
    paths=pod_paths(
        "volumes[].secret.defaultMode",
        "volumes[].secret.items[].mode",
        "volumes[].projected.defaultMode",
        "volumes[].projected.sources[].serviceAccountToken.expirationSeconds",
    ),
    why="Files that everybody may change turn a secret into a way in; a token that lives for weeks needs one theft.",
    fix="Set defaultMode to 0400 or 0440 (256 or 288 in JSON), and expirationSeconds to 3600.",
    config={"seconds": {"type": "integer", "minimum": 600, "default": 86400}},
)
def secret_files(resource: Resource, context: Context) -> Findings:
    yield from attempt(pod(resource).each, "volumes", partial(_modes, context.config["seconds"]))


def _modes(seconds: int, volume: Properties) -> Findings:
    for path in ("secret.defaultMode", "projected.defaultMode"):
        yield from attempt(_mode, volume, path)
    yield from attempt(volume.each, "secret.items", partial(_mode, path="mode"))
    yield from attempt(volume.each, "projected.sources", partial(_lasting, seconds))


def _mode(node: Properties, path: str) -> Findings:
    mode = node.number(path)
    # Readable by others is the default; to write or run them is nobody's need.
    if mode is not None and int(mode) & _OTHERS & ~0o004:
        yield node.at(path), "everybody in the container may change or run the secret"


def _lasting(seconds: int, source: Properties) -> Findings:
    path = "serviceAccountToken.expirationSeconds"
    if (source.number(path) or 0) > seconds:
        yield source.at(path), "the token lives for longer than a day"


_NEVER_MOVED = "system-"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@rule(
    "wl-privilege",
    "Workloads are scheduled and stopped like others",
    types=types.WORKLOADS,
    kind="stack",
    severity=MEDIUM,
    paths=(
        *pod_paths(
            "priorityClassName",
            "nodeName",
            "tolerations[].key",
            "shareProcessNamespace",
            "hostAliases[]",
            "terminationGracePeriodSeconds",
        ),
        "metadata.namespace",
    ),
    why="A system priority pushes other pods out, a toleration of everything runs on any node, and shared processes "
    "show each other's memory.",
    fix="Remove priorityClassName, nodeName, hostAliases and shareProcessNamespace; tolerate one taint by its key.",
)
def privileges(resource: Resource, context: Context) -> Findings:
    spec = pod(resource)
    yield from attempt(_priority, resource, spec, context)
    yield from attempt(_fixed_node, spec)
    yield from attempt(spec.each, "tolerations", partial(_tolerates_all, resource))
    yield from attempt(_shared, spec)
    yield from attempt(_as_node, spec)
    yield from attempt(_aliases, spec)
    yield from attempt(_grace, spec)


def _shared(spec: Properties) -> Findings:
    if spec.flag("shareProcessNamespace"):
        yield spec.at("shareProcessNamespace"), "containers see each other's processes, environment and files"


def _as_node(spec: Properties) -> Findings:
    # Silence means the same, but every cluster has pods that say nothing.
    if spec.flag("hostUsers"):
        yield spec.at("hostUsers"), "root in the container is root on the node"


def _aliases(spec: Properties) -> Findings:
    if spec.count("hostAliases"):
        yield spec.at("hostAliases"), "answers for names past the cluster's DNS"


def _priority(resource: Resource, spec: Properties, context: Context) -> Findings:
    path = "priorityClassName"
    # https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/
    if spec.text(path).startswith(_NEVER_MOVED) and objects(context.stack).place(resource) not in SYSTEM:
        yield spec.at(path), "takes the priority of the cluster's own pods"


def _fixed_node(spec: Properties) -> Findings:
    if spec.text("nodeName"):
        yield spec.at("nodeName"), "goes past the scheduler, its taints and its quotas of nodes"


def _tolerates_all(resource: Resource, toleration: Properties) -> Findings:
    key = toleration.text("key")
    # A daemon set's pods belong on every node.
    if not key and toleration.text("operator") == "Exists" and kind(resource) != "DaemonSet":
        yield toleration.at("key"), "tolerates every taint"
    elif key in _CONTROL_PLANE:
        yield toleration.at("key"), "runs on nodes of the control plane"


def _grace(spec: Properties) -> Findings:
    path = "terminationGracePeriodSeconds"
    if spec.number(path) == 0:
        yield spec.at(path), "is killed without time to finish"


@rule(
    "pv-host",
    "Persistent volumes are no directories of a node",
    types=types.PERSISTENT_VOLUME,
    severity=HIGH,
    paths=("spec.hostPath.path", "spec.local.path"),
    why="A claim gets the directory into a pod that may not mount it by itself, and keeps the pod on that node.",
    fix="Provision the volume by a StorageClass of the EBS or EFS driver.",
)
def on_node(volume: Resource, _: Context) -> Findings:
    for key in ("hostPath", "local"):
        if volume.has(f"spec.{key}"):
            yield f"spec.{key}", "a directory of a node"


@rule(
    "k8s-sa-token",
    "Service accounts have no tokens that last for ever",
    types=types.K8S_SECRET,
    severity=HIGH,
    controls=("CIS EKS 4.1.6",),
    paths=("type",),
    why="A token in a Secret never expires, is bound to no pod, and works from anywhere that reaches the API server.",
    fix="Remove the Secret: pods get tokens that expire, and others ask for one by `kubectl create token`.",
)
def lasting_token(secret: Resource, _: Context) -> Findings:
    if secret.text("type") == "kubernetes.io/service-account-token":
        yield "type", "a token of a service account that never expires"
