"""Speed and memory as ratios measured in one run: `make bench`.

Single figures depend on the machine and on what else it does; a ratio between two things measured in turns is stable.
"""

import gc
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench_policies

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 7

# What one preview has imported of the SDK at its end.
LOADED = """
import sys, types
from prismctl.outputs import PreviewOutputs, write
from prismctl.project import ROOT, Project
import io
sys.stdout, out = io.StringIO(), sys.stdout
write(Project(ROOT), ("prod",), PreviewOutputs(), known=False)
print(*(name for name, module in list(sys.modules.items())
        # Not the stand-ins for modules that nothing has touched.
        if name.split(".")[0].startswith("pulumi") and type(module) is types.ModuleType), file=out)
"""

# Importing just that; lazily loaded modules load when they are touched.
IMPORT = """
import importlib, sys, time
names = sys.stdin.read().split()
cpu, wall = time.process_time(), time.perf_counter()
for name in names:
    getattr(importlib.import_module(name), "_inputs", None)
print(time.process_time() - cpu, time.perf_counter() - wall)
"""

# The platform with further node groups behind it.
GROWN = """
import runpy
platform = runpy.run_path({main!r})
from components.node_group import Group, NodeGroup, NodeGroupArgs
from components.node_sizes import Sizes
cluster, network = platform["cluster"], platform["network"]
subnet_ids = [*network.private_subnet_by_zone.values()]
for number in range({extra}):
    NodeGroup(
        f"extra-{{number}}",
        NodeGroupArgs(
            context=platform["context"],
            cluster_name=cluster.name,
            version=cluster.version,
            release=None,
            groups=[Group(f"extra-{{number}}", subnet_ids, Sizes(0, 0, 1), present=None)],
            after=cluster.before_nodes,
            behind=[],
            node_role_arn=cluster.node_role.arn,
            security_group_ids=cluster.node_security_group_ids,
            tier="extra",
            types=["t3.large"],
            disk_gb=20,
            key_arn=platform["encryption"].cluster_key_arn,
        ),
        platform["on_aws"],
    )
"""


@dataclass(frozen=True)
class Cost:
    """What a process and its children took: CPU and wall time in seconds, memory of the largest in MB."""

    cpu: float
    wall: float
    memory: float
    output: str


def run(*command: str, given: str = "") -> Cost:
    """Run a command to its end."""
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stdout:
        stdin.write(given)
        stdin.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=stdout)  # noqa: S603  # our own commands
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)[:80]} ended with {process.returncode}")
        stdout.seek(0)
        return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, stdout.read())


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return statistics.median(of(cost) for cost in costs)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def compare(what: str, ours: float, theirs: float, most: float) -> None:
    ratio = ours / theirs
    verdict = "ok" if ratio <= most else "MISSED"
    say(f"  {what}: {ours:.2f} against {theirs:.2f}, {ratio:.2f} times (at most {most}): {verdict}")


def previews() -> None:
    """Compare previewing all stacks with merely importing the same modules of the SDK."""
    python = sys.executable
    modules = run(python, "-c", LOADED).output
    imports: list[Cost] = []
    inner: list[list[float]] = []
    ours: list[Cost] = []
    for _ in range(ROUNDS):
        imports.append(run(python, "-c", IMPORT, given=modules))
        inner.append([float(number) for number in imports[-1].output.split()])
        ours.append(run(python, "-m", "prismctl", "preview", "all"))
    say(f"prismctl preview all, against a process that imports the same {len(modules.split())} modules of the SDK")
    compare("CPU seconds", median(ours, lambda c: c.cpu), median(imports, lambda c: c.cpu), 1.6)
    compare("wall seconds", median(ours, lambda c: c.wall), median(imports, lambda c: c.wall), 1.3)
    say("the same, against the import statements alone (without start and end of that process)")
    compare("CPU seconds", median(ours, lambda c: c.cpu), statistics.median(cpu for cpu, _ in inner), 1.6)
    compare("wall seconds", median(ours, lambda c: c.wall), statistics.median(wall for _, wall in inner), 1.3)
    memory = max(cost.memory for cost in ours)
    say(f"  memory of the largest process: {memory:.0f} MB (at most 400): {'ok' if memory <= 400 else 'MISSED'}")


def growth() -> None:
    """Measure what one further node group costs, on platforms of different sizes."""
    from prismctl.project import Project
    from recording import recorder

    config = Project(ROOT).config("dev")
    gc.disable()  # as the preview does
    say("time per further resource, with 10, 100 and 300 further node groups")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder)

        def seconds(extra: int) -> tuple[float, int]:
            (program / "__main__.py").write_text(GROWN.format(main=str(ROOT / "__main__.py"), extra=extra))
            started = time.process_time()
            graph = recorder.record(program, "ai-prism", "dev", config)
            return time.process_time() - started, len(graph.resources)

        seconds(10)
        # What disturbs a run only ever slows it: the fastest of several is the one that was not disturbed.
        fastest: dict[int, tuple[float, int]] = {}
        for _ in range(3 * ROUNDS):
            for extra in (0, 10, 100, 300):
                fastest[extra] = min(seconds(extra), fastest.get(extra, (math.inf, 0)))
                gc.collect()
        base, size = fastest[0]
        costs: list[float] = []
        for extra in (10, 100, 300):
            taken, grown = fastest[extra]
            cost = (taken - base) / (grown - size)
            costs.append(cost)
            say(f"  {extra:3} groups: {cost * 1000:.2f} ms")
    spread = max(costs) / min(costs) - 1
    say(f"  spread: {spread:.0%} (at most 20 %): {'ok' if spread <= 0.2 else 'MISSED'}")


def start() -> None:
    """Measure the help text."""
    wall = statistics.median(run(sys.executable, "-m", "prismctl", "--help").wall for _ in range(ROUNDS))
    say(f"prismctl --help: {wall:.2f} s (under 0.3): {'ok' if wall < 0.3 else 'MISSED'}")


def tests() -> None:
    """Measure the test suite; a figure, since a test that measures time fails when somebody else works."""
    suite = run(sys.executable, "-m", "pytest", "--no-header", "--no-summary")
    say(f"make test: {suite.cpu:.0f} s of CPU, {suite.wall:.0f} s (under 60 on two processors that are free)")


def main() -> None:
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    say(json.dumps({"processors": os.cpu_count(), "load": load, "python": sys.version.split()[0], "rounds": ROUNDS}))
    start()
    previews()
    growth()
    bench_policies.measure()
    tests()


if __name__ == "__main__":
    main()
