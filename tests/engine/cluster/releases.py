"""Releases of Helm charts, without the charts: what a chart defines is applied, what it would run is not.

The definitions of each chart lie as CHART.yaml in the folder that AI_PRISM_DEFINITIONS names. A release is recorded
in a Secret, as Helm does it. Definitions outlive it (https://helm.sh/docs/topics/charts/#limitations-on-crds), but for
those of charts that have them among their templates.
The provider's side: https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm_release.go
"""

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from engine.cluster import states
from engine.cluster.api import Api, ApiError, Object
from engine.cluster.differences import differences
from engine.cluster.objects import Difference
from engine.cluster.refusals import RefusedError
from engine.cluster.states import Properties
from engine.cluster.waits import TimedOutError, wait_until_gone

from prismctl.graph import UNKNOWN

_MANAGER = "helm"
_SECONDS = 300
"""How long an installation may take by default."""
_SECONDS_FOR_DEFINITIONS = 20

_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("chart", "name", "namespace", "version", "description", "compat", "keyring", "postrender"), str),
    **dict.fromkeys(("repositoryOpts", "values"), dict),
    **dict.fromkeys(("maxHistory", "timeout"), (int, float)),
    **dict.fromkeys(
        (
            *("allowNullValues", "atomic", "cleanupOnFail", "createNamespace", "dependencyUpdate", "devel"),
            *("disableCRDHooks", "disableOpenapiValidation", "disableWebhooks", "forceUpdate", "lint", "recreatePods"),
            *("renderSubchartNotes", "replace", "resetValues", "reuseValues", "skipAwait", "skipCrds"),
            *("takeOwnership", "verify", "waitForJobs"),
        ),
        bool,
    ),
}
"""Of the properties: https://www.pulumi.com/registry/packages/kubernetes/api-docs/helm/v3/release/, but for assets."""
_REPOSITORY = {"repo", "username", "password", "caFile", "certFile", "keyFile"}
_TEMPLATED = {"external-secrets"}
"""Charts whose definitions go with the release, and so does whatever they define; Argo CD's says that they are kept.

https://github.com/external-secrets/external-secrets/blob/main/deploy/charts/external-secrets/values.yaml (installCRDs),
https://github.com/argoproj/argo-helm/blob/main/charts/argo-cd/values.yaml (crds.keep)
"""
_REQUIRED = ("chart", "version")
"""The provider takes the newest version where none is given, which is another one tomorrow; here it is asked for."""


@dataclass(frozen=True)
class Releases:
    """The releases of one cluster, or of none where it is only pretended."""

    api: Api | None
    namespace: str = "default"

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """Return the inputs with what the provider adds to them; raises RefusedError."""
        inputs = deepcopy(states.plain(news))
        problems = list(_problems(inputs))
        if problems:
            raise RefusedError("\n".join(problems))
        inputs.setdefault("namespace", self.namespace)
        inputs.setdefault("timeout", _SECONDS)
        if not inputs.get("name"):
            before = states.plain(olds).get("name") if olds else None
            inputs["name"] = before or states.random_name(name, seed)
        return states.hide_like(news, inputs)

    def diff(self, state: Properties, news: Properties, ignored: tuple[str, ...]) -> Difference:
        old, new = states.split(state)[0], states.plain(news)
        changes = [
            change
            for change in differences(old, new, (("name",), ("namespace",)))
            if not change.name.startswith(ignored or "\0")
        ]
        return Difference(changes, delete_before_replace=False)

    def create(self, urn: str, news: Properties, timeout: float) -> tuple[str, Properties]:  # noqa: ARG002
        """Return the id and the state; raises RefusedError."""
        inputs = states.plain(news)
        if self.api:
            if self.api.find(_record(inputs)):
                # https://github.com/helm/helm/blob/v3.22.0/pkg/action/install.go
                raise RefusedError("cannot re-use a name that is still in use")
            self._install(self.api, inputs)
        return f"{inputs['namespace']}/{inputs['name']}", self._state(news, revision=1)

    def plan_creation(self, urn: str, news: Properties) -> Properties:  # noqa: ARG002
        return news

    def update(
        self,
        state: Properties,
        news: Properties,
        ignored: tuple[str, ...],  # noqa: ARG002
        timeout: float,  # noqa: ARG002
        *,
        dry: bool,
    ) -> Properties:
        """Return the new state; raises RefusedError."""
        if dry:
            return news
        if self.api:
            self._install(self.api, states.plain(news))
        return self._state(news, revision=states.plain(state)["status"]["revision"] + 1)

    def read(
        self,
        id_: str,
        kind: tuple[str, str],  # noqa: ARG002
        inputs: Properties,
        state: Properties,
    ) -> tuple[Properties, Properties] | None:
        """Return inputs and state, None where the cluster knows of no such release."""
        namespace, _, name = id_.rpartition("/")
        if not state or (self.api and self.api.find(_record({"namespace": namespace, "name": name})) is None):
            return None
        return inputs, state

    def delete(self, state: Properties, timeout: float) -> None:
        """Remove what was installed, and wait for it; raises RefusedError."""
        given = states.split(state)[0]
        if self.api is None:
            return
        definitions = definitions_of(given["chart"]) if given["chart"] in _TEMPLATED else []
        for object_ in (*_objects_of(given), *definitions, _record(given)):
            self._remove(self.api, object_, timeout or given["timeout"])

    def _remove(self, api: Api, object_: Object, seconds: float) -> None:
        found = api.find(object_)
        if found is None:
            return
        try:
            api.delete(found, "Background")
            wait_until_gone(api, found, seconds, threading.Event())
        except TimedOutError as error:
            raise RefusedError(f"uninstallation completed with 1 error(s): {error}") from error
        except ApiError as error:
            if error.code != 404:
                raise RefusedError(str(error)) from error

    def _install(self, api: Api, inputs: Object) -> None:
        """Apply definitions and objects, and record the release; raises RefusedError."""
        try:
            if inputs.get("createNamespace"):
                space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": inputs["namespace"]}}
                api.apply(space, _MANAGER, force=False, dry=False)
            if not inputs.get("skipCrds"):
                apply_definitions(api, inputs["chart"])
            for object_ in (*_objects_of(inputs), _record(inputs)):
                api.apply(object_, _MANAGER, force=True, dry=False)
        except ApiError as error:
            raise RefusedError(f"Helm release {inputs['namespace']}/{inputs['name']}: {error}") from error

    def _state(self, news: Properties, revision: int) -> Properties:
        inputs = states.plain(news)
        status = {
            "appVersion": "",
            "chart": inputs["chart"],
            "name": inputs["name"],
            "namespace": inputs["namespace"],
            "revision": revision,
            "status": "deployed",
            "version": inputs["version"],
        }
        return {**states.join({**inputs, "status": status}, news, _MANAGER, "helm.sh/v3")}


