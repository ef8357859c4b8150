"""The application's role and rights in the database: made by a job that logs in as the database's owner, once."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import Installer
from components.apps.jobs import CURL, CURL_USER, FETCH_CREDENTIALS, SIGN, container, make_job
from components.database import DATABASE, OWNER, PORT
from components.identity import DATABASE_USER
from components.namespaces import DATABASE_ACCESS
from components.network_policies import policy, to_network, to_pod_identity, to_world

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""
_PSQL = "docker.io/library/postgres:17.7-alpine"  # https://hub.docker.com/_/postgres
_POSTGRES = 70  # its user, by number


@dataclass(frozen=True, kw_only=True)
class DatabaseAccessArgs:
    """Arguments of DatabaseAccess."""

    installer: Installer
    region: str
    vpc_cidr: ipaddress.IPv4Network
    """Where the database lies, and the endpoint of Secrets Manager, if the VPC has one."""
    endpoint: pulumi.Input[str]
    """Host name of the database's writer."""
    secret_arn: pulumi.Input[str]
    """Secret with the owner's password."""
    service_account: str
    """Its pods have the role that may read the secret."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


class DatabaseAccess(pulumi.ComponentResource):
    """The application may log in to the database by IAM and make its tables; nothing else gets the owner's password.

    The job has a namespace of its own, in which Argo CD makes nothing: whoever decides what runs in the application's
    namespace could otherwise run a pod with the job's service account.
    """

    granted: pulumi.Resource
    """The application cannot log in before this."""

    def __init__(self, name: str, args: DatabaseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:DatabaseAccess", name, None, opts)
        self._args = args
        inside = args.installer.inside(DATABASE_ACCESS, self, *args.after)

        flows = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-flows",
            metadata={"name": "job", "namespace": DATABASE_ACCESS},
            # The database, and Secrets Manager where it has an endpoint in the VPC; the authorities' certificates.
            spec=policy([to_pod_identity(), to_network(args.vpc_cidr, ports=[PORT, 443]), to_world()]),
            opts=inside,
        )
        self.granted = make_job(
            name,
            self._pod(),
            namespace=DATABASE_ACCESS,
            service_account=args.service_account,
            after=[flows],
            opts=inside,
        )
        self.register_outputs({})

    def _pod(self) -> kubernetes.core.v1.PodSpecArgsDict:
        return {
            "security_context": {"fs_group": _POSTGRES, "run_as_non_root": True},
            "init_containers": [self._fetch()],
            "containers": [self._run()],
            # In memory, and gone with the pod.
            "volumes": [{"name": "login", "empty_dir": {"medium": "Memory", "size_limit": "4Mi"}}],
        }

    def _fetch(self) -> kubernetes.core.v1.ContainerArgsDict:
        variables = {"REGION": self._args.region, "SECRET": self._args.secret_arn}
        return {
            **container("password", self._args.installer.place_of(CURL), _FETCH, variables, user=CURL_USER),
            "volume_mounts": _LOGIN,
        }

    def _run(self) -> kubernetes.core.v1.ContainerArgsDict:
        variables = {
            "SQL": SQL,
            "ROLE": DATABASE_USER,
            "PGHOST": self._args.endpoint,
            "PGPORT": str(PORT),
            "PGUSER": OWNER,
            "PGDATABASE": DATABASE,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/login/authorities.pem",
            "PGCONNECT_TIMEOUT": "10",
        }
        return {
            **container("psql", self._args.installer.place_of(_PSQL), _RUN, variables, user=_POSTGRES),
            "volume_mounts": _LOGIN,
        }


_LOGIN: list[kubernetes.core.v1.VolumeMountArgsDict] = [{"name": "login", "mount_path": "/login"}]


_FETCH = (
    r"""
set -eu
curl --fail --silent --show-error --retry 5 --output /login/authorities.pem \
  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
"""
    + FETCH_CREDENTIALS
    + r"""member() {
  tr -d '\n' | sed -nE "s/.*\"$1\" *: *\"(([^\"\\\\]|\\\\.)*)\".*/\1/p" | awk '{
    while (at = index($0, "\\")) {
      char = substr($0, at + 1, 1)
      long = char == "u" ? 6 : 2
      if (char == "u") char = sprintf("%c", 16 * digit(at + 4) + digit(at + 5))
      printf "%s%s", substr($0, 1, at - 1), char
      $0 = substr($0, at + long)
    }
    printf "%s", $0
  }
  function digit(at) { return index("0123456789abcdef", tolower(substr($0, at, 1))) - 1 }'
}
field() { printf '%s' "$answer" | member "$1"; }
"""
    + SIGN
    + r"""  curl --config - --fail --silent --show-error --retry 5 --aws-sigv4 "aws:amz:$REGION:secretsmanager" \
    --header 'content-type: application/x-amz-json-1.1' --header 'x-amz-target: secretsmanager.GetSecretValue' \
    --data "{\"SecretId\": \"$SECRET\"}" "https://secretsmanager.$REGION.amazonaws.com/" |
  member SecretString | member password > /login/password
test -s /login/password
"""
)
"""The answer of Secrets Manager is JSON, and its member SecretString is JSON again.

https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""
_RUN = r"""
set -eu
export PGPASSWORD="$(cat /login/password)"
printf '%s' "$SQL" | psql -X -v user="$ROLE" -v database="$PGDATABASE"
"""
