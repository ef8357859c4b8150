"""A plugin is there as long as the engine is, and not a moment longer than it takes to look."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from fakes.plugins import forks

SERVER = (
    f"import sys; sys.path[:0] = {[str(Path(__file__).parents[up]) for up in (2, 3)]}\n"
    "from fakes.plugins.serving import Provider, serve\n"
    "from pulumi.runtime.proto import provider_pb2_grpc as proto\n"
    "provider = Provider('pulumi-aws')\n"
    "serve(lambda server: proto.add_ResourceProviderServicer_to_server(provider, server),"
    " at_the_end=lambda: print('ended', flush=True))\n"
)
SLOW = "import builtins, time\nsay = print\nbuiltins.print = lambda *a, **o: (say(*a, **o), time.sleep(0.3))\n"
ENGINE = ("sh", "-c", '"$@" & wait', "engine")
"""Starts a plugin as the engine does, and waits for it."""
SECONDS = 30


@pytest.fixture(
    params=[
        "started",
        pytest.param("forked", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux alone forks them")),
    ]
)
def start(request, tmp_path) -> Callable[..., Iterator[subprocess.Popen[str]]]:
    """Start a plugin in either way, by another command where one is given."""

    def start(text: str, *engine: str) -> Iterator[subprocess.Popen[str]]:
        file = tmp_path / "plugin.py"
        file.write_text(text, encoding="utf-8")
        forking = request.param == "forked"
        environment = {"PATH": "/usr/bin:/bin", **({forks.VARIABLE: forks.started(tmp_path)} if forking else {})}
        command = [*engine, sys.executable, *(("-IS", forks.__file__) if forking else ()), str(file)]
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, env=environment, text=True, start_new_session=True
        ) as process:
            yield process
            # Whatever else a failed test has left.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    return start


@pytest.fixture
def plugin(start) -> Iterator[subprocess.Popen[str]]:
    yield from start(SERVER)


@pytest.fixture
def engine(start) -> Iterator[subprocess.Popen[str]]:
    yield from start(SERVER, *ENGINE)


@pytest.fixture
def hasty_engine(start) -> Iterator[subprocess.Popen[str]]:
    yield from start(SLOW + SERVER, *ENGINE)


def test_a_plugin_tells_its_port_answers_there_and_ends_when_it_is_interrupted(plugin):
    port = int(plugin.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        answer = stub.Handshake(provider_pb2.ProviderHandshakeRequest(), timeout=SECONDS)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Create(provider_pb2.CreateRequest(), timeout=SECONDS)

    assert answer.accept_secrets
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    plugin.send_signal(signal.SIGINT)
    assert plugin.communicate(timeout=SECONDS)[0] == "ended\n"
    assert plugin.returncode == 0


def test_a_plugin_ends_when_the_engine_was_killed(engine):
    int(engine.stdout.readline())
    time.sleep(0.5)
    engine.kill()

    # The plugin holds the other end of the pipe until it is gone.
    assert engine.communicate(timeout=SECONDS)[0] == "ended\n"


def test_a_plugin_ends_when_the_engine_was_killed_at_once(hasty_engine):
    int(hasty_engine.stdout.readline())
    hasty_engine.kill()

    assert hasty_engine.communicate(timeout=SECONDS)[0] == "ended\n"
