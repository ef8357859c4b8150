"""States and plans of other people's programs, well-formed and not."""

import datetime
import io
import json
import sys
from pathlib import Path

import pytest
import yaml
from support import recorded

from policy.findings import Result
from policy.registry import Settings, rules
from policy.runner import run
from policy.surfaces import errors, state
from policy.surfaces.errors import InputError
from policy.surfaces.state import read_plan, read_state
from prismctl.render import plan
from recording.graph import UNKNOWN, Secret, Source

URN = "urn:pulumi:prod::shop::aws:kms/key:Key::data"
ITEM = {
    "urn": URN,
    "type": "aws:kms/key:Key",
    "custom": True,
    "id": "1234",
    "inputs": {"enableKeyRotation": True},
    "outputs": {"arn": "arn:aws:kms:us-east-1:123456789012:key/1234", "policy": "x" * 1000},
    "provider": "urn:pulumi:prod::shop::pulumi:providers:aws::aws::6f2b",
    "sourcePosition": "project:///keys.py#12,5",
    "protect": True,
}


def state_file(folder: Path, *items: object) -> str:
    file = folder / "state.json"
    file.write_text(json.dumps({"version": 3, "deployment": {"manifest": {}, "resources": list(items)}}))
    return str(file)


def test_a_state_is_read_with_all_that_rules_ask_for(tmp_path: Path) -> None:
    read = read_state(state_file(tmp_path, ITEM))
    (key,) = read.stack.resources
    assert read.stack.name == "prod"
    assert (key.urn, key.id, key.protect, key.source) == (URN, "1234", True, Source("keys.py", 12))
    assert key.provider_urn == "urn:pulumi:prod::shop::pulumi:providers:aws::aws"
    assert key.flag("enableKeyRotation")
    assert key.outputs.value == {"arn": ITEM["outputs"]["arn"]}


def test_a_checkpoint_of_a_self_managed_backend_is_a_state_too(tmp_path: Path) -> None:
    file = tmp_path / "prod.json"
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": {"resources": [ITEM]}}}))
    assert len(read_state(str(file)).stack.resources) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_state_that_a_shell_wrote_in_an_encoding_of_its_own_is_read(tmp_path: Path, encoding: str) -> None:
    file = Path(state_file(tmp_path, ITEM))
    file.write_text(file.read_text(), encoding=encoding)
    assert [each.urn for each in read_state(str(file)).stack.resources] == [URN]


def test_states_and_plans_that_somebody_turned_into_yaml_are_the_same(tmp_path: Path) -> None:
    file = Path(state_file(tmp_path, ITEM))
    as_json = read_state(str(file)).stack.resources
    file.write_text(yaml.safe_dump(json.loads(file.read_text())))
    as_yaml = read_state(str(file)).stack.resources
    assert [(each.urn, each.inputs, each.source) for each in as_yaml] == [
        (each.urn, each.inputs, each.source) for each in as_json
    ]
    file.write_text(f"config: {{shop:environment: dev}}\nsteps: [{{op: create, newState: {json.dumps(ITEM)}}}]")
    assert [each.urn for each in read_plan(str(file)).stack.resources] == [URN]


def test_more_values_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "MOST_VALUES_OF_JSON", 50)
    read_state(state_file(tmp_path, ITEM))
    with pytest.raises(InputError, match="too large: it holds more than 50 values"):
        read_state(state_file(tmp_path, {**ITEM, "inputs": {"a": [{}] * 50}}))


def test_an_empty_stack_has_nothing_to_complain_of(tmp_path: Path) -> None:
    assert read_state(state_file(tmp_path)).stack.resources == ()


def test_what_is_about_to_be_deleted_is_left_out(tmp_path: Path) -> None:
    assert read_state(state_file(tmp_path, {**ITEM, "delete": True})).stack.resources == ()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("[secret]", Secret(UNKNOWN)),
        ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", UNKNOWN),
        ({"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}, Secret(UNKNOWN)),
        (
            {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '{"a": [1]}'},
            Secret({"a": [1]}),
        ),
        ({"a": ["b", None, 1.5]}, {"a": ["b", None, 1.5]}),
    ],
)
def test_values_are_taken_as_the_engine_writes_them(given: object, wanted: object) -> None:
    assert state.decoded(given) == wanted


GROUP = {
    "urn": "urn:pulumi:prod::shop::aws:eks/nodeGroup:NodeGroup::web",
    "type": "aws:eks/nodeGroup:NodeGroup",
    "custom": True,
    "inputs": {"scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4}},
}
SIZE = {"ignoreChanges": ["scalingConfig.desiredSize"]}


@pytest.mark.parametrize(
    ("items", "results"),
    [
        # Nothing tells whether the engine writes what is ignored at all.
        ([GROUP, ITEM], [Result.UNDETERMINED]),
        # It does: the group ignores nothing.
        ([GROUP, {**ITEM, "ignoreChanges": ["description"]}], [Result.VIOLATED]),
        ([{**GROUP, **SIZE}, ITEM], []),
    ],
)
def test_what_a_state_leaves_out_is_no_violation(tmp_path: Path, items: list[object], results: list[Result]) -> None:
    stack = read_state(state_file(tmp_path, *items)).stack
    only = [rule for rule in rules() if rule.id == "ng-scaling"]
    report = run(stack, Settings(environment="prod", today=datetime.date(2026, 11, 23)), only=only)
    assert [finding.result for finding in report.findings] == results


def test_a_plan_is_read_as_the_stack_that_it_would_leave(tmp_path: Path) -> None:
    steps = [
        {"op": "same", "urn": URN, "newState": ITEM},
        {"op": "delete", "urn": "urn:pulumi:prod::shop::aws:s3/bucket:Bucket::old", "oldState": ITEM},
        {"op": "delete-replaced", "urn": URN, "oldState": ITEM},
        {"op": "read-discard", "urn": "urn:pulumi:prod::shop::aws:s3/bucket:Bucket::seen", "oldState": ITEM},
        {"op": "create-replacement", "urn": URN, "newState": ITEM},
        {"op": "replace", "urn": URN, "newState": ITEM},
    ]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"config": {"shop:environment": '{"kind": "staging"}'}, "steps": steps}))
    read = read_plan(str(file))
    assert [resource.urn for resource in read.stack.resources] == [URN]
    assert read.config == {"shop:environment": '{"kind": "staging"}'}


