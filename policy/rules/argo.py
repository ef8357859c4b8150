"""Argo CD: its configuration, its projects' roles, and how applications are synchronised."""

import base64
import binascii
import csv
import re
from collections.abc import Iterator

from policy import resource_types as types
from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt, join
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource

_APPLICATIONS = (*types.ARGO_APPLICATION, *types.ARGO_APPLICATION_SET)
_PLAIN = ("http://", "git://")


def application_of(resource: Resource) -> Properties:
    """Return the specification of an Application, or of those that a set makes."""
    path = "spec.template.spec" if resource.type in types.ARGO_APPLICATION_SET else "spec"
    value = resource.inputs.get_part(path)
    return Properties({} if value is MISSING else value, path)


def _in_both(*paths: str) -> tuple[str, ...]:
    return tuple(f"{base}.{path}" for base in ("spec", "spec.template.spec") for path in paths)


_DANGEROUS = {
    "validate=false": "objects are not validated",
    "replace=true": "objects are replaced as a whole, and may be deleted first",
    "force=true": "objects are deleted and created anew",
    "failonsharedresource=false": "takes objects from another application",
}
_WIDE_POINTERS = {"", "/", "/spec", "/data", "/rules", "/roleRef", "/subjects", "/spec/template", "/spec/template/spec"}


@rule(
    "argo-sync",
    "Applications are synchronised from a trusted source, without shortcuts",
    types=_APPLICATIONS,
    severity=MEDIUM,
    paths=(
        *_in_both("syncPolicy.syncOptions[]", "syncPolicy.automated.allowEmpty", "ignoreDifferences[].kind"),
        *_in_both("source.repoURL", "sources[].repoURL", "source.helm.passCredentials"),
        "metadata.annotations.*",
    ),
    why="Over plain HTTP anybody on the way chooses what is deployed; and shortcuts skip what would have refused it.",
    fix="Use https or ssh, and remove the option: repair the object that needs it instead.",
)
def synchronised(resource: Resource, _: Context) -> Findings:
    application = application_of(resource)
    for path in ("source", "sources"):
        yield from attempt(application.each, path, _source)
    yield from attempt(_options, application)
    if application.flag("syncPolicy.automated.allowEmpty"):
        yield application.at("syncPolicy.automated.allowEmpty"), "an empty repository deletes everything"
    yield from attempt(application.each, "ignoreDifferences", _ignored)
    yield from attempt(_updated, resource)


def _source(node: Properties) -> Findings:
    if node.text("repoURL").startswith(_PLAIN):
        yield node.at("repoURL"), "is read over a connection that is not encrypted"
    if node.flag("helm.passCredentials"):
        yield node.at("helm.passCredentials"), "sends the repository's password to other hosts"
    for index, file in enumerate(node.texts("helm.valueFiles")):
        if file.startswith(_PLAIN):
            yield node.at(f"helm.valueFiles[{index}]"), "is read over a connection that is not encrypted"


def _options(application: Properties) -> Findings:
    for index, option in enumerate(application.texts("syncPolicy.syncOptions")):
        said = _DANGEROUS.get(option.replace(" ", "").lower())
        if said:
            yield application.at(f"syncPolicy.syncOptions[{index}]"), said


def _ignored(node: Properties) -> Findings:
    if node.text("kind") == "*":
        yield node.at("kind"), "ignores differences of every kind"
    if _WIDE_POINTERS & {each.rstrip("/") or each for each in node.texts("jsonPointers")}:
        yield node.at("jsonPointers"), "ignores whatever somebody changes in the cluster"


_UPDATER = "argocd-image-updater.argoproj.io/"
_UPDATES = {
    "update-strategy": ("latest", "newest-build", "alphabetical", "name"),
    "allow-tags": ("any", "regexp:.*", "regexp:^.*$"),
}
"""https://argocd-image-updater.readthedocs.io/en/stable/configuration/images/"""


def _updated(resource: Resource) -> Findings:
    for key in resource.keys("metadata.annotations"):
        path = join("metadata.annotations", key)
        what = key.rpartition(".")[2] if key.startswith(_UPDATER) else ""
        if what in _UPDATES and resource.text(path) in _UPDATES[what]:
            yield path, "deploys whatever image was pushed last"


@rule(
    "argo-heal",
    "Automated synchronisation also undoes changes made by hand",
    types=_APPLICATIONS,
    severity=LOW,
    paths=_in_both("syncPolicy.automated.selfHeal"),
    why="Without it, what an intruder or a colleague changes in the cluster stays until the next commit.",
    fix="Set syncPolicy.automated.selfHeal to true.",
)
def healed(resource: Resource, _: Context) -> Findings:
    application = application_of(resource)
    path = "syncPolicy.automated.selfHeal"
    if application.has("syncPolicy.automated") and not application.flag(path):
        yield application.at(path), "changes made by hand stay"


