"""What the program hands over is what the chart asks for: no value less, and none more."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from support import STACKS, application, handed_over, parameters, recorded

from components.apps.application import CHART_PATH, NAME, WORKLOADS
from components.apps.argo_cd_rights import KINDS
from prismctl.project import ROOT, Project
from recording.graph import UNKNOWN, Secret

CHART = ROOT / CHART_PATH
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a schema refers to within the chart's, or itself."""
    reference = schema.get("$ref")
    return SCHEMA["$defs"][reference.removeprefix("#/$defs/")] if reference else schema


def leaves(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool, str]]:
    """Yield path, whether it is required, and type of every value that a schema describes."""
    for key, each in resolve(schema).get("properties", {}).items():
        where, inner = f"{path}.{key}".lstrip("."), resolve(each)
        if inner.get("type") == "object":
            assert key in schema["required"], f"{where} may be left out, and what is required within it with it"
            yield from leaves(inner, where)
        else:
            yield where, key in resolve(schema)["required"], inner["type"]


def paths(values: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every value."""
    if not isinstance(values, dict):
        yield path
        return
    for key, value in values.items():
        yield from paths(value, f"{path}.{key}".lstrip("."))


ASKED = SCHEMA["properties"]["handover"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_program_gives_all_that_the_chart_requires_and_nothing_else(stack: str) -> None:
    values = handed_over(stack)
    assert values.keys() == {"handover"}
    assert set(paths(values["handover"])) == {path for path, _, _ in leaves(ASKED)}


def test_the_chart_requires_every_value_of_the_hand_over_and_takes_them_as_text() -> None:
    assert "handover" in SCHEMA["required"]
    found = list(leaves(ASKED))
    assert found
    assert not [path for path, required, type_ in found if not required or type_ != "string"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_charts_schema_accepts_what_is_handed_over(stack: str) -> None:
    jsonschema.Draft202012Validator({**ASKED, "$defs": SCHEMA["$defs"]}).validate(handed_over(stack)["handover"])


@pytest.mark.parametrize("stack", STACKS)
def test_no_value_is_taken_for_a_number_or_a_list_on_its_way(stack: str) -> None:
    for parameter in parameters(stack):
        assert parameter["forceString"] is True, parameter["name"]
        assert isinstance(parameter["value"], str), parameter["name"]
        assert not re.search(r"[,{}\\]", parameter["value"]), parameter["name"]


def test_the_chart_has_no_value_of_its_own_for_what_is_handed_over() -> None:
    files = sorted(CHART.glob("values-*.yaml"))
    assert not [file.name for file in files if "handover" in yaml.safe_load(file.read_text(encoding="utf-8"))]
    for path in paths(VALUES["handover"]):
        value = VALUES["handover"]
        for key in path.split("."):
            value = value[key]
        assert value == "", path


def test_no_secret_and_nothing_that_is_known_later_is_handed_over_as_something_else() -> None:
    unknown = application(recorded("prod", known=False))["spec"]["source"]["helm"]["parameters"]
    by_name = {parameter["name"]: parameter["value"] for parameter in unknown}
    assert by_name["handover.region"] == json.loads(Project(ROOT).config("prod")["ai-prism:aws"])["region"]
    assert by_name["handover.database.secretArn"] is UNKNOWN
    assert not [name for name, value in by_name.items() if isinstance(value, Secret)]


@pytest.mark.parametrize("stack", STACKS)
def test_the_values_of_the_environment_are_in_the_chart(stack: str) -> None:
    files = application(recorded(stack, known=True))["spec"]["source"]["helm"]["valueFiles"]
    environment = json.loads(Project(ROOT).config(stack)["ai-prism:environment"])
    assert files == [f"values-{environment['kind']}.yaml"]
    assert [file for file in files if (CHART / file).is_file()] == files


def test_the_workloads_are_those_of_the_chart() -> None:
    assert set(WORKLOADS) == set(VALUES["workloads"])
    assert yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["name"] == NAME


def test_the_project_allows_the_kinds_that_the_chart_makes_and_no_others() -> None:
    made = set()
    for template in (CHART / "templates").rglob("*.yaml"):
        text = template.read_text(encoding="utf-8")
        versions, kinds = (re.findall(rf"^{key}: (\S+)$", text, re.MULTILINE) for key in ("apiVersion", "kind"))
        assert len(versions) == len(kinds), template.name
        made |= {(v.rpartition("/")[0], kind) for v, kind in zip(versions, kinds, strict=True)}

    assert made == {(group, kind) for group, kinds in KINDS.items() for kind in kinds}
