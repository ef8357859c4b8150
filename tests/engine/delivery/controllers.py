"""The controllers that their charts would run in the cluster, as processes beside it, with the rights of an admin."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import boto3
import urllib3
from engine.cluster.cluster import Cluster, free_ports
from engine.cluster.processes import ClusterError, Processes

from tools.build import locate

_REGION = "us-east-1"
_SECONDS = 60
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": _REGION}
"""Of nobody: moto asks for some."""


class Controllers:
    """External Secrets on a pretended Secrets Manager, Flagger, and Argo CD with what it needs; they end together."""

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

    def start_external_secrets(self) -> None:
        aws = f"http://127.0.0.1:{self._aws}"
        [self._secrets_metrics] = free_ports(1)
        self._start(
            "external-secrets",
            {**_CREDENTIALS, "AWS_SECRETSMANAGER_ENDPOINT": aws, "AWS_STS_ENDPOINT": aws},
            metrics_addr=f"127.0.0.1:{self._secrets_metrics}",
            live_addr="0",
            store_requeue_interval="10s",
        )

    def secrets_series(self, metric: str) -> dict[str, str]:
        """Return what External Secrets exports now: the value of each series of a metric."""
        answer = urllib3.request("GET", f"http://127.0.0.1:{self._secrets_metrics}/metrics").data.decode()
        lines = (line.rpartition(" ") for line in answer.splitlines() if line.startswith(f"{metric}{{"))
        return {series: value for series, _, value in lines}

    def start_flagger(self, variables: Mapping[str, str], prometheus: str) -> None:
        [port] = free_ports(1)
        self._start(
            "flagger",
            variables,
            kubeconfig=self._cluster.kubeconfig,
            mesh_provider="istio",
            metrics_server=prometheus,
            port=port,
        )

    def start_argo_cd(self) -> None:
        """Start Argo CD without its server and its page: a repository server and the controller."""
        redis = f"127.0.0.1:{self._redis}"
        self._processes.start("redis", [str(locate("redis")), redis])
        metrics, more_metrics = free_ports(2)
        self._start_argo_cd(
            "repo-server",
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
            kubeconfig=self._cluster.kubeconfig,
            namespace="argocd",
            repo_server=f"127.0.0.1:{self._repo_server}",
            repo_server_plaintext="true",
            redis=redis,
            metrics_port=more_metrics,
        )

    def _start_argo_cd(self, part: str, **flags: object) -> None:
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
        self._start(f"argocd-{part}", variables, binary="argocd", **flags)

    def _start(self, name: str, variables: Mapping[str, str], *, binary: str = "", **flags: object) -> None:
        arguments = (f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items())
        command = [str(locate(binary or name)), *arguments]
        self._processes.start(name, command, {"KUBECONFIG": str(self._cluster.kubeconfig), **variables})

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
