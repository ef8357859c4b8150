"""Images, resources and probes of containers, and literal secrets in them and in ConfigMaps."""

import fnmatch
import re

from policy import resource_types as types
from policy.literals import is_secret
from policy.pods import LASTING, container_paths, each_container, is_injected, kind, pod, pod_paths
from policy.properties import Findings, Properties, attempt, join
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_PUBLISHERS = [
    "amazon",
    "aquasec",
    "bitnami",
    "bitnamilegacy",
    "calico",
    "cilium",
    "curlimages",
    "datadog",
    "elastic",
    "envoyproxy",
    "falcosecurity",
    "fluent",
    "fluxcd",
    "grafana",
    "hashicorp",
    "istio",
    "jaegertracing",
    "kiwigrid",
    "minio",
    "nginx",
    "nginxinc",
    "opensearchproject",
    "openpolicyagent",
    "openzipkin",
    "otel",
    "prom",
    "rancher",
    "temporalio",
    "traefik",
    "valkey",
    "velero",
]
"""Namespaces of Docker Hub whose publisher is known: https://docs.docker.com/docker-hub/repos/manage/trusted-content/."""

_REGISTRIES = [
    "*.dkr.ecr.*.amazonaws.com",
    "public.ecr.aws",
    "registry.k8s.io",
    "docker.io/library",
    *(f"docker.io/{each}" for each in _PUBLISHERS),
    "gcr.io",
    "ghcr.io",
    "quay.io",
    "cr.fluentbit.io",
    "mcr.microsoft.com",
    "nvcr.io",
]
"""Where only the named publisher can put images; on Docker Hub, anybody can have a namespace."""

_MOVING = [
    "latest",
    "stable",
    "edge",
    "nightly",
    "dev",
    "develop",
    "main",
    "master",
    "head",
    "canary",
    "rolling",
    "lts",
]


@rule(
    "k8s-image",
    "Images have a fixed tag or digest, and come from approved registries",
    types=types.WORKLOADS,
    severity=HIGH,
    controls=("CKV_K8S_14",),
    paths=(*container_paths("image", "imagePullPolicy"), *pod_paths("volumes[].image.reference")),
    why="A tag such as `latest` can move at any time, and nodes then run different images.",
    fix="Use a digest, or a tag that never moves, from an approved registry.",
    config={
        "registries": {"type": "array", "items": {"type": "string"}, "default": _REGISTRIES},
        "moving": {"type": "array", "items": {"type": "string"}, "default": _MOVING},
        "digest": {"type": "boolean", "default": False},
    },
)
def image(resource: Resource, context: Context) -> Findings:
    def check(_spec: Properties, container: Properties) -> Findings:
        if is_injected(resource, container):
            return
        if not container.text("image"):
            yield container.at("image"), "no image is set"
            return
        yield from _pulled(container, "image", context)
        if container.text("imagePullPolicy") == "Never":
            yield container.at("imagePullPolicy"), "runs whatever image of that name the node has"

    def mounted(volume: Properties) -> Findings:
        if volume.has("image.reference"):
            yield from _pulled(volume, "image.reference", context)

    yield from each_container(resource, check)
    yield from attempt(pod(resource).each, "volumes", mounted)


def _pulled(holder: Properties, path: str, context: Context) -> Findings:
    name, tag, digest = _parts(holder.text(path))
    if not digest:
        if not tag:
            yield holder.at(path), "has neither tag nor digest, so `latest` is pulled"
        elif tag.lower() in context.config["moving"] or not _VERSIONED.search(tag):
            yield holder.at(path), "has a mutable tag"
        elif context.config["digest"]:
            yield holder.at(path), "has no digest"
    if not any(_is_from(name, each) for each in context.config["registries"]):
        yield holder.at(path), "the registry is not approved"


_VERSIONED = re.compile(r"\d")
"""A version has a number, as has a commit; a tag that is all letters is a name that moves."""
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
_IMAGE = re.compile(r"(?P<name>.*?)(?::(?P<tag>[^:/@]+))?(?:@(?P<digest>\w+:[0-9a-fA-F]{32,}))?")


def _parts(text: str) -> tuple[str, str, str]:
    """Return registry and repository, tag and digest: https://pkg.go.dev/github.com/distribution/reference."""
    parts = _IMAGE.fullmatch(text.strip())
    name, tag, digest = parts.group("name", "tag", "digest") if parts else ("", None, None)
    first, slash, rest = name.partition("/")
    if slash and first in _HUB:
        name = rest if "/" in rest else f"library/{rest}"
        first, slash, _ = name.partition("/")
    if name and not (slash and (first == "localhost" or "." in first or ":" in first)):
        name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    return name, tag or "", digest or ""


def _is_from(name: str, approved: str) -> bool:
    """Whether an image is in a registry, or below a path in one."""
    parts, wanted = name.split("/"), approved.rstrip("/*").split("/")
    return len(parts) > len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


