"""A world whose program is a few lines, on a cluster that is real."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.world import World

from fakes.cluster.cluster import Cluster

PROJECT = """
name: kubernetes
runtime:
  name: python
  options:
    virtualenv: .venv
"""

HEAD = """
import pulumi
import pulumi_kubernetes as k8s

kubeconfig = '''{"apiVersion": "v1", "kind": "Config", "current-context": "fake",
"contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
"clusters": [{"name": "fake", "cluster": {"server": "https://ABC.gr7.us-east-1.eks.amazonaws.com"}}],
"users": [{"name": "fake", "user": {"exec": {"apiVersion": "client.authentication.k8s.io/v1",
"command": "aws", "args": ["eks", "get-token", "--cluster-name", "fake"]}}}]}'''
on_cluster = pulumi.ResourceOptions(provider=k8s.Provider("cluster", kubeconfig=kubeconfig))
"""


class KubernetesWorld(World):
    """A world whose program is a few lines, and whose cluster is real."""

    can_be_real = frozenset({"kubernetes", "python"})
    checkpoints = True

    def __init__(self, folder: Path, cluster: Cluster | None, cache: Path) -> None:
        self.cluster = cluster
        variables = {"AI_PRISM_KUBECONFIG": str(cluster.kubeconfig)} if cluster else {}
        super().__init__(folder, "test", cache, cluster=variables)
        self.init()

    def _copy_program(self, source: Path) -> None:  # noqa: ARG002  # it is written instead
        self.program.mkdir(parents=True)
        (self.program / ".venv").symlink_to(Path(sys.prefix))
        (self.program / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
        (self.program / "Pulumi.test.yaml").write_text("{}", encoding="utf-8")

    def _prepare_account(self) -> None:
        """Nothing in it is asked for."""

    def write(self, lines: str) -> None:
        """Let the program be these lines."""
        head = HEAD
        if "kubernetes" in self.real and self.cluster:
            # The fake is told of the cluster by a variable; the real one believes the program.
            head = HEAD.partition("kubeconfig = ")[0] + f"kubeconfig = {self.cluster.kubeconfig.read_text()!r}\n"
            head += HEAD[HEAD.index("on_cluster = ") :]
        (self.program / "__main__.py").write_text(f"{head}{lines}", encoding="utf-8")

    def refused_preview(self) -> str:
        """Return what a preview says that fails."""
        done = self.run("preview", "--stack", self.stack)
        assert not done, done.output
        return done.output

    def steps(self) -> dict[str, str]:
        """Return what a preview plans, by type and name."""
        steps = {"::".join(step["urn"].split("::")[2:]): step["op"] for step in self.preview()["steps"]}
        return {name: verb for name, verb in steps.items() if name.startswith("kubernetes:") and verb != "same"}


def eventually(is_so: Callable[[], Any]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)
