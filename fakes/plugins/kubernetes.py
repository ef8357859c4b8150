"""The Kubernetes provider's fake: objects on a real API server, which AI_PRISM_KUBECONFIG names.

The program's own kubeconfig names a cluster that does not exist, so it is not tried: where the variable is missing
the cluster is unreachable, as it would be. Where it says `state-only`, objects stand in Pulumi's state alone. In both
cases the fake account's cluster refuses callers whom it does not know, or who have no way to it. What the fake
does not do, such as Helm's charts of old, it refuses by name.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import grpc
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fakes.aws import rules_of_account
from fakes.aws.account import Account
from fakes.cluster.api import Api, ApiError, NoMatchError, UnreachableError
from fakes.cluster.objects import Difference, Objects
from fakes.cluster.refusals import RefusedError, UnfinishedError
from fakes.cluster.releases import Releases
from fakes.cluster.state_only import StateOnlyObjects
from fakes.cluster.states import Properties
from fakes.plugins.serving import Provider, abort_half_done, serve_provider
from fakes.urns import name_of, type_of
from recording import wire
from recording.graph import UNKNOWN

_UNREACHABLE = "configured Kubernetes cluster is unreachable"
_DELETE_UNREACHABLE = (
    "If the cluster was deleted, you can remove this resource from Pulumi state by rerunning the operation with the"
    ' PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"'
)
_UPSERT = "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"

_INPUTS = {
    "cluster",
    "context",
    "deleteUnreachable",
    "enableConfigMapMutable",
    "enablePatchForce",
    "enableSecretMutable",
    "enableServerSideApply",
    "kubeconfig",
    "namespace",
    "suppressDeprecationWarnings",
    "suppressHelmHookWarnings",
    "upsertExistingObjects",
}


class Manager(Protocol):
    """What manages the resources of some types; `Objects` does those of Kubernetes itself."""

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> Properties: ...
    def diff(self, state: Properties, news: Properties, ignored: tuple[str, ...]) -> Difference: ...
    def create(self, urn: str, news: Properties, timeout: float) -> tuple[str, Properties]: ...
    def plan_creation(self, urn: str, news: Properties) -> Properties: ...
    def update(
        self, state: Properties, news: Properties, ignored: tuple[str, ...], timeout: float, *, dry: bool
    ) -> Properties: ...
    def read(
        self, id_: str, kind: tuple[str, str], inputs: Properties, state: Properties
    ) -> tuple[Properties, Properties] | None: ...
    def delete(self, state: Properties, timeout: float) -> None: ...


STATE_ONLY = "state-only"
"""In place of a kubeconfig: there is no API server."""


def _releases(objects: Objects | StateOnlyObjects) -> Manager:
    if isinstance(objects, StateOnlyObjects):
        return Releases(None)
    return Releases(objects.api, objects.namespace, objects.cancelled)


STAND_INS: Mapping[str, Callable[[Objects | StateOnlyObjects], Manager]] = {"kubernetes:helm.sh/v3:Release": _releases}
"""What manages the types that are no kinds of the API server, such as `kubernetes:helm.sh/v3:Release`."""


class KubernetesProvider(Provider):
    """Speaks the engine's protocol; what Kubernetes would say comes from `Objects`."""

    def __init__(self, kubeconfig: str | None, account: Account | None = None) -> None:
        super().__init__("pulumi-kubernetes")
        self._kubeconfig, self._account = kubeconfig, account
        self._cancelled = threading.Event()
        self._objects: Objects | StateOnlyObjects | None = None
        self._reason = ""
        """Why the cluster cannot be reached."""
        self._delete_unreachable = False

    @override
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        old, new = (wire.reveal(wire.decode(each))[0] for each in (request.old_inputs, request.news))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        clusters = _cluster_of(old), _cluster_of(new)
        moved = new.get("kubeconfig") is UNKNOWN or (all(clusters) and clusters[0] != clusters[1])
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        replaces = [key for key in changed if moved and key in {"kubeconfig", "context", "cluster"}]
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @override
    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        # Values that are no strings arrive as JSON.
        config = wire.reveal(wire.decode(request.args))[0]
        unknown = sorted(config.keys() - _INPUTS - {"version"})
        if unknown or config.get("enableServerSideApply") in {"false", False}:
            what = ", ".join(unknown) or "client-side apply"
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the Kubernetes fake does not do {what}")
        # https://github.com/pulumi/pulumi-kubernetes/blob/v4.32.0/provider/pkg/provider/provider.go (Configure)
        told = config.get("deleteUnreachable", os.environ.get("PULUMI_K8S_DELETE_UNREACHABLE"))
        self._delete_unreachable = told in {"true", True}
        refused = rules_of_account.kubernetes_refusal(self._account) if self._account else None
        if refused:
            self._reason = f"unable to load schema information from the API server: {refused}"
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)
        if self._kubeconfig == STATE_ONLY:
            self._objects = StateOnlyObjects()
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)
        kinds = {"Secret": "enableSecretMutable", "ConfigMap": "enableConfigMapMutable"}
        try:
            api = self._connect()
        except UnreachableError as error:
            self._reason = f"unable to load schema information from the API server: {error}"
        else:
            self._objects = Objects(
                api=api,
                namespace=config.get("namespace") or api.namespace,
                mutable=frozenset(kind for kind, key in kinds.items() if config.get(key) == "true"),
                forced=config.get("enablePatchForce") == "true",
                upserts=config.get("upsertExistingObjects", os.environ.get(_UPSERT)) == "true",
                cancelled=self._cancelled,
            )
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def _connect(self) -> Api:
        if not self._kubeconfig:
            raise UnreachableError("the program's cluster does not exist, and AI_PRISM_KUBECONFIG names no other")
        try:
            api = Api(Path(self._kubeconfig))
            api.request("GET", "/version")
        except (OSError, ApiError) as error:
            raise UnreachableError(str(error)) from error
        return api

    @override
    def Construct(self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the Kubernetes fake does not do {request.type}")

    @override
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the Kubernetes fake does not do {request.tok}")

    @override
    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        self._cancelled.set()
        return empty_pb2.Empty()

    @override
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> Any:
        manager = self._manager(request.urn, context)
        if manager is None:
            return provider_pb2.CheckResponse(inputs=request.news)
        name, olds, news = name_of(request.urn), wire.decode(request.olds), wire.decode(request.news)
        checked = _do(context, lambda: manager.check(name, olds, news, request.randomSeed))
        return provider_pb2.CheckResponse(inputs=wire.encode(checked))

    @override
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> Any:
        manager = self._manager(request.urn, context)
        if manager is None:
            same = request.old_inputs == request.news
            kinds = provider_pb2.DiffResponse
            return provider_pb2.DiffResponse(changes=kinds.DIFF_NONE if same else kinds.DIFF_SOME)
        olds, news, ignored = wire.decode(request.olds), wire.decode(request.news), tuple(request.ignoreChanges)
        return _response(_do(context, lambda: manager.diff(olds, news, ignored)))

    @override
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        manager, news = self._manager(request.urn, context), wire.decode(request.properties)
        if request.preview:
            planned = _do(context, lambda: manager.plan_creation(request.urn, news)) if manager else news
            return provider_pb2.CreateResponse(properties=wire.encode(planned))
        manager = manager or self._refuse_unreachable(context)
        id_, state = _do(context, lambda: manager.create(request.urn, news, request.timeout))
        return provider_pb2.CreateResponse(id=id_, properties=wire.encode(state))

    @override
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        manager = self._manager(request.urn, context)
        if manager is None and request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        manager = manager or self._refuse_unreachable(context)
        olds, news, ignored = wire.decode(request.olds), wire.decode(request.news), tuple(request.ignoreChanges)
        state = _do(context, lambda: manager.update(olds, news, ignored, request.timeout, dry=request.preview))
        return provider_pb2.UpdateResponse(properties=wire.encode(state))

    @override
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> Any:
        manager = self._manager(request.urn, context)
        if manager is None:
            if self._delete_unreachable:
                return provider_pb2.ReadResponse()
            message = f"failed to read resource state due to unreachable cluster. {_DELETE_UNREACHABLE}"
            context.abort(grpc.StatusCode.UNKNOWN, message)
        inputs, state = wire.decode(request.inputs), wire.decode(request.properties)
        found = _do(context, lambda: manager.read(request.id, _kind_of(request.urn), inputs, state))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, inputs=wire.encode(found[0]), properties=wire.encode(found[1]))

    @override
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Any:
        manager = self._manager(request.urn, context)
        if manager is None:
            if not self._delete_unreachable:
                context.abort(grpc.StatusCode.UNKNOWN, f"{_UNREACHABLE}. {_DELETE_UNREACHABLE}")
            return empty_pb2.Empty()
        state = wire.decode(request.properties)
        _do(context, lambda: manager.delete(state, request.timeout))
        return empty_pb2.Empty()

    def _manager(self, urn: str, context: grpc.ServicerContext) -> Any:
        """Return what manages a resource, None while there is no cluster; types that nothing manages are refused."""
        type_ = type_of(urn)
        if type_ not in STAND_INS and not _is_kind(type_):
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the Kubernetes fake does not do {type_}")
        if self._objects is None:
            return None
        return STAND_INS[type_](self._objects) if type_ in STAND_INS else self._objects

    def _refuse_unreachable(self, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNKNOWN, f"{_UNREACHABLE}: {self._reason}")