_AMOUNTS = ["requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]


@rule(
    "k8s-resources",
    "Containers have resource requests and limits",
    types=types.WORKLOADS,
    severity=MEDIUM,
    controls=("CKV_K8S_10", "CKV_K8S_11", "CKV_K8S_12", "CKV_K8S_13"),
    paths=(
        *container_paths("resources.requests.*", "resources.limits.*", groups=LASTING),
        *pod_paths("resources.requests.*", "resources.limits.*"),
    ),
    why="Without requests, nodes are overcommitted; without limits, one leak affects all pods on the node.",
    fix="Set resources with requests and limits of cpu and memory on every container.",
    config={"amounts": {"type": "array", "items": {"type": "string", "enum": _AMOUNTS}, "default": _AMOUNTS}},
)
def resources(resource: Resource, context: Context) -> Findings:
    def given(holder: Properties, amount: str) -> bool:
        what, _, of = amount.partition(".")
        # A limit without a request is the request too.
        sources = ("requests", "limits") if what == "requests" else ("limits",)
        return any(_is_amount(holder, f"resources.{each}.{of}") for each in sources)

    def check(spec: Properties, container: Properties) -> Findings:
        lacking = [each for each in context.config["amounts"] if not given(container, each) and not given(spec, each)]
        if lacking and not is_injected(resource, container):
            yield container.at(f"resources.{lacking[0]}"), f"lacks {', '.join(lacking)}"

    yield from each_container(resource, check, LASTING)


def _is_amount(holder: Properties, path: str) -> bool:
    """Whether an amount is set; of limits, 0 is none: the runtime does not set it."""
    value = holder.peek(path)
    return holder.has(path) and not (isinstance(value, str | int | float) and _NOTHING.fullmatch(str(value).strip()))


_NOTHING = re.compile(r"0+(\.0*)?[A-Za-z]*")

_PROBES = ["livenessProbe", "readinessProbe"]


@rule(
    "k8s-probes",
    "Long-running containers have liveness and readiness probes",
    types=(
        *types.DEPLOYMENT,
        *types.STATEFUL_SET,
        *types.DAEMON_SET,
        *types.REPLICA_SET,
        *types.REPLICATION_CONTROLLER,
        *types.ROLLOUT,
        *types.POD,
    ),
    severity=MEDIUM,
    controls=("CKV_K8S_8", "CKV_K8S_9"),
    paths=(
        *(f"{pod}.containers[].{probe}" for pod in ("spec.template.spec", "spec") for probe in _PROBES),
        "spec.restartPolicy",
    ),
    why="Without probes, a hanging container keeps receiving traffic, and a rollout accepts a broken version.",
    fix="Set liveness_probe and readiness_probe on the container.",
    config={"probes": {"type": "array", "items": {"type": "string", "enum": _PROBES}, "default": _PROBES}},
)
def probes(resource: Resource, context: Context) -> Findings:
    def check(spec: Properties, container: Properties) -> Findings:
        runs_on = kind(resource) != "Pod" or spec.text("restartPolicy") in ("", "Always")
        lacking = [each for each in context.config["probes"] if not container.has(each)]
        if runs_on and lacking and not is_injected(resource, container):
            yield container.at(), f"lacks {' and '.join(lacking)}"

    yield from each_container(resource, check, ("containers",))


@rule(
    "k8s-env-secret",
    "Environment variables of containers hold no literal secrets",
    types=types.WORKLOADS,
    severity=CRITICAL,
    paths=container_paths("env[].name", "env[].value"),
    why="Anyone who can list pods, or read the repository, the state or a crash report, can read it.",
    fix="Use value_from.secret_key_ref with a Secret that External Secrets fills.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def environment(resource: Resource, context: Context) -> Findings:
    def variable(node: Properties) -> Findings:
        name = node.text("name")
        if name in context.config["allowed"] or not node.has("value"):
            return
        value = node.text("value")
        if is_secret(name, value):
            yield node.at("value"), "a secret in plain text"

    def check(_spec: Properties, container: Properties) -> Findings:
        yield from container.each("env", variable)

    yield from each_container(resource, check)


@rule(
    "k8s-cm-secret",
    "ConfigMaps hold no secrets",
    types=types.CONFIG_MAP,
    severity=HIGH,
    paths=("data.*",),
    why="ConfigMaps are neither encrypted nor access-controlled as Secrets are.",
    fix="Store the value in Secrets Manager, sync it with an ExternalSecret, and refer to it.",
    config={"allowed": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def config_map(resource: Resource, context: Context) -> Findings:
    def check(key: str) -> Findings:
        path = join("data", key)
        value = resource.text(path)
        if is_secret(key, value):
            yield path, "a secret in plain text"

    for key in resource.keys("data"):
        if key not in context.config["allowed"]:
            yield from attempt(check, str(key))
