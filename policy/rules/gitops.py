"""Secrets, applications of Argo CD, and canaries."""

import re
from functools import partial

from policy import resource_types as types
from policy.objects import objects
from policy.properties import MISSING, Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_ARGO_KIND = 'metadata.labels["argocd.argoproj.io/secret-type"]'
_ARGO_OPEN = {"type", "url", "name", "project", "enableOCI", "insecure", "forceHttpBasicAuth", "server", "namespaces"}
"""Keys of Argo CD's repository and cluster secrets that hold addresses, not credentials.

https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/
"""


@rule(
    "eso-only",
    "Secrets come from Secrets Manager, not from the program",
    types=types.K8S_SECRET,
    severity=CRITICAL,
    paths=("data.*", "stringData.*", _ARGO_KIND),
    why="A literal secret is stored in the repository, the state and every preview, and is never rotated.",
    fix="Replace the Secret with an ExternalSecret, and store the value in Secrets Manager.",
)
def literal_secret(secret: Resource, _: Context) -> Findings:
    def check(path: str) -> Findings:
        # A controller fills in an empty value.
        keys = {key for key in secret.keys(path) if secret.peek(f'{path}["{key}"]') not in ("", MISSING)}
        if keys and not (keys <= _ARGO_OPEN and secret.text(_ARGO_KIND)):
            yield path, "a literal secret"

    for path in ("data", "stringData"):
        yield from attempt(check, path)


_STATIC = {
    "aws": ("auth.secretRef",),
    "gcpsm": ("auth.secretRef",),
    "azurekv": ("authSecretRef.clientSecret", "authSecretRef.clientCertificate"),
    "vault": ("auth.tokenSecretRef", "auth.appRole", "auth.userPass", "auth.ldap", "auth.iam.secretRef"),
    "kubernetes": ("auth.token", "auth.cert"),
    "doppler": ("auth.secretRef",),
    "akeyless": ("authSecretRef.secretRef",),
    "conjur": ("auth.apikey",),
    "ibm": ("auth.secretRef",),
    "oracle": ("auth.secretRef",),
}
"""Paths of static credentials, for the providers that also accept an identity.

https://external-secrets.io/latest/api/secretstore/
"""


@rule(
    "eso-store",
    "Secret stores authenticate with an identity, not with a static key",
    types=types.SECRET_STORE,
    severity=HIGH,
    paths=tuple(f"spec.provider.{provider}.{path}" for provider, paths in _STATIC.items() for path in paths),
    why="A static key that reads all secrets is itself a secret: it can be stolen, and nobody rotates it.",
    fix="Remove auth.secretRef, and give the service account of External Secrets a role (EKS Pod Identity).",
    strict=True,
)
def static_keys(store: Resource, _: Context) -> Findings:
    def check(path: str) -> Findings:
        if store.has(path):
            yield path, "uses a static credential"

    for provider, paths in _STATIC.items():
        for path in paths:
            yield from attempt(check, f"spec.provider.{provider}.{path}")
    yield from attempt(_fake, store)
    for path in ("vault.server", "webhook.url", "kubernetes.server.url", "conjur.url"):
        yield from attempt(_in_the_open, store, f"spec.provider.{path}")


def _in_the_open(store: Resource, path: str) -> Findings:
    if store.text(path).startswith("http://"):
        yield path, "secrets are read over plain HTTP"


def _fake(store: Resource) -> Findings:
    if store.has("spec.provider.fake"):
        yield "spec.provider.fake", "holds its secrets in plain text"


_APPLICATIONS = (*types.ARGO_APPLICATION, *types.ARGO_APPLICATION_SET)
_PINNED = (
    r"(?!.*[*^~<>!|, ])([0-9a-f]{40}|(.*[^0-9.])?v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?|.*\d{4}[-.]?\d{2}[-.]?\d{2}.*)"
)
"""No range of versions, as charts may have: whoever publishes the next one deploys it."""


@rule(
    "argo-project",
    "Applications belong to a restricted project, and run a fixed revision in prod",
    types=(*_APPLICATIONS, *types.ARGO_PROJECT),
    severity=HIGH,
    paths=(
        "spec.project",
        "spec.source.targetRevision",
        "spec.sources[].targetRevision",
        "spec.template.spec.project",
        "spec.template.spec.source.targetRevision",
        "spec.template.spec.sources[].targetRevision",
        "spec.sourceRepos[]",
        "spec.destinations[]",
    ),
    why="With `default` or `*`, anyone who can write to any repository can deploy anywhere; and a branch can move.",
    fix="Set a project that lists repositories and destinations; in prod, set targetRevision to a tag or a commit.",
    config={"pinned": {"type": "string", "default": _PINNED}},
)
def argo(resource: Resource, context: Context) -> Findings:
    if resource.type in types.ARGO_PROJECT:
        yield from attempt(_repositories, resource)
        yield from resource.each("spec.destinations", _destination)
        return
    template = "spec.template.spec" if resource.type in types.ARGO_APPLICATION_SET else "spec"
    value = resource.inputs.get_part(template)
    application = Properties({} if value is MISSING else value, template)
    yield from attempt(_project, application)
    if context.is_prod:
        for path in ("source", "sources"):
            yield from attempt(application.each, path, partial(_revision, context.config["pinned"]))


def _project(application: Properties) -> Findings:
    if application.text("project") in ("", "default"):
        yield application.at("project"), "belongs to no restricted project"


