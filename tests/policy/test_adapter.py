"""The pack as the engine talks to it: requests in, diagnostics out."""

import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from policy_cases import TODAY, UNROTATED, cases
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk
from support import recorded

from policy import registry
from policy.adapter import Pack, _accepted, _Sent, follow_the_stack
from policy.registry import Settings, rules
from policy.runner import run
from policy.view import Stack
from policy.waivers import Waiver, load
from prismctl.project import ROOT
from recording import wire
from recording.graph import UNKNOWN, Graph, Reference, Secret
from recording.sdk import hand_over_undecoded

KEY = "aws:kms/key:Key"
URN = f"urn:pulumi:prod::shop::{KEY}::data"


@pytest.fixture(autouse=True)
def _patched(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json_format", "deserialize_properties", "serialize_properties", "unknown_checking_proxy"):
        monkeypatch.setattr(sdk, name, getattr(sdk, name))
    hand_over_undecoded(_Sent, _Sent.encoded)


def servicer(environment: str = "prod", waivers: tuple[Waiver, ...] = ()) -> sdk._PolicyAnalyzerServicer:
    pack = Pack(Settings(environment=environment, today=TODAY, waivers=waivers))
    return sdk._PolicyAnalyzerServicer("pack", "1", pack.policies(), EnforcementLevel.MANDATORY)


def request(inputs: dict, type_: str = KEY, urn: str = URN) -> analyzer_pb2.AnalyzeRequest:
    return analyzer_pb2.AnalyzeRequest(
        type=type_,
        urn=urn,
        name=urn.rpartition("::")[2],
        properties=wire.encode(inputs),
        options=analyzer_pb2.AnalyzerResourceOptions(protect=True),
        provider=analyzer_pb2.AnalyzerProviderResource(type="pulumi:providers:aws", name="aws", urn="urn"),
    )


def analyzer_resources(graph: Graph) -> Iterator[analyzer_pb2.AnalyzerResource]:
    for each in graph.resources:
        yield analyzer_pb2.AnalyzerResource(
            type=each.type,
            urn=each.urn,
            name=each.name,
            # The bridge from Terraform puts the id among a resource's outputs.
            properties=wire.encode({**each.inputs, **each.outputs, **({"id": each.id} if each.id else {})}),
            parent=each.parent,
            dependencies=each.dependencies,
            propertyDependencies={
                key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
                for key, urns in each.property_dependencies.items()
            },
            options=analyzer_pb2.AnalyzerResourceOptions(protect=each.protect, ignoreChanges=each.ignore_changes),
        )


def said(response: analyzer_pb2.AnalyzeResponse) -> dict[str, tuple[str, str]]:
    level = {analyzer_pb2.MANDATORY: "mandatory", analyzer_pb2.ADVISORY: "advisory"}
    return {each.policyName: (level[each.enforcementLevel], each.message) for each in response.diagnostics}


GOOD = {"enableKeyRotation": True, "deletionWindowInDays": 30, "policy": '{"Statement": []}'}


def test_a_compliant_resource_passes() -> None:
    assert said(servicer().Analyze(request(GOOD), None)) == {}


def test_a_violation_stops_with_its_rule_and_how_to_mend_it() -> None:
    found = said(servicer().Analyze(request({**GOOD, "enableKeyRotation": False}), None))
    assert found.keys() == {"kms-rotate"}
    level, message = found["kms-rotate"]
    assert level == "mandatory"
    assert "enableKeyRotation: rotation is off. Set enable_key_rotation=True. (KMS.4, CKV_AWS_7)" in message


def test_each_question_is_answered_by_itself() -> None:
    serving = servicer()
    assert said(serving.Analyze(request({**GOOD, "enableKeyRotation": UNKNOWN}), None)).keys() == {"kms-rotate"}
    assert said(serving.Analyze(request({**GOOD, "enableKeyRotation": False}), None)).keys() == {"kms-rotate"}
    assert said(serving.Analyze(request(GOOD), None)) == {}


def test_levels_go_by_the_environment() -> None:
    assert said(servicer("dev").Analyze(request({**GOOD, "enableKeyRotation": False}), None))["kms-rotate"][0] == (
        "advisory"
    )


def test_what_is_unknown_is_told_as_such_and_hides_no_violation() -> None:
    found = said(servicer("dev").Analyze(request({**GOOD, "policy": UNKNOWN, "deletionWindowInDays": 7}), None))
    assert found["kms-window"][0] == "mandatory"
    assert found["undetermined-resource"][0] == "advisory"
    assert ": cannot be determined: policy is unknown" in found["undetermined-resource"][1]


def test_what_a_strict_rule_cannot_tell_about_prod_stops_the_update() -> None:
    found = said(servicer("prod").Analyze(request({**GOOD, "enableKeyRotation": UNKNOWN}), None))
    assert found.keys() == {"kms-rotate"}
    assert found["kms-rotate"][0] == "mandatory"


def test_a_crash_inside_a_rule_stops_the_update_and_names_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_resource, _context):
        yield from {}["nothing"]

    broken = dataclasses.replace(next(rule for rule in rules() if rule.id == "kms-rotate"), check=crash)
    monkeypatch.setattr("policy.adapter.rules", lambda: (broken,))
    found = said(servicer("dev").Analyze(request(GOOD), None))
    assert found.keys() == {"crashed-resource"}
    level, message = found["crashed-resource"]
    assert level == "mandatory"
    assert "kms-rotate crashed: KeyError at test_adapter.py:" in message


