"""What is forked runs as if it had been started, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.world import process_ids_of

from fakes.plugins import forks
from prismctl.project import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scripts are forked on Linux alone")

SECONDS = 30
COMMAND = "from fakes.plugins import forks; import sys; from pathlib import Path; print(forks.started(Path('/')));"


@pytest.fixture(scope="module")
def owner() -> Iterator[subprocess.Popen[str]]:
    """Somebody else who has the process started; its first line is where."""
    yield from _owner()


@pytest.fixture
def own() -> Iterator[subprocess.Popen[str]]:
    """The same for a test that ends it."""
    yield from _owner()


def _owner() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT)))}
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-uc", f"{COMMAND} sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def address(owner) -> str:
    return owner.stdout.readline().strip()


@pytest.fixture
def script(tmp_path) -> Callable[[str], str]:
    def script(text: str) -> str:
        file = tmp_path / "script.py"
        file.write_text(text, encoding="utf-8")
        return str(file)

    return script


def fork(address: str, script: str, *arguments: str, folder: Path, **environment: str) -> forks.Forked:
    return forks.Forked(address, [script, *arguments], cwd=str(folder), env=environment)


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + SECONDS
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


SHOW = """
import json, os, sys
shown = [sys.argv[1:], os.getcwd(), dict(os.environ), sys.path[0], os.getsid(0) == os.getpid(), __name__]
json.dump(shown, open("shown", "w"))
"""


def test_a_script_gets_its_own_arguments_folder_environment_and_session(address, script, tmp_path):
    child = fork(address, script(SHOW), "a b", "{}", folder=tmp_path, COLOUR="blue")

    assert child.wait() == 0
    shown = json.loads((tmp_path / "shown").read_text(encoding="utf-8"))
    assert shown == [["a b", "{}"], str(tmp_path), {"COLOUR": "blue"}, str(tmp_path), True, "__main__"]


ENDS = {
    "the end": "",
    "an exit code": "import sys; sys.exit(32)",
    "words": "import sys; sys.exit('no such stack')",
    "a mistake": "def mistake():\n    return 1 / 0\nmistake()",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "a thread at work": "import threading; threading.Timer(0.1, print, ['late']).start()",
}


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_a_script_ends_and_says_the_same_as_when_it_is_started(address, script, tmp_path, capfd, text):
    file = script(text)
    plain = subprocess.run([sys.executable, "-u", file], capture_output=True, text=True, check=False)  # noqa: S603

    code = fork(address, file, folder=tmp_path).wait()

    said = capfd.readouterr()
    assert (code, said.out) == (plain.returncode, plain.stdout)
    # Of a traceback, where it began is the one thing that differs.
    assert said.err.splitlines()[-4:] == plain.stderr.splitlines()[-4:]


def test_a_script_finds_nothing_of_the_program_imported_and_no_thread(address, script, tmp_path):
    text = """
import json, os, sys
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
json.dump([os.listdir("/proc/self/task"), "pulumi" in sys.modules, files], open("shown", "w"))
"""
    fork(address, script(text), folder=tmp_path).wait()

    threads, has_sdk, files = json.loads((tmp_path / "shown").read_text(encoding="utf-8"))
    own = [file for file in files if Path(file).is_relative_to(ROOT) and "site-packages" not in file]
    assert (len(threads), has_sdk) == (1, True)
    assert {Path(file).relative_to(ROOT).parts[0] for file in own} <= {"prismctl", "recording", "fakes", "tests"}


def test_a_script_is_found_by_its_world_and_can_be_killed(address, script, tmp_path):
    child = fork(address, script("import time; time.sleep(60)"), folder=tmp_path, PULUMI_HOME=f"{tmp_path}/home")

    assert process_ids_of(tmp_path) == [child.pid]
    os.killpg(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert process_ids_of(tmp_path) == []


CHILDREN = "import subprocess; subprocess.run(['sleep', '60'])"


def test_a_script_ends_with_all_that_it_started_when_whoever_asked_for_it_is_gone(address, script, tmp_path):
    child = fork(address, script(CHILDREN), folder=tmp_path, PULUMI_HOME=f"{tmp_path}/home", PATH=os.environ["PATH"])
    assert until(lambda: len(process_ids_of(tmp_path)) == 2)

    child.leave()

    assert until(lambda: not process_ids_of(tmp_path))


def test_everything_ends_when_whoever_started_the_process_was_killed(own, script, tmp_path):
    address = own.stdout.readline().strip()
    child = fork(address, script(CHILDREN), folder=tmp_path, PULUMI_HOME=f"{tmp_path}/home", PATH=os.environ["PATH"])
    assert until(lambda: len(process_ids_of(tmp_path)) == 2)

    own.kill()

    assert until(lambda: not process_ids_of(tmp_path))
    assert child.wait() == -signal.SIGKILL
    assert until(lambda: not Path(address).parent.exists())


def test_one_who_asks_and_is_gone_at_once_troubles_nobody(address, script, tmp_path):
    with forks.socket.socket(forks.socket.AF_UNIX) as hasty:
        hasty.connect(address)
        hasty.sendall(b"{")

    assert fork(address, script(""), folder=tmp_path).wait() == 0
