"""Remembers which inputs were found sound, so that only the first of many runs pays for the checks."""

import hashlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recording import wire


class Sound:
    """A set of digests in one file, shared by all processes that are given the same folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            folder / "sound.sqlite", timeout=60, check_same_thread=False, isolation_level=None
        )
        self._database.executescript(
            "PRAGMA synchronous=OFF; CREATE TABLE IF NOT EXISTS sound (digest BLOB PRIMARY KEY)"
        )

    def __contains__(self, digest: bytes) -> bool:
        return self._database.execute("SELECT 1 FROM sound WHERE digest = ?", (digest,)).fetchone() is not None

    def add(self, digest: bytes) -> None:
        self._database.execute("INSERT OR IGNORE INTO sound VALUES (?)", (digest,))


def digest(type_: str, region: str, inputs: Mapping[str, Any]) -> bytes:
    """Return what stands for these inputs of this type in this region."""
    message = wire.encode({"type": type_, "region": region, "inputs": inputs})
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
