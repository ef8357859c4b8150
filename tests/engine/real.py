"""Which real plugins stand where fakes would: `make e2e REAL=kubernetes,python`.

The real Kubernetes provider is that of the user's plugin cache, in the SDK's version, and manages what the scenarios
on a real API server make; the whole program's cluster does not exist, so its objects stay with the fake. The real
language host is the one that comes with the user's CLI.
"""

import importlib.metadata
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "REAL"


class RealPluginError(Exception):
    """A real plugin was asked for that is not there; the message says how to get it."""


def chosen() -> frozenset[str]:
    """Return what is to be real; raises RealPluginError for what cannot be."""
    names = frozenset(filter(None, os.environ.get(VARIABLE, "").split(",")))
    if unknown := sorted(names - _FIND.keys()):
        raise RealPluginError(
            f"{VARIABLE}: {', '.join(unknown)} cannot be real; possible are {', '.join(sorted(_FIND))}"
        )
    return names


def find(name: str) -> Path:
    """Return where a real plugin is; raises RealPluginError where it is not."""
    return _FIND[name]()


def _kubernetes() -> Path:
    version = importlib.metadata.version("pulumi-kubernetes")
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    file = home / "plugins" / f"resource-kubernetes-v{version}" / "pulumi-resource-kubernetes"
    if not os.access(file, os.X_OK):
        raise RealPluginError(f"{file} is not there: pulumi plugin install resource kubernetes {version}")
    return file


def _python() -> Path:
    found = shutil.which("pulumi-language-python")
    if not found:
        raise RealPluginError(
            "pulumi-language-python is not on PATH: it comes with Pulumi's CLI (https://www.pulumi.com/docs/iac/download-install/)"
        )
    return Path(found).resolve()


_FIND: Mapping[str, Callable[[], Path]] = {"kubernetes": _kubernetes, "python": _python}
