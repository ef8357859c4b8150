"""A real Kubernetes API server on loopback, with etcd, and the rest of a control plane on fake nodes if asked."""

import base64
import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from fakes.cluster.api import Api, ApiError, Object, UnreachableError
from fakes.cluster.keys import private_key
from fakes.cluster.processes import ClusterError, Processes
from fakes.cluster.stages import STAGES
from tools.build import locate

CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")
"""What makes a Deployment available: its controllers, a scheduler, and kwok where the kubelets would be."""

SECONDS_TO_COME_UP = 60
_SECONDS_BETWEEN_LOOKS = 0.1
_TRIES = 3


def node(name: str, labels: Mapping[str, str] | None = None, taints: Sequence[Mapping[str, str]] = ()) -> Object:
    """Return a fake node, which kwok keeps ready; one with the label `tier: gpu` has GPUs."""
    system = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**system, **(labels or {})}},
        "spec": {"taints": list(taints)},
    }


_NODES = (node("fake"),)


class Cluster:
    """A cluster of its own, in a private folder, on free ports; leaves nothing behind, however its user ends.

    `controllers` names what runs beside etcd and the API server: nothing, or CONTROLLERS, which then have `nodes`.
    """

    def __init__(
        self,
        folder: Path,
        controllers: tuple[str, ...] = (),
        nodes: Sequence[Object] = _NODES,
        logs: Path | None = None,
    ) -> None:
        self.folder, self._controllers, self._nodes, self._logs = folder, controllers, nodes, logs
        self.kubeconfig = folder / "kubeconfig"
        self.authority = folder / "certificates" / "apiserver.crt"
        """Signed by itself: the certificate is its own authority's."""
        self.token = secrets.token_hex()

    def __enter__(self) -> Self:
        for _ in range(_TRIES):
            try:
                self._come_up()
            except ClusterError as error:
                # A port that was free a moment ago.
                if "address already in use" not in str(error):
                    raise
            else:
                return self
        raise ClusterError("no free ports for a cluster")

    def __exit__(self, *_: object) -> None:
        self.api.close()
        self._processes.end()

    @property
    def pids(self) -> Mapping[str, int]:
        return self._processes.pids

    def _come_up(self) -> None:
        etcd, peers, port = free_ports(3)
        self.url = f"https://127.0.0.1:{port}"
        self._processes = Processes(self.folder, self._logs)
        try:
            self._write_credentials()
            self._start("etcd", **_etcd(etcd, peers))
            self._start("kube-apiserver", **_api_server(self.folder, etcd, port))
            self._await("kube-apiserver", self.authority.is_file)
            self._write_kubeconfig()
            self.api = Api(self.kubeconfig)
            self._await("kube-apiserver", self._is_ready)
            self._start_controllers()
        except BaseException:
            self._processes.end()
            raise

    def _start_controllers(self) -> None:
        if "kube-controller-manager" in self._controllers:
            self._start(
                "kube-controller-manager",
                kubeconfig=self.kubeconfig,
                leader_elect="false",
                secure_port=0,
                service_account_private_key_file=self.folder / "service-accounts.key",
                root_ca_file=self.authority,
            )
        if "kube-scheduler" in self._controllers:
            self._start("kube-scheduler", kubeconfig=self.kubeconfig, leader_elect="false", secure_port=0)
        if "kwok" in self._controllers:
            (self.folder / "stages.yaml").write_text(STAGES, encoding="utf-8")
            self._start(
                "kwok",
                kubeconfig=self.kubeconfig,
                config=self.folder / "stages.yaml",
                manage_all_nodes="true",
                node_lease_duration_seconds=40,
            )
            for each in self._nodes:
                self.api.request("POST", "/api/v1/nodes", each)
            self._await("kwok", self._has_nodes)
        if "kube-controller-manager" in self._controllers:
            # Without it no pod is admitted.
            self._await("kube-controller-manager", lambda: self._exists("ServiceAccount", "default"))

    def _start(self, name: str, **flags: Any) -> None:
        arguments = (f"--{flag.replace('_', '-')}={value}" for flag, value in flags.items())
        self._processes.start(name, [str(locate(name)), *arguments])

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS_TO_COME_UP
        while not ready():
            self._processes.must_run()
            if time.monotonic() > end:
                words = self._processes.last_words(name)
                raise ClusterError(f"{name} is not ready after {SECONDS_TO_COME_UP} s:\n{words}")
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _is_ready(self) -> bool:
        try:
            return self.api.request("GET", "/readyz") == "ok"
        except (ApiError, UnreachableError):
            return False

    def _has_nodes(self) -> bool:
        found = (self.api.get(each).get("status", {}).get("conditions", ()) for each in self._nodes)
        return all(any(each["type"] == "Ready" and each["status"] == "True" for each in some) for some in found)

    def _exists(self, kind: str, name: str) -> bool:
        return self.api.find({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}) is not None

    def _write_credentials(self) -> None:
        (self.folder / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n', encoding="utf-8")
        (self.folder / "service-accounts.key").write_text(private_key(), encoding="utf-8")

    def _write_kubeconfig(self) -> None:
        authority = base64.b64encode(self.authority.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "loopback",
            "contexts": [{"name": "loopback", "context": {"cluster": "loopback", "user": "admin"}}],
            "clusters": [
                {"name": "loopback", "cluster": {"server": self.url, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "admin", "user": {"token": self.token}}],
        }
        self.kubeconfig.write_text(json.dumps(config), encoding="utf-8")


def _etcd(port: int, peers: int) -> Mapping[str, Any]:
    own, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    return {
        "data_dir": "etcd",
        "listen_client_urls": own,
        "advertise_client_urls": own,
        "listen_peer_urls": peer,
        "initial_advertise_peer_urls": peer,
        "initial_cluster": f"default={peer}",
        # What it holds need not survive the machine.
        "unsafe_no_fsync": "true",
        "log_level": "warn",
    }


def _api_server(folder: Path, etcd: int, port: int) -> Mapping[str, Any]:
    key = folder / "service-accounts.key"
    return {
        "etcd_servers": f"http://127.0.0.1:{etcd}",
        "bind_address": "127.0.0.1",
        "secure_port": port,
        "cert_dir": folder / "certificates",
        "token_auth_file": folder / "tokens.csv",
        "authorization_mode": "Node,RBAC",
        "service_account_issuer": "https://kubernetes.default.svc",
        "service_account_key_file": key,
        "service_account_signing_key_file": key,
        "service_cluster_ip_range": "10.100.0.0/16",
        # As managed clusters have it: pod security says what may be privileged, not the server as a whole.
        "allow_privileged": "true",
        # The reconciler refuses a server on loopback.
        "endpoint_reconciler_type": "none",
    }


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens at now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
