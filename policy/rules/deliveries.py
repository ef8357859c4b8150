"""What else delivers into the cluster: stores of External Secrets, sources of Flux, and options of Helm."""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy import resource_types as types
from policy.properties import UNKNOWN, Findings, Properties, Undetermined, attempt, join, opened
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_EVERYTHING = re.compile(r"\^?\(?(\.[*+]|\*)?\)?\$?")


@rule(
    "eso-scope",
    "Stores for the whole cluster name their namespaces, and secrets are picked by name",
    types=(*types.SECRET_STORE, *types.EXTERNAL_SECRET, *types.CLUSTER_EXTERNAL_SECRET),
    severity=HIGH,
    paths=(
        "spec.conditions[].namespaces[]",
        "spec.conditions[].namespaceRegexes[]",
        "spec.conditions[].namespaceSelector",
        "spec.namespaceSelectors[]",
        "spec.namespaceSelector",
        "spec.dataFrom[].find.name.regexp",
        "spec.refreshInterval",
    ),
    why="Any namespace can read through an open store all secrets that External Secrets itself may read.",
    fix="Set spec.conditions of the store to its namespaces, and name each secret in data or dataFrom.extract.",
)
def scope(resource: Resource, _: Context) -> Findings:
    kind = resource.type.rpartition(":")[2]
    if kind == "ClusterSecretStore":
        yield from attempt(_conditions, resource)
    elif kind in ("ClusterExternalSecret", "ClusterPushSecret"):
        yield from attempt(_selectors, resource)
    elif kind == "ExternalSecret":
        yield from resource.each("spec.dataFrom", _found)
        yield from attempt(_refreshed, resource)


def _conditions(store: Resource) -> Findings:
    if not store.count("spec.conditions"):
        yield "spec.conditions", "serves every namespace"

    def check(node: Properties) -> Findings:
        if "*" in node.texts("namespaces"):
            yield node.at("namespaces"), "serves every namespace"
        if any(_EVERYTHING.fullmatch(each) for each in node.texts("namespaceRegexes")):
            yield node.at("namespaceRegexes"), "serves every namespace"
        if node.has("namespaceSelector") and _selects_all(node, "namespaceSelector"):
            yield node.at("namespaceSelector"), "serves every namespace"

    yield from store.each("spec.conditions", check)


def _selects_all(node: Properties | Resource, path: str) -> bool:
    return not node.get(f"{path}.matchLabels") and not node.get(f"{path}.matchExpressions")


def _selectors(resource: Resource) -> Findings:
    path = "spec.namespaceSelector"
    if resource.has(path) and _selects_all(resource, path):
        yield path, "reaches every namespace"

    def check(node: Properties) -> Findings:
        if not node.get("matchLabels") and not node.get("matchExpressions"):
            yield node.at(), "reaches every namespace"

    yield from resource.each("spec.namespaceSelectors", check)


def _found(node: Properties) -> Findings:
    if node.has("find.name.regexp") and _EVERYTHING.fullmatch(node.text("find.name.regexp")):
        yield node.at("find.name.regexp"), "copies every secret that the store may read"
    elif (
        node.has("find")
        and not node.has("find.name")
        and node.text("find.path") in ("", "/")
        and not node.has("find.tags")
    ):
        yield node.at("find"), "copies every secret that the store may read"


def _refreshed(secret: Resource) -> Findings:
    path = "spec.refreshInterval"
    policy = secret.text("spec.refreshPolicy")
    if secret.text(path) in ("0", "0s", "0m", "0h") and policy in ("", "Periodic"):
        yield path, "is never read again, and misses every rotation"


