"""The language host: starts programs and policy packs in this environment's Python, as the CLI's own one does.

Behaviour: https://github.com/pulumi/pulumi/tree/master/sdk/python/cmd/pulumi-language-python
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fakes.plugins import forks
from fakes.plugins.program import SHOWN
from fakes.plugins.serving import serve

Child: TypeAlias = "subprocess.Popen[bytes] | forks.Forked"
RUNNER = Path(__file__).with_name("program.py")


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs each program in a child process, and remembers the children to end them."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._children: set[Child] = set()
        self._lock = threading.Lock()

    @override
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    @override
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo()

    @override
    def GetRequiredPackages(
        self, request: Any, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse()

    @override
    def GetRequiredPlugins(
        self, request: Any, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    @override
    def About(self, request: Any, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    @override
    def GetProgramDependencies(
        self, request: Any, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        return language_pb2.GetProgramDependenciesResponse()

    @override
    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    @override
    def InstallDependencies(
        self, request: Any, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        yield from ()

    @override
    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        settings = {
            "project": request.project,
            "stack": request.stack,
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
        }
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        command, folder = [str(RUNNER), json.dumps(settings)], request.info.program_directory
        if forks.VARIABLE in os.environ:
            child = forks.Forked(os.environ[forks.VARIABLE], command, cwd=folder, env=environment)
        else:
            child = _start([sys.executable, "-u", *command], cwd=folder, env=environment)
        with self._remembered(child):
            code = child.wait()
        if code == SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"the program ended with exit code {code}" if code else "")

    @override
    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        # The engine gives its address; which pack it is about stands beside it.
        command = [sys.executable, "-u", "-m", "pulumi.policy", *request.args, request.info.program_directory]
        environment = {**os.environ, **dict(pair.split("=", 1) for pair in request.env)}
        child = _start(
            command,
            cwd=request.info.program_directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with self._remembered(child):
            for line in child.stdout or ():
                yield language_pb2.RunPluginResponse(stdout=line)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())

    @override
    def Cancel(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.end_children()
        return empty_pb2.Empty()

    @contextlib.contextmanager
    def _remembered(self, child: Child) -> Generator[None, None, None]:
        with self._lock:
            self._children.add(child)
        try:
            yield
        finally:
            with self._lock:
                self._children.discard(child)
            # Whoever called has given up on it.
            if child.poll() is None:
                _kill(child)

    def end_children(self) -> None:
        with self._lock:
            for child in self._children:
                _kill(child)


def _start(
    command: Sequence[str], *, cwd: str, env: Mapping[str, str], stdout: int | None = None, stderr: int | None = None
) -> subprocess.Popen[bytes]:
    # A session of its own: an interrupt of the terminal is the engine's to pass on.
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr, start_new_session=True)  # noqa: S603


def _kill(child: Child) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    host = LanguageHost(next(argument for argument in reversed(sys.argv[1:]) if not argument.startswith("-")))
    serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        at_the_end=host.end_children,
    )
