"""How secrets, charts and new versions come into the cluster."""

import re
from functools import partial

from policy import resource_types as types
from policy.objects import objects
from policy.properties import MISSING, Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_ARGO_KIND = 'metadata.labels["argocd.argoproj.io/secret-type"]'
_ARGO_OPEN = {"type", "url", "name", "project", "enableOCI", "insecure", "forceHttpBasicAuth", "server", "namespaces"}
"""What says where Argo CD's repositories and clusters are, and not how to get in.

https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/
"""


@rule(
    "eso-only",
    "Secrets come from Secrets Manager, none from the program",
    types=types.K8S_SECRET,
    severity=CRITICAL,
    paths=("data.*", "stringData.*", _ARGO_KIND),
    why="A literal secret stands in the repository, in the state and in every preview, and nothing ever rotates it.",
    fix="Replace the Secret by an ExternalSecret, and put the value into Secrets Manager.",
)
def literal_secret(secret: Resource, _: Context) -> Findings:
    def check(path: str) -> Findings:
        # An empty value only makes room for what a controller fills in.
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
"""Ways in by something that lasts, of those providers that have others.

https://external-secrets.io/latest/api/secretstore/
"""


@rule(
    "eso-store",
    "Secret stores are opened by an identity, and not by a key",
    types=types.SECRET_STORE,
    severity=HIGH,
    paths=tuple(f"spec.provider.{provider}.{path}" for provider, paths in _STATIC.items() for path in paths),
    why="A key that opens all secrets is itself a secret that nobody rotates; an identity leaves nothing to steal.",
    fix="Remove auth.secretRef, and give the service account of External Secrets a role (EKS Pod Identity).",
    strict=True,
)
def static_keys(store: Resource, _: Context) -> Findings:
    def check(path: str) -> Findings:
        if store.has(path):
            yield path, "opened by something that lasts and can be copied"

    for provider, paths in _STATIC.items():
        for path in paths:
            yield from attempt(check, f"spec.provider.{provider}.{path}")
    yield from attempt(_fake, store)


def _fake(store: Resource) -> Findings:
    if store.has("spec.provider.fake"):
        yield "spec.provider.fake", "holds its secrets in plain text"


_APPLICATIONS = (*types.ARGO_APPLICATION, *types.ARGO_APPLICATION_SET)
_PINNED = r"[0-9a-f]{40}|(.*[^0-9.])?v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?|.*\d{4}[-.]?\d{2}[-.]?\d{2}.*"


@rule(
    "argo-project",
    "Applications belong to a project that bounds them, and run a fixed revision in prod",
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
    why="Under `default` or `*`, who writes to any repository deploys anything anywhere; and a branch moves by itself.",
    fix="Name a project, its repositories and destinations; in prod, a tag or a commit as targetRevision.",
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
        yield application.at("project"), "belongs to no project that bounds it"


def _revision(pinned: str, source: Properties) -> Findings:
    revision = source.text("targetRevision")
    # Of a set, the generator knows more than its template.
    if "{{" not in revision and not re.fullmatch(pinned, revision):
        yield source.at("targetRevision"), "a revision that moves"


def _repositories(project: Resource) -> Findings:
    for index, repository in enumerate(project.texts("spec.sourceRepos")):
        if _ANY_REPOSITORY.fullmatch(repository):
            yield f"spec.sourceRepos[{index}]", "any repository"


_ANY_REPOSITORY = re.compile(
    r"(\w+://)?[*/]+|(https?://|ssh://|git@)?([\w.-]+@)?(github\.com|gitlab\.com|bitbucket\.org)[:/][*/]+"
)


def _destination(node: Properties) -> Findings:
    def check(key: str) -> Findings:
        if node.text(key) in ("*", "**"):
            yield node.at(key), "any destination"

    for key in ("server", "name", "namespace"):
        # With the address of a cluster, its name says nothing more.
        if key != "name" or not node.has("server"):
            yield from attempt(check, key)


@rule(
    "flagger-canary",
    "New versions are tried on a part of the traffic, and measured",
    types=types.CANARY,
    kind="stack",
    severity=MEDIUM,
    paths=(
        "spec.targetRef.name",
        "spec.skipAnalysis",
        "spec.analysis.metrics[]",
        "spec.analysis.threshold",
        "spec.analysis.stepWeight",
        "spec.analysis.stepWeights[]",
        "spec.analysis.iterations",
    ),
    why="A canary without a metric, a threshold and steps is a roll-out that nothing stops.",
    fix="Give analysis a metric with a thresholdRange, a threshold, and stepWeight or iterations.",
)
def canary(resource: Resource, context: Context) -> Findings:
    yield from attempt(_target, resource, context)
    yield from attempt(_skipped, resource)
    yield from attempt(_measured, resource)
    yield from attempt(_threshold, resource)
    yield from attempt(_steps, resource)


_TARGETS = {"Deployment": types.DEPLOYMENT, "DaemonSet": types.DAEMON_SET}


def _target(resource: Resource, context: Context) -> Findings:
    path = "spec.targetRef.name"
    if not resource.has(path):
        yield path, "names no target"
        return
    kinds = _TARGETS.get(resource.text("spec.targetRef.kind") or "Deployment")
    if kinds and not objects(context.stack).referred(resource, path, *kinds):
        if context.stack.of_type(*types.HELM_RELEASE, *types.HELM_CHART, *_APPLICATIONS):
            raise Undetermined(path, "names a target that only a chart may make")
        yield path, "names a target that does not exist"


def _skipped(resource: Resource) -> Findings:
    if resource.flag("spec.skipAnalysis"):
        yield "spec.skipAnalysis", "new versions are not looked at"


def _measured(resource: Resource) -> Findings:
    def check(node: Properties) -> Findings:
        if not any(node.has(key) for key in ("thresholdRange.min", "thresholdRange.max", "threshold")):
            yield node.at("thresholdRange"), "has no bounds"

    if not resource.count("spec.analysis.metrics"):
        yield "spec.analysis.metrics", "nothing is measured"
    yield from resource.each("spec.analysis.metrics", check)


def _threshold(resource: Resource) -> Findings:
    if not resource.number("spec.analysis.threshold"):
        yield "spec.analysis.threshold", "does not say how many failures end the trial"


def _steps(resource: Resource) -> Findings:
    numbers = [resource.number(f"spec.analysis.{key}") for key in ("stepWeight", "iterations")]
    if not any(numbers) and not resource.count("spec.analysis.stepWeights"):
        yield "spec.analysis.stepWeight", "all traffic moves at once"
