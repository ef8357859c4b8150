"""Runs tests on edited copies of the repository, in processes forked off one that has imported what all of them need.

An edit never touches the repository itself. Each process has a copy of its own, a session of its own, and ends with
all that it started; copies are gone when the run ends, however it ends.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.mutants.edits import Edit, contents
from tools.mutants.noticing import MARKED

SILENT_SECONDS = 120
"""A test that says nothing for so long hangs, which is noticed."""
NOT_COPIED = (".venv", ".git", ".charts", ".pytest_cache", ".ruff_cache", ".hypothesis", "node_modules")
LINKED = (".venv", ".charts")
Asked = Callable[[str], list[list[str]]]
"""Arguments of pytest for an edited file, one list after the other."""
_NO_TESTS = 5  # pytest's exit code where all are left out by a marker


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the tests said."""

    noticed_by: str
    """The first test that failed, or what went wrong before; empty where nobody noticed."""
    seconds: float


@dataclass(kw_only=True)
class _Running:
    child: int
    pipe: int
    edit: Edit | None
    copy: Path
    started: float
    heard: float = field(default_factory=time.monotonic)
    said: bytes = b""


class Bench:
    """Copies of the repository and the processes that test them."""

    def __init__(self, root: Path, folder: Path, processes: int, asked: Asked, *, most: int = 1) -> None:
        """`asked` says which tests are asked of a file; at most `most` of them may fail before the others are not."""
        self._root, self._folder, self._processes, self._asked = root, folder, processes, asked
        self._most = most
        self._running: list[_Running] = []
        _import_what_tests_need(root)

    def first(self, files: Sequence[str]) -> Outcome:
        """Run, on a copy without any edit, all tests that the edits of these files need; it keeps the bytecode."""
        copy = self._folder / "0"
        _copy(self._root, copy)
        wanted = list(dict.fromkeys(each for file in files for stage in self._asked(file) for each in stage))
        self._start(None, copy, [wanted] if wanted else [])
        (outcome,) = (outcome for _, outcome in self._wait())
        return outcome

    def each(self, edits: Sequence[Edit]) -> Iterator[tuple[Edit, Outcome]]:
        """Yield what became of each edit, in the order in which tests end."""
        copies = [self._folder / str(number) for number in range(self._processes)]
        for copy in copies[1:]:
            shutil.copytree(copies[0], copy, symlinks=True)
        waiting = list(reversed(edits))
        while waiting or self._running:
            while waiting and copies:
                edit, copy = waiting.pop(), copies.pop()
                for file, content in contents(self._root, edit).items():
                    (copy / file).write_bytes(content)
                self._start(edit, copy, self._asked(edit.file))
            for ended, outcome in self._wait():
                assert ended.edit  # noqa: S101  # only the first run has none
                for file in contents(self._root, ended.edit):
                    (ended.copy / file).unlink()
                    if (self._root / file).exists():
                        shutil.copy2(self._root / file, ended.copy / file)
                copies.append(ended.copy)
                yield ended.edit, outcome

    def stop(self) -> None:
        """End all processes at once."""
        for each in self._running:
            _kill(each.child)
            os.close(each.pipe)
        self._running.clear()

    def _start(self, edit: Edit | None, copy: Path, wanted: Sequence[Sequence[str]]) -> None:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            # Whatever happens, the parent's code must not go on in the child.
            try:
                os.setsid()
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                _test(copy, wanted, writer, most=self._most, keeps_bytecode=edit is None)
            except Exception as error:  # noqa: BLE001  # whatever it is, the parent tells it
                os.write(writer, f"{json.dumps({'noticed': f'{type(error).__name__}: {error}'})}\n".encode())
            finally:
                os._exit(1)
        os.close(writer)
        self._running.append(_Running(child=child, pipe=reader, edit=edit, copy=copy, started=time.monotonic()))

    def _wait(self) -> list[tuple[_Running, Outcome]]:
        """Wait until at least one process has ended."""
        ended: list[tuple[_Running, Outcome]] = []
        while not ended:
            readable, _, _ = select.select([each.pipe for each in self._running], [], [], 1)
            for each in list(self._running):
                hangs = time.monotonic() - each.heard > SILENT_SECONDS
                more = os.read(each.pipe, 1 << 16) if each.pipe in readable else b""
                each.said += more
                if more:
                    each.heard = time.monotonic()
                elif each.pipe in readable or hangs:
                    self._running.remove(each)
                    _kill(each.child)
                    os.close(each.pipe)
                    last = each.said.decode().rstrip("\n").rpartition("\n")[2]
                    verdict = json.loads(last) if last.startswith("{") else {"noticed": "the test process died"}
                    noticed = "a test that hangs" if hangs else str(verdict["noticed"])
                    ended.append((each, Outcome(noticed_by=noticed, seconds=time.monotonic() - each.started)))
        return ended


def _kill(child: int) -> None:
    """End a process and its session, and wait for it."""
    for kill in (os.kill, os.killpg):
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)


def _copy(root: Path, copy: Path) -> None:
    shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for name in LINKED:
        if (root / name).exists():
            (copy / name).symlink_to(root / name)


def _import_what_tests_need(root: Path) -> None:
    """Import third parties' modules, none of the program's own: those may be edited."""
    from recording.sdk import preload_sdk

    preload_sdk(root)
    for module in ("pytest", "hypothesis", "jsonschema", "pydantic", "ijson", "rich.console", "cfnlint.api"):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _test(copy: Path, wanted: Sequence[Sequence[str]], pipe: int, *, most: int, keeps_bytecode: bool) -> None:
    """Run the tests and say which fail first; the last line is a verdict."""
    import pytest

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    _leave_for(copy)
    sys.dont_write_bytecode = not keeps_bytecode
    os.environ["PYTHONDONTWRITEBYTECODE"] = "" if keeps_bytecode else "1"
    watch = _Watch(lambda line: os.write(pipe, f"{line}\n".encode()))
    noticed = ""
    for stage in wanted:
        code = int(pytest.main([*_OPTIONS, f"--maxfail={most}", *stage], plugins=[watch]))
        if code not in (0, _NO_TESTS):
            noticed = ", ".join(watch.failed) or f"pytest ended with {code}"
            break
    os.write(pipe, f"{json.dumps({'noticed': noticed})}\n".encode())


_OPTIONS = (
    *("-q", "-m", MARKED, "--tb=no", "--hypothesis-seed=0"),
    # Pytest wants to rewrite the assertions of plugins, which were imported before.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=-p no:valkey --import-mode=importlib"),
)


def _leave_for(copy: Path) -> None:
    """Forget the repository's own modules, and find them in the copy from now on."""
    root = Path(__file__).resolve().parent.parent.parent
    inside = f"{root}{os.sep}"
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.startswith(inside) and "site-packages" not in file and name != "__main__":
            del sys.modules[name]
    sys.path[:] = [str(copy), str(copy / "tests"), *(each for each in sys.path if each not in ("", str(root)))]
    sys.path_importer_cache.clear()
    os.chdir(copy)


class _Watch:
    """Tells the parent that tests go on, and keeps what failed first."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.failed: list[str] = []
        self._say = say

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._say(".")
        if report.failed:
            self.failed.append(str(report.nodeid))

    def pytest_collectreport(self, report: Any) -> None:
        self._say(".")
        if report.failed:
            self.failed.append(f"importing {report.nodeid}")
