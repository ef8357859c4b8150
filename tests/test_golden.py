"""Each stack as files that a review reads: its state keys, and all inputs and options of its resources by component.

A renamed or moved resource shows as what it is, a replacement; a changed property as a line of its component's file.
`make generate` writes the files anew.
"""

import difflib
from pathlib import Path

import properties_golden
import pytest
from support import recorded

from recording.graph import Graph

pytestmark = pytest.mark.golden
GOLDEN = Path(__file__).parent / "golden"
SHOWN_LINES = 200
"""Of a difference; the rest is in the files."""


def lines(graph: Graph) -> list[str]:
    """Return each resource's state key, without stack and project, and whether it is protected."""
    return sorted(
        " ".join([resource.urn.split("::", 2)[2].replace("::", " "), *(["protected"] if resource.protect else [])])
        for resource in graph.resources
    )


def test_the_graph_is_the_one_that_was_reviewed(stack: str, pytestconfig: pytest.Config) -> None:
    file = GOLDEN / f"{stack}.txt"
    now = lines(recorded(stack, known=False))
    if pytestconfig.getoption("golden"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text("\n".join(now) + "\n", encoding="utf-8")
    reviewed = file.read_text(encoding="utf-8").splitlines()

    gone, new = sorted(set(reviewed) - set(now)), sorted(set(now) - set(reviewed))
    changes = [*(f"- {line}" for line in gone), *(f"+ {line}" for line in new)]
    assert changes == [], "the graph has changed; where that is intended: make generate"
    assert now == reviewed


def test_every_input_of_every_resource_is_the_one_that_was_reviewed(stack: str, pytestconfig: pytest.Config) -> None:
    folder = GOLDEN / stack
    now = properties_golden.texts(recorded(stack, known=False), recorded(stack, known=True))
    if pytestconfig.getoption("golden"):
        _write(folder, now)
    reviewed = {file.relative_to(folder).with_suffix("").as_posix(): file.read_text("utf-8") for file in _files(folder)}

    changes = [
        line
        for place in sorted({*now, *reviewed})
        for line in difflib.unified_diff(
            reviewed.get(place, "").splitlines(),
            now.get(place, "").splitlines(),
            f"golden/{stack}/{place}.yaml, as reviewed",
            "now",
            lineterm="",
        )
    ]
    if changes:
        shown = "\n".join(changes[:SHOWN_LINES])
        pytest.fail(f"inputs have changed; where that is intended: make generate\n{shown}", pytrace=False)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.yaml"))


def _write(folder: Path, texts: dict[str, str]) -> None:
    for file in _files(folder):
        if file.relative_to(folder).with_suffix("").as_posix() not in texts:
            file.unlink()
    for place, text in texts.items():
        file = folder / f"{place}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def test_no_state_key_occurs_twice(stack: str) -> None:
    keys = [resource.urn for resource in recorded(stack, known=False).resources]
    assert len(keys) == len(set(keys))
