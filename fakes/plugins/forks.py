"""Forks scripts off a process that has imported the SDK, which takes most of a short script's time.

The process has nothing of the program's own, has not been configured and has one thread. A script runs as by
`python -u SCRIPT ARGUMENT...`, with an environment, a folder, standard streams and a session of its own. It is killed
with all of its session where whoever asked for it is gone, and all scripts are where whoever started the process is.
"""

import atexit
import contextlib
import ctypes
import functools
import gc
import json
import os
import runpy
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VARIABLE = "AI_PRISM_FORKS"
"""Where scripts are forked, for those who start them; without it they are started in the plain way."""
_STREAMS = (0, 1, 2)
_SECONDS_BETWEEN_LOOKS = 0.5
_ROOM = 4096
"""Bytes in which a script's mark has room."""


@functools.cache
def started(like: Path) -> str:
    """Start the process, once, with what programs like the one in a folder import; return what `VARIABLE` is to say."""
    folder = Path(tempfile.mkdtemp(prefix="ai-prism-forks-"))
    own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-u", __file__, "serve", str(folder), str(listener.fileno()), str(like)],
            stdin=subprocess.PIPE,
            env={**own, "AI_PRISM_ROOM": " " * _ROOM},
            pass_fds=[listener.fileno()],
            # An interrupt of the terminal is not its own.
            start_new_session=True,
        )
    atexit.register(process.communicate)
    return str(folder / "socket")


class Forked:
    """A script that was forked; to be used as a `subprocess.Popen` is."""

    def __init__(self, address: str, command: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> None:
        """Fork a script, of which `command` holds the path and the arguments."""
        self.returncode: int | None = None
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        message = json.dumps({"command": command, "cwd": cwd, "env": dict(env)}).encode() + b"\n"
        # Streams go with the first byte.
        socket.send_fds(self._connection, [message[:1]], _STREAMS)
        self._connection.sendall(message[1:])
        self._answers = self._connection.makefile()
        self.pid = int(self._answers.readline())

    def poll(self) -> int | None:
        """Return the exit code, if the script has been waited for."""
        return self.returncode

    def wait(self) -> int:
        """Return the exit code when the script has ended; below zero it is the signal that ended it."""
        if self.returncode is None:
            self.returncode = int(self._answers.readline() or -signal.SIGKILL)
            self.leave()
        return self.returncode

    def fileno(self) -> int:
        """Return what can be read from when the script has ended."""
        return self._connection.fileno()

    def leave(self) -> None:
        """Have the script killed, unless it has ended."""
        self._answers.close()
        self._connection.close()


class _Server:
    """Forks for whoever connects, and tells each of them how its script ended."""

    def __init__(self, listener: socket.socket, folder: str) -> None:
        self._listener, self._folder = listener, folder
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, listener)
        self._selector.register(0, selectors.EVENT_READ)
        self._running: dict[socket.socket, tuple[int, int]] = {}
        """Process and its file descriptor, by the connection of whoever asked for it."""

    def serve(self) -> list[str]:
        """Return only in what was forked: what it is to run, script and arguments."""
        while True:
            for key, _ in self._selector.select():
                connection: socket.socket = key.data
                if key.fileobj == 0:
                    self._end()
                elif connection is self._listener:
                    command = self._fork()
                    if command:
                        return command
                elif connection in self._running:
                    if key.fileobj is connection:  # whoever asked is gone
                        _kill(self._running[connection][0])
                    self._tell(connection)

    def _fork(self) -> list[str] | None:
        connection, _ = self._listener.accept()
        try:
            asked, streams = _received(connection)
        except ConnectionError:
            connection.close()
            return None
        child = os.fork()
        if not child:
            self._forget()
            return _become(asked, streams, connection)
        for stream in streams:
            os.close(stream)
        handle = os.pidfd_open(child)
        self._running[connection] = child, handle
        self._selector.register(handle, selectors.EVENT_READ, connection)
        self._selector.register(connection, selectors.EVENT_READ, connection)
        return None

    def _tell(self, connection: socket.socket) -> None:
        child, handle = self._running.pop(connection)
        self._selector.unregister(connection)
        self._selector.unregister(handle)
        os.close(handle)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with contextlib.suppress(OSError), connection:
            connection.sendall(f"{code}\n".encode())

    def _forget(self) -> None:
        self._selector.close()
        self._listener.close()
        for connection, (_, handle) in self._running.items():
            connection.close()
            os.close(handle)

    def _end(self) -> None:
        """End with all scripts: whoever started this is gone."""
        for child, _ in self._running.values():
            _kill(child)
        shutil.rmtree(self._folder)
        os._exit(0)


def _received(connection: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    message, streams, _, _ = socket.recv_fds(connection, 1, len(_STREAMS))
    while not message.endswith(b"\n"):
        more = connection.recv(1 << 20)
        if not more:
            raise ConnectionResetError
        message += more
    return json.loads(message), streams


def _become(asked: Mapping[str, Any], streams: list[int], connection: socket.socket) -> list[str]:
    os.setsid()
    for stream, number in zip(streams, _STREAMS, strict=True):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    _show(f"PULUMI_HOME={os.environ.get('PULUMI_HOME', '')}\0".encode())
    connection.sendall(f"{os.getpid()}\n".encode())
    connection.close()
    return asked["command"]


def _show(mark: bytes) -> None:
    """Let others find the mark in this process's environment, where Linux shows what a process was started with."""
    start = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[47])
    ctypes.memmove(start, mark, min(len(mark), _ROOM))


def _kill(child: int) -> None:
    # It may not have a session of its own yet.
    os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _main(folder: str, listener: str, like: str) -> None:
    from recording.sdk import preload_sdk

    preload_sdk(Path(like))
    gc.freeze()
    sys.argv = _Server(socket.socket(fileno=int(listener)), folder).serve()
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


def _stand_in(command: Sequence[str]) -> int:
    """Be, for whoever starts this in place of a script, that script: pass on signals, and the end of one's parent."""
    parent = os.getppid()
    child = Forked(os.environ[VARIABLE], command, cwd=str(Path.cwd()), env=os.environ)

    def signalled(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signalled)
    while not select.select([child], [], [], _SECONDS_BETWEEN_LOOKS)[0]:
        if os.getppid() != parent:
            signalled(signal.SIGTERM, None)
    return child.wait()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _main(*sys.argv[2:])
    else:
        sys.exit(_stand_in(sys.argv[1:]))
