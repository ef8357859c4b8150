"""The inventory on a terminal."""

import io

import pytest
from rich.console import Console
from support import recorded

from prismctl.project import ROOT
from prismctl.render import tree
from recording.graph import Graph


@pytest.mark.parametrize("width", [60, 70, 100, 140])
def test_no_count_is_cut_off_on_a_narrow_terminal(known: Graph, width: int) -> None:
    text = io.StringIO()
    Console(file=text, width=width).print(tree.render(known, 1.0, width), soft_wrap=True)
    counts = text.getvalue().partition("Resources by type")[2].partition("Outputs")[0]
    shown = sum(int(word) for word in counts.split() if word.isdecimal())
    assert shown == len(known.resources) - 1


def test_the_number_of_resources_is_the_one_that_pulumi_tells(known: Graph) -> None:
    assert f"{len(known.resources)} resources to create" in str(tree.summary(known, 1.0))


def test_the_readme_shows_as_many_resources_as_a_newcomer_sees() -> None:
    line = str(tree.summary(recorded("dev", known=False), 1.0)).partition(";")[0]
    assert line in (ROOT / "README.md").read_text(encoding="utf-8")
