"""Values and types in words: readable, and never a secret."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from prismctl.render.words import phrase, short_type
from recording.graph import UNKNOWN, Reference, Secret
from recording.values import UNKNOWN_MARK, plain

HIDDEN = "hunter2"
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(UNKNOWN), st.just(Secret(HIDDEN)), st.text("abc", max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
        inner.map(lambda value: Secret([HIDDEN, value])),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_no_secret_is_ever_shown(value):
    assert HIDDEN not in json.dumps(plain(value))
    assert HIDDEN not in phrase(value)


@given(VALUES)
def test_what_is_plain_can_be_written_as_json_and_stays_what_it_is(value):
    assert json.loads(json.dumps(plain(value))) == plain(value)
    assert plain(plain(value)) == plain(value)


@given(st.lists(st.text("abc", max_size=5), max_size=4))
def test_a_list_of_texts_is_shown_on_one_line(texts):
    assert phrase(texts) == ", ".join(texts)


def test_plain_values_hide_secrets_mark_unknown_ones_and_name_references():
    value = {"a": Secret({"b": 1}), "c": [UNKNOWN, (1, None)], "d": Reference("urn:d", "id-1"), "e": 0.5}
    assert plain(value) == {
        "a": "[secret]",
        "c": [UNKNOWN_MARK, [1, None]],
        "d": {
            "4dabf18193072939515e22adb298388d": "5cf8f73096256a8f31e491e813e4eb8e",
            "urn": "urn:d",
            "id": "id-1",
        },
        "e": 0.5,
    }


def test_the_mark_for_unknown_values_is_the_engines():
    assert UNKNOWN_MARK == rpc.UNKNOWN


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "text"),
        (3, "3"),
        (UNKNOWN, "known after an update"),
        (Secret("hunter2"), "[secret]"),
        (["a", 1, UNKNOWN], "a, 1, known after an update"),
        ([], ""),
        ({}, ""),
        ({"a": 1, "b": ["c", "d"]}, "a: 1, b: c, d"),
        ({"a": UNKNOWN, "b": 1}, "a: known after an update, b: 1"),
        ({"b": UNKNOWN, "a": UNKNOWN}, "a, b (known after an update)"),
        ({"a": Secret(UNKNOWN)}, "a: [secret]"),
    ],
    ids=str,
)
def test_values_are_said_for_people(value, words):
    assert phrase(value) == words


ROLE = Reference("urn:pulumi:dev::ai-prism::ai-prism:aws:Cluster$aws:iam/role:Role::cluster-role", "id-1")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (ROLE, "cluster-role"),
        ([ROLE, "b"], "cluster-role, b"),
        ({"role": ROLE}, "role: cluster-role"),
        (Secret(ROLE), "[secret]"),
    ],
    ids=["alone", "in a list", "in a mapping", "in a secret"],
)
def test_a_reference_is_said_by_its_name(value, words):
    assert phrase(value) == words


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        ("aws:ec2/vpc:Vpc", "ec2.Vpc"),
        ("aws:rds/clusterInstance:ClusterInstance", "rds.ClusterInstance"),
        ("ai-prism:aws:Network", "Network"),
        ("eks:index:Cluster", "Cluster of pulumi-eks"),
        ("pulumi:providers:aws", "aws provider"),
        ("pulumi:providers:kubernetes", "kubernetes provider"),
        ("kubernetes:core/v1:Namespace", "core.Namespace"),
        ("pulumi:pulumi:Stack", "pulumi.Stack"),
    ],
)
def test_types_are_said_in_few_words(type_, words):
    assert short_type(type_) == words
