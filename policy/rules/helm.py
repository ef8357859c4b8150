"""Helm charts that the program installs."""

import fnmatch
import re

from policy import resource_types as types
from policy.properties import UNKNOWN, Findings, attempt
from policy.registry import HIGH, Context, rule
from policy.view import Resource

_REPOSITORIES = [
    "https://argoproj.github.io/argo-helm",
    "https://aws.github.io/eks-charts",
    "https://charts.external-secrets.io",
    "https://charts.jetstack.io",
    "https://flagger.app",
    "https://fluent.github.io/helm-charts",
    "https://istio-release.storage.googleapis.com/charts",
    "https://jaegertracing.github.io/helm-charts",
    "https://kubernetes.github.io",
    "https://kubernetes-sigs.github.io",
    "https://nvidia.github.io/k8s-device-plugin",
    "https://open-telemetry.github.io/opentelemetry-helm-charts",
    "https://prometheus-community.github.io/helm-charts",
    "oci://*.dkr.ecr.*.amazonaws.com",
]
_EXACT = re.compile(r"[v=]?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")


@rule(
    "helm-pin",
    "Charts have an exact version, and come from approved repositories",
    types=(*types.HELM_RELEASE, *types.HELM_CHART),
    severity=HIGH,
    paths=("chart", "version", "repositoryOpts.repo"),
    why="Without an exact version, an update of the stack installs whatever version the repository offers that day.",
    fix="Set version to an exact one such as 1.2.3, and repository_opts.repo to an approved repository.",
    strict=True,
    config={"repositories": {"type": "array", "items": {"type": "string"}, "default": _REPOSITORIES}},
)
def pinned(release: Resource, context: Context) -> Findings:
    if not release.has("chart") or _is_local(release):
        return  # a local chart changes with the program
    yield from attempt(_version, release)
    yield from attempt(_repository, release, context.config["repositories"])


def _is_local(release: Resource) -> bool:
    chart = release.peek("chart")
    if chart is UNKNOWN or release.has("repositoryOpts.repo") or release.has("fetchOpts.repo"):
        return False
    # `charts/web` may be a repository alias of one machine, but the provider tries it as a path first.
    return not isinstance(chart, str) or ("/" in chart and "://" not in chart)


def _version(release: Resource) -> Findings:
    if not _EXACT.fullmatch(release.text("version").strip()) and not _is_archive(release):
        yield "version", "not an exact version"


def _is_archive(release: Resource) -> bool:
    """Whether the chart is named by the address of an archive, which is one version."""
    return bool(re.fullmatch(r"https://\S+\d\S*\.tgz", release.text("chart")))


def _repository(release: Resource, approved: list[str]) -> Findings:
    path = next((each for each in ("repositoryOpts.repo", "fetchOpts.repo") if release.has(each)), "chart")
    address = release.text(path).rstrip("/")
    if path == "chart":
        # Of `oci://host/charts/web`, what stands before the chart is the repository.
        address = address.rpartition("/")[0] if "://" in address else ""
    if not address:
        yield "repositoryOpts.repo", "no repository is set"
    elif not any(_is_below(address, each) for each in approved):
        yield path, "the repository is not approved"


def _is_below(address: str, approved: str) -> bool:
    parts, wanted = address.split("/"), approved.rstrip("/").split("/")
    return len(parts) >= len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
