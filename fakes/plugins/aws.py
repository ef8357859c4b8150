"""The AWS provider's fake: strict as AWS is, on a fake account instead of a real one.

What it computes comes from the same table as the offline preview's. Like the real provider, Check makes up the names
that the program leaves out.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fakes.aws import secrets
from fakes.aws.account import Account, Verb
from fakes.aws.faults import HalfDone, Refusal
from fakes.aws.held import Held
from fakes.aws.service import Aws, Call
from fakes.plugins.serving import Provider, abort_half_done, serve_provider
from fakes.urns import name_of, type_of
from recording import wire


class AwsProvider(Provider):
    """Speaks the engine's protocol; what AWS would say comes from `Aws`."""

    def __init__(self, account: Account, cache: Path) -> None:
        super().__init__("pulumi-aws")
        self._account, self._cache = account, cache
        self._aws: Aws | None = None

    @override
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        old, new = wire.decode(request.old_inputs), wire.decode(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        return _difference(changed, [key for key in changed if key == "region"])

    @override
    def Configure(self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext) -> Any:
        # Values that are no strings arrive as JSON.
        config = wire.reveal(wire.decode(request.args))[0]
        allowed = json.loads(config.get("allowedAccountIds", "[]"))
        tags = json.loads(config.get("defaultTags", "{}")).get("tags", {})
        account_id = self._account.get("account_id")
        if account_id not in allowed:
            # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/conns/config.go
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"AWS account ID not allowed: {account_id}")
        self._aws = Aws(self._account, account_id, config["region"], tags, self._cache)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @property
    def aws(self) -> Aws:
        if self._aws is None:
            raise RuntimeError("the provider has not been configured")
        return self._aws

    @override
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> Any:
        try:
            answer = self.aws.invoke(request.tok, wire.decode(request.args))
        except Refusal as refusal:
            context.abort(grpc.StatusCode.UNKNOWN, str(refusal))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(wire.encode(answer))
        return response

    @override
    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        inputs, problems = self.aws.check(
            type_of(request.urn),
            name_of(request.urn),
            wire.decode(request.olds),
            wire.decode(request.news),
            # Not the engine's random seed: what was found sound on one account need not be looked at on the next.
            self._account.past(request.urn).encode(),
        )
        return provider_pb2.CheckResponse(
            inputs=wire.encode(inputs),
            failures=[provider_pb2.CheckFailure(property=each.path, reason=each.reason) for each in problems],
        )

    @override
    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        difference = self.aws.diff(
            type_of(request.urn),
            wire.decode(request.old_inputs),
            wire.decode(request.olds),
            wire.decode(request.news),
        )
        return _difference(
            difference.changed, difference.replaces, delete_before_replace=difference.delete_before_replace
        )

    @override
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> Any:
        type_, inputs = type_of(request.urn), wire.decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=wire.encode(self.aws.plan_creation(type_, inputs)))

        def create(call: Call) -> provider_pb2.CreateResponse:
            id_, outputs = self.aws.create(call, inputs)
            return provider_pb2.CreateResponse(id=id_, properties=wire.encode(outputs))

        return self._do("create", request.urn, inputs, context, create)

    @override
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> Any:
        type_, olds, inputs = type_of(request.urn), wire.decode(request.olds), wire.decode(request.news)
        if request.preview:
            planned = self.aws.plan_update(type_, wire.decode(request.old_inputs), olds, inputs)
            return provider_pb2.UpdateResponse(properties=wire.encode(planned))

        def update(call: Call) -> provider_pb2.UpdateResponse:
            return provider_pb2.UpdateResponse(properties=wire.encode(self.aws.update(call, request.id, inputs)))

        return self._do("update", request.urn, inputs, context, update)

    @override
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        olds = wire.decode(request.properties)
        try:
            found = self.aws.read(type_of(request.urn), request.id)
        except Refusal as refusal:
            context.abort(grpc.StatusCode.UNKNOWN, str(refusal))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=wire.encode(secrets.hide_like(wire.decode(request.inputs), found.inputs)),
            properties=wire.encode(secrets.hide_like(olds, found.outputs)),
        )

    @override
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Any:
        def delete(call: Call) -> empty_pb2.Empty:
            self.aws.delete(call, request.id)
            return empty_pb2.Empty()

        return self._do("delete", request.urn, {}, context, delete)

    def _do(
        self,
        verb: Verb,
        urn: str,
        inputs: Mapping[str, Any],
        context: grpc.ServicerContext,
        act: Callable[[Call], Any],
    ) -> Any:
        """Act, journal it, and tell the engine what went wrong and what was left behind."""
        type_ = type_of(urn)
        serial, error = self._account.begin(urn, type_, verb), None
        try:
            return act(Call(urn=urn, type=type_, name=name_of(urn)))
        except Refusal as refusal:
            error = str(refusal)
            context.abort(grpc.StatusCode.UNKNOWN, error)
        except HalfDone as half:
            error = str(half)
            if half.left:
                abort_half_done(context, error, half.left.id, *_hidden(half.left, inputs))
            context.abort(grpc.StatusCode.UNKNOWN, error)
        except Exception as mistake:
            error = f"{type(mistake).__name__}: {mistake}"
            raise
        finally:
            self._account.end(serial, error)


def _hidden(held: Held, given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return outputs and inputs as the engine may keep them: what came in as a secret stays one."""
    secret = wire.reveal(given)[1]
    return secrets.hide_all(held.outputs) if secret else held.outputs, secrets.hide_like(given, held.inputs)


def _difference(
    changed: list[str], replaces: list[str], *, delete_before_replace: bool = False
) -> provider_pb2.DiffResponse:
    kinds = provider_pb2.PropertyDiff
    detailed = {
        path: kinds(kind=kinds.UPDATE_REPLACE if path in replaces else kinds.UPDATE, inputDiff=True)
        for path in {*changed, *replaces}
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted(changed),
        replaces=sorted(replaces),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=delete_before_replace,
    )


if __name__ == "__main__":
    provider = AwsProvider(Account(Path(os.environ["AI_PRISM_ACCOUNT"])), Path(os.environ["AI_PRISM_CACHE"]))
    serve_provider(provider)
