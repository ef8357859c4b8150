"""The application logs in to a real PostgreSQL and a real Valkey with nothing but what the program hands over.

The hand-over goes through the chart into a pod's environment, and from there through a client (tests/logins.py). On the
other side stand the names under which the program makes database, cache and their users. AWS would ask IAM whether a
token is good; here a token is a password where it is signed, as AWS documents it, for those names.

What only AWS can show: that it accepts such a signature, and the credentials of EKS Pod Identity behind it. What IAM
decides for the role is asked in tests/iam/test_workloads.py.
"""

import contextlib
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import logins
import pytest
import servers
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.session import Session
from chart import render_handed_over
from support import STACKS, configured, handed_over, recorded

from components.apps import database_access
from components.database import DATABASE, OWNER
from components.identity import DATABASE_USER
from recording.graph import Graph, Resource

if TYPE_CHECKING:
    from valkey import Valkey

ROLE = Session()
ROLE.set_credentials("ASIAEXAMPLE", "a-key", "a-session")


def cluster(graph: Graph) -> Resource:
    (found,) = graph.of_type("aws:rds/cluster:Cluster")
    return found


def replication_group(graph: Graph) -> Resource:
    (found,) = graph.of_type("aws:elasticache/replicationGroup:ReplicationGroup")
    return found


def database_hosts(graph: Graph) -> list[str]:
    return [cluster(graph).outputs[name] for name in ("endpoint", "readerEndpoint")]


def cache_hosts(graph: Graph) -> list[str]:
    return [replication_group(graph).outputs[name] for name in ("primaryEndpointAddress", "readerEndpointAddress")]


def environment(stack: str, workload: str = "api") -> dict[str, str]:
    """Return the variables of a workload's pods as Argo CD and the chart make them of the hand-over alone."""
    rendering = render_handed_over(
        configured(stack, "environment")["kind"], {**handed_over(stack), "workloads": {"worker": {"enabled": True}}}
    )
    (container,) = rendering.one("Deployment", f"ai-prism-{workload}")["spec"]["template"]["spec"]["containers"]
    (source,) = container["envFrom"]
    variables = dict(rendering.one("ConfigMap", source["configMapRef"]["name"])["data"])
    return variables | {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}


def is_signed(token: str, *, service: str, host: str, query: Mapping[str, str], region: str) -> bool:
    """Tell whether a token is a request, signed by the role with Signature Version 4, that connects to `host`."""
    given = dict(parse_qsl(urlsplit(f"https://{token}").query))
    signature = given.pop("X-Amz-Signature")
    expected = {**given, **query}
    request = AWSRequest("GET", f"https://{host}/?{urlencode(expected)}")
    request.context["timestamp"] = given["X-Amz-Date"]
    signer = SigV4QueryAuth(ROLE.get_credentials(), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return signature == signer.signature(text, request) and int(given["X-Amz-Expires"]) <= logins.SECONDS


@dataclass(frozen=True)
class Site:
    """Database and cache of a stack, and AWS in front of them."""

    graph: Graph
    postgres: servers.Postgres
    valkey: servers.Valkey

    @property
    def region(self) -> str:
        (provider,) = self.graph.of_type("pulumi:providers:aws")
        return provider["region"]

    @property
    def database_user(self) -> str:
        """Whom the workloads' roles may log in as."""
        policies = (each["policy"] for each in self.graph.of_type("aws:iam/rolePolicy:RolePolicy"))
        (name,) = {name for policy in policies for name in re.findall(r"dbuser:[\w-]+/(\w+)", policy)}
        return name

    def ask_database(
        self, variables: Mapping[str, str], sql: str = "SELECT 1", *, host: str = "DATABASE_HOST"
    ) -> subprocess.CompletedProcess[str]:
        """Log in to the database and run SQL."""
        token = logins.database_token(variables, ROLE, host=host)
        user, port = self.database_user, cluster(self.graph).outputs["port"]
        good = any(
            is_signed(
                token,
                service="rds-db",
                host=f"{each}:{port}",
                query={"Action": "connect", "DBUser": user},
                region=self.region,
            )
            for each in database_hosts(self.graph)
        )
        # Without superuser's rights, as whoever serves AWS's customers has them.
        password = token if good else secrets.token_hex()
        self.postgres.must(f"ALTER ROLE {user} PASSWORD '{password}'")
        return logins.ask_database(self.postgres.psql, variables, token, sql, host=host)

    @contextlib.contextmanager
    def cache(self, variables: Mapping[str, str], *, host: str = "CACHE_HOST") -> Iterator["Valkey"]:
        """Log in to the cache."""
        token = logins.cache_token(variables, ROLE)
        (user,) = self.graph.of_type("aws:elasticache/user:User")
        good = is_signed(
            token,
            service="elasticache",
            host=replication_group(self.graph).outputs["replicationGroupId"],
            query={"Action": "connect", "User": user["userName"]},
            region=self.region,
        )
        rights = user["accessString"].split()
        password = token if good else secrets.token_hex()
        self.valkey.administrator.execute_command("ACL", "SETUSER", user["userName"], "reset", *rights, f">{password}")
        client = logins.cache(variables, token, str(self.valkey.authorities), host=host)
        try:
            yield client
        finally:
            client.close()


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[servers.Postgres, servers.Valkey]]:
    """Both servers, by all stacks' names; the job has made the application's role."""
    graphs = [recorded(stack, known=True) for stack in STACKS]
    names = {host for graph in graphs for host in (*database_hosts(graph), *cache_hosts(graph))}
    with servers.running(sorted(names)) as (postgres, valkey):
        done = give(postgres)
        assert done.returncode == 0, done.stderr
        yield postgres, valkey