def test_a_secret_in_a_property_is_seen_through_and_never_told() -> None:
    found = said(servicer().Analyze(request({**GOOD, "deletionWindowInDays": Secret(7), "x": Secret("gold")}), None))
    assert found.keys() == {"kms-window"}
    assert "gold" not in str(found)


def test_a_reference_to_a_resource_does_not_break_the_question() -> None:
    assert said(servicer().Analyze(request({**GOOD, "role": Reference("urn", "id")}), None)) == {}


def test_configuration_by_rule_reaches_it() -> None:
    serving = servicer()
    config = analyzer_pb2.PolicyConfig(properties=wire.encode({"days": 30}), enforcementLevel=analyzer_pb2.ADVISORY)
    serving.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={"kms-window": config}), None)
    found = said(serving.Analyze(request({**GOOD, "deletionWindowInDays": 20}), None))
    assert found["kms-window"][0] == "advisory"


def test_the_engine_is_told_what_can_be_configured() -> None:
    info = servicer().GetAnalyzerInfo(None, None)
    by_name = {each.name: each for each in info.policies}
    assert by_name.keys() >= {rule.id for rule in rules()}
    assert wire.decode(by_name["kms-window"].configSchema.properties)["days"]["minimum"] == 7
    assert by_name["kms-window"].remediation_steps


def test_a_waived_finding_does_not_stop() -> None:
    question = request({**GOOD, "enableKeyRotation": False})
    assert said(servicer(waivers=(UNROTATED,)).Analyze(question, None)) == {}


@pytest.mark.parametrize("known", [False, True], ids=["preview", "up"])
def test_the_platform_passes_its_own_pack(known: bool) -> None:
    graph = recorded("prod", known=known)
    serving = servicer(waivers=load())
    stack = analyzer_pb2.AnalyzeStackRequest(resources=analyzer_resources(graph))
    assert [name for name, (level, _) in said(serving.AnalyzeStack(stack, None)).items() if level == "mandatory"] == []
    for each in graph.resources:
        question = request(dict(each.inputs), each.type, each.urn)
        question.options.protect = each.protect
        question.options.ignoreChanges.extend(each.ignore_changes)
        found = said(serving.Analyze(question, None))
        assert [name for name, (level, _) in found.items() if level == "mandatory"] == [], each.urn


def test_about_a_stack_rules_see_what_the_program_gave_also_where_the_engine_shows_no_outputs() -> None:
    type_ = "kubernetes:core/v1:ConfigMap"
    urn = f"urn:pulumi:prod::shop::{type_}::settings"

    def stack() -> analyzer_pb2.AnalyzeStackRequest:
        shown = analyzer_pb2.AnalyzerResource(type=type_, urn=urn, name="settings", properties=wire.encode({}))
        return analyzer_pb2.AnalyzeStackRequest(resources=[shown])

    serving = servicer()
    assert "k8s-ns" in said(serving.AnalyzeStack(stack(), None))
    serving.Analyze(request({"metadata": {"namespace": "shop"}}, type_, urn), None)
    assert "k8s-ns" not in said(serving.AnalyzeStack(stack(), None))


def test_a_resource_that_the_program_only_looks_up_is_not_judged_as_its_own() -> None:
    type_ = "aws:s3/bucket:Bucket"
    provider = analyzer_pb2.AnalyzerProviderResource(type="pulumi:providers:aws", name="aws", urn="urn")

    def bucket(name: str) -> analyzer_pb2.AnalyzerResource:
        urn = f"urn:pulumi:prod::shop::{type_}::{name}"
        return analyzer_pb2.AnalyzerResource(
            type=type_, urn=urn, name=name, properties=wire.encode({"id": name}), provider=provider
        )

    serving = servicer()
    serving.Analyze(request({}, type_, bucket("owned").urn), None)
    stack = analyzer_pb2.AnalyzeStackRequest(resources=[bucket("owned"), bucket("seen")])
    told = serving.AnalyzeStack(stack, None).diagnostics
    assert {each.urn.rpartition("::")[2] for each in told if each.policyName == "s3-bpa"} == {"owned"}