def apply_definitions(api: Api, chart: str) -> None:
    """Apply what a chart defines, and wait until the API server knows it."""
    definitions = definitions_of(chart)
    for definition in definitions:
        api.apply(definition, _MANAGER, force=True, dry=False)
    end = time.monotonic() + _SECONDS_FOR_DEFINITIONS
    while not all(map(_is_established, map(api.get, definitions))) and time.monotonic() < end:
        time.sleep(0.1)


def definitions_of(chart: str) -> list[Object]:
    """Return what a chart defines: nothing where it has no file."""
    file = Path(os.environ.get("AI_PRISM_DEFINITIONS", "/nonexistent")) / f"{chart}.yaml"
    if not file.is_file():
        return []
    found = [each for each in yaml.load_all(file.read_text(encoding="utf-8"), _Loader) if each]
    return [{key: value for key, value in each.items() if key != "status"} for each in found]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads a lone `=`, which definitions have among their values, as the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_yaml_str)


def _is_established(definition: Object) -> bool:
    conditions = definition.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _problems(inputs: Object) -> Iterator[str]:
    yield from (f"unknown property {key}" for key in sorted(inputs.keys() - _TYPES.keys()))
    yield from (f"missing required property {key}" for key in _REQUIRED if not inputs.get(key))
    for key, value in inputs.items():
        type_ = _TYPES.get(key)
        if type_ and value is not UNKNOWN and not isinstance(value, type_):
            yield f"{key} is no {type_.__name__ if isinstance(type_, type) else 'number'}: {value!r}"
    repository = inputs.get("repositoryOpts", {})
    if isinstance(repository, Mapping):
        yield from (f"unknown property repositoryOpts.{key}" for key in sorted(repository.keys() - _REPOSITORY))
        if not repository.get("repo") and not str(inputs.get("chart", "")).startswith(("oci://", ".", "/")):
            # What Helm says of a name that is neither a path nor an address.
            yield "non-absolute URLs should be in form of repo_name/path_to_chart, got: " + str(inputs.get("chart"))


def _record(inputs: Mapping[str, Any]) -> Object:
    """Return where Helm remembers a release: https://helm.sh/docs/topics/advanced/#storage-backends."""
    name = inputs["name"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"sh.helm.release.v1.{name}.v1",
            "namespace": inputs["namespace"],
            "labels": {"name": name, "owner": "helm", "status": "deployed", "version": "1"},
        },
        "type": "helm.sh/release.v1",
        "stringData": {"release": json.dumps({"chart": inputs.get("chart"), "version": inputs.get("version")})},
    }


def _objects_of(inputs: Mapping[str, Any]) -> Iterator[Object]:
    """Return the objects of a release by which its controller is configured, where it runs outside the cluster.

    https://github.com/argoproj/argo-helm/tree/main/charts/argo-cd/templates/argocd-configs
    """
    if inputs.get("chart") != "argo-cd":
        return
    configs = (inputs.get("values") or {}).get("configs", {})
    for name, settings in (("argocd-cm", configs.get("cm", {})), ("argocd-rbac-cm", configs.get("rbac", {}))):
        # Two keys are no settings: they say whether and how the chart makes the object.
        data = {key: _text(value) for key, value in settings.items() if key not in ("create", "annotations")}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _of_argo_cd(name, inputs), "data": data}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": _of_argo_cd("argocd-secret", inputs)}


def _of_argo_cd(name: str, inputs: Mapping[str, Any]) -> Object:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    return {"name": name, "namespace": inputs["namespace"], "labels": labels}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
