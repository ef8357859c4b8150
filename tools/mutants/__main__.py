"""Makes wrong edits on copies of the repository, one at a time, and lists those that no test notices."""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tools.mutants import generated, legitimate, written
from tools.mutants.edits import Edit
from tools.mutants.noticing import ALL, stages
from tools.mutants.running import Bench, Outcome

ROOT = Path(__file__).resolve().parent.parent.parent
GENERATED = ("components", "settings")
"""Folders whose Python is edited by rule; charts and policies have what is written in the table."""
BAD_USE, INTERRUPTED = 2, 130
MOST_FAILURES = 100


@dataclass(frozen=True)
class Result:
    """One run."""

    seed: int
    outcomes: dict[Edit, Outcome]
    seconds: float
    cpu_seconds: float

    @property
    def survivors(self) -> list[Edit]:
        return sorted(edit for edit, outcome in self.outcomes.items() if not outcome.noticed_by)

    @property
    def percent(self) -> float:
        return 100 * len(self.survivors) / max(1, len(self.outcomes))


def candidates(root: Path, only: Sequence[str]) -> tuple[list[Edit], list[Edit]]:
    """Return the edits of the table and the generated ones, of files whose path starts with one of `only`."""
    table, exceptions = (root / written.FOLDER / name for name in (written.EDITS, written.HARMLESS))
    harmless = {(each.file, each.what) for each in written.harmless(exceptions)}
    by_rule = (each for each in generated.of_folders(root, GENERATED) if (each.file, each.what) not in harmless)

    def wanted(edit: Edit) -> bool:
        return not only or edit.file.startswith(tuple(only))

    return list(filter(wanted, written.edits(root, table))), list(filter(wanted, by_rule))


