"""YAML as the engine reads it: the values of YAML 1.2, and each key once."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settings.yaml_files import Loader


def load(text):
    return yaml.load(text, Loader=Loader)  # noqa: S506  # what is tested derives from the safe one


def refusal(text):
    """Return what is wrong with `text`, and the line and column of it, counted from one."""
    with pytest.raises(yaml.MarkedYAMLError) as error:
        load(text)
    mark = error.value.problem_mark
    return error.value.problem, (mark.line + 1, mark.column + 1)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "Yes", "YES", "no", "No", "NO", "on", "On", "off", "OFF", "y", "n", "tRUE", "nULL"),
        *("2026-11-23", "2026-11-23T10:00:00Z", "2026-11-23 10:00:00"),
        *("12:30", "1:30:00", "190:20:30.15"),
        *("1_000", "0b11", "1.2.3", "1e", "+", ".", "=", "us-east-1a", "10.0.0.0/16"),
    ],
)
def test_what_yaml_no_longer_converts_is_text(text):
    assert load(text) == text
    assert load(f"a: [{text}]") == {"a": [text]}
    assert load(f"{text}: a") == {text: "a"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)),
        *(("null", None), ("Null", None), ("NULL", None), ("~", None), ("", None)),
        *(("0", 0), ("7", 7), ("+7", 7), ("-7", -7), ("-0", 0), ("123456789012", 123456789012)),
        *(("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1.30", 1.3), ("-1.5", -1.5), ("1e3", 1000.0), ("2.5E-1", 0.25)),
    ],
)
def test_truths_nothing_and_numbers_are_what_they_are(text, value):
    found = load(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "number"), [("012345678901", 12345678901), ("08", 8), ("010", 10), ("-012", -12)])
def test_digits_behind_a_leading_zero_are_a_decimal_number(text, number):
    found = load(text)
    assert found == number
    assert not isinstance(found, str)


@pytest.mark.parametrize("text", ["yes", "true", "null", "012345678901", "1.36", "2026-11-23", "12:30", "~", "<<", ""])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_what_is_in_quotes_is_text(quote, text):
    assert load(f"{quote}{text}{quote}") == text


@given(st.integers())
def test_every_whole_number_is_read_as_itself(number):
    assert load(f"a: {number}") == {"a": number}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_other_number_is_read_as_itself(number):
    assert load(f"a: {number!r}") == {"a": number}


@given(st.from_regex(r"[0-9]{1,20}", fullmatch=True))
def test_digits_are_a_decimal_number_whatever_they_begin_with(digits):
    whole = digits == "0" or not digits.startswith("0")
    assert load(digits) == (int(digits) if whole else float(digits))


@pytest.mark.parametrize(
    ("text", "key", "where"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", (3, 1)),
        ("a:\n  b: 1\n  b: 2\n", "b", (3, 3)),
        ("a:\n  - b:\n      c: 1\n      d: 2\n      c: 3\n", "c", (5, 7)),
        ("a: [{b: [{c: 1, c: 2}]}]\n", "c", (1, 17)),
        ("a: 1\n'a': 2\n", "a", (2, 1)),
        ("yes: 1\n'yes': 2\n", "yes", (2, 1)),
        ("1: a\n1: b\n", "1", (2, 1)),
        ("~: a\nnull: b\n", "None", (2, 1)),
        ("? {a: 1, a: 2}\n: b\n", "a", (1, 10)),
    ],
)
def test_a_key_twice_is_refused_at_any_depth_by_its_second_place(text, key, where):
    assert refusal(text) == (f"key {key} twice", where)


def test_texts_and_numbers_that_look_alike_are_different_keys():
    assert load("1: a\n'1': b\n") == {1: "a", "1": "b"}


def test_the_same_key_in_two_mappings_is_no_repetition():
    assert load("a: {b: 1}\nc: {b: 2}\nd: [{b: 3}, {b: 4}]\n") == {
        "a": {"b": 1},
        "c": {"b": 2},
        "d": [{"b": 3}, {"b": 4}],
    }


def test_a_key_of_its_own_overrides_a_merged_one_wherever_the_merge_stands():
    assert load("s: &s {a: 1, b: 2}\nt: {<<: *s, a: 3}\nu: {a: 4, <<: *s}\n") == {
        "s": {"a": 1, "b": 2},
        "t": {"a": 3, "b": 2},
        "u": {"a": 4, "b": 2},
    }


def test_of_several_merged_mappings_the_first_wins():
    assert load("s: &s {a: 1}\nt: &t {a: 2, b: 3}\nu: {<<: [*s, *t], c: 4}\n")["u"] == {"a": 1, "b": 3, "c": 4}


def test_a_merge_may_merge_what_has_merged_itself_and_be_used_again():
    text = "s: &s {a: 1}\nt: &t {<<: *s, a: 2, b: 3}\nu: &u {<<: *t, b: 4}\nv: [*t, *u, {<<: *u, a: 5}]\n"
    assert load(text) == {
        "s": {"a": 1},
        "t": {"a": 2, "b": 3},
        "u": {"a": 2, "b": 4},
        "v": [{"a": 2, "b": 3}, {"a": 2, "b": 4}, {"a": 5, "b": 4}],
    }


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("s: &s {a: 1}\nt:\n  <<: *s\n  a: 2\n  a: 3\n", (5, 3)),
        ("s: &s {a: 1, a: 2}\nt: {<<: *s}\n", (1, 14)),
        ("t: {<<: {a: 1, a: 2}}\n", (1, 16)),
        ("t:\n  <<: [{b: 1}, {a: 1, a: 2}]\n", (2, 23)),
    ],
)
def test_a_key_twice_beside_or_within_a_merge_is_refused(text, where):
    assert refusal(text) == ("key a twice", where)


def test_a_key_that_cannot_be_one_is_refused():
    assert refusal("a: 1\n? [b]\n: 2\n") == ("found unhashable key", (2, 3))


def test_objects_of_the_interpreter_are_never_made():
    problem, where = refusal("a: !!python/object/apply:os.getcwd []\n")
    assert problem.startswith("could not determine a constructor for the tag 'tag:yaml.org,2002:python/")
    assert where == (1, 4)


def test_other_readers_of_yaml_stay_as_they_are():
    assert yaml.safe_load("a: yes") == {"a": True}
    assert yaml.load("a: yes", Loader=yaml.CSafeLoader) == {"a": True}
