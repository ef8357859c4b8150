"""Waivers: what they cover, and how they end."""

import dataclasses
import datetime
from pathlib import Path

import pytest
from policy_cases import TODAY
from support import STACKS

from policy.findings import Finding, Report
from policy.fingerprints import fingerprint
from policy.registry import Level, Settings, waivable_rules
from policy.runner import run
from policy.view import Resource, Stack
from policy.waivers import FILE, Waiver, WaiverFileError, load
from recording.graph import UNKNOWN, Secret

WAIVER = Waiver(
    rule="kms-window",
    urn="urn:pulumi:prod::shop::*::data",
    path="deletionWindowInDays",
    owner="web",
    ticket="WEB-1",
    reason="moves to another account in spring",
    expires=TODAY + datetime.timedelta(days=91),
    value=7,
    line=3,
)


def judged(
    *waivers: Waiver, days: object = 7, today: datetime.date = TODAY, names: tuple[str, ...] = ("data",)
) -> Report:
    def resource(name: str) -> Resource:
        type_ = "pulumi:pulumi:Stack" if name == "shop-prod" else "aws:kms/key:Key"
        return Resource(
            urn=f"urn:pulumi:prod::shop::{type_}::{name}",
            type=type_,
            name=name,
            protect=True,
            read_inputs=lambda: {
                "enableKeyRotation": True,
                "policy": '{"Statement": []}',
                "deletionWindowInDays": days,
            },
        )

    stack = Stack(name="prod", resources=tuple(map(resource, ("shop-prod", *names))))
    return run(stack, Settings(environment="prod", today=today, waivers=waivers))


def faults(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule.id == "stk-waiver"]


def test_a_waiver_covers_its_finding_and_nothing_else() -> None:
    report = judged(WAIVER)
    assert [(finding.rule.id, finding.waived_by) for finding in report.findings] == [("kms-window", "WEB-1")]
    assert report.mandatory == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"owner": ""}, "lacks owner"),
        ({"ticket": "", "reason": ""}, "lacks ticket, reason"),
        ({"expires": None}, "lacks expires"),
        ({"value": None}, "lacks value"),
        ({"expires": TODAY - datetime.timedelta(days=1)}, "expired on 2026-11-22"),
        ({"value": 8}, "has lapsed: the value is no longer the one that was accepted"),
        ({"path": "policy"}, "is unused: there is no such finding"),
        ({"urn": "urn:pulumi:prod::shop::*::logs"}, "is unused"),
        ({"urn": ""}, "lacks urn"),
        ({"rule": "kms-windows"}, "names an unknown rule; did you mean kms-window?"),
        ({"rule": "zzz"}, "names an unknown rule"),
        ({"urn": "*data"}, "has no pattern of a URN, such as urn:pulumi:STACK::PROJECT::TYPE::NAME"),
        ({"urn": "*::shop::*::data"}, "has no pattern of a URN"),
    ],
)
def test_a_waiver_that_does_not_hold_waives_nothing_and_is_a_finding(changes: dict, says: str) -> None:
    report = judged(dataclasses.replace(WAIVER, **changes))
    (fault,) = faults(report)
    assert says in fault.message
    assert fault.stops
    assert "kms-window" in [finding.rule.id for finding in report.mandatory]


def test_a_waiver_lapses_when_the_value_changes() -> None:
    assert judged(WAIVER, days=7).mandatory == ()
    assert {finding.rule.id for finding in judged(WAIVER, days=8).mandatory} == {"kms-window", "stk-waiver"}


def test_a_waiver_covers_one_finding_and_not_two() -> None:
    report = judged(dataclasses.replace(WAIVER, urn="urn:pulumi:prod::shop::*"), names=("data", "logs"))
    assert "matches 2 findings" in faults(report)[0].message
    assert len(report.mandatory) == 3


def test_a_waiver_of_another_stack_or_project_is_not_this_one_s() -> None:
    for urn in ("urn:pulumi:dev::shop::*::data", "urn:pulumi:prod::other::*::data"):
        assert faults(judged(dataclasses.replace(WAIVER, urn=urn))) == []


def test_the_last_day_is_the_last_on_which_a_waiver_holds() -> None:
    last = TODAY + datetime.timedelta(days=91)
    assert judged(WAIVER, today=last).mandatory == ()
    assert judged(WAIVER, today=last + datetime.timedelta(days=1)).mandatory != ()


def test_nobody_may_waive_what_cannot_be_waived() -> None:
    bad = dataclasses.replace(WAIVER, owner="")
    cover = dataclasses.replace(WAIVER, rule="stk-waiver", urn="urn:pulumi:prod::shop::*::shop-prod", path="", value=1)
    assert any("cannot be waived" in fault.message for fault in faults(judged(bad, cover)))


def test_a_fingerprint_stands_for_a_long_value() -> None:
    found = judged().findings[0]
    assert judged(dataclasses.replace(WAIVER, value=None, fingerprint=found.value_fingerprint)).mandatory == ()


def test_what_is_unknown_neither_breaks_nor_needs_a_waiver() -> None:
    report = judged(WAIVER, days=UNKNOWN)
    assert faults(report) == []
    assert report.mandatory == ()


def test_a_waiver_of_a_part_waits_while_the_whole_is_unknown() -> None:
    assert faults(judged(dataclasses.replace(WAIVER, path="deletionWindowInDays.part"), days=UNKNOWN)) == []


