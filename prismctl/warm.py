"""Imports everything that commands and tests use, so that Python keeps its bytecode (`python -m prismctl.warm`)."""

import importlib

from policy.registry import rules
from prismctl.project import ROOT
from recording.sdk import preload

MODULES = (
    "prismctl.cli",
    "prismctl.outputs",
    "prismctl.render.tree",
    "policy.adapter",
    "policy.surfaces.state",
    "policy.surfaces.manifests",
    "hypothesis",
    "jsonschema",
    "pytest",
    "xdist",
)

if __name__ == "__main__":
    preload(ROOT)
    for module in MODULES:
        importlib.import_module(module)
    rules()
