"""What is guarded ends; what is forgotten does not."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.cluster.processes import alive
from fakes.guardian import Guardian


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(3)]  # noqa: S607
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_what_is_guarded_ends_with_the_folder_and_what_is_forgotten_lives_on(
    tmp_path: Path, sleepers: list[subprocess.Popen[bytes]]
):
    folder = tmp_path / "private"
    (folder / "within").mkdir(parents=True)
    guardian = Guardian(folder)
    for each in sleepers:
        guardian.watch(each.pid)
    guardian.forget(sleepers[1].pid)

    guardian.end()

    sleepers[0].wait(timeout=10)
    sleepers[2].wait(timeout=10)
    assert alive(sleepers[1].pid)
    assert not folder.exists()
