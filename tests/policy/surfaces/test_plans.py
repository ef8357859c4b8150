"""Plans that the real engine made (`tests/engine/recorded_plans.py` keeps them), read as the stack that they leave."""

import datetime
import json
from pathlib import Path

import pytest

from policy.findings import Report, Result
from policy.registry import Settings
from policy.runner import run
from policy.surfaces.errors import InputError
from policy.surfaces.state import Read, read_plan
from policy.waivers import Waiver
from recording.graph import Source

TODAY = datetime.date(2026, 11, 23)
ALL = {
    "pulumi:pulumi:Stack::shop-prod",
    "pulumi:providers:aws::account",
    "aws:kms/key:Key::data",
    "aws:s3/bucket:Bucket::data",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::data",
    "aws:cloudwatch/logGroup:LogGroup::web",
}
BLOCK = {"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::data"}
SHOP = {"aws:cloudwatch/logGroup:LogGroup::shop"}
WEB = {"aws:cloudwatch/logGroup:LogGroup::web"}
ROOT = {"pulumi:pulumi:Stack::shop-prod"}
KEY = {"aws:kms/key:Key::data"}


def read(name: str) -> Read:
    return read_plan(str(Path(__file__).with_name("plans") / f"{name}.json"))


def short(read: Read) -> set[str]:
    return {each.urn.split("::", 2)[2] for each in read.stack.resources}


def judged(name: str, *waivers: Waiver) -> Report:
    return run(read(name).stack, Settings(environment="prod", today=TODAY, waivers=waivers))


@pytest.mark.parametrize(
    ("plan", "left", "left_out"),
    [
        ("nothing", ROOT, 5),
        ("nothing-same", ALL, 0),
        ("nothing-refresh", ALL, 0),
        ("nothing-refresh-same", ALL, 0),
        ("tag", ROOT | KEY, 4),
        ("tag-same", ALL, 0),
        ("tag-refresh", ALL, 0),
        ("deletion", ROOT, 4),
        ("deletion-same", ALL - BLOCK, 0),
        ("deletion-refresh", ALL - BLOCK, 0),
        ("replacement-same", ALL, 0),
        ("replacement-steps", ALL, 0),
        ("rename-same", ALL - WEB | SHOP, 0),
        ("rename-refresh", ALL - WEB | SHOP, 0),
        ("import-same", ALL | {"aws:iam/role:Role::known"}, 0),
        ("read-same", ALL | {"aws:s3/bucket:Bucket::seen"}, 0),
        ("vanished-refresh", ALL, 0),
        ("target", ROOT | KEY, 4),
        ("target-same", ALL, 0),
    ],
)
def test_a_plan_is_the_stack_that_it_leaves_and_knows_how_much_it_does_not_show(
    plan: str, left: set[str], left_out: int
) -> None:
    found = read(plan)
    assert short(found) == left
    assert found.stack.left_out == left_out


@pytest.mark.parametrize("plan", ["deletion-same", "deletion-refresh"])
def test_a_public_access_block_that_is_deleted_protects_no_bucket(plan: str) -> None:
    assert "s3-bpa" in {finding.rule.id for finding in judged(plan).mandatory}


@pytest.mark.parametrize("plan", ["nothing-same", "tag-refresh", "replacement-steps", "rename-same", "target-same"])
def test_one_that_stays_or_is_replaced_does(plan: str) -> None:
    assert "s3-bpa" not in {finding.rule.id for finding in judged(plan).findings}


def test_what_is_left_out_is_said_once_and_not_guessed() -> None:
    found = judged("tag")
    assert [finding.rule.id for finding in found.findings if finding.result is Result.UNDETERMINED] == ["stk-whole"]
    assert not {"s3-bpa", "stk-tags", "stk-cost"} & {finding.rule.id for finding in found.findings}
    assert "stk-whole" not in {finding.rule.id for finding in judged("nothing").mandatory}


def test_a_deletion_beside_which_the_rest_is_not_shown_stops() -> None:
    (finding,) = [each for each in judged("deletion").mandatory if each.rule.id == "stk-whole"]
    assert "4 unchanged resources are not in the plan" in finding.message
    assert "deletes aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock data" in finding.message


