"""Wrong edits written by hand: slips of the domain, and of files that are no Python; and edits that change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from tools.mutants.edits import Edit

EDITS = Path(__file__).with_name("edits.yaml")
HARMLESS = Path(__file__).with_name("harmless.yaml")


class TableError(Exception):
    """An entry of a table is not about what stands in the repository; the message names all of them."""


@dataclass(frozen=True)
class Harmless:
    """A generated edit after which the platform is the same, and why."""

    file: str
    what: str
    reason: str


def edits(root: Path, table: Path = EDITS) -> list[Edit]:
    """Return the edits of the table; raises TableError where a text does not stand in its file exactly once."""
    found: list[Edit] = []
    wrong: list[str] = []
    for entry in _entries(table, {"file", "find", "put", "what"}):
        file = root / entry["file"]
        content = file.read_bytes() if file.is_file() else b""
        text = entry["find"].encode()
        if content.count(text) != 1:
            there = f"{content.count(text)} times" if file.is_file() else "in no such file"
            wrong.append(f"{entry['what']}: in {entry['file']} once, but {there}: {entry['find']!r}")
            continue
        start = content.index(text)
        line = content[:start].count(b"\n") + 1
        end = start + len(text)
        found.append(Edit(file=entry["file"], line=line, start=start, end=end, text=entry["put"], what=entry["what"]))
    if wrong:
        raise TableError("\n".join([f"{table.name}: what is to be edited must stand", *wrong]))
    return found


def harmless(table: Path = HARMLESS) -> list[Harmless]:
    """Return the generated edits that are left out one by one."""
    return [Harmless(**entry) for entry in _entries(table, {"file", "what", "reason"})]


def _entries(table: Path, keys: set[str]) -> Sequence[dict[str, str]]:
    read: Any = yaml.safe_load(table.read_text(encoding="utf-8"))
    for number, entry in enumerate(read, 1):
        if not isinstance(entry, dict) or set(cast("dict[str, str]", entry)) != keys:
            raise TableError(f"{table.name}, entry {number}: expected the keys {', '.join(sorted(keys))}")
    return cast("list[dict[str, str]]", read)
