"""A client that logs in as the application has to: by what stands in a pod's environment, and as the pod's role.

It knows no name of the platform. Where a variable is missing, it fails with a KeyError.
"""

import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

if TYPE_CHECKING:
    from valkey import Valkey

Environment = Mapping[str, str]
SECONDS = 900
"""How long a token may be used; a connection that it has opened lives on."""


def database_token(environment: Environment, role: Session, *, host: str = "DATABASE_HOST") -> str:
    """Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.Python.html."""
    client = role.create_client("rds", region_name=environment["AWS_REGION"])
    return client.generate_db_auth_token(
        environment[host], int(environment["DATABASE_PORT"]), environment["DATABASE_USER"]
    )


def ask_database(
    psql: Callable[..., subprocess.CompletedProcess[str]],
    environment: Environment,
    token: str,
    sql: str,
    *,
    host: str = "DATABASE_HOST",
) -> subprocess.CompletedProcess[str]:
    """Run SQL, over TLS to a server that proves its name."""
    return psql(
        sql,
        PGHOST=environment[host],
        PGPORT=environment["DATABASE_PORT"],
        PGUSER=environment["DATABASE_USER"],
        PGDATABASE=environment["DATABASE_NAME"],
        PGPASSWORD=token,
        PGSSLMODE="verify-full",
    )


def cache_token(environment: Environment, role: Session) -> str:
    """Return a signed request to the replication group, without its scheme; the host that is reached is not in it.

    Source: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
    """
    region, scheme = environment["AWS_REGION"], "https://"
    events = role.get_component("event_emitter")
    signer = RequestSigner(ServiceId("elasticache"), region, "elasticache", "v4", role.get_credentials(), events)
    query = urlencode({"Action": "connect", "User": environment["CACHE_USER"]})
    url = f"{scheme}{environment['CACHE_REPLICATION_GROUP']}/?{query}"
    request = {"method": "GET", "url": url, "body": {}, "headers": {}, "context": {}}
    return signer.generate_presigned_url(request, "connect", expires_in=SECONDS, region_name=region).removeprefix(
        scheme
    )


def cache(environment: Environment, token: str, authorities: str, *, host: str = "CACHE_HOST") -> "Valkey":
    """Return a client of the cache, which logs in with its first command."""
    from valkey import Valkey

    return Valkey(
        host=environment[host],
        port=int(environment["CACHE_PORT"]),
        username=environment["CACHE_USER"],
        password=token,
        ssl=environment["CACHE_TLS"] == "true",
        ssl_ca_certs=authorities,
        ssl_check_hostname=True,
    )
