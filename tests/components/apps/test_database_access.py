"""The application's rights in the database, given on a real PostgreSQL and used as the chart tells a pod to."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support import recorded

from components.apps import database_access
from prismctl.graph import Graph

NEEDED = ("initdb", "pg_ctl", "postgres", "psql")
FOLDERS = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *map(Path, os.get_exec_path())]
BIN = next((folder for folder in FOLDERS if all((folder / name).exists() for name in NEEDED)), None)
TOKEN = "a-token-of-iam-that-is-the-password"  # noqa: S105


class Server:
    """A PostgreSQL with a database and its owner, as Aurora makes them: the owner is no superuser."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._bin = folder, BIN
        # The server refuses to run as root.
        self._as = {"user": "nobody"} if os.geteuid() == 0 else {}
        folder.chmod(0o777)
        data = folder / "data"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        assert BIN
        self._run("initdb", "-N", "-A", "scram-sha-256", "-U", "rdsadmin", "--pwfile", self._password("root"), data)
        key, certificate = folder / "server.key", folder / "server.crt"
        subprocess.run(  # noqa: S603
            [shutil.which("openssl") or "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
             "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True, cwd="/", **self._as,
        )  # fmt: skip
        hba = "hostnossl all all all reject\nhostssl all all all scram-sha-256\n"
        self._write(data / "pg_hba.conf", hba)
        settings = (
            f"-c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key} -c fsync=off -p {self.port} -k {folder}"
        )
        self._run("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-h 127.0.0.1 {settings}", "start")
        self._certificate = certificate
        self.must("rdsadmin", "root", "postgres", "CREATE ROLE rds_iam NOLOGIN")
        self.must("rdsadmin", "root", "postgres", "CREATE ROLE prism_owner LOGIN CREATEROLE CREATEDB PASSWORD 'owner'")
        self.must("rdsadmin", "root", "postgres", "GRANT rds_iam TO prism_owner WITH ADMIN OPTION")
        self.must("prism_owner", "owner", "postgres", "CREATE DATABASE ai_prism")

    def _password(self, text: str) -> Path:
        self._write(self._folder / "password", text)
        return self._folder / "password"

    def _write(self, file: Path, text: str) -> None:
        subprocess.run(["/bin/sh", "-c", 'cat > "$0"', str(file)], input=text, text=True, check=True, **self._as)  # noqa: S603

    def _run(self, name: str, *arguments: object) -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._bin / name), *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            check=False, cwd="/", **self._as,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "stop")

    def ask(
        self, user: str, password: str, database: str, sql: str, *options: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run SQL as somebody, by TLS, whose certificate is checked."""
        variables: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "PGHOST": "localhost",
            "PGPORT": str(self.port),
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self._certificate),
            **environment,
        }
        command = [str(self._bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *options]
        return subprocess.run(command, input=sql, text=True, capture_output=True, env=variables, check=False)  # noqa: S603

    def must(self, *arguments: str) -> str:
        done = self.ask(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def give(self) -> subprocess.CompletedProcess[str]:
        """Run what the job runs, as the owner."""
        options = ("-v", "user=prism_app", "-v", "database=ai_prism")
        return self.ask("prism_owner", "owner", "ai_prism", database_access.SQL, *options)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if BIN is None:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    # Not in pytest's own folder, which only who runs the tests may enter.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Server(folder)
    try:
        assert server.give().returncode == 0
        # In place of IAM, which would check the token.
        server.must("rdsadmin", "root", "postgres", f"ALTER ROLE prism_app PASSWORD '{TOKEN}'")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_the_owner_may_do_it_again_and_nothing_changes(server: Server) -> None:
    roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'"
    before = server.must("rdsadmin", "root", "postgres", roles)
    done = server.give()
    assert done.returncode == 0, done.stderr
    assert server.must("rdsadmin", "root", "postgres", roles) == before


def test_the_application_logs_in_with_a_token_and_makes_tables(server: Server) -> None:
    sql = (
        "CREATE TABLE documents (id int PRIMARY KEY); INSERT INTO documents VALUES (1); SELECT count(*) FROM documents"
    )
    assert server.must("prism_app", TOKEN, "ai_prism", sql) == "1"


def test_without_the_job_it_could_not(server: Server) -> None:
    server.must("rdsadmin", "root", "postgres", f"CREATE ROLE stranger LOGIN PASSWORD '{TOKEN}'")
    done = server.ask("stranger", TOKEN, "ai_prism", "CREATE TABLE mine (id int)")
    assert "permission denied for schema public" in done.stderr


def test_the_application_is_of_iam_and_has_no_power_over_others(server: Server) -> None:
    sql = (
        "SELECT pg_has_role('prism_app', 'rds_iam', 'member'), rolsuper, rolcreaterole, rolcreatedb, rolbypassrls "
        "FROM pg_roles WHERE rolname = 'prism_app'"
    )
    assert server.must("prism_app", TOKEN, "ai_prism", sql) == "t|f|f|f|f"


def test_nobody_gets_in_without_tls(server: Server) -> None:
    done = server.ask("prism_app", TOKEN, "ai_prism", "SELECT 1", PGSSLMODE="disable")
    assert done.returncode != 0


JOB = "kubernetes:batch/v1:Job"


@pytest.mark.parametrize(
    "escape", [lambda text: text, lambda text: text.replace("<", "\\u003c").replace("=", "\\u003D")]
)
@pytest.mark.parametrize("password", ["plain", "a\\b|&<>=$*~[u0041]", "x" * 40, "\\\\n{}%s:,"])
def test_the_job_finds_the_password_in_the_answer_of_secrets_manager(
    tmp_path: Path, password: str, escape: Callable[[str], str]
) -> None:
    secret = escape(json.dumps({"username": "prism_owner", "password": password}))
    answer = json.dumps({"Name": "rds!cluster", "SecretString": secret, "VersionStages": ["AWSCURRENT"]}, indent=1)
    (tmp_path / "answer").write_text(escape(answer), encoding="utf-8")
    (tmp_path / "token").write_text("token", encoding="utf-8")
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\ncase "$*" in *secretsmanager*) cat "{tmp_path}/answer";; esac\n', encoding="utf-8")
    curl.chmod(0o755)
    script = database_access._FETCH.replace("/login/", f"{tmp_path}/")
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "REGION": "us-east-1",
        "SECRET": "arn",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    }
    subprocess.run(["/bin/sh", "-c", script], env=variables, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
    assert (tmp_path / "password").read_text(encoding="utf-8") == password


def test_only_the_job_may_read_the_owners_password() -> None:
    graph = recorded("prod", known=True)
    (cluster,) = graph.of_type("aws:rds/cluster:Cluster")
    arn = cluster.outputs["masterUserSecrets"][0]["secretArn"]
    readers = [each.name for each in graph.of_type("aws:iam/rolePolicy:RolePolicy") if arn in each["policy"]]
    assert readers == ["identity-database-access-grants"]


def test_nobody_else_runs_pods_where_the_owners_password_may_be_read(known: Graph) -> None:
    job = known.named(JOB, "database-access")
    place = job["metadata"]["namespace"]
    inside = [
        each.name
        for each in known.resources
        if (each.get("metadata") or {}).get("namespace") == place or each.get("namespace") == place
    ]
    assert sorted(inside) == [
        "database-access",
        "database-access",
        "database-access-default-deny",
        "database-access-flows",
        "database-access-needed-flows",
        "identity-database-access",
    ]
    (project,) = [each for each in known.resources if each.get("kind") == "AppProject"]
    assert place not in {destination["namespace"] for destination in project["spec"]["destinations"]}
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "database-access"


def test_the_application_comes_when_it_may_log_in_and_goes_before_that_ends(known: Graph) -> None:
    (application,) = [each for each in known.resources if each.get("kind") == "Application"]
    assert known.named(JOB, "database-access").urn in known.needs(application)


def test_an_update_long_after_the_job_still_finds_it_so_that_it_has_nothing_to_do(known: Graph) -> None:
    assert "ttlSecondsAfterFinished" not in known.named(JOB, "database-access")["spec"]
