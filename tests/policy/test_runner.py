"""How rules are run, whatever they do."""

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_cases import TODAY

from policy.findings import Finding, Report, Result
from policy.properties import Properties, Undetermined, join
from policy.registry import ENVIRONMENTS, Check, Level, Rule, Settings, rules
from policy.runner import context_for, is_unseen, judge, run
from policy.view import Resource, Stack
from recording.graph import UNKNOWN, Secret

ROTATE = next(rule for rule in rules() if rule.id == "kms-rotate")
RESOURCE = Resource(
    urn="urn:pulumi:prod::shop::aws:kms/key:Key::data",
    type="aws:kms/key:Key",
    name="data",
    read_inputs=lambda: {"open": UNKNOWN, "hidden": Secret({"deep": ["gold"]})},
)


def found(check: Check, *, environment: str = "prod", rule: Rule = ROTATE, level: str | None = None) -> list[Finding]:
    config = {rule.id: {"level": level}} if level else {}
    settings = Settings(environment=environment, today=TODAY, config=config)
    broken = dataclasses.replace(rule, check=check)
    return list(judge(broken, RESOURCE, context_for(broken, Stack(name="", resources=()), settings)))


def test_findings_before_something_unknown_stay() -> None:
    def check(resource, _context):
        yield "here", "wrong"
        resource.get("open")
        yield "there", "never reached"

    assert [(finding.path, finding.result) for finding in found(check)] == [
        ("here", Result.VIOLATED),
        ("open", Result.UNDETERMINED),
    ]


def test_an_unknown_part_hides_no_other_part() -> None:
    resource = dataclasses.replace(RESOURCE, read_inputs=lambda: {"rules": [{"port": UNKNOWN}, {"port": 22}]})

    def open_(node):
        if node.get("port") == 22:
            yield node.at("port"), "open"

    findings = list(resource.each("rules", open_))
    assert isinstance(findings[0], Undetermined)
    assert findings[0].path == "rules[0].port"
    assert findings[1] == ("rules[1].port", "open")


@pytest.mark.parametrize(
    "check",
    [
        lambda _r, _c: iter([5]),
        lambda _r, _c: None,
        lambda _r, _c: iter([("path", "message", "more")]),
        lambda r, _c: iter([r.nothing]),
        lambda _r, _c: (_ for _ in ()).throw(RecursionError("gold")),
    ],
)
def test_a_rule_that_crashes_is_a_mandatory_finding_that_names_it_and_no_value(check: Check) -> None:
    (finding,) = found(check, environment="dev")
    assert finding.result is Result.CRASHED
    assert finding.level is Level.MANDATORY
    assert "kms-rotate crashed" in finding.message
    assert "gold" not in finding.message


def test_what_is_undetermined_is_mandatory_for_strict_rules_in_prod_alone() -> None:
    def check(resource, _context):
        yield from iter(())
        resource.get("open")

    loose = dataclasses.replace(ROTATE, strict=False)
    assert [finding.level for finding in found(check)] == [Level.MANDATORY]
    assert [finding.level for finding in found(check, environment="staging")] == [Level.ADVISORY]
    assert [finding.level for finding in found(check, rule=loose)] == [Level.ADVISORY]


@pytest.mark.parametrize(
    ("rule", "mandatory", "advisory"),
    [
        ("kms-principal", "dev integration staging prod", ""),
        ("kms-window", "dev integration staging prod", ""),
        ("kms-rotate", "staging prod", "dev integration"),
        ("net-sg-desc", "", "dev integration staging prod"),
        ("rds-delprot", "prod", "staging"),
    ],
    ids=["critical", "high", "medium", "low", "of prod alone"],
)
def test_how_bad_a_violation_is_decides_where_it_stops_updates(rule: str, mandatory: str, advisory: str) -> None:
    (one,) = (each for each in rules() if each.id == rule)

    def where(level: Level) -> str:
        return " ".join(name for name in ENVIRONMENTS if one.level(Settings(environment=name, today=TODAY)) is level)

    assert (where(Level.MANDATORY), where(Level.ADVISORY)) == (mandatory, advisory)
    assert one.level(Settings(environment="unknown", today=TODAY)) is one.levels["prod"]


def test_a_disabled_rule_is_not_even_run() -> None:
    def check(_resource, _context):
        raise AssertionError

    assert found(check, level="disabled") == []


def test_a_message_or_path_that_would_tell_a_secret_is_withheld() -> None:
    (finding,) = found(lambda _r, _c: iter([("labels.gold", "the password gold is weak")]))
    assert finding.message == ROTATE.title
    assert finding.path == ""


