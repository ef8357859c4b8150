"""The table against the program: it knows every reference of it, and refuses nothing that is in order."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from support import STACKS, recorded

from fakes.aws import link_words
from fakes.aws.held import Held
from fakes.aws.link_table import LINKS, NOT_CHECKED
from fakes.aws.link_words import Words
from fakes.aws.links import Exists, Mention, among, missing, references, refusal
from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource


@cache
def account(stack: str) -> dict[str, Held]:
    """Everything of a stack that stands in AWS, by URN."""
    resources = [each for each in recorded(stack, known=True).resources if each.type.startswith("aws:")]
    return {each.urn: Held(each.type, each.id, each.urn, each.inputs, each.outputs) for each in resources}


def administrators(stack: str) -> set[str]:
    """Return the roles that a stack's file names; they are there before the stack."""
    return set(json.loads(Project(ROOT).config(stack)["ai-prism:cluster"])["admins"].values())


def found_among(stack: str, standing: Iterable[Held]) -> Exists:
    """Look among these resources, and among what is there before a stack."""
    exists, before = among(standing), administrators(stack)
    return lambda type_, by, value: value in before or exists(type_, by, value)


def _mentions(resource: Resource, name: str = "") -> list[Mention]:
    """Return what a resource refers to, through one property or through any."""
    found = references(resource.type, resource.inputs)
    return [each for each in found if not name or re.split(r"[.\[]", each.path)[0] == name]


def _resolved(stack: str, mentions: list[Mention]) -> set[str]:
    """Return the URNs of those who are meant."""
    sought = {(target.type, target.by, each.value) for each in mentions for target in each.link.targets}
    return {
        urn
        for urn, each in account(stack).items()
        for of, by, value in sought
        if (each.type, value) == (of, each.answer(by))
    }


def _covers(graph: Graph, referrer: Resource, name: str, urn: str) -> bool:
    """Whether a link finds what a property depends on: who is meant, or one that passes the value on."""
    mentions = _mentions(referrer, name)
    values, resource = {each.value for each in mentions}, graph.by_urn[urn]
    meant = _resolved(graph.stack, mentions)
    meant |= {other for other, each in account(graph.stack).items() if each.answer("arn") in values}
    passes_on = bool(_resolved(graph.stack, _mentions(resource)) & meant)
    around = {parent.urn for target in meant for parent in graph.ancestors(graph.by_urn[target])}
    return urn in meant or passes_on or (resource.remote and urn in around)


def _needs(graph: Graph, urn: str) -> frozenset[str]:
    """Return what must stand before a resource: what it needs, and what the components around it need."""
    resource = graph.by_urn[urn]
    return graph.needs(resource).union(*(graph.needs(parent) for parent in graph.ancestors(resource)))


@pytest.mark.parametrize("stack", STACKS)
def test_every_property_that_depends_on_a_resource_is_a_link_or_is_said_not_to_be_checked(stack):
    graph = recorded(stack, known=True)
    strangers = [*administrators(stack)]
    assert [
        f"{resource.type} {name}: {urn}"
        for resource in graph.resources
        if resource.type.startswith("aws:")
        for name, urns in resource.property_dependencies.items()
        if (resource.type, name) not in NOT_CHECKED and resource.inputs.get(name) not in strangers
        for urn in urns
        if not _covers(graph, resource, name, urn)
    ] == []


def test_no_row_is_idle():
    graphs = [recorded(stack, known=True) for stack in STACKS]
    resources = [resource for graph in graphs for resource in graph.resources]
    met = {(each.type, mention.link.path) for each in resources for mention in references(each.type, each.inputs)}
    depends = {(each.type, name) for each in resources for name in each.property_dependencies}
    rows = {(type_, link.path) for type_, links in LINKS.items() for link in links}
    # The program attaches policies of AWS only; one of its own would be looked for.
    assert rows - met == {("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn")}
    assert set(NOT_CHECKED) - depends == set()


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_missing_while_everything_stands(stack):
    exists = found_among(stack, account(stack).values())
    assert [
        str(problem) for each in account(stack).values() for problem in missing(each.type, each.inputs, exists)
    ] == []


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_the_order_of_making_nothing_is_missing_that_was_declared(stack):
    """At the earliest moment of its making, there is only what a resource declares to need."""
    graph, everything = recorded(stack, known=True), account(stack)
    by_urn = graph.by_urn
    for urn, resource in everything.items():
        needs = _needs(graph, urn)
        # A remote component answers when all within it stands.
        within = {
            each for each in everything if any(up.remote and up.urn in needs for up in graph.ancestors(by_urn[each]))
        }
        before = [everything[each] for each in everything if each in needs | within]
        assert missing(resource.type, resource.inputs, found_among(stack, before)) == [], urn


@pytest.mark.parametrize("stack", STACKS)
def test_whatever_the_order_of_destroying_nothing_is_refused_but_what_is_protected(stack):
    """At the earliest moment of its deletion, all stands but what declares to need the resource."""
    graph, everything = recorded(stack, known=True), account(stack)
    needs = {urn: _needs(graph, urn) for urn in everything}
    for urn, resource in everything.items():
        standing = [each for each in everything.values() if urn not in needs[each.urn]]
        open_inputs = {key: value for key, value in resource.inputs.items() if "eletionProtection" not in key}
        unprotected = Held(resource.type, resource.id, urn, open_inputs, resource.outputs)
        assert refusal(unprotected, standing) is None, urn


@pytest.mark.parametrize("stack", STACKS)
def test_no_policy_names_a_principal_that_could_be_missing(stack):
    """IAM, KMS and S3 refuse unknown principals; the account, everybody, and a role that comes first always exist."""
    graph = recorded(stack, known=True)
    roles = {role.outputs["arn"]: role.urn for role in graph.of_type("aws:iam/role:Role")}
    named = [
        (resource, principal)
        for resource in graph.resources
        for key, document in resource.inputs.items()
        if key.lower().endswith("policy") and isinstance(document, str) and '"Principal"' in document
        for principal in _principals(document)
    ]
    missing = [
        f"{resource.name}: {principal}"
        for resource, principal in named
        if principal != "*"
        and not principal.endswith(":root")
        and roles.get(principal, "missing") not in graph.needs(resource)
    ]
    assert not missing
    assert named


def _principals(document: str) -> list[str]:
    found = [statement["Principal"] for statement in json.loads(document)["Statement"]]
    names = [each.get("AWS", []) if isinstance(each, dict) else each for each in found]
    return [name for each in names for name in ([each] if isinstance(each, str) else each)]


def test_all_words_have_a_source():
    constants = {name: value for name, value in vars(link_words).items() if isinstance(value, Words)}
    assert [name for name, value in constants.items() if "https://" not in value.source] == []
    assert [name for name, value in constants.items() if ": " not in value.text] == []


def test_all_words_are_spoken():
    told = "".join(Path(link_words.__file__).with_name(name).read_text() for name in ("link_table.py", "links.py"))
    names = [name for name, value in vars(link_words).items() if isinstance(value, Words) and name[0] != "_"]
    assert [name for name in names if f"words.{name}" not in told] == []