def _revision(pinned: str, source: Properties) -> Findings:
    revision = source.text("targetRevision")
    # In an ApplicationSet, the generator fills in the placeholder.
    if "{{" not in revision and not re.fullmatch(pinned, revision):
        yield source.at("targetRevision"), "not a fixed revision"


def _repositories(project: Resource) -> Findings:
    for index, repository in enumerate(project.texts("spec.sourceRepos")):
        if _ANY_REPOSITORY.fullmatch(repository):
            yield f"spec.sourceRepos[{index}]", "allows any repository"


_ANY_REPOSITORY = re.compile(
    r"(\w+://)?[*/]+|(https?://|ssh://|git@)?([\w.-]+@)?(github\.com|gitlab\.com|bitbucket\.org)[:/][*/]+"
)


def _destination(node: Properties) -> Findings:
    def check(key: str) -> Findings:
        if node.text(key) in ("*", "**"):
            yield node.at(key), "allows any destination"

    for key in ("server", "name", "namespace"):
        # A cluster is given by its address or by its name.
        if key != "name" or not node.has("server"):
            yield from attempt(check, key)


@rule(
    "flagger-canary",
    "New versions are tested on part of the traffic, and measured",
    types=types.CANARY,
    kind="stack",
    severity=MEDIUM,
    paths=(
        "spec.targetRef.name",
        "spec.skipAnalysis",
        "spec.analysis.metrics[]",
        "spec.analysis.threshold",
        "spec.analysis.interval",
        "spec.analysis.webhooks[].url",
        "spec.analysis.stepWeight",
        "spec.analysis.stepWeights[]",
        "spec.analysis.iterations",
    ),
    why="Without a metric, a threshold and steps, nothing stops the rollout of a broken version.",
    fix="In analysis, set a metric with a thresholdRange, a threshold, and stepWeight or iterations.",
)
def canary(resource: Resource, context: Context) -> Findings:
    yield from attempt(_target, resource, context)
    yield from attempt(_skipped, resource)
    yield from attempt(_measured, resource)
    yield from attempt(_threshold, resource)
    yield from attempt(_steps, resource)
    yield from attempt(_interval, resource)
    yield from resource.each("spec.analysis.webhooks", _webhook)


_TARGETS = {"Deployment": types.DEPLOYMENT, "DaemonSet": types.DAEMON_SET}


def _target(resource: Resource, context: Context) -> Findings:
    path = "spec.targetRef.name"
    if not resource.has(path):
        yield path, "no target is set"
        return
    kinds = _TARGETS.get(resource.text("spec.targetRef.kind") or "Deployment")
    if kinds and not objects(context.stack).referred(resource, path, *kinds):
        if context.stack.of_type(*types.HELM_RELEASE, *types.HELM_CHART, *_APPLICATIONS):
            raise Undetermined(path, "names a target that a chart may create")
        yield path, "names a target that does not exist"


def _skipped(resource: Resource) -> Findings:
    if resource.flag("spec.skipAnalysis"):
        yield "spec.skipAnalysis", "the analysis is skipped"


def _measured(resource: Resource) -> Findings:
    def check(node: Properties) -> Findings:
        if not any(node.has(key) for key in ("thresholdRange.min", "thresholdRange.max", "threshold")):
            yield node.at("thresholdRange"), "has no bounds"
        elif node.text("name") == "request-success-rate" and (node.number("thresholdRange.min") or 0) < _LEAST_SUCCESS:
            yield node.at("thresholdRange.min"), f"accepts more than {100 - _LEAST_SUCCESS}% of requests that fail"

    if not resource.count("spec.analysis.metrics"):
        yield "spec.analysis.metrics", "no metrics are set"
    yield from resource.each("spec.analysis.metrics", check)


_LEAST_SUCCESS = 90
_MOST_FAILURES = 20
_WHOLE = 100


def _threshold(resource: Resource) -> Findings:
    failures = resource.number("spec.analysis.threshold")
    if not failures:
        yield "spec.analysis.threshold", "no failure threshold is set"
    elif failures > _MOST_FAILURES:
        yield "spec.analysis.threshold", f"more than {_MOST_FAILURES} failed checks before the rollout stops"


def _interval(resource: Resource) -> Findings:
    if re.fullmatch(r"\d+ms|[0-9]s|0m", resource.text("spec.analysis.interval")):
        yield "spec.analysis.interval", "too short to measure anything"


_LOCAL = re.compile(r"[\w-]+(\.[\w-]+(\.svc(\.cluster\.local)?)?)?")
_INTERNAL = re.compile(r"169\.254\..*|kubernetes(\.default.*)?|[\w-]+\.kube-system(\..*)?|localhost|127\..*")


def _webhook(node: Properties) -> Findings:
    """Find what Flagger calls over the network in the open, or what it must not reach at all."""
    address = re.match(r"(https?)://([^/:]+)", node.text("url"))
    if address:
        scheme, host = address.groups()
        if _INTERNAL.fullmatch(host):
            yield node.at("url"), "calls the cluster's own services, or the node"
        elif scheme == "http" and not _LOCAL.fullmatch(host):
            yield node.at("url"), "is called over plain HTTP outside of the cluster"


def _steps(resource: Resource) -> Findings:
    numbers = [resource.number(f"spec.analysis.{key}") for key in ("stepWeight", "iterations")]
    if (numbers[0] or 0) >= _WHOLE:
        yield "spec.analysis.stepWeight", "all traffic is shifted at once"
        return
    if not any(numbers) and not resource.count("spec.analysis.stepWeights"):
        yield "spec.analysis.stepWeight", "all traffic is shifted at once"
