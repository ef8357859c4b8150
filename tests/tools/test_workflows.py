"""The check of workflows, on some that are wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from prismctl.project import ROOT
from tools.workflows import check

SOUND = """\
name: Test
on: push
permissions: {}
concurrency:
  group: test-${{ github.ref }}
  cancel-in-progress: true
jobs:
  test:
    name: Test
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    steps:
      - run: make test
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a sound workflow, on a machine without Go and without anything built."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    write(tmp_path, SOUND)
    return tmp_path


def write(repository: Path, workflow: str) -> None:
    folder = repository / ".github" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test.yml").write_text(workflow)


def put_actionlint(repository: Path, code: int) -> None:
    """Install an actionlint of one's own that ends with `code`, and tells how it was called."""
    file = repository / "bin" / "actionlint"
    file.write_text(f'#!/bin/sh\n[ "$1" = -version ] && echo 99.0.0 && exit\necho "asked: $@"\nexit {code}\n')
    file.chmod(0o755)


def test_sound_workflows_pass_in_silence(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_actionlint(repository, 0)
    assert check(repository) == 0
    assert capsys.readouterr() == ("", "")


def test_without_go_actionlint_is_skipped_by_name(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(repository) == 0
    assert "actionlint: skipped; Go 1.25.0 or newer is needed to build actionlint" in capsys.readouterr().err


def test_what_zizmor_finds_fails_and_is_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(repository, SOUND.replace("make test", 'echo "${{ github.head_ref }}"'))
    assert check(repository) == 1
    assert "template-injection" in capsys.readouterr().err


def test_what_actionlint_finds_fails_and_is_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put_actionlint(repository, 1)
    assert check(repository) == 1
    assert f"asked: -shellcheck {Path(sys.executable).parent / 'shellcheck'} -pyflakes=" in capsys.readouterr().err


def test_a_build_that_fails_is_no_reason_to_skip(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go = repository / "bin" / "go"
    go.write_text('#!/bin/sh\n[ "$1" = version ] && echo go version go1.99.0 && exit\necho no network >&2\nexit 1\n')
    go.chmod(0o755)
    assert check(repository) == 3
    assert "no network" in capsys.readouterr().err


def test_shellcheck_comes_with_the_environment() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run(  # noqa: S603
        [shellcheck, "-"], input="#!/bin/sh\nrm $1\n", capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "SC2086" in done.stdout