def _kind_of(urn: str) -> tuple[str, str]:
    """Return apiVersion and kind of a resource's type, `kubernetes:apps/v1:Deployment`."""
    _, api_version, kind = type_of(urn).split(":")
    return api_version.removeprefix("core/"), kind


def _is_kind(type_: str) -> bool:
    """Return whether a type is a kind of the API server, and no list or patch of one, and none of Pulumi's own."""
    _, group, kind = type_.split(":")
    own = group.partition("/")[0] in {"helm.sh", "yaml", "kustomize", "index"}
    return "/" in group and not own and not kind.endswith(("List", "Patch"))


def _cluster_of(config: Mapping[str, Any]) -> str:
    """Return the cluster that a kubeconfig's current context names, empty where there is none."""
    try:
        kubeconfig = yaml.safe_load(config["kubeconfig"])
        contexts = {each["name"]: each["context"] for each in kubeconfig["contexts"]}
        clusters = {each["name"]: each["cluster"] for each in kubeconfig["clusters"]}
        wanted = config.get("cluster") or contexts[config.get("context") or kubeconfig["current-context"]]["cluster"]
        return json.dumps(clusters[wanted], sort_keys=True)
    except (AttributeError, KeyError, TypeError, yaml.YAMLError):
        return ""


def _do(context: grpc.ServicerContext, act: Callable[[], Any]) -> Any:
    """Act, and tell the engine what went wrong and what was left behind."""
    try:
        return act()
    except (RefusedError, UnreachableError, ApiError, NoMatchError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))
    except UnfinishedError as error:
        abort_half_done(context, str(error), error.id, error.state, error.inputs)


def _response(difference: Difference) -> provider_pb2.DiffResponse:
    kinds = provider_pb2.PropertyDiff
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if difference.changes else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=[change.name for change in difference.changes if change.replace],
        detailedDiff={
            change.name: kinds(kind=kinds.Kind.Value(f"{change.verb}_REPLACE" if change.replace else change.verb))
            for change in difference.changes
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=difference.delete_before_replace,
    )


if __name__ == "__main__":
    held = os.environ.get("AI_PRISM_ACCOUNT")
    serve_provider(KubernetesProvider(os.environ.get("AI_PRISM_KUBECONFIG"), Account(Path(held)) if held else None))
