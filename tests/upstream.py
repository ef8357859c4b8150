"""The upstream charts' defaults and definitions, where somebody has laid them beside the repository."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from prismctl.project import ROOT

FOLDER = Path(os.environ.get("AI_PRISM_CHARTS") or ROOT.parent / "shared" / "charts")
"""A folder a chart, each with the chart's values.yaml, values.schema.json and crds/ as it was released."""

needs_charts = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the upstream charts are not there; AI_PRISM_CHARTS names their folder"
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
    return FOLDER / _FOLDERS.get(chart, chart)


@functools.cache
def defaults(chart: str) -> dict[str, Any]:
    """Return a chart's default values."""
    values = yaml.load((folder(chart) / "values.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return values.get(_HIDDEN, values)


@functools.cache
def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the schema of each kind of custom resource, by apiVersion and kind."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for file in sorted(FOLDER.glob("*/crds/*.yaml")):
        for crd in yaml.load_all(file.read_text(encoding="utf-8"), yaml.CSafeLoader):
            if crd and crd["kind"] == "CustomResourceDefinition":
                spec = crd["spec"]
                for version in spec["versions"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    found[key] = version["schema"]["openAPIV3Schema"]
    return found
