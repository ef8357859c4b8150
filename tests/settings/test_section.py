"""How sections are read, and how mistakes in them are told."""

import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Annotated

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, Field, ValidationError

from settings.section import Form, Problem, Section, SettingsError, parse_section, require, show, unknown_key


class Door(Section):
    """A nested section with a rule of its own."""

    width: int
    height: int = 200

    def rules(self) -> Iterator[Problem]:
        if self.width > self.height:
            yield Problem("width", "must not exceed height", str(self.width))


def not_thirteen(number):
    require(true=number != 13, rule="must not be {thirteen}")
    return number


class Key(Section):
    """A nested section that may be left out."""

    word: Annotated[str, Form("[A-Z]+", "capitals", "OPEN", shown=False)] = "OPEN"
    door: Door | None = None


class Safe(Section):
    """A section with one that may be left out, and with several."""

    key: Key | None = None
    keys: Mapping[str, Key] = {}


class House(Section):
    """A section with everything that can go wrong."""

    name: Annotated[str, Form("[a-z]+", "lower-case letters", "villa")]
    floors: Annotated[int, Field(ge=1)]
    door: Door
    colours: tuple[str, ...] = ()
    cellar: bool = False
    number: Annotated[int, AfterValidator(not_thirteen)] = 1
    windows: Annotated[tuple[str, ...], Field(min_length=2)] = ("north", "south")
    street: ipaddress.IPv4Network = ipaddress.IPv4Network("10.0.0.0/16")


class Garden(Section):
    """A section that needs nothing."""

    trees: int = 0
    beds: Mapping[str, str] = {}
    motto: Annotated[str, Field(max_length=5)] = ""


GOOD = {"name": "villa", "floors": 2, "door": {"width": 90}}


def parse(value, section=House, path="p:house"):
    problems = []
    text = value if isinstance(value, str) or value is None else json.dumps(value)
    found = parse_section(path, section, text, problems)
    return found, [str(problem) for problem in problems]


def told(**changes):
    found, lines = parse({**GOOD, **changes})
    assert found is None
    return lines


def test_a_sound_section_is_read_with_its_defaults():
    house, lines = parse({**GOOD, "colours": ["red", "blue"]})
    assert lines == []
    assert (house.name, house.floors, house.door.width, house.door.height) == ("villa", 2, 90, 200)
    assert house.colours == ("red", "blue")


def test_a_section_cannot_be_changed_once_read():
    house, _ = parse(GOOD)
    with pytest.raises(ValidationError, match="frozen"):
        house.floors = 3


def test_a_missing_section_is_required_where_a_value_has_no_default():
    assert parse(None) == (None, ["p:house: is required"])


def test_a_missing_section_is_right_where_everything_has_a_default():
    garden, lines = parse(None, Garden)
    assert garden == Garden()
    assert lines == []


@pytest.mark.parametrize("value", ["", "hello", "[1]", "3", "null", '"text"', "{", "true"])
def test_a_section_that_is_no_mapping_is_told_what_it_consists_of(value):
    assert parse(value) == (
        None,
        ["p:house: must be a mapping of name, floors, door, colours, cellar, number, windows, street"],
    )


def test_a_nested_section_that_is_no_mapping_is_told_what_it_consists_of():
    assert told(door=3) == ["p:house.door: must be a mapping of width, height"]


def test_a_missing_value_is_required():
    _, lines = parse({"floors": 2, "door": {}})
    assert lines == ["p:house.name: is required", "p:house.door.width: is required"]


def test_an_unknown_key_is_answered_with_the_key_it_resembles():
    assert told(flors=3) == ['p:house.flors: unknown key; did you mean "floors"?']


def test_an_unknown_key_that_resembles_nothing_is_answered_with_all_keys():
    assert told(zzz=3) == [
        "p:house.zzz: unknown key; known are name, floors, door, colours, cellar, number, windows, street"
    ]


def test_an_unknown_key_in_a_nested_section_is_answered_with_that_sections_keys():
    assert told(door={"width": 90, "wdth": 1}) == ['p:house.door.wdth: unknown key; did you mean "width"?']
    assert told(door={"width": 90, "zzz": 1}) == ["p:house.door.zzz: unknown key; known are width, height"]


def test_the_value_of_an_unknown_key_is_not_shown():
    assert "hunter2" not in "".join(told(pasword="hunter2"))  # noqa: S106  # what must not be shown