def sampled(by_hand: Sequence[Edit], by_rule: Sequence[Edit], size: int, seed: int) -> list[Edit]:
    """Return `size` edits, up to half of them from the table; the same for the same seed and the same files."""
    chosen = random.Random(seed)  # noqa: S311  # a sample, no secret
    some = chosen.sample(by_hand, min(len(by_hand), size // 2))
    return [*some, *chosen.sample(by_rule, min(len(by_rule), size - len(some)))]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Run; returns 1 where more survive than may, and 2 where the tests fail without any edit."""
    options = _options().parse_args(arguments)
    try:
        edits = _edits(root, options)
    except (written.TableError, LookupError) as error:
        sys.stderr.write(f"error: {error}\n")
        return BAD_USE
    if not edits:
        sys.stderr.write(f"error: there is no edit of {', '.join(options.only)}; expected paths such as settings/\n")
        return BAD_USE
    if options.list:
        sys.stdout.writelines(f"{edit}\n" for edit in edits)
        return 0

    def asked(file: str) -> list[list[str]]:
        return [list(ALL)] if options.legitimate else stages(root, file, mirror=options.mirror)

    most = MOST_FAILURES if options.legitimate else 1
    with tempfile.TemporaryDirectory(prefix="ai-prism-mutants-", ignore_cleanup_errors=True) as folder:
        bench = Bench(root, Path(folder), options.processes, asked, most=most)
        try:
            result = _run(bench, edits, options.seed)
        finally:
            bench.stop()
    if isinstance(result, str):
        sys.stderr.write(f"error: without any edit a test fails, so nothing can be told: {result}\n")
        return BAD_USE
    if options.legitimate:
        noticed = sorted((edit, outcome.noticed_by) for edit, outcome in result.outcomes.items() if outcome.noticed_by)
        sys.stdout.writelines(f"{edit.what}: {tests}\n" for edit, tests in noticed)
        made = f"{len(result.outcomes)} of {len(legitimate.KINDS) + 1} legitimate edits made"
        sys.stdout.write(f"{made}, {len(noticed)} turn tests red, goldens aside\n")
        return 1 if noticed else 0
    sys.stdout.write(_as_json(result) if options.json else _as_text(result, options.at_most))
    return 1 if result.percent > options.at_most else 0


def _edits(root: Path, options: argparse.Namespace) -> list[Edit]:
    if options.legitimate:
        return [edit for edit in legitimate.edits(root) if edit.what.startswith(tuple(options.only or [""]))]
    by_hand, by_rule = candidates(root, options.only)
    if options.table:
        by_rule = []
    return sampled(by_hand, by_rule, options.sample, options.seed) if options.sample else [*by_hand, *by_rule]


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="take N edits instead of all")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which sample (default 1)")
    parser.add_argument("--only", action="append", default=[], metavar="PATH", help="files that start so; repeatable")
    parser.add_argument("--table", action="store_true", help="only what is written in edits.yaml")
    parser.add_argument("--mirror", action="store_true", help="ask only the tests that mirror the edited file")
    parser.add_argument(
        "--legitimate", action="store_true", help="make edits that every adopter makes: no test but a golden may notice"
    )
    parser.add_argument("--at-most", type=float, default=5, metavar="PERCENT", help="how many may survive (default 5)")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    parser.add_argument("--list", action="store_true", help="list the edits and make none")
    parser.add_argument("--json", action="store_true", help="write one document to standard output")
    return parser


def _run(bench: Bench, edits: Sequence[Edit], seed: int) -> Result | str:
    """Return the result, or the test that fails without any edit."""
    started = time.monotonic()
    progress = _Progress(len(edits))
    progress.say("the tests without any edit")
    broken = bench.first(sorted({edit.file for edit in edits})).noticed_by
    if broken:
        progress.end()
        return broken
    outcomes: dict[Edit, Outcome] = {}
    for edit, outcome in bench.each(edits):
        outcomes[edit] = outcome
        progress.count(edit, outcome)
    progress.end()
    used = os.times()
    cpu = used.user + used.system + used.children_user + used.children_system
    return Result(seed, outcomes, time.monotonic() - started, cpu)


class _Progress:
    """One line on a terminal; elsewhere nothing."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._survived = total, 0, 0
        self._shown = sys.stderr.isatty()

    def say(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def count(self, edit: Edit, outcome: Outcome) -> None:
        self._done += 1
        self._survived += not outcome.noticed_by
        self.say(f"{self._done} of {self._total} edits, {self._survived} unnoticed; {edit.file}:{edit.line}")

    def end(self) -> None:
        self.say("")


def _as_text(result: Result, at_most: float) -> str:
    survivors, total = result.survivors, len(result.outcomes)
    lines = [str(edit) for edit in survivors]
    by_file = Counter(edit.file for edit in survivors)
    if len(by_file) > 1:
        tried = Counter(edit.file for edit in result.outcomes)
        lines += ["", *(f"{count:4} of {tried[file]:4}  {file}" for file, count in by_file.most_common())]
    share = f"{total} edits, {total - len(survivors)} noticed, {len(survivors)} not: {result.percent:.1f} %"
    run = f"seed {result.seed}, {result.seconds:.0f} s, {result.cpu_seconds:.0f} s of CPU"
    lines += ["" if survivors else "no edit goes unnoticed", f"{share} (at most {at_most:g} %); {run}"]
    return "\n".join(lines).lstrip("\n") + "\n"


def _as_json(result: Result) -> str:
    document = {
        "seed": result.seed,
        "seconds": round(result.seconds, 1),
        "cpu_seconds": round(result.cpu_seconds, 1),
        "survived": len(result.survivors),
        "edits": [
            {"file": edit.file, "line": edit.line, "what": edit.what, "noticed_by": outcome.noticed_by or None}
            for edit, outcome in sorted(result.outcomes.items(), key=lambda item: item[0])
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def run(arguments: Sequence[str], root: Path = ROOT) -> NoReturn:
    """Run to the end, which an interrupt or a closed terminal may bring about."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main(arguments, root))
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; nothing was changed here\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    run(sys.argv[1:])