UNUSED = Waiver(
    rule="s3-tls", urn="urn:pulumi:prod::shop::*::data", owner="web", ticket="WEB-1", reason="old", absent=True,
    expires=TODAY + datetime.timedelta(days=200),
)  # fmt: skip


def test_a_waiver_is_not_called_unused_where_its_resource_is_not_shown() -> None:
    said = [finding.message for finding in judged("tag", UNUSED).findings if finding.rule.id == "stk-waiver"]
    assert said == []


def test_an_unchanged_resource_keeps_its_id_and_outputs_and_a_replaced_one_has_new_ones() -> None:
    unchanged = {each.type: each for each in read("nothing-same").stack.resources}
    replaced = {each.type: each for each in read("replacement-same").stack.resources}
    assert unchanged["aws:kms/key:Key"].outputs.text("arn").startswith("arn:aws:kms:eu-west-1:123456789012:key/")
    assert unchanged["aws:s3/bucket:Bucket"].id
    assert not replaced["aws:s3/bucket:Bucket"].id


def test_what_a_plan_takes_away_is_not_read_from_what_stood_before(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod::shop::aws:kms/key:Key::data"
    about = {"urn": urn, "type": "aws:kms/key:Key", "custom": True}
    outputs = {"arn": "arn:aws:kms:eu-west-1:123456789012:key/1", "enableKeyRotation": True}
    old = {**about, "id": "1", "inputs": {"enableKeyRotation": True}, "outputs": outputs}
    file = tmp_path / "plan.json"
    step = {"op": "update", "urn": urn, "oldState": old, "newState": {**about, "inputs": {}}}
    file.write_text(json.dumps({"steps": [step]}))
    (key,) = read_plan(str(file)).stack.resources
    assert key.outputs.value == {"arn": outputs["arn"]}
    assert not key.flag("enableKeyRotation")


def test_what_is_only_read_is_not_judged_as_owned() -> None:
    (seen,) = [each for each in read("read-same").stack.resources if each.name == "seen"]
    assert seen.external
    assert [finding.rule.id for finding in judged("read-same").findings if finding.resource.name == "seen"] == []


def test_what_is_not_created_yet_under_a_target_is_not_there() -> None:
    assert "more" not in {each.name for each in read("target-new").stack.resources}


def test_the_plan_of_a_preview_that_failed_is_not_whole(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    plan = json.loads((Path(__file__).with_name("plans") / "tag.json").read_text())
    plan["diagnostics"] = [{"message": "preview failed", "severity": "error"}]
    file.write_text(json.dumps(plan))
    with pytest.raises(InputError, match="the preview failed, so its plan is not whole"):
        read_plan(str(file))


def test_a_resource_that_a_library_made_is_shown_at_the_program_s_own_line(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    library = "project:///../../lib/python3.11/site-packages/pulumi_aws/provider.py#805"
    trace = [{"sourcePosition": library}, {}, {"sourcePosition": "project:///shop/data.py#3,7"}]
    state = {
        "urn": "urn:pulumi:prod::shop::aws:kms/key:Key::data",
        "type": "aws:kms/key:Key",
        "sourcePosition": library,
        "stackTrace": trace,
    }
    file.write_text(json.dumps({"steps": [{"op": "create", "urn": state["urn"], "newState": state}]}))
    (key,) = read_plan(str(file)).stack.resources
    assert key.source == Source("shop/data.py", 3)


def test_what_a_plugin_makes_of_a_component_is_shown_where_the_program_makes_the_component(tmp_path: Path) -> None:
    component = {
        "urn": "urn:pulumi:prod::shop::eks:index:Cluster::main",
        "type": "eks:index:Cluster",
        "sourcePosition": "project:///__main__.py#7",
    }
    child = {
        "urn": "urn:pulumi:prod::shop::eks:index:Cluster$aws:eks/cluster:Cluster::main",
        "type": "aws:eks/cluster:Cluster",
        "custom": True,
        "parent": component["urn"],
        "sourcePosition": "file:///home/user/.pulumi/plugins/resource-eks-v4.4.0/index.js#1,1",
    }
    steps = [{"op": "create", "urn": each["urn"], "newState": each} for each in (component, child)]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"steps": steps}))
    assert [each.source for each in read_plan(str(file)).stack.resources] == [Source("__main__.py", 7)] * 2
