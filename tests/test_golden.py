"""The graph of each stack as a file, so that a renamed or moved resource shows in review as what it is: a replacement.

`make generate` writes the files anew.
"""

from pathlib import Path

import pytest
from support import recorded

from prismctl.graph import Graph

GOLDEN = Path(__file__).parent / "golden"


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


def test_no_state_key_occurs_twice(stack: str) -> None:
    keys = [resource.urn for resource in recorded(stack, known=False).resources]
    assert len(keys) == len(set(keys))
