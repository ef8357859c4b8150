"""Wrong edits written by hand: slips of the domain, and of files that are no Python; and edits that change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from tools.mutants.edits import Edit

FOLDER = "tools/mutants"
EDITS = "edits.yaml"
_WRITTEN = (".py", ".yaml", ".tpl", ".json")
HARMLESS = "harmless.yaml"


class TableError(Exception):
    """An entry of a table is not about what stands in the repository; the message names all of them."""


@dataclass(frozen=True)
class Harmless:
    """A generated edit after which the platform is the same, and why."""

    file: str
    what: str
    reason: str


def edits(root: Path, table: Path) -> list[Edit]:
    """Return the edits of a table; raises TableError where a text does not stand where it should exactly once."""
    found: list[Edit] = []
    wrong: list[str] = []
    for entry in _entries(table, {"in", "find", "put", "what"}):
        text = entry["find"].encode()
        places = [(file, file.read_bytes().count(text)) for file in _files(root / entry["in"])]
        standing = [file for file, count in places if count]
        if sum(count for _, count in places) != 1:
            there = ", ".join(file.relative_to(root).as_posix() for file in standing) or "nowhere"
            wrong.append(f"{entry['what']}: once in {entry['in']}, but found in: {there}: {entry['find']!r}")
            continue
        content = standing[0].read_bytes()
        start = content.index(text)
        found.append(
            Edit(
                file=standing[0].relative_to(root).as_posix(),
                line=content[:start].count(b"\n") + 1,
                start=start,
                end=start + len(text),
                text=entry["put"],
                what=entry["what"],
            )
        )
    if wrong:
        raise TableError("\n".join([f"{table.name}: what is to be edited must stand", *wrong]))
    return found


def _files(place: Path) -> list[Path]:
    """Return a file, or all files of a folder that people write."""
    return (
        sorted(file for file in place.rglob("*") if file.suffix in _WRITTEN)
        if place.is_dir()
        else [place][: place.is_file()]
    )


def harmless(table: Path) -> list[Harmless]:
    """Return the generated edits that are left out one by one."""
    return [Harmless(**entry) for entry in _entries(table, {"file", "what", "reason"})]


def _entries(table: Path, keys: set[str]) -> Sequence[dict[str, str]]:
    read: Any = yaml.safe_load(table.read_text(encoding="utf-8"))
    for number, entry in enumerate(read, 1):
        if not isinstance(entry, dict) or set(cast("dict[str, str]", entry)) != keys:
            raise TableError(f"{table.name}, entry {number}: expected the keys {', '.join(sorted(keys))}")
    return cast("list[dict[str, str]]", read)