@rule(
    "argo-set",
    "What generates applications does not choose their project",
    types=types.ARGO_APPLICATION_SET,
    severity=HIGH,
    paths=("spec.template.spec.project", "spec.generators[]", "spec.goTemplateOptions[]"),
    why="Whoever can commit to a generator's repository, or open a pull request, would deploy to any project.",
    fix="Write the project out, filter pull requests by a label, and set goTemplateOptions to missingkey=error.",
)
def generated(resource: Resource, _: Context) -> Findings:
    def check(path: str) -> Findings:
        if "{{" in resource.text(path):
            yield path, "a generator chooses the project"

    yield from attempt(check, "spec.template.spec.project")
    yield from resource.each("spec.generators", _of_anybody)
    yield from attempt(_lenient, resource)


def _of_anybody(node: Properties) -> Findings:
    for each in node.nodes("pullRequest"):
        labelled = any(
            each.count(f"{host}.labels") for host in ("github", "gitlab", "bitbucket", "azuredevops", "gitea")
        )
        if not labelled and not each.count("filters"):
            yield each.at(), "deploys every pull request of anybody"
    for kind in ("matrix", "merge"):
        yield from node.each(f"{kind}.generators", _of_anybody)


def _lenient(resource: Resource) -> Findings:
    if resource.flag("spec.goTemplate") and "missingkey=error" not in resource.texts("spec.goTemplateOptions"):
        yield "spec.goTemplateOptions", "a missing value becomes text in the application"


@rule(
    "argo-roles",
    "Projects do not reach the cluster's own objects, and their roles are limited",
    types=types.ARGO_PROJECT,
    severity=HIGH,
    paths=(
        "spec.clusterResourceWhitelist[].kind",
        "spec.clusterResourceWhitelist[].group",
        "spec.sourceNamespaces[]",
        "spec.roles[].policies[]",
        "spec.destinations[].namespace",
    ),
    why="With cluster-scoped kinds a project can make itself an administrator; in argocd it can change its own limits.",
    fix="List the kinds that are needed, none of RBAC or admission; and give roles single actions on single objects.",
)
def limited(project: Resource, _: Context) -> Findings:
    yield from project.each("spec.clusterResourceWhitelist", _cluster_kind)
    yield from project.each("spec.destinations", _own_namespace)
    yield from attempt(_sources, project)
    yield from project.each("spec.roles", _role)


def _cluster_kind(node: Properties) -> Findings:
    if node.text("kind") == "*":
        yield node.at("kind"), "allows every kind outside of namespaces"
    elif node.text("kind").startswith(("ClusterRole", "MutatingWebhook", "ValidatingWebhook", "ValidatingAdmission")):
        yield node.at("kind"), "allows to change who may do what in the whole cluster"


def _own_namespace(node: Properties) -> Findings:
    if node.text("namespace") in ("argocd", "kube-system", "flux-system"):
        yield node.at("namespace"), "allows to change what deploys, or the cluster itself"


def _sources(project: Resource) -> Findings:
    if "*" in project.texts("spec.sourceNamespaces"):
        yield "spec.sourceNamespaces", "applications of any namespace belong to it"


_ANY = ("*", "*/*")


def _role(node: Properties) -> Findings:
    for index, line in enumerate(node.texts("policies")):
        yield from _policy_line(line, node.at(f"policies[{index}]"))


def _policy_line(line: str, path: str) -> Findings:
    """Look at one line of https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/."""
    fields = [each.strip() for each in line.split(",")]
    if len(fields) >= _POLICY and fields[0] == "p" and fields[5:6] != ["deny"] and "admin" not in fields[1]:
        _, subject, resource, action, object_ = fields[:5]
        if "*" in (resource, subject) or (action == "*" and resource not in _HARMLESS):
            yield path, "a policy with a wildcard allows every action"
        elif resource == "exec":
            yield path, "allows commands in containers"
        elif action in ("create", "update", "override", "delete") and object_ in _ANY:
            yield path, "allows to change every object of a kind"


_POLICY = 5
_HARMLESS = ("logs",)

_ON = {
    "argocd-cm": {
        "admin.enabled": "the built-in administrator is enabled",
        "exec.enabled": "people get a shell in every container",
        "users.anonymous.enabled": "everybody gets in without a login",
        "oidc.tls.insecure.skip.verify": "the login's certificate is not verified",
    },
    "argocd-cmd-params-cm": {
        "server.insecure": "the server speaks plain HTTP",
        "server.disable.auth": "everybody is an administrator",
        "reposerver.disable.tls": "repositories are served without TLS",
        "controller.repo.server.plaintext": "repositories are read without TLS",
        "server.repo.server.plaintext": "repositories are read without TLS",
        "applicationsetcontroller.repo.server.plaintext": "repositories are read without TLS",
    },
}
_ANYWHERE = ("application.namespaces", "applicationsetcontroller.namespaces")
_KEYS = {
    "url",
    "kustomize.buildOptions",
    "policy.default",
    "policy.csv",
    *_ANYWHERE,
    *(key for keys in _ON.values() for key in keys),
}
_BUILD = re.compile(r"LoadRestrictionsNone|--enable-exec|--enable-alpha-plugins|--enable-helm-exec")
_SECTIONS = {"cm": "argocd-cm", "params": "argocd-cmd-params-cm", "rbac": "argocd-rbac-cm"}


