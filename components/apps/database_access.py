"""The application's role and rights in the database: made by a job that logs in as the database's owner, once."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.base import WEB_TIER, Base
from components.apps.search_access import CURL
from components.database import DATABASE, OWNER, PORT, Database
from components.flows import policy, to_network, to_pod_identity, to_world
from components.identity import DATABASE_USER, Identity
from components.namespaces import DATABASE_ACCESS

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
"""https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html"""
_PSQL = "docker.io/library/postgres:17.7-alpine"  # https://hub.docker.com/_/postgres
_POSTGRES = 70  # its user, by number
_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class DatabaseAccessArgs:
    """What DatabaseAccess rests on and is told."""

    base: Base
    identity: Identity
    database: Database
    vpc_cidr: ipaddress.IPv4Network


class DatabaseAccess(pulumi.ComponentResource):
    """The application may log in to the database by IAM and make its tables; nothing else gets the owner's password.

    The job has a namespace of its own, in which Argo CD makes nothing: whoever decides what runs in the application's
    namespace could otherwise run a pod with the job's service account.
    """

    granted: pulumi.Resource
    """The application cannot log in before this."""

    def __init__(self, name: str, args: DatabaseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:DatabaseAccess", name, None, opts)
        self._name, self._args = name, args
        base = args.base
        self._inside = pulumi.ResourceOptions(
            parent=self,
            depends_on=[base.namespaces, *base.behind, args.identity],
            deleted_with=base.namespaces.made[DATABASE_ACCESS],
        )

        wearer = args.identity.service_accounts["database-access"]
        account = kubernetes.core.v1.ServiceAccount(
            wearer, metadata={"name": wearer, "namespace": DATABASE_ACCESS}, opts=self._inside
        )
        flows = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-flows",
            metadata={"name": "job", "namespace": DATABASE_ACCESS},
            # The database, and Secrets Manager where it has an endpoint in the VPC; the authorities' certificates.
            spec=policy([to_pod_identity(), to_network(args.vpc_cidr, ports=[PORT, 443]), to_world()]),
            opts=self._inside,
        )
        self.granted = self._make_job(account, flows)
        self.register_outputs({})

    def _make_job(self, *after: pulumi.Resource) -> kubernetes.batch.v1.Job:
        """Make a job that runs once, and again whenever the SQL or the database changes.

        It has no time to live after it has ended: a refresh that no longer finds it would make every update run it.
        """
        return kubernetes.batch.v1.Job(
            self._name,
            # Named by Pulumi, and made again by the next update when it has failed, as `search-access` is.
            metadata={"namespace": DATABASE_ACCESS, "annotations": {"pulumi.com/replaceUnready": "true"}},
            spec={
                "backoff_limit": _TRIES,
                "template": {
                    "spec": {
                        "service_account_name": self._args.identity.service_accounts["database-access"],
                        "automount_service_account_token": False,
                        "restart_policy": "Never",
                        "node_selector": WEB_TIER,
                        "security_context": {"fs_group": _POSTGRES, "run_as_non_root": True},
                        "init_containers": [self._fetch()],
                        "containers": [self._run()],
                        # In memory, and gone with the pod.
                        "volumes": [{"name": "login", "empty_dir": {"medium": "Memory", "size_limit": "4Mi"}}],
                    },
                },
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[*after])),
        )

    def _fetch(self) -> kubernetes.core.v1.ContainerArgsDict:
        variables = {"REGION": self._args.base.foundation.location.region, "SECRET": self._args.database.secret_arn}
        return _container("password", CURL, _FETCH, variables, user=100)  # the image's curl_user

    def _run(self) -> kubernetes.core.v1.ContainerArgsDict:
        variables = {
            "SQL": SQL,
            "ROLE": DATABASE_USER,
            "PGHOST": self._args.database.endpoint,
            "PGPORT": str(PORT),
            "PGUSER": OWNER,
            "PGDATABASE": DATABASE,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/login/authorities.pem",
            "PGCONNECT_TIMEOUT": "10",
        }
        return _container("psql", _PSQL, _RUN, variables, user=_POSTGRES)


def _container(
    name: str, image: str, script: str, variables: Mapping[str, pulumi.Input[str]], *, user: int
) -> kubernetes.core.v1.ContainerArgsDict:
    return {
        "name": name,
        "image": image,
        "command": ["sh", "-c", script],
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "volume_mounts": [{"name": "login", "mount_path": "/login"}],
        "security_context": {
            "allow_privilege_escalation": False,
            "read_only_root_filesystem": True,
            "run_as_user": user,
            "capabilities": {"drop": ["ALL"]},
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
    }


# Credentials are those that EKS Pod Identity gives; curl signs with them, and reads them from a pipe. The answer is
# JSON, and its member SecretString is JSON again
# (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html).
_FETCH = r"""
set -eu
curl --fail --silent --show-error --retry 5 --output /login/authorities.pem \
  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
answer=$(curl --fail --silent --show-error --retry 5 \
  --header "Authorization: $(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
member() {
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
printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
  "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field Token)" |
  curl --config - --fail --silent --show-error --retry 5 --aws-sigv4 "aws:amz:$REGION:secretsmanager" \
    --header 'content-type: application/x-amz-json-1.1' --header 'x-amz-target: secretsmanager.GetSecretValue' \
    --data "{\"SecretId\": \"$SECRET\"}" "https://secretsmanager.$REGION.amazonaws.com/" |
  member SecretString | member password > /login/password
test -s /login/password
"""
_RUN = r"""
set -eu
export PGPASSWORD="$(cat /login/password)"
printf '%s' "$SQL" | psql -X -v user="$ROLE" -v database="$PGDATABASE"
"""
