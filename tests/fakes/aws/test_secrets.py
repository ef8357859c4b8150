"""Secrets stay what they are, and nothing else becomes one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.aws.secrets import hide_all, hide_like, merge
from recording.graph import UNKNOWN, Secret
from recording.wire import reveal

TAGS = st.dictionaries(st.sampled_from("abcd"), st.text(max_size=3), max_size=4)


def test_hiding_all_hides_each_property_as_a_whole():
    assert hide_all({"a": 1, "b": {"c": 2}}) == {"a": Secret(1), "b": Secret({"c": 2})}


@pytest.mark.parametrize("before", [Secret("old"), {"b": Secret("old")}, [{"b": [Secret("old")]}]])
def test_what_was_or_held_a_secret_is_hidden_again(before):
    assert hide_like({"a": before, "b": "plain"}, {"a": "new", "b": "new"}) == {"a": Secret("new"), "b": "new"}


def test_what_was_not_there_before_is_no_secret():
    assert hide_like({"gone": Secret("old")}, {"a": 1}) == {"a": 1}


def test_a_tag_of_the_resources_own_wins_over_the_default():
    assert merge({"Owner": "all", "Project": "p"}, {"Owner": "me"}) == {"Owner": "me", "Project": "p"}


def test_a_secret_among_tags_stays_one_and_secret_tags_stay_secret_as_a_whole():
    assert merge({"a": "1"}, {"b": Secret("2")}) == {"a": "1", "b": Secret("2")}
    assert merge({"a": "1"}, Secret({"b": "2"})) == Secret({"a": "1", "b": "2"})


def test_secret_tags_that_are_not_known_yet_are_still_secret_and_not_known():
    assert reveal(merge({"a": "1"}, Secret(UNKNOWN))) == (UNKNOWN, True)


@settings(max_examples=30)
@given(TAGS, TAGS, st.booleans())
def test_whether_tags_are_secret_changes_nothing_about_what_they_are(defaults, given_, secret):
    merged = merge(defaults, Secret(given_) if secret else given_)

    assert reveal(merged) == ({**defaults, **given_}, secret)
