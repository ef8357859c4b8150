"""The plans that tests of the policies read are those that the engine makes today."""

import json
from pathlib import Path

import pytest
from engine.recorded_plans import PLANS, RECORDED, plans


def shown(text: str) -> tuple[object, list[tuple[str, str]]]:
    """Return what a plan does; the engine orders steps that do not depend on each other by chance."""
    plan = json.loads(text)
    return plan["changeSummary"], sorted((step["op"], step["urn"]) for step in plan["steps"])


@pytest.mark.golden
def test_the_engine_still_makes_the_plans_that_are_kept(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    for name, text in plans(tmp_path):
        file = PLANS / f"{name}.json"
        if pytestconfig.getoption("golden"):
            file.write_text(text, encoding="utf-8")
        assert shown(file.read_text(encoding="utf-8")) == shown(text), name
    assert {file.stem for file in PLANS.iterdir()} == {recorded.name for recorded in RECORDED}