@pytest.mark.parametrize(
    ("floors", "line"),
    [
        ("two", "p:house.floors: must be a whole number, got two"),
        (True, "p:house.floors: must be a whole number, got true"),
        (None, "p:house.floors: must be a whole number, got null"),
        (1.5, "p:house.floors: must be a whole number, got 1.5"),
        (0, "p:house.floors: must be greater than or equal to 1, got 0"),
    ],
)
def test_a_value_of_the_wrong_type_or_size_is_told_with_what_it_should_be(floors, line):
    assert told(floors=floors) == [line]


def test_a_number_in_quotes_is_no_number():
    assert told(floors="2") == ["p:house.floors: must be a whole number without quotes, got 2"]


@pytest.mark.parametrize(
    ("cellar", "line"),
    [
        ("true", "p:house.cellar: must be true or false without quotes, got true"),
        ("false", "p:house.cellar: must be true or false without quotes, got false"),
        ("yes", "p:house.cellar: must be true or false, got yes"),
        (1, "p:house.cellar: must be true or false, got 1"),
        (None, "p:house.cellar: must be true or false, got null"),
    ],
)
def test_what_is_neither_true_nor_false_is_told_so(cellar, line):
    assert told(cellar=cellar) == [line]


def test_a_rule_of_a_single_value_is_told_beside_other_mistakes():
    assert told(number=13, floors=0) == [
        "p:house.floors: must be greater than or equal to 1, got 0",
        "p:house.number: must not be {thirteen}, got 13",
    ]
    assert parse({**GOOD, "number": 12})[1] == []


def test_a_value_in_another_form_is_told_in_words():
    assert told(name="Villa 9") == ["p:house.name: must be lower-case letters, such as villa, got Villa 9"]


@pytest.mark.parametrize(
    ("given_name", "line"),
    [
        (5, "p:house.name: must be text: put it in quotes, got 5"),
        (1.5, "p:house.name: must be text: put it in quotes, got 1.5"),
        (True, "p:house.name: must be text, got true"),
        (None, "p:house.name: must be text, got null"),
        (["villa"], 'p:house.name: must be text, got ["villa"]'),
    ],
)
def test_only_a_number_is_told_to_be_put_in_quotes(given_name, line):
    assert told(name=given_name) == [line]


@pytest.mark.parametrize(
    ("colours", "line"),
    [
        ("red", "p:house.colours: must be a list, got red"),
        ({"red": 1}, 'p:house.colours: must be a list, got {"red": 1}'),
        (None, "p:house.colours: must be a list, got null"),
    ],
)
def test_what_is_no_list_is_told_so(colours, line):
    assert told(colours=colours) == [line]


@pytest.mark.parametrize(
    ("beds", "line"),
    [
        ("roses", "p:garden.beds: must be a mapping, got roses"),
        (["roses"], 'p:garden.beds: must be a mapping, got ["roses"]'),
        (None, "p:garden.beds: must be a mapping, got null"),
    ],
)
def test_what_is_no_mapping_is_told_so(beds, line):
    assert parse({"beds": beds}, Garden, "p:garden") == (None, [line])


def test_text_that_is_too_long_is_told_to_be_shorter():
    assert parse({"motto": "a" * 5}, Garden, "p:garden")[1] == []
    assert parse({"motto": "a" * 6}, Garden, "p:garden") == (None, ["p:garden.motto: must be shorter, got aaaaaa"])


def test_too_few_items_are_told_by_the_least_number():
    assert told(windows=["north"]) == ['p:house.windows: must have at least 2, got ["north"]']


def test_a_wrong_item_is_told_once_and_not_counted():
    assert told(windows=["north", 5]) == ["p:house.windows.1: must be text: put it in quotes, got 5"]
    assert told(windows=[5]) == ["p:house.windows.0: must be text: put it in quotes, got 5"]


def test_a_wrong_item_of_one_list_does_not_silence_another():
    assert told(colours=[5], windows=["north"]) == [
        "p:house.colours.0: must be text: put it in quotes, got 5",
        'p:house.windows: must have at least 2, got ["north"]',
    ]


@pytest.mark.parametrize(
    "text", ["10.0.0.1/16", "10.0.0.0/33", "10.0.0/16", "everything", "::/64", "10.0.0.0/16/2", ""]
)
def test_what_is_no_network_is_told_what_one_looks_like(text):
    assert told(street=text) == [
        "p:house.street: must be an IPv4 network without host bits, such as 10.0.0.0/16, got " + (text or '""')
    ]


