"""Several stacks at once: shares, mistakes, and processes that end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import sample

from prismctl.project import ROOT

STACKS = ("dev", "integration", "staging", "prod")

# Forking is for a process that has not run a program yet, as the command's has not: gRPC does not survive it.
FRESH = """
import json, os, sys
from pathlib import Path
from prismctl.errors import UsageError
from prismctl.preview import preview_each
from prismctl.project import Project

parent = os.getpid()

def count(preview):
    return {"text": f"{preview.graph.stack} {os.getpid()}"}

def die_elsewhere(preview):
    return {"text": ""} if os.getpid() == parent else os._exit(7)

stacks = ("dev", "integration", "staging", "prod")
two = ("dev", "integration")
"""


def fresh(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # this interpreter
        [sys.executable, "-c", FRESH + code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("stacks", sample((STACKS[:2], STACKS), STACKS[:2]), ids=len)
def test_several_stacks_come_back_in_order_and_were_shared_between_processes(stacks: tuple[str, ...]) -> None:
    run = fresh("print(json.dumps(preview_each(Project(Path.cwd()), sys.argv[1:], count, known=False)))", *stacks)
    results = json.loads(run.stdout)
    assert list(results) == list(stacks)
    assert [text["text"].split()[0] for text in results.values()] == list(stacks)
    assert len({text["text"].split()[1] for text in results.values()}) == min(len(os.sched_getaffinity(0)), len(stacks))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="one processor needs no second process")
@pytest.mark.sweep
def test_a_process_that_dies_is_told_instead_of_waited_for() -> None:
    run = fresh("preview_each(Project(Path.cwd()), two, die_elsewhere, known=False)")
    assert run.returncode == 1
    assert run.stderr.rstrip().endswith("RuntimeError: a worker of the preview died")


def test_a_mistake_in_one_stack_does_not_keep_the_others_from_being_looked_at(tmp_path: Path) -> None:
    for name in ("__main__.py", "Pulumi.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    for name in ("components", "settings"):
        (tmp_path / name).symlink_to(ROOT / name)
    for stack in STACKS[:2]:
        (tmp_path / f"Pulumi.{stack}.yaml").write_text((ROOT / f"Pulumi.{stack}.yaml").read_text())
    (tmp_path / "Pulumi.integration.yaml").write_text("config: {ai-prism:network: {}}")
    run = fresh(
        "results = preview_each(Project(Path(sys.argv[1])), two, count, known=False)\n"
        "print(json.dumps([stack for stack, result in results.items() if isinstance(result, UsageError)]))",
        str(tmp_path),
    )
    assert json.loads(run.stdout) == ["integration"], run.stderr


@pytest.mark.parametrize("delay", [0.7, 1.2])
def test_an_interrupted_preview_says_nothing_writes_nothing_and_leaves_no_process(tmp_path: Path, delay: float) -> None:
    run = subprocess.Popen(  # noqa: S603  # this interpreter
        [sys.executable, "-m", "prismctl", "preview", "all", "--svg", str(tmp_path / "plan.svg")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(delay)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=300)
    if run.returncode == 0:
        pytest.skip("it was faster")
    if run.returncode == -signal.SIGINT:
        pytest.skip("Python itself had not begun yet")
    assert run.returncode == 130
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)


@pytest.mark.sweep
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_preview_does_not_depend_on_the_seed_of_hashes_as_no_two_updates_share_one(stack):
    """An input in the order of a set would change with every update."""
    found = [
        subprocess.run(  # noqa: S603  # this interpreter
            [sys.executable, "-m", "prismctl", "preview", stack, "--json"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    # The order of registration is asyncio's, which the engine does not compare.
    first, second = ({step["urn"]: step for step in json.loads(each)["steps"]} for each in found)
    assert first == second