def test_only_stack_rules_see_other_resources() -> None:
    stack = Stack(name="prod", resources=(RESOURCE,))
    settings = Settings(environment="prod", today=TODAY)
    assert context_for(ROTATE, stack, settings).stack.resources == ()
    of_stacks = next(rule for rule in rules() if rule.kind == "stack")
    assert context_for(of_stacks, stack, settings).stack.resources == (RESOURCE,)


def test_findings_of_other_properties_are_others_and_those_in_other_stacks_the_same() -> None:
    (here,), (there,) = (found(lambda _r, _c, path=path: iter([(path, "wrong")])) for path in ("here", "there"))
    assert here.identity != there.identity
    elsewhere = dataclasses.replace(RESOURCE, urn=RESOURCE.urn.replace(":prod:", ":dev:"))
    assert dataclasses.replace(here, resource=elsewhere).identity == here.identity


def test_what_crashed_is_never_known_from_before() -> None:
    (crashed,) = found(lambda _r, _c: iter([5]))
    report = Report(stack="prod", environment="prod", findings=(crashed,))
    assert report.without({("prod", crashed.identity, True): 1}).findings == (crashed,)


CLUSTER = "urn:pulumi:dev::shop::eks:index:Cluster::main"
CONTROL_PLANE = {"urn": "urn:pulumi:dev::shop::eks:index:Cluster$aws:eks/cluster:Cluster::main", "parent": CLUSTER}


def judged_clusters(*children: Resource) -> list[tuple[str, str]]:
    component = Resource(
        urn=CLUSTER, type="eks:index:Cluster", name="main", custom=False, read_inputs=lambda: {"version": "1.29"}
    )
    report = run(Stack(name="dev", resources=(component, *children)), Settings(environment="dev", today=TODAY))
    return [(each.rule.id, each.resource.type) for each in report.findings if each.rule.id.startswith("eks-")]


def test_a_problem_of_a_component_and_its_child_is_one_finding_the_child_s() -> None:
    child = Resource(
        type="aws:eks/cluster:Cluster", name="main", read_inputs=lambda: {"version": "1.29"}, **CONTROL_PLANE
    )
    found = judged_clusters(child)
    assert ("eks-version", "aws:eks/cluster:Cluster") in found
    assert {type_ for _, type_ in found} == {"aws:eks/cluster:Cluster"}


def test_a_component_is_judged_itself_where_no_child_of_its_shows_what_the_rule_looks_at() -> None:
    role = Resource(type="aws:iam/role:Role", name="main", read_inputs=dict, **CONTROL_PLANE)
    assert ("eks-version", "eks:index:Cluster") in judged_clusters()
    assert ("eks-version", "eks:index:Cluster") in judged_clusters(role)


@pytest.mark.parametrize(
    ("type_", "custom", "unseen"),
    [
        ("aws:kms/key:Key", True, False),
        ("aws:s3/bucketVersioning:BucketVersioning", True, True),
        ("aws:x/y:Y", True, True),
        ("kubernetes:example.com/v1:Thing", True, True),
        ("shop:index:Part", False, False),
        ("pulumi:providers:aws", True, False),
        ("pulumi:pulumi:Stack", False, False),
    ],
)
def test_what_no_rule_looks_at_is_neither_a_component_nor_a_part_of_what_one_looks_at(type_, custom, unseen) -> None:
    assert is_unseen(dataclasses.replace(RESOURCE, type=type_, custom=custom)) is unseen


keys = st.text(st.characters(codec="utf-8", exclude_characters='"'), max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(UNKNOWN) | st.just(Secret("x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, json_values, max_size=4), st.lists(keys | st.integers(0, 3), min_size=1, max_size=4))
def test_reading_never_raises_anything_but_undetermined(inputs: dict, steps: list) -> None:
    path = ""
    for step in steps:
        path = join(path, step)
    node = Properties(inputs)
    for method in ("has", "get", "flag", "number", "text", "texts", "keys", "nodes", "count", "document"):
        with contextlib.suppress(Undetermined):
            getattr(node, method)(path)
    assert node.peek(path) is not None


def test_a_part_is_looked_at_only_beside_what_it_is_a_part_of() -> None:
    bucket, block = "aws:s3/bucket:Bucket", "aws:s3/bucketVersioning:BucketVersioning"
    whole, part = (dataclasses.replace(RESOURCE, type=type_, urn=type_) for type_ in (bucket, block))
    settings = Settings(environment="prod", today=TODAY)
    assert run(Stack(name="prod", resources=(whole, part)), settings).unseen == {}
    assert run(Stack(name="prod", resources=(part,)), settings).unseen == {block: 1}


def test_a_rule_about_everything_passes_only_what_it_looks_at() -> None:
    report = run(Stack(name="prod", resources=(RESOURCE,)), Settings(environment="prod", today=TODAY))
    assert not report.satisfied["stk-opaque"] + report.satisfied["stk-ignore"]
