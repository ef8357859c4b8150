"""What the fakes import: never the tests or the program, and never each other in a circle."""

import ast
import graphlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ALLOWED = {"fakes", "recording", "settings", "tools"}
FIRST_PARTY = {*ALLOWED, "charts", "components", "policy", "prismctl", "tests", "__main__"}
"""What stands in this repository; test modules are imported by their own names."""
MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in (ROOT / "fakes").rglob("*.py")}
TEST_MODULES = {file.stem for file in (ROOT / "tests").iterdir()}


def imported(file: Path) -> set[str]:
    """Return the modules that a file imports, and what it imports from them, as dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def package(module: str) -> str:
    """Return the package below `fakes` that a module is in, or the module itself where it is in none."""
    return ".".join(module.split(".")[:2])


def test_fakes_import_nothing_of_the_program_or_of_the_tests():
    wrong = {
        (name, used.partition(".")[0])
        for name, file in MODULES.items()
        for used in imported(file)
        if used.partition(".")[0] in (FIRST_PARTY | TEST_MODULES) - ALLOWED
    }

    assert wrong == set()


def test_nothing_but_tests_imports_fakes():
    users = {
        str(file.relative_to(ROOT))
        for folder in ("settings", "recording", "policy", "components", "prismctl", "tools")
        for file in (ROOT / folder).rglob("*.py")
        if any(used.partition(".")[0] == "fakes" for used in imported(file))
    }

    assert users == set()


def test_neither_modules_nor_packages_of_fakes_import_each_other_in_a_circle():
    needs = {name: imported(file) & MODULES.keys() - {name} for name, file in MODULES.items()}
    between: dict[str, set[str]] = {}
    for name, used in needs.items():
        between.setdefault(package(name), set()).update(map(package, used))

    assert list(graphlib.TopologicalSorter(needs).static_order())
    assert list(graphlib.TopologicalSorter({name: used - {name} for name, used in between.items()}).static_order())