def test_the_preview_of_this_repository_is_a_plan(tmp_path: Path) -> None:
    graph = recorded("dev", known=False)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan.render(graph, {"ai-prism:environment": '{"kind": "dev"}'}, 1)))
    read = read_plan(str(file))
    assert len(read.stack.resources) == len(graph.resources)
    cluster = next(each for each in read.stack.resources if each.type == "aws:rds/cluster:Cluster")
    original = graph.by_urn[cluster.urn]
    assert cluster.inputs.value == original.inputs
    assert cluster.property_dependencies == original.property_dependencies
    assert cluster.source == original.source


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is cut off"),
        ("{", "is cut off"),
        ("nonsense", "is not a state, as pulumi stack export writes it"),
        ("{nonsense", "is not valid JSON"),
        ("a: [", r"state\.json:2:1: not valid YAML"),
        ("a: 1\n---\nb: 2", "holds 2 documents, and not one"),
        ("[]", "is not a state, as pulumi stack export writes it"),
        ("{}", "is not a state"),
        ('"deployment"', "is not a state"),
        ('{"steps": []}', "is not a state"),
        ('{"deployment": null}', "is not a state"),
        ('{"deployment": {"resources": {}}}', "is not a state"),
        ('{"deployment": {"resources": [{"urn": "urn:pul', "is cut off"),
        ('{"deployment": {"resources": [1]}}', "resource 0 has no URN and type"),
        ('{"deployment": {"resources": [{"urn": "x", "type": "y"}]}}', "resource 0 has no URN and type"),
        ('{"deployment": {"resources": [{"urn": 5, "type": "y"}]}}', "resource 0 has no URN and type"),
        (f'{{"deployment": {{"resources": [{{"urn": "{URN}", "type": "t", "inputs": 5}}]}}}}', "inputs is no object"),
        ('{"deployment": {"resources": []}} trailing', "is not valid JSON: parse error: trailing garbage"),
        ('{"deployment": {"resources": [{"urn": "\\ud800"}]}}', "is not valid JSON|no URN"),
        ('{"deployment": {"resources": ' + "[" * 100_000, "is cut off|not valid JSON|nested too deeply"),
    ],
)
def test_what_is_no_state_is_told_as_such(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        read_state(str(file))


def test_bytes_that_are_no_text_are_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(b'{"deployment": {"resources": [{"urn": "\xff\xfe"}]}}')
    with pytest.raises(InputError, match=r"state\.json"):
        read_state(str(file))


def test_an_error_never_quotes_the_input(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text('{"deployment": {"resources": [{"urn": "hunter2", "inputs": {"password": hunter2}}]}}')
    with pytest.raises(InputError) as raised:
        read_state(str(file))
    assert "hunter2" not in str(raised.value)


def test_a_file_of_hundreds_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with file.open("wb") as sparse:
        sparse.truncate(200 * 2**20)
    with pytest.raises(InputError, match="too large: 200 MB, and at most 128 MB are read"):
        read_state(str(file))


def test_standard_input_is_refused_as_soon_as_it_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "MOST_BYTES", 3 * 2**20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" " * 8 * 2**20)))
    with pytest.raises(InputError, match="standard input: too large"):
        read_state("-")


@pytest.mark.parametrize("name", ["nowhere/state.json", ".", "a\0b"])
def test_what_cannot_be_opened_is_told_as_such(name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read|is no file"):
        read_state(name)


@pytest.mark.parametrize(
    ("inputs", "outputs", "found"),
    [
        # Somebody has turned it off by hand, and a refresh has seen that.
        ({}, {"storageEncrypted": False, "kmsKeyId": ""}, {"rds-cmk"}),
        ({}, {"storageEncrypted": True, "kmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1"}, set()),
        ({"storageEncrypted": False}, {"storageEncrypted": True, "kmsKeyId": "arn:aws:kms:x:1:key/1"}, {"rds-cmk"}),
    ],
)
def test_what_aws_has_filled_in_counts_where_the_program_says_nothing(
    tmp_path: Path, inputs: dict, outputs: dict, found: set[str]
) -> None:
    urn = "urn:pulumi:prod::shop::aws:rds/cluster:Cluster::data"
    cluster = {"urn": urn, "type": "aws:rds/cluster:Cluster", "custom": True, "inputs": inputs, "outputs": outputs}
    only = [rule for rule in rules() if rule.id == "rds-cmk"]
    report = run(
        read_state(state_file(tmp_path, cluster)).stack,
        Settings(environment="prod", today=datetime.date(2026, 11, 23)),
        only=only,
    )
    assert {finding.rule.id for finding in report.findings} == found


def test_what_separate_resources_set_of_a_bucket_is_not_read_from_its_outputs(tmp_path: Path) -> None:
    bucket = {
        "urn": "urn:pulumi:prod::shop::aws:s3/bucket:Bucket::data",
        "type": "aws:s3/bucket:Bucket",
        "custom": True,
        "inputs": {},
        "outputs": {"versioning": {"enabled": False}},
    }
    (read,) = read_state(state_file(tmp_path, bucket)).stack.resources
    assert read.inputs.value == {}
