"""The upstream charts, where somebody has laid them beside the repository."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from prismctl.project import ROOT


def charts() -> Path:
    """Return the folder of folders: each with a chart's values.yaml, values.schema.json and crds/ as released."""
    return Path(os.environ.get("AI_PRISM_CHARTS") or ROOT.parent / "shared" / "charts")


needs_charts = pytest.mark.skipif(
    not charts().is_dir(), reason="the upstream charts are not there; AI_PRISM_CHARTS names their folder"
)

_FOLDERS = {
    "base": "istio-base",
    "cni": "istio-cni",
    "gateway": "istio-gateway",
    "loadtester": "flagger-loadtester",
}
"""Where the folder is not called as the repository calls the chart."""
_HIDDEN = "_internal_defaults_do_not_set"
"""Where Istio's charts keep what is set without it."""


def folder(chart: str) -> Path:
    """Return the folder of a chart, by the name that its repository has for it."""
    return charts() / _FOLDERS.get(chart, chart)


@functools.cache
def defaults(chart: str) -> dict[str, Any]:
    """Return a chart's default values."""
    values = yaml.load((folder(chart) / "values.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return values.get(_HIDDEN, values)