def test_a_wrong_item_is_told_by_its_position():
    assert told(colours=["red", 5]) == ["p:house.colours.1: must be text: put it in quotes, got 5"]


def test_a_rule_of_a_nested_section_is_told_by_its_whole_path():
    assert told(door={"width": 300}) == ["p:house.door.width: must not exceed height, got 300"]


def test_everything_wrong_in_a_section_is_told_at_once():
    assert told(name="Villa", floors=0, door={"width": 300}, zzz=1) == [
        "p:house.name: must be lower-case letters, such as villa, got Villa",
        "p:house.floors: must be greater than or equal to 1, got 0",
        "p:house.door.width: must not exceed height, got 300",
        "p:house.zzz: unknown key; known are name, floors, door, colours, cellar, number, windows, street",
    ]


def test_problems_are_added_to_those_that_are_known():
    problems = [Problem("before", "is wrong")]
    parse_section("p:house", House, None, problems)
    assert problems == [Problem("before", "is wrong"), Problem("p:house", "is required")]


def test_a_problem_shows_what_was_got_only_where_that_is_known():
    assert str(Problem("a.b", "is required")) == "a.b: is required"
    assert str(Problem("a.b", "must be big", "0")) == "a.b: must be big, got 0"
    assert str(Problem("a.b", "must be something", "")) == "a.b: must be something, got "


def test_an_error_counts_and_lists_its_problems():
    one, two = Problem("a", "is required"), Problem("b", "must be big", "0")
    assert str(SettingsError("dev", (one,))) == "Pulumi.dev.yaml: 1 problem\n  a: is required"
    assert str(SettingsError("prod", (one, two))) == (
        "Pulumi.prod.yaml: 2 problems\n  a: is required\n  b: must be big, got 0"
    )
    assert SettingsError("prod", (one, two)).problems == (one, two)


def test_an_error_is_one_that_pulumi_prints_without_a_stack_trace():
    assert issubclass(SettingsError, pulumi.RunError)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a text", "a text"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        (("a", "b"), '["a", "b"]'),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_values_are_shown_as_the_file_would_write_them(value, text):
    assert show(value) == text


def test_a_value_of_eighty_characters_is_shown_whole():
    assert show("a" * 80) == "a" * 80


@given(st.one_of(st.text(min_size=60), st.lists(st.text(min_size=5), min_size=10)))
def test_no_value_is_shown_at_more_than_eighty_characters(value):
    assert len(show(value)) <= 80


def test_a_long_value_of_many_words_is_cut_at_its_end():
    shown = show("many words " * 20)
    assert shown.startswith("many words many words")
    assert shown.endswith("…")
    assert len(shown) == 80


@pytest.mark.parametrize("length", [81, 200])
def test_a_long_value_of_one_word_is_cut_at_its_end(length):
    assert show("a" * length) == "a" * 79 + "…"


def test_a_value_is_shown_on_one_line():
    assert show("us-east-1a\nus-east-1b") == "us-east-1a us-east-1b"


@given(st.one_of(st.text(), st.text("a \n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"), st.lists(st.text("a\n\u2028"))))
def test_every_value_is_shown_on_one_line(value):
    assert len(show(value).splitlines()) <= 1


def test_a_suggestion_needs_a_resemblance():
    assert unknown_key("netwrok", ("network", "nodes")) == 'unknown key; did you mean "network"?'
    assert unknown_key("password", ("network", "nodes")) == "unknown key; known are network, nodes"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("hunter2", "p:safe.key: must be a mapping of word, door"),
        ([], "p:safe.key: must be a mapping of word, door"),
        ({"wrod": "hunter2"}, 'p:safe.key.wrod: unknown key; did you mean "word"?'),
        (
            {"door": {"width": 9, "password": "hunter2"}},
            "p:safe.key.door.password: unknown key; known are width, height",
        ),
        ({"word": "hunter2"}, "p:safe.key.word: must be capitals, such as OPEN"),
    ],
)
def test_mistakes_in_a_section_that_may_be_left_out_are_told_like_others_and_no_secret_is(key, told):
    assert parse({"key": key}, Safe, "p:safe")[1] == [told]
    assert parse({"keys": {"front": key}}, Safe, "p:safe")[1] == [told.replace("safe.key", "safe.keys.front")]


def test_the_login_in_an_address_is_not_repeated():
    assert show("https://joe:hunter2@git.example.com/x") == "https://…@git.example.com/x"
