"""The application's role and rights in the database: made by a job that logs in as the database's owner, once."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.base import WEB_TIER, Base
from components.database import DATABASE, OWNER, PORT, Database
from components.flows import policy, to_dns, to_network, to_pod_identity, to_world
from components.identity import DATABASE_USER, Identity
from components.namespaces import APPLICATION

SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_CURL = "docker.io/curlimages/curl:8.17.0"  # https://hub.docker.com/r/curlimages/curl
_PSQL = "docker.io/library/postgres:17.7-alpine"  # https://hub.docker.com/_/postgres
_LABELS = {"app.kubernetes.io/name": "database-access", "sidecar.istio.io/inject": "false"}
_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class DatabaseAccessArgs:
    """What DatabaseAccess rests on and is told."""

    base: Base
    identity: Identity
    database: Database
    vpc_cidr: ipaddress.IPv4Network


class DatabaseAccess(pulumi.ComponentResource):
    """The application may log in to the database by IAM and make its tables; nothing else gets the owner's password."""

    def __init__(self, name: str, args: DatabaseAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:DatabaseAccess", name, None, opts)
        self._name, self._args = name, args
        base = args.base
        self._inside = pulumi.ResourceOptions(
            parent=self,
            depends_on=[base.namespaces, *base.behind, args.identity],
            deleted_with=base.namespaces.made[APPLICATION],
        )

        wearer = args.identity.service_accounts["database-access"]
        account = kubernetes.core.v1.ServiceAccount(
            wearer, metadata={"name": wearer, "namespace": APPLICATION}, opts=self._inside
        )
        flows = policy([to_dns(), to_pod_identity(), to_network(args.vpc_cidr, ports=[PORT, 443]), to_world()])
        flows["podSelector"] = {"matchLabels": {"app.kubernetes.io/name": _LABELS["app.kubernetes.io/name"]}}
        ways_out = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-flows",
            metadata={"name": name, "namespace": APPLICATION},
            spec=flows,
            opts=self._inside,
        )
        self._make_job(account, ways_out)
        self.register_outputs({})

    def _make_job(self, *after: pulumi.Resource) -> kubernetes.batch.v1.Job:
        """Make a job that runs once, and again whenever the SQL or the database changes."""
        return kubernetes.batch.v1.Job(
            self._name,
            # Argo CD knows it by name. What a job runs cannot be changed: the next one takes its place, and that of one
            # that failed, too.
            metadata={
                "name": self._name,
                "namespace": APPLICATION,
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            spec={
                "backoff_limit": _TRIES,
                "template": {
                    "metadata": {"labels": _LABELS},
                    "spec": {
                        "service_account_name": self._args.identity.service_accounts["database-access"],
                        "automount_service_account_token": False,
                        "restart_policy": "Never",
                        "node_selector": WEB_TIER,
                        "security_context": {"fs_group": 70},
                        "init_containers": [self._container("password", _CURL, _FETCH, user=100)],
                        "containers": [self._container("psql", _PSQL, _RUN, user=70)],
                        # In memory, and gone with the pod.
                        "volumes": [{"name": "login", "empty_dir": {"medium": "Memory", "size_limit": "4Mi"}}],
                    },
                },
            },
            opts=pulumi.ResourceOptions.merge(self._inside, pulumi.ResourceOptions(depends_on=[*after])),
        )

    def _container(self, name: str, image: str, script: str, *, user: int) -> kubernetes.core.v1.ContainerArgsDict:
        variables: dict[str, pulumi.Input[str]] = {
            "REGION": self._args.base.foundation.location.region,
            "SECRET": self._args.database.secret_arn,
            "SQL": SQL,
            "ROLE": DATABASE_USER,
            "PGHOST": self._args.database.endpoint,
            "PGPORT": str(PORT),
            "PGUSER": OWNER,
            "PGDATABASE": DATABASE,
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": "/login/authorities.pem",
        }
        return {
            "name": name,
            "image": image,
            "command": ["sh", "-c", script],
            "env": [{"name": key, "value": value} for key, value in variables.items()],
            "volume_mounts": [{"name": "login", "mount_path": "/login"}],
            "security_context": {
                "allow_privilege_escalation": False,
                "read_only_root_filesystem": True,
                "run_as_non_root": True,
                "run_as_user": user,
                "capabilities": {"drop": ["ALL"]},
                "seccomp_profile": {"type": "RuntimeDefault"},
            },
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "64Mi"}},
        }


# Credentials are those that EKS Pod Identity gives; curl signs with them, and reads them from a pipe. The secret is
# JSON within JSON: a backslash of the password comes as four. RDS makes no password with a quotation mark:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
_FETCH = r"""
set -eu
curl --fail --silent --show-error --retry 5 --output /login/authorities.pem \
  https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem
answer=$(curl --fail --silent --show-error --retry 5 \
  --header "Authorization: $(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")
field() { printf '%s' "$answer" | tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
  "$(field AccessKeyId)" "$(field SecretAccessKey)" "$(field Token)" |
  curl --config - --fail --silent --show-error --retry 5 --aws-sigv4 "aws:amz:$REGION:secretsmanager" \
    --header 'content-type: application/x-amz-json-1.1' --header 'x-amz-target: secretsmanager.GetSecretValue' \
    --data "{\"SecretId\": \"$SECRET\"}" "https://secretsmanager.$REGION.amazonaws.com/" |
  tr -d '\n' | sed -n 's/.*\\"password\\" *: *\\"\([^"]*\)\\".*/\1/p' | sed 's/\\\\\\\\/\\/g' > /login/password
test -s /login/password
"""
_RUN = r"""
set -eu
export PGPASSWORD="$(cat /login/password)"
printf '%s' "$SQL" | psql -X -v user="$ROLE" -v database="$PGDATABASE"
"""
