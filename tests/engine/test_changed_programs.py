"""What scenarios change in the program is still there: otherwise only the long runs would notice a rename."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from prismctl.project import ROOT


def changes() -> Iterator[tuple[str, str, str]]:
    """Yield where a scenario changes a file of the program, which one, and what must stand in it once."""
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="change_program"),
                    args=[ast.Constant(value=str(name)), ast.Constant(value=str(before)), *_],
                ):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", name, before


@pytest.mark.parametrize(("place", "name", "before"), list(changes()))
def test_what_a_scenario_changes_in_the_program_stands_there_once(place: str, name: str, before: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").count(before) == 1, f"{place} changes {name}"


def test_the_scenarios_change_the_program() -> None:
    assert len(list(changes())) >= 5
