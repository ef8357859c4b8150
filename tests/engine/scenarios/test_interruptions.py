"""What happens to an update from outside: killed, met by another one, or started on a state that is not today's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from engine.world import World, processes_of

from fakes.aws.account import Account

PACE = 1 / 100
"""So slow that an update takes several seconds, so fast that it does not take many."""


def wait_for(holds: Callable[[], object]) -> None:
    """Wait until something holds; fail where it does not for two minutes."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def wait_for_creations(world: World, number: int) -> None:
    """Wait until that many resources are being made or have been."""
    wait_for(lambda: len(world.account.operations("create")) >= number)


def test_an_engine_that_is_killed_leaves_no_process_and_is_resumed(world: World):
    world.account.set("pace", str(PACE))
    update = world.start("up", "--stack", world.stack, "--yes", "--skip-preview")
    wait_for_creations(world, 60)
    assert len(processes_of(world.folder)) > 3
    os.kill(update.pid, signal.SIGKILL)
    world.finish(update)
    if not world.real:
        wait_for(lambda: not processes_of(world.folder))
    world.end_plugins()
    world.account.set("pace", "0")

    refused = world.up()
    assert not refused
    assert "locked" in refused.output
    world.run("cancel", "--yes", "--stack", world.stack).must()
    creating = {each["resource"]["urn"] for each in world.state()["pending_operations"]}
    orphans = {held.urn: held.id for held in world.account.resources() if held.urn in creating}
    assert orphans, "nothing was under way: kill it earlier or later"

    world.resume()

    ids = {each["urn"]: each.get("id") for each in world.state()["resources"]}
    assert {urn: ids.get(urn) for urn in orphans} == orphans
    world.up().must()
    world.up("--expect-no-changes").must()
    assert set(Counter(each.urn for each in world.account.operations("create")).values()) == {1}


def test_an_interrupted_update_ends_by_itself_and_goes_on_the_next_time(world: World):
    world.account.set("pace", str(PACE))
    update = world.start("up", "--stack", world.stack, "--yes", "--skip-preview")
    wait_for_creations(world, 60)

    os.kill(update.pid, signal.SIGINT)
    done = world.finish(update)

    assert not done
    wait_for(lambda: not processes_of(world.folder))
    assert "pending_operations" not in world.state()
    world.account.set("pace", "0")
    world.up().must()
    assert set(Counter(held.urn for held in world.account.resources()).values()) == {1}


SLOW_RUN = """
import sys
from pathlib import Path
from engine.world import World
with World(Path(sys.argv[1]), "dev", Path(sys.argv[2])) as world:
    world.init()
    world.account.set("pace", "1")
    world.up()
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_test_that_is_ended_leaves_no_process_and_no_file(tmp_path: Path, shared: Path, ending: signal.Signals):
    folder = tmp_path / "world"
    run = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SLOW_RUN, str(folder), str(shared / "cache")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    wait_for(lambda: (folder / "account.sqlite").exists() and Account(folder / "account.sqlite").operations("create"))

    run.send_signal(ending)
    run.wait(timeout=60)

    wait_for(lambda: not processes_of(folder) and not folder.exists())


def test_of_two_updates_at_once_the_second_is_refused(world: World):
    world.account.set("pace", str(PACE))
    first = world.start("up", "--stack", world.stack, "--yes", "--skip-preview")
    wait_for_creations(world, 10)

    second = world.up()

    assert not second
    assert "the stack is currently locked by 1 lock(s)" in second.output
    world.account.set("pace", "0")
    world.finish(first).must()
    world.up("--expect-no-changes").must()


def test_a_corrupted_state_file_is_told_and_replaced_by_its_backup(standing: World):
    file = standing.state_file
    backup = standing.folder / "backup.json"
    backup.write_text(standing.run("stack", "export", "--stack", standing.stack).must().out, encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8")[:5000], encoding="utf-8")

    broken = standing.up()

    assert not broken
    assert "panic" not in broken.output
    before = standing.account.operations()
    standing.run("stack", "import", "--stack", standing.stack, "--file", str(backup)).must()
    standing.up("--expect-no-changes").must()
    assert standing.account.operations() == before


def test_a_corrupted_state_file_is_replaced_by_the_one_written_before_it(standing: World):
    standing.up().must()
    file = standing.state_file
    file.write_text("{", encoding="utf-8")

    assert not standing.up()

    shutil.copy(file.with_name(f"{file.name}.bak"), file)
    standing.up("--expect-no-changes").must()


def test_an_older_state_file_is_brought_up_to_date_from_what_exists(standing: World):
    older = standing.state_file.read_text(encoding="utf-8")
    days = standing.settings("database")["backup_days"]
    standing.change_settings("database", backup_days=days + 5)
    standing.up().must()
    standing.state_file.write_text(older, encoding="utf-8")
    before = standing.account.operations()

    # What AWS has is read before anything is decided.
    standing.up("--expect-no-changes").must()

    assert standing.account.operations() == before


def test_what_an_older_state_file_does_not_know_is_imported(standing: World):
    older = standing.state_file.read_text(encoding="utf-8")
    standing.change_settings("registry", images=["api", "web", "worker", "tools"])
    standing.up().must()
    newer = standing.state()
    standing.state_file.write_text(older, encoding="utf-8")

    refused = standing.up()

    assert not refused
    assert "RepositoryAlreadyExistsException" in refused.output
    known = {each["urn"] for each in json.loads(older)["checkpoint"]["latest"]["resources"]}
    standing.adopt({each["urn"]: each["id"] for each in newer["resources"] if each["urn"] not in known})
    standing.up().must()
    standing.up("--expect-no-changes").must()
    assert set(Counter(held.urn for held in standing.account.resources()).values()) == {1}
