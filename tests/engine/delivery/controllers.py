"""The controllers that their charts would run in the cluster, as processes beside it, each as its service account.

What an account may do stands in the roles that its chart and the program make, so nothing is delivered by other rights.
Where the charts are not there, all of them are administrators of the cluster.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import boto3
import urllib3
from support import recorded
from third_party import RELEASE, missing, rendered

from fakes.cluster.cluster import Cluster, free_ports
from fakes.cluster.processes import ClusterError, Processes
from tools.build import locate

_REGION = "us-east-1"
_SECONDS = 60
_SECONDS_OF_A_TOKEN = 4 * 60 * 60
_MANAGER = "charts"
_RELEASES = ("argo-cd", "external-secrets", "flagger")
_NOT_RECONCILED = ("cluster_external_secret", "cluster_push_secret", "push_secret")
_RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
_CLUSTER_LABEL = "argocd.argoproj.io/secret-type"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": _REGION}
"""Of nobody: moto asks for some."""


class Controllers:
    """External Secrets on a fake Secrets Manager, Flagger, and Argo CD with what it needs; they end together."""

    def __init__(self, folder: Path, cluster: Cluster, logs: Path) -> None:
        self._folder, self._cluster = folder, cluster
        self._processes = Processes(folder, logs)
        self._aws, self._redis, self._repo_server = free_ports(3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._processes.end()

    def start_aws(self, account: str) -> None:
        """Start Secrets Manager, which the program's secrets are put into, and STS, in the stack's account."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._aws)]
        self._processes.start("moto", command, {"MOTO_ACCOUNT_ID": account})
        self._await("moto", f"http://127.0.0.1:{self._aws}/moto-api/")

    @property
    def secrets_manager(self) -> "boto3.client":
        return boto3.client(
            "secretsmanager",
            endpoint_url=f"http://127.0.0.1:{self._aws}",
            region_name=_REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )

    def give_rights(self, stack: str) -> None:
        """Make what the charts make of service accounts and their rights, and of clusters that Argo CD is told of.

        The releases of the world are stand-ins, which have none of it.
        """
        for name in () if missing() else _RELEASES:
            namespace = recorded(stack, known=True).named(RELEASE, name)["namespace"]
            for manifest in rendered(stack, name):
                metadata = manifest["metadata"]
                if manifest["kind"] in _RIGHTS or metadata.get("labels", {}).get(_CLUSTER_LABEL) == "cluster":
                    where = {} if manifest["kind"].startswith("Cluster") else {"namespace": namespace}
                    placed = {**manifest, "metadata": {**where, **metadata}}
                    self._cluster.api.apply(placed, _MANAGER, force=True, dry=False)

    def start_external_secrets(self) -> None:
        aws = f"http://127.0.0.1:{self._aws}"
        [self._secrets_metrics] = free_ports(1)
        self._start(
            "external-secrets",
            self._as("external-secrets", "external-secrets"),
            {**_CREDENTIALS, "AWS_SECRETSMANAGER_ENDPOINT": aws, "AWS_STS_ENDPOINT": aws},
            metrics_addr=f"127.0.0.1:{self._secrets_metrics}",
            live_addr="0",
            store_requeue_interval="10s",
            # As in a stack, where it has no rights to these kinds.
            **{f"enable_{kind}_reconciler": "false" for kind in _NOT_RECONCILED},
        )

    def secrets_series(self, metric: str) -> dict[str, str]:
        """Return what External Secrets exports now: the value of each series of a metric."""
        answer = urllib3.request("GET", f"http://127.0.0.1:{self._secrets_metrics}/metrics").data.decode()
        lines = (line.rpartition(" ") for line in answer.splitlines() if line.startswith(f"{metric}{{"))
        return {series: value for series, _, value in lines}

    def start_flagger(self, variables: Mapping[str, str], prometheus: str) -> None:
        """Start Flagger as in a stack: with its own rights, which end with the application's namespace."""
        self._start_flagger(self._as("flagger-system", "flagger"), variables, prometheus, namespace="ai-prism")

    def start_flagger_for_all(self, variables: Mapping[str, str], prometheus: str) -> None:
        """Start Flagger for all namespaces, with the rights of an admin."""
        self._start_flagger(self._cluster.kubeconfig, variables, prometheus)

    def _start_flagger(self, kubeconfig: Path, variables: Mapping[str, str], prometheus: str, **flags: object) -> None:
        [port] = free_ports(1)
        self._start(
            "flagger",
            kubeconfig,
            variables,
            kubeconfig=kubeconfig,
            mesh_provider="istio",
            metrics_server=prometheus,
            port=port,
            **flags,
        )

    def start_argo_cd(self) -> None:
        """Start Argo CD without its server and its page: a repository server and the controller."""
        redis = f"127.0.0.1:{self._redis}"
        self._processes.start("redis", [str(locate("redis")), redis])
        metrics, more_metrics = free_ports(2)
        self._start_argo_cd(
            "repo-server",
            None,
            address="127.0.0.1",
            port=self._repo_server,
            metrics_address="127.0.0.1",
            metrics_port=metrics,
            disable_tls="true",
            redis=redis,
            revision_cache_expiration="1s",
        )
        self._start_argo_cd(
            "application-controller",
            self._as("argocd", "argocd-application-controller"),
            namespace="argocd",
            repo_server=f"127.0.0.1:{self._repo_server}",
            repo_server_plaintext="true",
            redis=redis,
            metrics_port=more_metrics,
        )

    def _start_argo_cd(self, part: str, kubeconfig: Path | None, **flags: object) -> None:
        home = self._folder / f"{part}-home"
        (home / "tmp").mkdir(parents=True)
        variables = {
            "ARGOCD_BINARY_NAME": f"argocd-{part}",
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_GPG_ENABLED": "false",
            # Looks for new commits this often, where there are no webhooks.
            "ARGOCD_RECONCILIATION_TIMEOUT": "5s",
            "ARGOCD_RECONCILIATION_JITTER": "0s",
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "PATH": f"{locate('helm').parent}:/usr/local/bin:/usr/bin:/bin",
        }
        self._start(f"argocd-{part}", kubeconfig, variables, binary="argocd", **flags)

    def _start(
        self, name: str, access: Path | None, variables: Mapping[str, str], *, binary: str = "", **flags: object
    ) -> None:
        """Start a process that speaks to the API server as the kubeconfig `access` says; not at all without one."""
        arguments = (f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items())
        command = [str(locate(binary or name)), *arguments]
        told = {"KUBECONFIG": str(access)} if access else {}
        self._processes.start(name, command, {**told, **variables})

    def _as(self, namespace: str, account: str) -> Path:
        """Write a kubeconfig with a token of a service account, an administrator's without charts; return where."""
        if missing():
            return self._cluster.kubeconfig
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": _SECONDS_OF_A_TOKEN},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        config = json.loads(self._cluster.kubeconfig.read_text(encoding="utf-8"))
        config["users"][0]["user"]["token"] = self._cluster.api.request("POST", path, asked)["status"]["token"]
        file = self._folder / f"{account}.kubeconfig"
        file.write_text(json.dumps(config), encoding="utf-8")
        return file

    def must_run(self) -> None:
        """Raise ClusterError where one of them has ended."""
        self._processes.must_run()

    def _await(self, name: str, address: str) -> None:
        end = time.monotonic() + _SECONDS
        while not _answers(lambda: urllib3.request("GET", address, retries=False)):
            self.must_run()
            if time.monotonic() > end:
                raise ClusterError(f"{name} does not answer:\n{self._processes.last_words(name)}")
            time.sleep(0.1)


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except urllib3.exceptions.HTTPError:
        return False
    return True