@pytest.fixture
def site(known: Graph, running: tuple[servers.Postgres, servers.Valkey], monkeypatch: pytest.MonkeyPatch) -> Site:
    """Each stack's, whose names lead to the servers of this machine."""
    postgres, valkey = running
    addresses = dict.fromkeys(cache_hosts(known), valkey.address)

    def resolve(host: str, port: int, *_: object) -> list[tuple[Any, ...]]:
        if host not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (addresses[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return Site(known, postgres, valkey)


@pytest.fixture
def variables(stack: str) -> dict[str, str]:
    return environment(stack)


def give(postgres: servers.Postgres) -> subprocess.CompletedProcess[str]:
    """Run what the job runs, as the owner."""
    options = ("-v", f"user={DATABASE_USER}", "-v", f"database={DATABASE}")
    return postgres.ask(database_access.SQL, *options, user=OWNER, password="owner", database=DATABASE)  # noqa: S106


@pytest.mark.parametrize("host", ["DATABASE_HOST", "DATABASE_READER_HOST"])
def test_the_application_logs_in_to_the_database_with_a_token(site: Site, variables: dict[str, str], host: str) -> None:
    done = site.ask_database(variables, "SELECT current_user", host=host)
    assert (done.stdout, done.stderr) == (f"{site.database_user}\n", "")


@pytest.mark.parametrize("stack", ["prod"])
def test_the_worker_logs_in_to_the_database_as_well(site: Site, stack: str) -> None:
    done = site.ask_database(environment(stack, "worker"))
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize("host", ["CACHE_HOST", "CACHE_READER_HOST"])
def test_the_application_logs_in_to_the_cache_with_a_token(site: Site, variables: dict[str, str], host: str) -> None:
    with site.cache(variables, host=host) as cache:
        assert cache.set("documents:1", "read")
        assert cache.get("documents:1") == b"read"
        assert cache.eval("return redis.call('GET', KEYS[1])", 1, "documents:1") == b"read"


@pytest.mark.parametrize("stack", ["prod"])
@pytest.mark.parametrize("command", ["FLUSHALL", "CONFIG GET *", "ACL LIST", "KEYS *", "SHUTDOWN"])
def test_the_application_can_neither_administer_the_cache_nor_stall_it(
    site: Site, variables: dict[str, str], command: str
) -> None:
    from valkey.exceptions import NoPermissionError

    with site.cache(variables) as cache, pytest.raises(NoPermissionError):
        cache.execute_command(*command.split())


DATABASE_VARIABLES = {
    "AWS_REGION": "ap-south-1",
    "DATABASE_HOST": "another.cluster-1.us-east-1.rds.amazonaws.com",
    "DATABASE_PORT": "5433",
    "DATABASE_NAME": "another",
    "DATABASE_USER": OWNER,
}
"""What logging in takes, each with a value that is wrong."""
CACHE_VARIABLES = {
    "AWS_REGION": "ap-south-1",
    "CACHE_HOST": "another.cache.amazonaws.com",
    "CACHE_PORT": "6380",
    "CACHE_REPLICATION_GROUP": "another",
    "CACHE_USER": "default",
    "CACHE_TLS": "false",
}


@pytest.mark.parametrize("stack", ["prod"])
@pytest.mark.parametrize("name", DATABASE_VARIABLES)
def test_no_variable_of_the_database_may_be_missing_or_wrong(site: Site, variables: dict[str, str], name: str) -> None:
    assert site.ask_database(variables).returncode == 0
    assert site.ask_database({**variables, name: DATABASE_VARIABLES[name]}).returncode != 0
    del variables[name]
    with pytest.raises(KeyError, match=name):
        site.ask_database(variables)


@pytest.mark.parametrize("stack", ["prod"])
@pytest.mark.parametrize("name", CACHE_VARIABLES)
def test_no_variable_of_the_cache_may_be_missing_or_wrong(site: Site, variables: dict[str, str], name: str) -> None:
    with site.cache(variables) as cache:
        assert cache.ping()
    from valkey.exceptions import ValkeyError as NotLoggedInError

    with (
        pytest.raises((OSError, NotLoggedInError)),
        site.cache({**variables, name: CACHE_VARIABLES[name]}) as cache,
    ):
        cache.ping()
    del variables[name]
    with pytest.raises(KeyError, match=name), site.cache(variables):
        pass


def test_a_token_of_the_cache_is_the_request_that_aws_documents(stack: str, variables: dict[str, str]) -> None:
    token = logins.cache_token(variables, ROLE)
    address, _, query = token.partition("/?")
    group = replication_group(recorded(stack, known=True)).outputs["replicationGroupId"]
    # "The cache name must be in lower case": it is signed as a host.
    assert address == group == group.lower()
    names = [name for name, _ in parse_qsl(query)]
    assert names == [
        "Action",
        "User",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
    ]


def test_the_cache_takes_iam_for_a_user_whose_name_is_its_id(known: Graph) -> None:
    """Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html, limitations."""
    (user,) = known.of_type("aws:elasticache/user:User")
    assert user["userName"] == user["userId"]
    assert user["authenticationMode"] == {"type": "iam"}


def test_the_owner_may_run_the_job_again_and_nothing_changes(running: tuple[servers.Postgres, servers.Valkey]) -> None:
    postgres, _ = running
    roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'"
    before = postgres.must(roles)
    done = give(postgres)
    assert done.returncode == 0, done.stderr
    assert postgres.must(roles) == before


@pytest.mark.parametrize("stack", ["prod"])
def test_the_application_makes_tables_and_without_the_job_it_could_not(site: Site, variables: dict[str, str]) -> None:
    sql = (
        "CREATE TABLE documents (id int PRIMARY KEY); INSERT INTO documents VALUES (1); SELECT count(*) FROM documents"
    )
    assert site.ask_database(variables, sql).stdout == "1\n"
    site.postgres.must("DROP ROLE IF EXISTS stranger; CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    done = site.postgres.ask("CREATE TABLE mine (id int)", user="stranger", password="stranger", database=DATABASE)  # noqa: S106
    assert "permission denied for schema public" in done.stderr


def test_the_application_is_of_iam_and_has_no_power_over_others(
    running: tuple[servers.Postgres, servers.Valkey],
) -> None:
    postgres, _ = running
    sql = (
        "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles "
        "WHERE pg_has_role(oid, 'rds_iam', 'member') AND rolname NOT IN ('postgres', 'prism_owner', 'rds_iam')"
    )
    assert postgres.must(sql) == f"{DATABASE_USER}|f|f|f|f"
