"""Reads and repairs the Helm releases of a cluster with the user's helm binary."""

import datetime
import functools
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prismctl.errors import OutsideError, UsageError

Object = Mapping[str, Any]
SECONDS = 60
"""Timeout of a query, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """The last revision of a release, as Helm has recorded it, and its objects as they are in the cluster."""

    name: str
    namespace: str
    status: str
    revision: int
    since: datetime.datetime
    description: str
    values: Mapping[str, Any]
    """Values of the user, without the chart's defaults."""
    manifest: tuple[Object, ...]
    live: tuple[Object, ...]
    good: int | None
    """The last revision that was deployed successfully, None where there is none."""

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster, as a context of a kubeconfig names it."""

    kubeconfig: Path
    context: str
    server: str
    eks_name: str
    """Of the cluster that the context's credentials are for, empty where they are of another kind."""
    advice: str = ""
    """What to do where it does not answer."""

    def find(self, namespace: str, name: str) -> Release | None:
        """Return a release, None where there is none; raises OutsideError and UsageError."""
        options = ("--namespace", namespace, "--output", "json")
        found = self._run("status", name, *options, "--show-resources", absent="release: not found")
        if found is None:
            return None
        record, history = json.loads(found), json.loads(self._run("history", name, *options) or "[]")
        info = record["info"]
        good = [each["revision"] for each in history if each["status"] in {"deployed", "superseded"}]
        return Release(
            name=name,
            namespace=namespace,
            status=info["status"],
            revision=record["version"],
            since=datetime.datetime.fromisoformat(info["last_deployed"]),
            description=info.get("description", ""),
            values=record.get("config") or {},
            manifest=tuple(_objects(record.get("manifest", ""))),
            live=tuple(_made(info.get("resources") or {})),
            good=max(good, default=None),
        )

    def list(self, *options: str, seconds: float) -> str:
        """Return what Helm lists; raises OutsideError with Helm's words."""
        return self._run("list", *options, seconds=seconds) or ""

    def run(self, command: Sequence[str]) -> None:
        """Run a command of Helm that changes something; raises OutsideError with Helm's words."""
        self._run(*command, seconds=None)

    def _run(self, *arguments: str, absent: str = "", seconds: float | None = SECONDS) -> str | None:
        """Return what Helm writes, None where it says `absent`."""
        where = ("--kubeconfig", str(self.kubeconfig), "--kube-context", self.context)
        try:
            done = subprocess.run(  # noqa: S603
                [find_helm(), *arguments, *where],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            advice = f"; {self.advice}" if self.advice else ""
            raise OutsideError(
                f"helm {arguments[0]}: no answer from {self.server} within {seconds} s{advice}"
            ) from None
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.strip().rpartition("Error: ")[2]
        if absent and absent in said:
            return None
        asked = " ".join(itertools.takewhile(lambda each: not each.startswith("-"), arguments[:2]))
        # https://github.com/helm/helm/blob/v3.22.0/pkg/kube/client.go (IsReachable)
        advice = self._advice if "cluster unreachable" in said else ""
        raise OutsideError(f"helm {asked} failed on {self.server}: {said}{advice}")

    @property
    def _advice(self) -> str:
        return f"; {self.advice}" if self.advice else ""


@functools.cache
def find_helm() -> str:
    """Return the path of the helm binary; raises UsageError where there is none."""
    found = os.environ.get("AI_PRISM_HELM") or shutil.which("helm") or _built()
    if not found:
        raise UsageError(
            "helm is not on PATH: install Helm 3 (https://helm.sh/docs/intro/install/), name one in AI_PRISM_HELM, or "
            "run make engine ARGS=helm, which builds one into the cache (needs Go)"
        )
    return found


def _built() -> str | None:
    """Return the Helm that `make charts` or `make engine` has built, if any."""
    from tools.build import EngineError, locate

    try:
        return str(locate("helm"))
    except EngineError:
        return None


def find_cluster(kubeconfig: Path | None, context: str | None, eks_name: str) -> Cluster:
    """Return the cluster that a kubeconfig names; raises UsageError where it is another than `eks_name`.

    As kubectl does, a kubeconfig is taken from KUBECONFIG or the home folder where none is given.
    """
    listed = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    file = kubeconfig or next((each for each in listed if each.is_file()), Path.home() / ".kube" / "config")
    advice = f"write one: aws eks update-kubeconfig --name {eks_name} --kubeconfig FILE"
    if not file.is_file():
        raise UsageError(f"{file}: no such kubeconfig; give --kubeconfig FILE, or {advice}")
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        wanted = context or config["current-context"]
        chosen = _named(config["contexts"], wanted)["context"]
        server = _named(config["clusters"], chosen["cluster"])["cluster"]["server"]
        user = _named(config["users"], chosen["user"])["user"]
        arguments = [str(each) for each in (user.get("exec") or {}).get("args") or ()]
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UsageError(f"{file}: is no kubeconfig; {advice}") from None
    except (AttributeError, KeyError, TypeError, StopIteration):
        which = f"the context {context!r}" if context else "a current context with its cluster and user"
        raise UsageError(f"{file}: lacks {which}; {advice}") from None
    # https://docs.aws.amazon.com/cli/latest/reference/eks/get-token.html
    named = [after for before, after in itertools.pairwise(arguments) if before == "--cluster-name"]
    if named and named[0] != eks_name:
        raise UsageError(f"{file}: the context {wanted!r} is of the cluster {named[0]}, not of {eks_name}; {advice}")
    return Cluster(kubeconfig=file, context=wanted, server=server, eks_name=named[0] if named else "")


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


class _Loader(yaml.CSafeLoader):
    """Reads dates and a lone `=` as strings, as Kubernetes does."""


for _tag in ("timestamp", "value"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", yaml.SafeLoader.construct_yaml_str)


def _made(resources: Mapping[str, Sequence[Object]]) -> Iterator[Object]:
    """Yield the release's objects, without lists of their pods, which Helm adds."""
    for kind, objects in resources.items():
        if not kind.endswith("(related)"):
            yield from objects


def _objects(manifest: str) -> Iterator[Object]:
    for each in yaml.load_all(manifest, _Loader):  # the loader is a safe one
        if isinstance(each, Mapping):
            yield from each["items"] if str(each.get("kind")).endswith("List") and "items" in each else [each]
