"""A fake AWS account: what exists in it, what will fail, and what was done to it.

It is one SQLite file, so that it outlives the processes that change it, a killed one included.
"""

import dataclasses
import functools
import json
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fakes.aws.faults import Fault
from fakes.aws.held import Held

Verb = Literal["create", "update", "delete", "read"]

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS secrets (arn TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS held (type TEXT, id TEXT, urn TEXT, resource TEXT, PRIMARY KEY (type, id));
CREATE TABLE IF NOT EXISTS faults (urn TEXT, verb TEXT, kind TEXT, PRIMARY KEY (urn, verb));
CREATE TABLE IF NOT EXISTS operations (
  serial INTEGER PRIMARY KEY, urn TEXT, type TEXT, verb TEXT, started REAL, ended REAL, error TEXT
);
"""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing that the account was asked to do."""

    serial: int
    urn: str
    type: str
    verb: str
    started: float
    """Seconds, by the clock of the machine."""
    ended: float | None
    """None while under way, and for ever where its process was killed."""
    error: str | None


class Account:
    """What the fakes of AWS change and the tests look at; safe between threads and processes."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        self._database = sqlite3.connect(file, timeout=60, check_same_thread=False, isolation_level=None)
        # The file need survive a killed process, not a power cut. Its journal is the usual one: who switches to a
        # write-ahead log while somebody else writes is refused at once, whatever the timeout.
        self._database.executescript("PRAGMA synchronous=OFF;" + _TABLES)

    def take_over(self, other: "Account") -> None:
        """Become a copy of another account."""
        with self._lock:
            other.copy_to(self._database)

    def copy_to(self, database: sqlite3.Connection) -> None:
        """Write everything into another database, in place of what is there."""
        with self._lock:
            self._database.backup(database)

    def close(self) -> None:
        self._database.close()

    # Facts about the account itself

    def set(self, name: str, value: str) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def get(self, name: str, default: str = "") -> str:
        with self._lock:
            row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    # What exists

    def hold(self, *resources: Held) -> None:
        """Keep resources, in place of any of the same type and id."""
        rows = [(each.type, each.id, each.urn, json.dumps(dataclasses.asdict(each))) for each in resources]
        with self._lock:
            self._database.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", rows)

    def drop(self, type_: str, id_: str) -> None:
        with self._lock:
            self._database.execute("DELETE FROM held WHERE type = ? AND id = ?", (type_, id_))

    def find(self, type_: str, id_: str) -> Held | None:
        with self._lock:
            row = self._database.execute("SELECT resource FROM held WHERE type = ? AND id = ?", (type_, id_)).fetchone()
        return _held(row[0]) if row else None

    def resources(self, *types: str) -> list[Held]:
        """Return what exists, of these types or of all."""
        where = f"WHERE type IN ({','.join('?' * len(types))})" if types else ""
        with self._lock:
            rows = self._database.execute(f"SELECT resource FROM held {where} ORDER BY rowid", types).fetchall()  # noqa: S608
        return [_held(row[0]) for row in rows]

    @contextmanager
    def exclusively(self) -> Generator[None, None, None]:
        """Keep other threads and processes from changing the account: what was looked at is still so when acted on."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def adopt(self, state: Mapping[str, Any]) -> None:
        """Hold all AWS resources of a state, as `pulumi stack export`'s deployment has them."""
        self.hold(
            *(
                Held(type=each["type"], id=each["id"], urn=each["urn"], inputs=each["inputs"], outputs=each["outputs"])
                for each in state["resources"]
                if each["type"].startswith("aws:")
            )
        )

    # What AWS keeps to itself

    def keep_secret(self, arn: str, value: str) -> None:
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO secrets VALUES (?, ?)", (arn, value))

    def secrets(self) -> dict[str, str]:
        """Return all secrets by ARN."""
        with self._lock:
            return dict(self._database.execute("SELECT arn, value FROM secrets").fetchall())

    # What will fail

    def fail_once(self, faults: Iterable[Fault]) -> None:
        """Let the next such operation on each resource fail."""
        with self._lock:
            self._database.executemany(
                "INSERT OR REPLACE INTO faults VALUES (?, ?, ?)", [(each.urn, each.verb, each.kind) for each in faults]
            )

    def take_fault(self, urn: str, verb: str) -> str | None:
        """Return the kind of failure that is due, and forget it."""
        with self._lock:
            row = self._database.execute(
                "DELETE FROM faults WHERE urn = ? AND verb = ? RETURNING kind", (urn, verb)
            ).fetchone()
        return row[0] if row else None

    def faults_left(self) -> list[Fault]:
        with self._lock:
            return [Fault(*row) for row in self._database.execute("SELECT urn, verb, kind FROM faults")]

    # What was done

    def begin(self, urn: str, type_: str, verb: Verb) -> int:
        """Note that an operation begins, and return its number."""
        with self._lock:
            return int(
                self._database.execute(
                    "INSERT INTO operations (urn, type, verb, started) VALUES (?, ?, ?, ?) RETURNING serial",
                    (urn, type_, verb, time.time()),
                ).fetchone()[0]
            )

    def past(self, urn: str) -> str:
        """Return text that stands for what became of a URN so far; with each creation it is another one.

        What is made up from it is the same for the same program on every new account, in whatever order the engine
        asks. What stands may have been adopted, without any operation.
        """
        with self._lock:
            created, standing = self._database.execute(
                "SELECT (SELECT count(*) FROM operations WHERE urn = :urn AND verb = 'create'),"
                " (SELECT count(*) FROM held WHERE urn = :urn)",
                {"urn": urn},
            ).fetchone()
        return f"{urn}#{created}.{standing}"

    def end(self, serial: int, error: str | None = None) -> None:
        with self._lock:
            self._database.execute(
                "UPDATE operations SET ended = ?, error = ? WHERE serial = ?", (time.time(), error, serial)
            )

    def operations(self, *verbs: Verb) -> list[Operation]:
        """Return what was done, oldest first: of these verbs, or everything but reads."""
        chosen = verbs or ("create", "update", "delete")
        with self._lock:
            rows = self._database.execute(
                f"SELECT serial, urn, type, verb, started, ended, error FROM operations"  # noqa: S608
                f" WHERE verb IN ({','.join('?' * len(chosen))}) ORDER BY serial",
                chosen,
            ).fetchall()
        return [
            Operation(serial=row[0], urn=row[1], type=row[2], verb=row[3], started=row[4], ended=row[5], error=row[6])
            for row in rows
        ]


@functools.lru_cache(maxsize=4096)
def _held(text: str) -> Held:
    fields: dict[str, Any] = json.loads(text)
    fields["contents"] = tuple(fields["contents"])
    return Held(**fields)
