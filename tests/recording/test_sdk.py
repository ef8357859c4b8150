"""What is taken from the SDK or put in its place says the same as the SDK."""

import ast
import importlib.metadata
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import resource_cycle_breaker

from prismctl.project import ROOT
from recording import sdk

SIZE = 6

# Whoever records a program puts ours in the place of the SDK's: here they are read anew.
_FRESH = runpy.run_path(resource_cycle_breaker.__file__)
SDK_REACHABLE, SDK_ADD = _FRESH["_reachable"], _FRESH["_add_dep"]


class Resource(SimpleNamespace):
    __hash__ = object.__hash__
    __eq__ = object.__eq__


@given(st.lists(st.tuples(*(st.integers(0, SIZE - 1),) * 2), max_size=30))
def test_a_cycle_of_dependencies_is_found_where_the_sdk_finds_it(wanted: list[tuple[int, int]]):
    ours, theirs = ([Resource() for _ in range(SIZE)] for _ in range(2))
    for dependent, other in wanted:
        cyclic = sdk._reachable(ours[other], ours[dependent])
        assert cyclic == SDK_REACHABLE(theirs[other], theirs[dependent])
        if not cyclic:
            sdk._add_dependency(ours[dependent], ours[other])
            SDK_ADD(theirs[dependent], theirs[other])


def private_uses(file: Path) -> Iterator[str]:
    """Yield what a file takes from Pulumi's SDKs by a name that begins with an underscore."""
    imported: set[str] = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition("_")[0].partition(".")[0] == "pulumi":
            imported |= {alias.asname or alias.name for alias in node.names}
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (f"{file.relative_to(ROOT)}:{node.lineno} {part}" for part in parts if part.startswith("_"))
        elif isinstance(node, ast.Import):
            imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names if "pulumi" in alias.name}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in imported:
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.attr}"


ROOMS = ("settings", "recording", "policy", "components", "fakes", "prismctl", "tools")


def test_a_new_version_of_the_sdk_can_break_one_module_alone() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    found = {use for file in files for use in private_uses(file)}
    assert {use.partition(":")[0] for use in found} == {"recording/sdk.py"}, sorted(found)


@pytest.mark.parametrize("package", ["pulumi", "pulumi-policy"])
def test_no_version_of_the_sdk_is_installed_that_nobody_has_tried_with_its_internals(package: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (bound,) = [each for each in project["dependencies"] if each.startswith(f"{package}>")]
    major, minor, _ = importlib.metadata.version(package).split(".")
    assert bound == f"{package}>={major}.{minor},<{major}.{int(minor) + 1}"


def test_a_version_without_the_internals_is_refused_and_all_that_it_lacks_is_named() -> None:
    module = ModuleType("pulumi.runtime.rpc")
    message = (
        rf"pulumi {importlib.metadata.version('pulumi')} lacks pulumi.runtime.rpc._one, pulumi.runtime.rpc._two, "
        r"which recording/sdk.py uses: install the version that requirements.txt pins"
    )
    with pytest.raises(ImportError, match=message):
        sdk.check_internals({module: ("__name__", "_one", "_two")}, "pulumi")
