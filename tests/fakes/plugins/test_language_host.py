"""The language host starts programs and policy packs; here a shell script stands in for their Python."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.runtime.proto import language_pb2

from fakes.plugins import forks, language_host
from fakes.plugins.language_host import RUNNER, SHOWN, LanguageHost

SECONDS = 30


@pytest.fixture
def host() -> LanguageHost:
    return LanguageHost("127.0.0.1:1")


@pytest.fixture
def python(tmp_path, monkeypatch):
    """Let a shell script be the Python that programs are started with; what it started is gone after the test."""
    started = []

    class Popen(subprocess.Popen):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def python(script: str) -> None:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        file.chmod(0o755)
        monkeypatch.setattr(language_host, "sys", SimpleNamespace(executable=str(file)))
        monkeypatch.setattr(language_host.subprocess, "Popen", Popen)

    yield python
    for process in started:
        process.kill()
        process.communicate()


def run(host: LanguageHost, folder: Path, **fields: Any) -> language_pb2.RunResponse:
    info = language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")
    return host.Run(language_pb2.RunRequest(info=info, **fields), None)


def policies(folder: Path, *arguments: str) -> language_pb2.RunPluginRequest:
    info = language_pb2.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")
    return language_pb2.RunPluginRequest(info=info, args=arguments, env=["COLOUR=blue=green"], kind="analyzer")


def is_dead(status: Path) -> bool:
    """Whether a process has ended, or is gone already where somebody waits for orphans."""
    return not status.exists() or status.read_text(encoding="utf-8").split()[2] in "ZX"


def until(true: Callable[[], bool], seconds: float = SECONDS) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_a_program_gets_its_settings_and_configuration_and_runs_in_its_folder(host, python, tmp_path):
    python('printf "%s\\n" "$PWD" "$2" "$3" "$PULUMI_CONFIG" "$PULUMI_CONFIG_SECRET_KEYS" > seen')
    answer = run(
        host,
        tmp_path,
        project="ai-prism",
        stack="dev",
        monitor_address="127.0.0.1:2",
        parallel=4,
        dryRun=True,
        organization="company",
        config={"ai-prism:dns": "{}"},
        configSecretKeys=["ai-prism:dns"],
    )

    folder, runner, settings, config, secret_keys = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    assert (answer.error, answer.bail) == ("", False)
    assert (folder, runner) == (str(tmp_path), str(RUNNER))
    assert json.loads(settings) == {
        "project": "ai-prism",
        "stack": "dev",
        "monitor": "127.0.0.1:2",
        "engine": "127.0.0.1:1",
        "parallel": 4,
        "dry_run": True,
        "organization": "company",
        "root_directory": str(tmp_path),
    }
    assert json.loads(config) == {"ai-prism:dns": "{}"}
    assert json.loads(secret_keys) == ["ai-prism:dns"]


@pytest.mark.parametrize(
    ("code", "error", "bail"), [(0, "", False), (SHOWN, "", True), (1, "the program ended with exit code 1", False)]
)
def test_how_a_program_ended_is_told_unless_it_has_told_itself(host, python, tmp_path, code, error, bail):
    python(f"exit {code}")
    answer = run(host, tmp_path)

    assert (answer.error, answer.bail) == (error, bail)


def test_what_a_policy_pack_says_is_passed_on_until_it_ends(host, python, tmp_path):
    python('echo "$4 $5"; echo "$COLOUR" >&2; exit 3')
    answers = list(host.RunPlugin(policies(tmp_path, "127.0.0.1:1", "."), None))

    assert b"".join(answer.stdout for answer in answers) == b"127.0.0.1:1 .\nblue=green\n"
    assert answers[-1].exitcode == 3


def test_a_cancelled_program_ends_with_all_that_it_started(host, python, tmp_path):
    python("sleep 60 & echo $! > started; wait")
    _end_by_cancelling(host, tmp_path)


def _end_by_cancelling(host: LanguageHost, tmp_path: Path) -> None:
    answers = []
    running = threading.Thread(target=lambda: answers.append(run(host, tmp_path)))
    running.start()
    started = tmp_path / "started"
    assert until(lambda: started.exists() and started.read_text(encoding="utf-8").strip())

    host.Cancel(None, None)
    running.join(SECONDS)

    assert answers[0].error == "the program ended with exit code -9"
    status = Path(f"/proc/{started.read_text(encoding='utf-8').strip()}/stat")
    assert until(lambda: is_dead(status))


@pytest.fixture
def forked(tmp_path, monkeypatch):
    """Let a script be the runner, and be forked."""
    if sys.platform != "linux":
        pytest.skip("programs are forked on Linux alone")

    def forked(script: str) -> None:
        runner = tmp_path / "runner.py"
        runner.write_text(script, encoding="utf-8")
        monkeypatch.setattr(language_host, "RUNNER", runner)
        monkeypatch.setenv(forks.VARIABLE, forks.started(tmp_path))

    return forked


@pytest.mark.parametrize(
    ("code", "error", "bail"), [(0, "", False), (SHOWN, "", True), (1, "the program ended with exit code 1", False)]
)
def test_a_forked_program_gets_and_tells_the_same(host, forked, tmp_path, code, error, bail):
    forked(
        "import json, os, sys; settings = json.loads(sys.argv[1]); config = json.loads(os.environ['PULUMI_CONFIG'])\n"
        f"open('seen', 'w').write(settings['stack'] + config['a']); sys.exit({code})"
    )
    answer = run(host, tmp_path, stack="dev", config={"a": "b"})

    assert (answer.error, answer.bail) == (error, bail)
    assert (tmp_path / "seen").read_text(encoding="utf-8") == "devb"


def test_a_cancelled_program_ends_with_all_that_it_started_where_it_was_forked(host, forked, tmp_path):
    forked("import subprocess; subprocess.run('echo $$ > started; exec sleep 60', shell=True)")
    _end_by_cancelling(host, tmp_path)


def test_cancelling_when_nothing_runs_is_no_trouble(host, python, tmp_path):
    python("exit 0")
    run(host, tmp_path)

    host.Cancel(None, None)


def test_a_policy_pack_that_nobody_listens_to_any_more_is_ended(host, python, tmp_path):
    python("echo $$; exec sleep 60")
    call = host.RunPlugin(policies(tmp_path), None)
    status = Path(f"/proc/{int(next(call).stdout)}/stat")

    call.close()
    host.end_children()

    assert until(lambda: is_dead(status), seconds=0.2)
