"""Imports everything that commands and tests use, so that Python keeps its bytecode (`python -m prismctl.warm`)."""

import importlib

from prismctl.project import ROOT
from prismctl.sdk import preload

MODULES = ("prismctl.cli", "prismctl.outputs", "prismctl.render.tree", "hypothesis", "pytest", "xdist")

if __name__ == "__main__":
    preload(ROOT)
    for module in MODULES:
        importlib.import_module(module)
