"""How every fake provider is served: on a loopback port of its own, until whoever started it ends it or is gone."""

import importlib.metadata
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from typing_extensions import override

from recording import wire
from recording.sdk import GRPC_CHANNEL_OPTIONS

_SECONDS_BETWEEN_LOOKS = 0.5
_ENGINE = os.getppid()
"""Asked at once: an engine that is killed later has another child's parent in its place."""


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """What all providers answer alike; gRPC refuses whatever a provider does not implement."""

    def __init__(self, package: str, *, accepts_resources: bool = False) -> None:
        self._package, self._accepts_resources = package, accepts_resources

    @override
    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=self._accepts_resources)

    @override
    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version(self._package))

    @override
    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @override
    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    @override
    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    @override
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @override
    def Configure(self, request: provider_pb2.ConfigureRequest, context: Any) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, acceptResources=self._accepts_resources, supportsPreview=True
        )


def abort_half_done(
    context: grpc.ServicerContext,
    message: str,
    id_: str,
    outputs: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
) -> NoReturn:
    """Tell the engine that an operation failed, and that the resource exists; `inputs` where they are not as asked."""
    detail = provider_pb2.ErrorResourceInitFailed(id=id_, properties=wire.encode(outputs), reasons=[message])
    if inputs is not None:
        detail.inputs.CopyFrom(wire.encode(inputs))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def serve_provider(provider: Provider) -> None:
    """Serve one provider."""
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))


def serve(add_to: Callable[[grpc.Server], None], *, at_the_end: Callable[[], None] = lambda: None) -> None:
    """Serve until interrupted, or until the engine is gone: killed, it has no time to end its plugins.

    The one line on standard output is the port, as the engine expects it.
    """
    # The engine has many operations under way at once, and some of them wait.
    server = grpc.server(ThreadPoolExecutor(max_workers=256), options=GRPC_CHANNEL_OPTIONS)
    add_to(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    print(port, flush=True)  # noqa: T201
    while not ended.wait(_SECONDS_BETWEEN_LOOKS) and os.getppid() == _ENGINE:
        pass
    at_the_end()
    server.stop(grace=None)
    sys.stdout.flush()
    os._exit(0)  # operations that still wait hold threads that would keep the process
