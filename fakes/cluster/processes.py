"""Processes that share a folder and end together, with whoever started them: stopped, interrupted or killed."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from fakes.guardian import Guardian

LOG_LINES = 10
"""How much of a log is shown."""


class ClusterError(Exception):
    """The cluster did not come up, or is gone; the message says which part, with the end of its log."""


class Processes:
    """Processes in a private folder; when they are ended nothing is left, the folder included.

    All are killed at once: nothing that they hold is worth an orderly end, which for the API server takes seconds,
    and for ever where etcd is gone before it.
    """

    def __init__(self, folder: Path, logs: Path | None = None) -> None:
        """Have processes in `folder`, a new one; what they say is kept in `logs`, where it is to outlive them."""
        folder.mkdir(mode=0o700, parents=True)
        self._folder, self._logs = folder, logs or folder
        self._logs.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._guardian = Guardian(folder)

    def start(self, name: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        """Start a process, with more environment variables if asked; what it says goes to its log."""
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603
                command,
                cwd=self._folder,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[name] = process
        self._guardian.watch(process.pid)

    def must_run(self) -> None:
        """Raise ClusterError where one of them has ended."""
        for name, process in self._running.items():
            code = process.poll()
            if code is not None:
                how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                raise ClusterError(f"{name} ended with {how}:\n{self.last_words(name)}")

    def last_words(self, name: str) -> str:
        """Return the end of a log."""
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LOG_LINES:])

    def end(self) -> None:
        """End all, and remove the folder."""
        self._guardian.end()
        for process in self._running.values():
            process.wait()

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended but was not asked for by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z")