def test_the_pack_serves_over_the_wire() -> None:
    process = subprocess.Popen(  # noqa: S603  # our own pack
        [sys.executable, "-u", str(ROOT / "policy")],
        cwd=ROOT / "policy",
        env={"PULUMI_STACK": "prod", "PULUMI_CONFIG": "{}", "AI_PRISM_TODAY": "2026-11-23"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = analyzer_pb2_grpc.AnalyzerStub(channel)
            found = said(stub.Analyze(request({**GOOD, "enableKeyRotation": False}), timeout=10))
        assert found.keys() == {"kms-rotate"}
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_the_waivers_are_the_pack_s_own_unless_a_variable_names_others(tmp_path, monkeypatch) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("- {rule: kms-rotate, ticket: WEB-1}\n")
    assert _accepted() == load()
    monkeypatch.setenv("AI_PRISM_WAIVERS", str(file))
    assert [waiver.ticket for waiver in _accepted()] == ["WEB-1"]


def test_what_is_replaced_of_the_sdk_is_still_there() -> None:
    """The SDK has no promise about these names; where one goes, the adapter has to follow."""
    source = inspect.getsource(sdk._PolicyAnalyzerServicer)
    assert source.count("deserialize_properties(json_format.MessageToDict(") == 4
    assert source.count("unknown_checking_proxy(") == 4
    assert registry.Severity.CRITICAL.value == sdk.Severity("critical").value


def test_a_pack_that_is_told_its_stack_afterwards_becomes_as_strict_as_that() -> None:
    pack = Pack(Settings(environment="dev", today=TODAY))
    policies = {policy.name: policy for policy in pack.policies()}
    assert policies["rds-backup"].enforcement_level is EnforcementLevel.MANDATORY
    assert policies["kms-rotate"].enforcement_level is EnforcementLevel.ADVISORY

    pack.configure("shop-prod", {}, "shop")

    assert policies["kms-rotate"].enforcement_level is EnforcementLevel.MANDATORY
    assert pack.settings.environment == "prod"


def test_the_stack_is_told_by_the_engine() -> None:
    class Servicer:
        def ConfigureStack(self, request: analyzer_pb2.AnalyzerStackConfigureRequest, _context: object) -> str:  # noqa: N802
            return f"configured {request.stack}"

    pack = Pack(Settings(environment="dev", today=TODAY))
    pack.policies()
    follow_the_stack(pack, Servicer)

    said = Servicer().ConfigureStack(
        analyzer_pb2.AnalyzerStackConfigureRequest(
            stack="shop", project="shop", config={"shop:environment": '{"kind": "staging"}'}
        ),
        None,
    )

    assert said == "configured shop"
    assert pack.settings.environment == "staging"


REMEDIED = [rule for rule in rules() if rule.remedy]


def remediated(rule: registry.Rule, inputs: dict, type_: str) -> dict | None:
    """Return the inputs as the pack changes them where the rule is configured to `remediate`."""
    asked = servicer()
    config = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.REMEDIATE)
    asked.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={rule.id: config}), None)
    urn = f"urn:pulumi:prod::shop::{type_}::data"
    found = asked.Remediate(request(inputs, type_, urn), None).remediations
    assert [each.diagnostic for each in found if each.diagnostic] == []
    return wire.decode(found[0].properties) if found else None


@pytest.mark.parametrize("rule", REMEDIED, ids=lambda rule: rule.id)
def test_a_remedy_satisfies_its_rule_and_changes_nothing_else(rule: registry.Rule) -> None:
    alone = [
        case for case in [*cases("violating"), *cases("absent-violates")] if case.rule is rule and len(case.raw) == 1
    ]
    assert alone
    for case in alone:
        (resource,) = case.stack.resources
        before = dict(resource.inputs.value)
        after = remediated(rule, before, resource.type)
        if after is None:  # waived or configured otherwise in the case
            assert "config" in case.body or "environment" in case.body
            continue
        changed = dataclasses.replace(resource, read_inputs=lambda after=after: after)
        report = run(Stack(name="prod", resources=(changed,)), case.settings, only=[rule])
        assert [each.message for each in report.findings] == []
        touched = {path.partition(".")[0] for path in rule.remedy}
        assert {key: after[key] for key in before if key not in touched} == {
            key: value for key, value in before.items() if key not in touched
        }


def test_a_resource_that_is_right_is_not_touched() -> None:
    (rule,) = [each for each in rules() if each.id == "kms-rotate"]
    assert remediated(rule, {"enableKeyRotation": True}, KEY) is None


def test_a_remedy_keeps_what_is_secret_and_what_is_unknown() -> None:
    (rule,) = [each for each in rules() if each.id == "kms-rotate"]
    inputs = {"enableKeyRotation": False, "policy": Secret("hidden"), "description": UNKNOWN}
    assert remediated(rule, inputs, KEY) == {**inputs, "enableKeyRotation": True}


def test_nothing_is_changed_unless_it_is_configured() -> None:
    found = servicer().Remediate(request({"enableKeyRotation": False}), None)
    assert [each for each in found.remediations if each.properties.fields] == []
