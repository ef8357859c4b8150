"""How two plans are held against each other."""

import pytest
from engine.agreement import ABSENT, EXPLAINED, differences, unexplained, unused

from recording.sdk import UNKNOWN_MARK

URN = "urn:pulumi:dev::ai-prism::aws:iam/role:Role::node"
GRANTS = "urn:pulumi:dev::ai-prism::aws:iam/rolePolicy:RolePolicy::node-grants"
BOUNDARY = "urn:pulumi:dev::ai-prism::aws:iam/policy:Policy::boundary"


def plan(**state):
    return {"steps": [{"urn": URN, "op": "create", "newState": {"urn": URN, "type": "aws:iam/role:Role", **state}}]}


def test_equal_plans_differ_in_nothing():
    assert differences(plan(inputs={"path": "/"}), plan(inputs={"path": "/"})) == []


def test_the_order_of_dependencies_says_nothing():
    theirs, ours = {"roleArn": ["a", "b"]}, {"roleArn": ["b", "a"]}

    assert differences(plan(propertyDependencies=theirs), plan(propertyDependencies=ours)) == []


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"inputs": {"path": "/a/"}}, {"inputs": {"path": "/b/"}}),
        ({"inputs": {"path": "/a/"}}, {}),
        ({"inputs": {}}, {"inputs": {"path": "/"}}),
        ({"inputs": {"a": ["x"]}}, {"inputs": {"a": ["x", "y"]}}),
        ({"dependencies": ["a"]}, {"dependencies": ["b"]}),
        ({"propertyDependencies": {"path": ["a"]}}, {}),
        ({"protect": True}, {"protect": False}),
        ({"parent": "a"}, {"parent": "b"}),
        ({"inputs": {"a": "[secret]"}}, {"inputs": {"a": "plain"}}),
        ({"inputs": {"a": UNKNOWN_MARK}}, {"inputs": {"a": "known"}}),
        ({"inputs": {"a": "known"}}, {"inputs": {"a": UNKNOWN_MARK}}),
        ({"inputs": {"a": ""}}, {"inputs": {"a": UNKNOWN_MARK}}),
        ({"inputs": {"name": "node"}}, {}),
        ({"inputs": {"name": "node", "__defaults": ["path"]}}, {}),
    ],
)
def test_whatever_else_differs_is_found_and_not_explained(theirs, ours):
    assert unexplained(differences(plan(**theirs), plan(**ours)))


def test_a_resource_that_only_one_side_has_is_found():
    assert [each.offline for each in unexplained(differences(plan(), {"steps": []}))] == [ABSENT]
    assert [each.engine for each in unexplained(differences({"steps": []}, plan()))] == [ABSENT]


def test_a_name_that_the_provider_made_up_is_explained():
    theirs = plan(inputs={"name": "node-1234567", "__defaults": ["name"]})

    found = differences(theirs, plan())

    assert len(found) == 2
    assert unexplained(found) == []


def using(value: str, *, needs: str, through: tuple[str, ...] = ()):
    """Return the engine's plan in which a policy's role is a value, and depends on something that is named."""
    states = (
        {"urn": URN, "type": "aws:iam/role:Role", "inputs": {"name": "node-1234567", "__defaults": ["name"]}},
        {"urn": BOUNDARY, "type": "aws:iam/policy:Policy", "inputs": {"name": "boundary"}, "dependencies": through},
        {
            "urn": GRANTS,
            "type": "aws:iam/rolePolicy:RolePolicy",
            "inputs": {"role": value},
            "propertyDependencies": {"role": [needs], "policy": [URN]},
            "dependencies": [needs, URN],
        },
    )
    return {"steps": [{"urn": state["urn"], "op": "create", "newState": state} for state in states]}


@pytest.mark.parametrize(
    ("value", "needs", "through", "explained"),
    [
        ("node-1234567", URN, (), True),
        ("node-1234567", BOUNDARY, (URN,), True),
        ("node-1234567", BOUNDARY, (), False),
        ("boundary", BOUNDARY, (), False),
        ("node-7654321", URN, (), False),
        ("", URN, (), False),
        ("write to node-1234567\n", URN, (), True),
        ("arn:node-1234567", URN, (), False),
    ],
    ids=[
        "its name",
        "handed on",
        "another property's",
        "given, not made up",
        "another name",
        "nothing",
        "a word of a text",
        "more than it",
    ],
)
def test_a_name_that_was_made_up_is_known_to_what_depends_on_it_alone(value, needs, through, explained):
    theirs = using(value, needs=needs, through=through)
    found = differences(theirs, using(UNKNOWN_MARK, needs=needs, through=through))

    assert [each.path for each in found] == ["inputs.role"]
    assert (unexplained(found) == []) == explained


def test_an_explanation_that_explains_nothing_is_told():
    found = differences(plan(inputs={"name": "node-1234567", "__defaults": ["name"]}), plan())
    used = "the provider makes up names that the program leaves out, and notes that it did"

    assert unused([]) == list(EXPLAINED)
    assert unused(found) == [why for why in EXPLAINED if why != used]
