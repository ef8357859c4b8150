"""Property values: nothing is lost on the way to the SDK's wire format and back."""

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from recording import wire
from recording.graph import UNKNOWN, Reference, Secret

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the wire format's mark for one
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

LEAVES = st.one_of(
    st.booleans(),
    # Numbers are 64-bit floats on the wire.
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False),
    st.text(),
    st.just(UNKNOWN),
    st.builds(Reference, urn=st.text(), id=st.text()),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner | st.none(), max_size=4),
        st.dictionaries(st.text(max_size=6), inner, max_size=4),
        st.builds(Secret, inner),
    ),
    max_leaves=12,
)


def as_json(**properties):
    """Return the wire format as JSON, as the engine would log it."""
    return json_format.MessageToDict(wire.encode(properties))


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=5))
def test_values_survive_the_way_there_and_back(properties):
    assert wire.decode(wire.encode(properties)) == properties


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=5))
def test_the_wire_format_survives_being_sent(properties):
    sent = struct_pb2.Struct.FromString(wire.encode(properties).SerializeToString())
    assert wire.decode(sent) == properties


@given(VALUES)
def test_a_secret_stays_one_and_nothing_else_becomes_one(value):
    found = wire.decode(wire.encode({"hidden": Secret(value), "plain": value}))
    assert isinstance(found["hidden"], Secret)
    assert isinstance(found["plain"], Secret) == isinstance(value, Secret)


def test_each_kind_of_value_keeps_its_type():
    found = wire.decode(wire.encode({"truth": True, "whole": 1, "part": 1.5, "text": "1", "nothing": [None]}))
    assert {key: type(value) for key, value in found.items()} == {
        "truth": bool,
        "whole": int,
        "part": float,
        "text": str,
        "nothing": list,
    }
    assert found["truth"] is True


def test_unknown_comes_back_as_the_one_unknown():
    found = wire.decode(wire.encode({"a": UNKNOWN, "b": {"c": [UNKNOWN]}}))
    assert found["a"] is UNKNOWN
    assert found["b"]["c"][0] is UNKNOWN


def test_what_is_none_is_left_out_of_mappings_and_kept_in_lists():
    assert wire.decode(wire.encode({"a": None, "b": {"c": None}, "d": [None, 1]})) == {"b": {}, "d": [None, 1]}


def test_empty_lists_and_mappings_are_not_lost():
    assert wire.decode(wire.encode({"list": [], "mapping": {}, "inner": [[], {}]})) == {
        "list": [],
        "mapping": {},
        "inner": [[], {}],
    }


def test_tuples_travel_as_lists():
    assert wire.decode(wire.encode({"a": (1, (2,))})) == {"a": [1, [2]]}


def test_the_marks_are_those_of_the_engine():
    assert as_json(a=UNKNOWN) == {"a": UNKNOWN_TEXT}
    assert as_json(a=Secret("hunter2")) == {"a": {SIGNATURE: SECRET, "value": "hunter2"}}
    assert as_json(a=Reference("urn:a", "id-1")) == {"a": {SIGNATURE: REFERENCE, "urn": "urn:a", "id": "id-1"}}


def test_a_reference_without_an_id_is_read():
    struct = json_format.ParseDict({"a": {SIGNATURE: REFERENCE, "urn": "urn:a"}}, struct_pb2.Struct())
    assert wire.decode(struct) == {"a": Reference("urn:a", "")}


def test_a_mapping_with_another_signature_stays_a_mapping():
    struct = json_format.ParseDict({"a": {SIGNATURE: "another", "text": "asset"}}, struct_pb2.Struct())
    assert wire.decode(struct) == {"a": {SIGNATURE: "another", "text": "asset"}}


def test_filling_adds_to_what_is_there():
    struct = wire.encode({"a": 1, "b": 2})
    wire.fill(struct, {"b": 3, "c": 4})
    assert wire.decode(struct) == {"a": 1, "b": 3, "c": 4}


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object()], ids=lambda value: type(value).__name__)
def test_a_value_that_cannot_travel_is_refused_by_its_type_alone(value):
    with pytest.raises(TypeError) as error:
        wire.encode({"a": [value]})
    assert str(error.value) == f"no wire format for {type(value).__name__}"
