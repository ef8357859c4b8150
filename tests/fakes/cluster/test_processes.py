"""Processes end with whoever started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.cluster.processes import ClusterError, Processes, alive

SLEEPER = ["/bin/sh", "-c", "sleep 600 & wait"]

PARENT = """
import sys, time
from pathlib import Path
from fakes.cluster.processes import Processes

processes = Processes(Path(sys.argv[1]))
processes.start("sleeper", ["/bin/sh", "-c", "sleep 600 & echo $!; wait"])
print(processes.pids["sleeper"], flush=True)
time.sleep(600)
"""


def test_what_is_ended_is_gone_with_its_folder(tmp_path: Path):
    processes = Processes(tmp_path / "private")
    processes.start("sleeper", SLEEPER)
    processes.must_run()

    processes.end()

    assert not alive(processes.pids["sleeper"])
    assert not (tmp_path / "private").exists()


def test_what_ended_by_itself_is_told_with_its_last_words(tmp_path: Path):
    processes = Processes(tmp_path / "private")
    processes.start("failing", ["/bin/sh", "-c", "echo first; echo no such thing >&2; exit 3"])
    until(lambda: not alive(processes.pids["failing"]))

    with pytest.raises(ClusterError, match=r"failing ended with exit code 3:\n  first\n  no such thing"):
        processes.must_run()
    processes.end()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_whoever_started_it(tmp_path: Path, number: signal.Signals):
    folder = tmp_path / "private"
    parent = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", PARENT, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout
    sleeper = int(parent.stdout.readline())
    log = folder / "sleeper.log"
    until(lambda: log.read_text(encoding="utf-8"))
    child = int(log.read_text(encoding="utf-8"))

    parent.send_signal(number)
    parent.wait(timeout=30)
    parent.stdout.close()

    until(lambda: not alive(sleeper) and not alive(child) and not folder.exists())


def test_a_folder_is_nobody_elses(tmp_path: Path):
    processes = Processes(tmp_path / "private")

    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        Processes(tmp_path / "private")
    processes.end()


def until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