_PLAIN = ("http://", "git://")
_EXACT = re.compile(r"[v=]?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


@rule(
    "flux-source",
    "Flux reads fixed versions over encrypted connections",
    types=types.FLUX,
    severity=HIGH,
    paths=("spec.url", "spec.insecure", "spec.ref.branch", "spec.ref.tag", "spec.chart.spec.version", "spec.endpoint"),
    why="Whoever is on the way, or can push to a branch, chooses what the cluster runs.",
    fix="Use https, ssh or oci, and a commit, a tag that is a version, or an exact version of the chart.",
)
def flux(source: Resource, context: Context) -> Findings:
    if source.text("spec.url").startswith(_PLAIN):
        yield "spec.url", "is read over a connection that is not encrypted"
    if source.flag("spec.insecure"):
        yield "spec.insecure", "is read over a connection that is not encrypted"
    if context.is_prod:
        kind = source.type.rpartition(":")[2]
        check = {"GitRepository": _git, "OCIRepository": _oci, "HelmRelease": _chart}.get(kind)
        if check:
            yield from attempt(check, source)


def _git(source: Resource) -> Findings:
    if not any(source.text(f"spec.ref.{key}") for key in ("commit", "tag", "semver", "name")):
        yield "spec.ref.branch", "not a fixed revision"


def _oci(source: Resource) -> Findings:
    if not source.text("spec.ref.digest") and not source.text("spec.ref.semver"):
        tag = source.text("spec.ref.tag")
        if not re.search(r"\d", tag):
            yield "spec.ref.tag", "not a fixed version"


def _chart(release: Resource) -> Findings:
    path = "spec.chart.spec.version"
    if release.has("spec.chart.spec") and not _EXACT.fullmatch(release.text(path)):
        yield path, "not an exact version"


_OPTIONS = {
    "forceUpdate": "deletes objects and creates them anew",
    "replace": "uses the name of another release",
    "devel": "installs versions that are not released",
    "disableOpenapiValidation": "objects are not validated",
    "skipAwait": "reports success before anything runs",
}


@rule(
    "helm-options",
    "Releases are installed whole and verified, without force",
    types=types.HELM_RELEASE,
    severity=MEDIUM,
    paths=(*_OPTIONS, "verify"),
    why="With these options, a release that took another's objects, or never started, looks like one that works.",
    fix="Remove the option; use atomic, and import what exists.",
)
def options(release: Resource, _: Context) -> Findings:
    def check(key: str, said: str) -> Findings:
        if release.flag(key):
            yield key, said

    for key, said in _OPTIONS.items():
        yield from attempt(check, key, said)
    yield from attempt(_verified, release)
    yield from attempt(_owned, release)


def _owned(release: Resource) -> Findings:
    # Definitions of custom resources stay when their chart goes, and the next one has to take them over.
    if release.flag("takeOwnership") and "crds" not in release.text("chart"):
        yield "takeOwnership", "takes objects of others"


def _verified(release: Resource) -> Findings:
    if release.has("verify") and not release.flag("verify"):
        yield "verify", "the chart's signature is not verified"


_SWITCHES = {
    "hostNetwork": "shares the node's network",
    "hostPID": "shares the node's processes",
    "hostIPC": "shares the node's memory",
    "privileged": "runs privileged containers",
    "allowPrivilegeEscalation": "allows privilege escalation",
    "insecureSkipVerify": "accepts any certificate",
}
_TELLING = {*_SWITCHES, "tag", "type", "path", "serviceType", "image", "securityContext", "hostPath"}
_OF_THE_NODE = re.compile(
    r"(/etc|/root|/home|/proc|/sys|/dev|/boot|/usr|/run|/var|/var/run|/var/lib|/var/lib/(kubelet|docker|containerd))?(/.*\.sock)?"
    r"|/etc/kubernetes(/.*)?|/var/lib/kubelet/pods(/.*)?"
)
_MOVING = {"latest", "stable", "edge", "nightly", "main", "master", "head", "dev", "canary"}
_DEEPEST = 30


@rule(
    "helm-values",
    "Values of charts ask for no more than a workload may have",
    types=(*types.HELM_RELEASE, *types.HELM_CHART, *types.FLUX_RELEASE),
    severity=HIGH,
    paths=("values.hostNetwork",),
    why="What a chart makes is not visible, but values that take the node's protections away are.",
    fix="Remove the value, or set it to what the chart has by default.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def values(release: Resource, context: Context) -> Findings:
    base = "spec.values" if release.type in types.FLUX_RELEASE else "values"
    value = release.peek(base)
    if value is UNKNOWN:
        raise Undetermined(base)
    for path, key, holder, each in _walk(value, base, "", 0):
        if any(fnmatch.fnmatchcase(path, allowed) for allowed in context.config["allowed"]):
            continue
        if each is UNKNOWN:
            if key in _TELLING or key.lower().endswith("service"):
                yield Undetermined(path)
        elif said := _wrong(key, holder, each):
            yield path, said


def _walk(value: Any, path: str, holder: str, depth: int) -> Iterator[tuple[str, str, str, Any]]:
    """Yield path, key, name of what holds it, and value of everything that is not an object."""
    value = opened(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for key, item in value.items():
            inner, each = join(path, str(key)), opened(item)
            if isinstance(each, Mapping | list):
                yield from _walk(each, inner, str(key), depth + 1)
            else:
                yield inner, str(key), holder, each
    elif isinstance(value, list) and depth < _DEEPEST:
        for index, each in enumerate(value):
            yield from _walk(each, join(path, index), holder, depth + 1)


def _wrong(key: str, holder: str, value: Any) -> str:
    if key in _SWITCHES:
        return _SWITCHES[key] if value is True or (isinstance(value, str) and value.lower() == "true") else ""
    if not isinstance(value, str):
        return ""
    if key == "tag" and value.lower() in _MOVING:
        return "an image with a mutable tag"
    is_service = key in ("serviceType", "service_type") or (key == "type" and holder.lower().endswith("service"))
    if is_service and value in ("LoadBalancer", "NodePort"):
        return "opens the service past the load balancer with the WAF"
    if key == "path" and holder == "hostPath" and _OF_THE_NODE.fullmatch(value.rstrip("/")):
        return "mounts a part of the node that gives control of it"
    return "grants everything in the cluster" if value == "cluster-admin" else ""
