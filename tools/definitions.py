"""The definitions that charts bring into a cluster, from the modules of what they install, in one file per chart.

They lie in the user's cache, as the binaries do; `collect` puts there what is missing.
"""

import contextlib
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.build import TOOLS, cache, folder_of, version_of


@dataclass(frozen=True)
class Source:
    """Files of a module."""

    module: str
    tools: Path
    """Where the go.mod lies that says its version."""
    files: tuple[str, ...]
    """Patterns, within the module's folder."""


_DEFINITIONS = TOOLS / "definitions"

CHARTS: Mapping[str, Source] = {
    "argo-cd": Source("github.com/argoproj/argo-cd/v3", TOOLS / "argo-cd", ("manifests/crds/*-crd.yaml",)),
    "base": Source("istio.io/api", _DEFINITIONS, ("kubernetes/customresourcedefinitions.gen.yaml",)),
    "external-secrets": Source(
        "github.com/external-secrets/external-secrets",
        TOOLS / "external-secrets",
        ("config/crds/bases/*external-secrets.io_*.yaml",),
    ),
    "flagger": Source("github.com/fluxcd/flagger", TOOLS / "flagger", ("artifacts/flagger/crd.yaml",)),
    "kube-prometheus-stack": Source(
        "github.com/prometheus-operator/prometheus-operator",
        _DEFINITIONS,
        ("example/prometheus-operator-crd/*.yaml",),
    ),
}
"""By chart. Istio's is called `base`."""


def collect() -> Path:
    """Return the folder in which each chart has its definitions, as CHART.yaml; raises EngineError."""
    place = cache() / f"definitions-{_fingerprint()}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".definitions-", dir=place.parent) as folder:
            aside = Path(folder) / "done"
            aside.mkdir()
            for chart, source in CHARTS.items():
                (aside / f"{chart}.yaml").write_text(_read(source), encoding="utf-8")
            for file in _DEFINITIONS.glob("*.yaml"):
                shutil.copy(file, aside)
            # Somebody else may have been faster.
            with contextlib.suppress(OSError):
                aside.rename(place)
    return place


def _fingerprint() -> str:
    """Return what changes with any of the definitions."""
    own = [file.read_bytes() for file in sorted(_DEFINITIONS.glob("*.yaml"))]
    others = [
        f"{chart} {source.files} {source.module} {version_of(source.module, source.tools)}"
        for chart, source in CHARTS.items()
    ]
    return hashlib.sha256(b"".join(own) + "\n".join(others).encode()).hexdigest()[:12]


def _read(source: Source) -> str:
    folder = folder_of(source.module, source.tools)
    files = sorted(file for pattern in source.files for file in folder.glob(pattern))
    return "\n---\n".join(file.read_text(encoding="utf-8") for file in files)


if __name__ == "__main__":
    sys.stdout.write(f"{collect()}\n")