@rule(
    "argo-config",
    "Argo CD is closed to whoever has no role, and speaks TLS",
    types=(*types.CONFIG_MAP, *types.HELM_RELEASE, *types.K8S_SECRET),
    severity=HIGH,
    paths=("data.*",),
    why="Whoever is an administrator of Argo CD is one of every cluster that it deploys to.",
    fix="Set admin.enabled false, policy.default to nothing or role:readonly, and leave anonymous access and exec off.",
)
def configuration(resource: Resource, context: Context) -> Findings:
    if resource.type in types.K8S_SECRET:
        yield from attempt(_repository, resource)
    elif resource.type in types.HELM_RELEASE:
        chart = resource.peek("chart")
        if chart is UNKNOWN and resource.keys("values.configs"):
            raise Undetermined("chart")
        if re.search(r"(^|/)argo-cd\b", str(chart)):
            for section, name in _SECTIONS.items():
                yield from _configured(resource, name, f"values.configs.{section}", context)
    else:
        name = resource.peek("metadata.name")
        if isinstance(name, str) and name in _SECTIONS.values():
            yield from _configured(resource, name, "data", context)
        elif name is UNKNOWN and _KEYS & set(resource.keys("data")):
            raise Undetermined("metadata.name")


def _configured(resource: Resource, name: str, base: str, context: Context) -> Findings:
    for key, said in _ON.get(name, {}).items():
        # Where there is nothing to protect yet, there may be no login of the company's either.
        if key != "admin.enabled" or context.settings.environment not in ("dev", "integration"):
            yield from attempt(_is_on, resource, join(base, key), said)
    if name == "argocd-cm":
        yield from attempt(_address, resource, join(base, "url"))
        yield from attempt(_built, resource, join(base, "kustomize.buildOptions"))
    elif name == "argocd-rbac-cm":
        yield from attempt(_default, resource, join(base, "policy.default"))
        for key in resource.keys(base):
            if key.startswith("policy.") and key.endswith(".csv"):
                yield from attempt(_rows, resource, join(base, key))
    else:
        for key in _ANYWHERE:
            yield from attempt(_everywhere, resource, join(base, key))


def _is_on(resource: Resource, path: str, said: str) -> Findings:
    if resource.flag(path):
        yield path, said


def _address(resource: Resource, path: str) -> Findings:
    if resource.text(path).startswith("http://"):
        yield path, "logins go over plain HTTP"


def _built(resource: Resource, path: str) -> Findings:
    if _BUILD.search(resource.text(path)):
        yield path, "a repository reads files of the server, or runs programs there"


def _default(resource: Resource, path: str) -> Findings:
    if resource.text(path) not in ("", "role:readonly", "role:none", "role:''", "''"):
        yield path, "everybody who logs in gets a role that changes something"


def _rows(resource: Resource, path: str) -> Findings:
    for line in resource.text(path).splitlines():
        fields = next(csv.reader([line.strip()], skipinitialspace=True), [])
        if fields[:1] == ["g"] and fields[2:3] == ["role:admin"] and fields[1].strip() in _EVERYBODY:
            yield path, "everybody is an administrator"
        elif not line.strip().startswith("#"):
            yield from _policy_line(line, path)


_EVERYBODY = ("*", "authenticated", "system:authenticated", "everyone", "Everyone")


def _everywhere(resource: Resource, path: str) -> Findings:
    if "*" in {each.strip() for each in resource.text(path).split(",")}:
        yield path, "applications of any namespace are deployed"


_KIND = 'metadata.labels["argocd.argoproj.io/secret-type"]'


def _repository(secret: Resource) -> Findings:
    if not secret.text(_KIND):
        return
    for path, text in _texts(secret, "url", "server"):
        if text.startswith(_PLAIN):
            yield path, "is reached over a connection that is not encrypted"
    for path, text in _texts(secret, "insecure", "insecureIgnoreHostKey"):
        if text.lower() == "true":
            yield path, "the server's identity is not verified"


def _texts(secret: Resource, *keys: str) -> Iterator[tuple[str, str]]:
    for key in keys:
        if secret.has(f"stringData.{key}"):
            yield f"stringData.{key}", secret.text(f"stringData.{key}")
        elif secret.has(f"data.{key}"):
            try:
                yield f"data.{key}", base64.b64decode(secret.text(f"data.{key}"), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise Undetermined(f"data.{key}", "is not valid base64") from None
