"""Releases of Helm charts as the Kubernetes provider manages them: by the real Helm, on a real API server.

The provider is built on Helm's library, so what Helm says, records, rolls back and leaves behind when it is killed is
as in the real one: https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm_release.go

A chart in a folder is installed as it is. Of a chart in a repository a stand-in is installed: what it defines lies as
CHART.yaml in the folder that AI_PRISM_DEFINITIONS names and is applied beside it; what it would run is left out.
Definitions outlive a release (https://helm.sh/docs/topics/charts/#limitations-on-crds), but for those of charts that
have them among their templates.
"""

import base64
import gzip
import json
import os
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml

from fakes.cluster import states
from fakes.cluster.api import Api, ApiError, Object
from fakes.cluster.differences import differences
from fakes.cluster.objects import Difference
from fakes.cluster.refusals import RefusedError, UnfinishedError
from fakes.cluster.states import Properties
from fakes.cluster.waits import TimedOutError, wait_until_gone
from recording.graph import UNKNOWN
from tools.build import locate

_MANAGER = "helm"
_SECONDS = 300
"""How long an installation may take by default."""
_SECONDS_FOR_DEFINITIONS = 20
_SECONDS_BETWEEN_LOOKS = 0.05

_TYPES: Mapping[str, type | tuple[type, ...]] = {
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
    """The releases of one cluster, or of none where objects stand in the state alone."""

    api: Api | None
    namespace: str = "default"
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when the engine wants operations under way to end: Helm then rolls back what is atomic."""

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> Properties:
        """Return the inputs with what the provider adds to them; raises RefusedError."""
        inputs = deepcopy(states.plain(news))
        problems = list(_problems(inputs))
        if problems:
            raise RefusedError("\n".join(problems))
        if not states.has_unknown(inputs):
            _find(inputs["chart"])
        inputs.setdefault("namespace", self.namespace)
        inputs.setdefault("timeout", _SECONDS)
        if not inputs.get("name"):
            before = states.plain(olds).get("name") if olds else None
            inputs["name"] = before or states.random_name(name, seed)
        return states.hide_like(news, inputs)

    def diff(self, state: Properties, news: Properties, ignored: tuple[str, ...]) -> Difference:
        """Compare the program's values with those of the release, and with those of the program before.

        What only the release has is no difference (Diff in the provider: a three-way merge).
        """
        before, live = states.split(state)
        new = states.plain(news)
        changes = [
            change
            for change in differences(_known_to(live, before, new), new, (("name",), ("namespace",)))
            if not change.name.startswith(ignored or "\0")
        ]
        return Difference(changes, delete_before_replace=False)

    def create(self, urn: str, news: Properties, timeout: float) -> tuple[str, Properties]:  # noqa: ARG002
        """Return the id and the state; raises RefusedError, and UnfinishedError where the release is there."""
        inputs = states.plain(news)
        if self.api is None:
            return _id(inputs), self._state(news, {"version": 1})
        namespace = ("--create-namespace",) if inputs.get("createNamespace") else ()
        try:
            self._install(self.api, inputs, "install", *namespace)
        except RefusedError as error:
            left = record_of(self.api, inputs["namespace"], inputs["name"])
            # In the words of availableName: https://github.com/helm/helm/blob/v3.22.0/pkg/action/install.go
            if left is None or "cannot re-use a name" in str(error):
                raise
            raise self._unfinished("was created, but failed", error, news, left) from error
        return _id(inputs), self._state(news, self._record(self.api, inputs))

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
        """Return the new state; raises RefusedError where Helm did not begin, or UnfinishedError."""
        if dry:
            return news
        if self.api is None:
            return self._state(news, {"version": states.plain(state)["status"]["revision"] + 1})
        inputs = states.plain(news)
        before = self._record(self.api, inputs)
        history = ("--history-max", str(int(inputs.get("maxHistory", 0))))
        cleanup = ("--cleanup-on-fail",) if inputs.get("cleanupOnFail") else ()
        try:
            self._install(self.api, inputs, "upgrade", *history, *cleanup)
        except RefusedError as error:
            left = self._record(self.api, inputs)
            if left["version"] == before["version"]:
                raise
            # The state keeps the new values, whatever Helm has rolled back.
            raise self._unfinished("failed", error, news, {**left, "config": {}}) from error
        return self._state(news, self._record(self.api, inputs))

    def read(
        self,
        id_: str,
        kind: tuple[str, str],  # noqa: ARG002
        inputs: Properties,
        state: Properties,
    ) -> tuple[Properties, Properties] | None:
        """Return inputs and state, None where the cluster knows of no such release."""
        if not state:
            return None
        if self.api is None:
            return inputs, state
        namespace, _, name = id_.rpartition("/")
        found = record_of(self.api, namespace, name)
        return None if found is None else (inputs, self._state(inputs, found, states.split(state)[1]))

    def delete(self, state: Properties, timeout: float) -> None:
        """Remove what was installed, and wait for it; raises RefusedError."""
        given = states.split(state)[0]
        if self.api is None:
            return
        seconds = timeout or given["timeout"]
        if record_of(self.api, given["namespace"], given["name"]):
            options = ("--namespace", given["namespace"], "--wait", "--timeout", f"{int(seconds)}s")
            self._helm(self.api, "uninstall", given["name"], *options)
        chart = name_of(given)
        for definition in definitions_of(chart) if chart in _TEMPLATED else []:
            self._remove(self.api, definition, seconds)

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
            if error.code != HTTPStatus.NOT_FOUND:
                raise RefusedError(str(error)) from error

    def _install(self, api: Api, inputs: Object, command: str, *options: str) -> None:
        """Apply definitions, and let Helm install or upgrade; raises RefusedError."""
        with tempfile.TemporaryDirectory(prefix="chart-") as folder:
            _find(inputs["chart"])
            chart = inputs["chart"] if _is_whole(Path(inputs["chart"])) else _make_chart(Path(folder), inputs)
            values = Path(folder) / "given.json"
            values.write_text(json.dumps(inputs.get("values", {})), encoding="utf-8")
            try:
                if not inputs.get("skipCrds"):
                    apply_definitions(api, name_of(inputs).removesuffix("-crds"))
            except ApiError as error:
                raise RefusedError(f"Helm release {_id(inputs)}: {error}") from error
            self._helm(
                api,
                *(command, inputs["name"], str(chart), "--namespace", inputs["namespace"]),
                *("--values", str(values), "--timeout", f"{int(inputs['timeout'])}s"),
                *(() if inputs.get("skipAwait") else ("--wait",)),
                *(("--atomic",) if inputs.get("atomic") else ()),
                *(("--take-ownership",) if inputs.get("takeOwnership") else ()),
                *options,
            )

    def _helm(self, api: Api, *arguments: str) -> None:
        """Run Helm; raises RefusedError with its words."""
        command = [str(locate("helm")), *arguments, "--kubeconfig", str(api.kubeconfig)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as helm:  # noqa: S603
            while helm.poll() is None:
                if self.cancelled.wait(_SECONDS_BETWEEN_LOOKS):
                    helm.terminate()
                    break
            said = helm.communicate()[1]
        if helm.returncode:
            words = said.strip().rpartition("Error: ")[2]
            raise RefusedError(words.removeprefix("INSTALLATION FAILED: ").removeprefix("UPGRADE FAILED: "))

    def _record(self, api: Api, inputs: Object) -> Object:
        found = record_of(api, inputs["namespace"], inputs["name"])
        if found is None:
            raise RefusedError(f'"{inputs["name"]}" has no deployed releases')
        return found

    def _unfinished(self, how: str, error: RefusedError, news: Properties, left: Object) -> UnfinishedError:
        inputs = states.plain(news)
        id_ = _id(inputs)
        message = (
            f'Helm release "{id_}" {how} to initialize completely. Use Helm CLI to investigate: failed to become'
            f" available within allocated timeout. Error: Helm Release {id_}: {error}"
        )
        metadata = {"namespace": inputs["namespace"], "name": inputs["name"]}
        return UnfinishedError(message, {"metadata": metadata}, self._state(news, left))

    def _state(
        self, news: Properties, record: Mapping[str, Any], before: Mapping[str, Any] | None = None
    ) -> Properties:
        """Return the state of a release with what Helm's record says: its values lie over those of before."""
        inputs = states.plain(news)
        shown = before or inputs
        metadata = record.get("chart", {}).get("metadata", {})
        version = metadata.get("version", inputs["version"])
        status = {
            "appVersion": metadata.get("appVersion", ""),
            "chart": metadata.get("name", name_of(inputs)),
            "name": inputs["name"],
            "namespace": inputs["namespace"],
            "revision": record["version"],
            "status": record.get("info", {}).get("status", "deployed"),
            "version": version,
        }
        values = _merge(shown.get("values", {}), record.get("config") or {})
        given = {"values": values} if values or "values" in inputs else {}
        live = {**shown, **given, "version": version, "status": status}
        return {**states.join(live, news, _MANAGER, "helm.sh/v3")}


def record_of(api: Api, namespace: str, name: str) -> Object | None:
    """Return what Helm remembers of a release's last revision: https://helm.sh/docs/topics/advanced/#storage-backends."""
    query = {"labelSelector": f"owner=helm,name={name}"}
    found = api.request("GET", f"/api/v1/namespaces/{namespace}/secrets", query=query)["items"]
    if not found:
        return None
    last = max(found, key=lambda each: int(each["metadata"]["labels"]["version"]))
    # The API encodes a Secret's data, and Helm its own before that.
    packed = base64.b64decode(base64.b64decode(last["data"]["release"]))
    return json.loads(gzip.decompress(packed))


def _make_chart(folder: Path, inputs: Object) -> Path:
    """Make a chart that stands in for one in a repository, in `folder`."""
    chart = {"apiVersion": "v2", "name": name_of(inputs), "version": inputs["version"]}
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text(json.dumps(chart), encoding="utf-8")
    (folder / "objects.yaml").write_text(yaml.safe_dump_all(_objects_of(inputs)), encoding="utf-8")
    (folder / "templates" / "objects.yaml").write_text('{{ .Files.Get "objects.yaml" }}', encoding="utf-8")
    return folder


def name_of(inputs: Mapping[str, Any]) -> str:
    """Return what a chart is called, be it named by itself, by an address or by the path of its archive."""
    return inputs["chart"].rpartition("/")[2].removesuffix(f"-{inputs['version']}.tgz")


def _is_whole(chart: Path) -> bool:
    """Whether there is a chart: a folder, or an archive that is no stand-in."""
    if not chart.is_file():
        return chart.is_dir()
    with tarfile.open(chart) as archive:
        return any(name.partition("/")[2].startswith("templates/") for name in archive.getnames())


def _find(chart: str) -> None:
    """Raise RefusedError where a path leads to no chart (locateChart in the provider)."""
    if chart.startswith((".", "/")) and not Path(chart).exists():
        raise RefusedError(f'path "{chart}" not found; check the chart name and repository configuration.')


def _id(inputs: Mapping[str, Any]) -> str:
    return f"{inputs['namespace']}/{inputs['name']}"


def _known_to(live: Any, before: Any, new: Any) -> Any:
    """Return of what is there what the program names, or did before; lists as a whole."""
    if not isinstance(live, Mapping) or not isinstance(new, Mapping):
        return live
    before = before if isinstance(before, Mapping) else {}
    return {key: _known_to(live[key], before.get(key), new.get(key)) for key in live if key in new or key in before}


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return values laid over others, as Helm does it."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return merged


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


class _Loader(yaml.CSafeLoader):
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


def _objects_of(inputs: Mapping[str, Any]) -> Iterator[Object]:
    """Return the objects of a release by which its controller is configured, where it runs outside the cluster.

    https://github.com/argoproj/argo-helm/tree/main/charts/argo-cd/templates/argocd-configs
    """
    if name_of(inputs) != "argo-cd":
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
