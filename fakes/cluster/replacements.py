"""Which changes of an object the Kubernetes provider can only make by replacing it.

The table: https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/diff.go
"""

from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
Pattern = tuple[str, ...]
"""Keys from the object's root; `*` stands for any place in a list."""


def _patterns(prefix: str, names: str) -> tuple[Pattern, ...]:
    """Return a pattern for each of the names, which are words."""
    return tuple(tuple(filter(None, f"{prefix}.{name}".split("."))) for name in names.split())


_ALWAYS = _patterns("metadata", "name namespace")
_SELECTOR = _patterns("spec", "selector")
_SECRET = _patterns("", "type stringData data")
_CONFIG_MAP = _patterns("", "binaryData data")
_CONTAINER = """
    args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin
    stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir
"""
_POD = (
    *_patterns(
        "spec",
        """
        affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork
        hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName
        readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName
        shareProcessNamespace subdomain terminationGracePeriodSeconds volumes
        """,
    ),
    *_patterns("spec.containers.*", _CONTAINER),
    *_patterns("spec.initContainers.*", _CONTAINER),
)
_PERSISTENT_VOLUME = _patterns(
    "spec",
    """
    awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs
    hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume
    """,
)

_BY_KIND: Mapping[tuple[str, str], tuple[Pattern, ...]] = {
    ("apps/v1", "DaemonSet"): _SELECTOR,
    ("apps/v1", "Deployment"): _SELECTOR,
    ("apps/v1", "StatefulSet"): _SELECTOR
    + _patterns("spec", "podManagementPolicy revisionHistoryLimit serviceName volumeClaimTemplates"),
    ("batch/v1", "Job"): _SELECTOR + _patterns("spec", "completions parallelism template"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): _patterns("", "roleRef"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): _patterns("", "roleRef"),
    ("storage.k8s.io/v1", "StorageClass"): _patterns("", "parameters provisioner"),
    ("v1", "PersistentVolume"): _PERSISTENT_VOLUME,
    ("v1", "PersistentVolumeClaim"): _SELECTOR + _patterns("spec", "accessModes storageClassName volumeName"),
    ("v1", "Pod"): _POD,
    ("v1", "ResourceQuota"): _patterns("spec", "scopes"),
    ("v1", "Secret"): _patterns("", "type"),
    ("v1", "Service"): _patterns("spec", "clusterIP"),
}


def patterns_of(object_: Mapping[str, Any], mutable: frozenset[str]) -> tuple[Pattern, ...]:
    """Return what replaces this object; of the kinds in `mutable`, Secret and ConfigMap, data can be changed."""
    api_version, kind = object_.get("apiVersion", ""), object_.get("kind", "")
    fixed = api_version == "v1" and (kind not in mutable or object_.get("immutable") is True)
    if fixed and kind == "Secret":
        return _ALWAYS + _SECRET
    if fixed and kind == "ConfigMap":
        return _ALWAYS + _CONFIG_MAP
    return _ALWAYS + _BY_KIND.get((api_version, kind), ())


def replaces(patterns: Sequence[Pattern], path: Path, value: Any) -> bool:
    """Return whether a change at `path`, to `value`, touches one of the patterns: above it, below it, or exactly."""
    return any(_touches(pattern, path, value) for pattern in patterns)


def _touches(pattern: Pattern, path: Path, value: Any) -> bool:
    for step, wanted in zip(path, pattern, strict=False):
        if wanted != step and not (wanted == "*" and isinstance(step, int)):
            return False
    return len(path) >= len(pattern) or _holds(value, pattern[len(path) :])


def _holds(value: Any, pattern: Pattern) -> bool:
    if not pattern:
        return True
    if pattern[0] == "*":
        return isinstance(value, list) and any(_holds(item, pattern[1:]) for item in value)
    return isinstance(value, dict) and pattern[0] in value and _holds(value[pattern[0]], pattern[1:])