def test_what_is_not_there_can_be_accepted_too() -> None:
    waiver = dataclasses.replace(WAIVER, value=None, absent=True)
    assert "has lapsed" in faults(judged(waiver))[0].message
    assert list(waiver.faults(TODAY, waivable_rules())) == []


def test_a_fingerprint_tells_no_secret() -> None:
    assert fingerprint(Secret("gold")) == fingerprint(Secret("silver"))
    assert fingerprint({"a": Secret("gold")}) == fingerprint({"a": Secret("silver")})
    assert fingerprint(7) == fingerprint(7.0) != fingerprint(True)


def test_the_file_is_read_with_the_line_of_each_waiver(tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text("# why\n- rule: kms-window\n  expires: 2027-01-31\n\n- {rule: kms-rotate, ticket: 12}\n")
    first, second = load(file)
    assert (first.line, second.line) == (2, 5)
    assert first.expires == datetime.date(2027, 1, 31)
    assert second.ticket == "12"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: b", "must be a list of waivers"),
        ("- text", "waivers.yaml:1: must be a mapping"),
        ("- {role: x}", "unknown keys role; known are absent, expires"),
        ("- {expires: soon}", "expires must be a day such as 2027-03-31"),
        ("- {expires: 2027-13-01}", "waivers.yaml"),
        ("- [", r"waivers\.yaml:1:4: not valid YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_as_such(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(WaiverFileError, match=says):
        load(file)


def test_a_pack_without_waivers_needs_no_file_but_a_file_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("policy.waivers.FILE", tmp_path / "none.yaml")
    assert load(tmp_path / "none.yaml") == ()
    with pytest.raises(WaiverFileError, match="cannot be read: No such file"):
        load(tmp_path / "other.yaml")


def test_a_waiver_is_judged_where_there_is_no_stack_as_where_there_is_one() -> None:
    pod = Resource(
        urn="urn:pulumi:manifests::prod/web.yaml::kubernetes:core/v1:Pod::web",
        type="kubernetes:core/v1:Pod",
        name="web",
        read_inputs=dict,
    )
    expired = dataclasses.replace(
        WAIVER, urn="urn:pulumi:manifests::prod/*::web", expires=TODAY - datetime.timedelta(days=1), file="own.yaml"
    )
    unused = dataclasses.replace(expired, expires=WAIVER.expires)
    report = run(
        Stack(name="manifests", resources=(pod,)),
        Settings(environment="prod", today=TODAY, waivers=(expired, unused)),
    )
    assert sorted(fault.message.partition(" is ")[2] or fault.message for fault in faults(report)) == [
        "the waiver of kms-window for urn:pulumi:manifests::prod/*::web expired on 2026-11-22",
        "unused: there is no such finding",
    ]
    assert {(str(fault.source), fault.resource.type) for fault in faults(report)} == {
        ("own.yaml:3", "pulumi:pulumi:Stack")
    }


def test_a_waiver_names_one_file_among_those_of_a_folder() -> None:
    def pod(file: str) -> Resource:
        return Resource(
            urn=f"urn:pulumi:manifests::{file}::kubernetes:core/v1:Pod::web",
            type="kubernetes:core/v1:Pod",
            name="web",
            read_inputs=lambda: {"spec": {"hostNetwork": True, "containers": []}},
        )

    waiver = Waiver(
        rule="k8s-hostns",
        urn="urn:pulumi:manifests::b/web.yaml::*::web",
        path="spec.hostNetwork",
        owner="web",
        ticket="WEB-1",
        reason="it measures the node's network",
        expires=WAIVER.expires,
        value=True,
    )
    stack = Stack(name="manifests", resources=(pod("a/web.yaml"), pod("b/web.yaml")))
    report = run(stack, Settings(environment="prod", today=TODAY, waivers=(waiver,)))
    hosts = [finding for finding in report.findings if finding.rule.id == "k8s-hostns"]
    assert faults(report) == []
    assert [(each.resource.urn.split("::")[1], each.waived_by) for each in hosts] == [
        ("a/web.yaml", ""),
        ("b/web.yaml", "WEB-1"),
    ]


def test_every_waiver_of_this_repository_says_everything() -> None:
    waivable = waivable_rules()
    assert [(waiver.line, fault) for waiver in load(FILE) for fault in waiver.faults(TODAY, waivable)] == []


def test_every_waiver_of_this_repository_is_about_a_stack_of_it() -> None:
    assert [each.line for each in load(FILE) if not any(each.concerns("ai-prism", stack) for stack in STACKS)] == []


@pytest.mark.parametrize(
    ("left", "said"), [(91, None), (90, "in 90 days: web renews it"), (1, "in 1 day:"), (0, "in 0 days"), (-1, None)]
)
def test_a_waiver_tells_for_ninety_days_that_it_ends_and_holds_meanwhile(left: int, said: str | None) -> None:
    report = judged(dataclasses.replace(WAIVER, expires=TODAY + datetime.timedelta(days=left)))

    told = [each for each in faults(report) if " ends on " in each.message]
    assert [said in each.message for each in told] == ([] if said is None else [True])
    assert all(each.level is Level.ADVISORY for each in told)
    if said:
        assert report.mandatory == ()
