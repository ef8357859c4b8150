"""`python -m engine.timeline`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from engine.timeline.__main__ import main, report, seconds
from engine.timeline.schedule import ideal
from support import recorded


def test_the_text_names_the_critical_path_and_the_comparison(capsys: pytest.CaptureFixture[str]):
    main(["dev", "--ideal"])

    said = capsys.readouterr().out
    assert "dev: the first update takes" in said
    assert "cluster-eksCluster" in said
    assert "In CloudFormation's order" in said


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]):
    main(["dev", "--json", "--ideal"])

    found = json.loads(capsys.readouterr().out)
    assert found["stack"] == "dev"
    assert found["criticalPath"][-1]["ended"] == found["seconds"] == found["idealSeconds"]
    assert found["shorter"] == pytest.approx(1 - found["seconds"] / found["cloudFormationSeconds"], abs=1e-4)


def test_the_chart_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["dev", "--svg", str(tmp_path / "chart.svg"), "--ideal"])

    assert "First update of dev" in (tmp_path / "chart.svg").read_text()
    assert "dev" in capsys.readouterr().out


def test_what_ran_is_told_beside_what_was_possible():
    graph = recorded("dev", known=True)
    late = [replace(one, started=one.started + 30, ended=one.ended + 30) for one in ideal(graph, seconds).operations]
    found = report("dev", late, graph)

    assert found.schedule.total == found.ideal.total + 30
    assert "nothing runs from 0 to 30 s" in found.text()
