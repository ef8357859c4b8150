"""What people read of a report."""

from policy_cases import TODAY, UNROTATED

from policy.findings import Report
from policy.registry import Settings, rules
from policy.reports import text
from policy.runner import run
from policy.view import Resource, Stack
from policy.waivers import Waiver
from recording.graph import UNKNOWN, Source

ROOT = "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"
OUTER = "urn:pulumi:prod::shop::shop:Storage::storage"
INNER = "urn:pulumi:prod::shop::shop:Storage$shop:Keys::keys"


def component(urn: str, parent: str) -> Resource:
    type_, name = urn.split("::")[2].rpartition("$")[2], urn.split("::")[3]
    return Resource(urn=urn, type=type_, name=name, parent=parent, custom=False, read_inputs=dict)


def key(name: str, parent: str = ROOT, **inputs: object) -> Resource:
    given = {"enableKeyRotation": True, "policy": '{"Statement": []}', "deletionWindowInDays": 30, **inputs}
    return Resource(
        urn=f"urn:pulumi:prod::shop::aws:kms/key:Key::{name}",
        type="aws:kms/key:Key",
        name=name,
        parent=parent,
        protect=True,
        source=Source("keys.py", 7),
        read_inputs=lambda: given,
    )


def judged(*keys: Resource, environment: str = "prod", waivers: tuple[Waiver, ...] = ()) -> tuple[Report, Stack]:
    root = Resource(urn=ROOT, type="pulumi:pulumi:Stack", name="shop-prod", custom=False, read_inputs=dict)
    stack = Stack(name="prod", resources=(root, component(OUTER, ROOT), component(INNER, OUTER), *keys))
    settings = Settings(
        environment=environment, today=TODAY, waivers=waivers, config={"stk-cost": {"level": "disabled"}}
    )
    return run(stack, settings), stack


def shown(*keys: Resource, environment: str = "prod", brief: bool = False, waivers: tuple[Waiver, ...] = ()) -> str:
    report, stack = judged(*keys, environment=environment, waivers=waivers)
    return text.render(report, text.components_of(stack.by_urn), brief=brief)


def test_findings_stand_below_the_component_right_below_the_stack_and_their_resource() -> None:
    lines = shown(key("inside", INNER, enableKeyRotation=False), key("alone", enableKeyRotation=False)).splitlines()
    assert lines[:8] == [
        "prod",
        "  alone  aws:kms/key:Key  keys.py:7",
        "    mandatory medium kms-rotate: enableKeyRotation: rotation is off (KMS.4, CKV_AWS_7)",
        "      Set enable_key_rotation=True.",
        "storage",
        "  inside  aws:kms/key:Key  keys.py:7",
        "    mandatory medium kms-rotate: enableKeyRotation: rotation is off (KMS.4, CKV_AWS_7)",
        "      Set enable_key_rotation=True.",
    ]


def test_of_a_resource_what_stops_comes_first_and_then_the_worst() -> None:
    anybody = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*"}}
    bad = {"enableKeyRotation": False, "deletionWindowInDays": 7, "policy": anybody}
    lines = shown(key("data", **bad), environment="dev").splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("    ") and line[4] != " "] == [
        ["mandatory", "critical", "kms-principal:"],
        ["mandatory", "high", "kms-window:"],
        ["advisory", "medium", "kms-rotate:"],
    ]


def test_a_waived_finding_may_be_worse_than_one_that_stops_and_comes_after_it() -> None:
    waived = Waiver(
        rule="kms-window",
        urn="urn:pulumi:prod::shop::*::data",
        path="deletionWindowInDays",
        owner="web",
        ticket="WEB-2",
        reason="moving",
        expires=TODAY,
        value=7,
    )
    out = shown(key("data", enableKeyRotation=False, deletionWindowInDays=7), waivers=(waived,))
    assert out.index("mandatory medium kms-rotate") < out.index("waived by WEB-2 high kms-window")


def test_the_summary_counts_each_finding_once_and_what_passed() -> None:
    unsure, waived = key("unsure", enableKeyRotation=UNKNOWN), key("data", enableKeyRotation=False)
    report, _ = judged(unsure, waived, key("bad", deletionWindowInDays=7), environment="staging", waivers=(UNROTATED,))
    passed = sum(report.satisfied.values())
    assert text.summary(report) == (
        f"prod: 1 mandatory and 0 advisory findings, 1 undetermined, 1 waived; {passed} checks passed (as staging)"
    )
    better, _ = judged(unsure, waived, key("bad"), environment="staging", waivers=(UNROTATED,))
    assert sum(better.satisfied.values()) == passed + 1


def test_in_brief_only_what_somebody_has_to_mend_is_told() -> None:
    unsure, waived = key("unsure", enableKeyRotation=UNKNOWN), key("data", enableKeyRotation=False)
    out = shown(
        unsure, waived, key("bad", deletionWindowInDays=7), environment="staging", brief=True, waivers=(UNROTATED,)
    )
    assert "kms-window" in out
    assert "kms-rotate" not in out


def test_a_rule_of_many_services_does_not_list_the_controls_of_all() -> None:
    by_id = {rule.id: rule for rule in rules()}
    assert by_id["kms-rotate"].shown_controls == " (KMS.4, CKV_AWS_7)"
    assert by_id["svc-keep"].shown_controls == ""
