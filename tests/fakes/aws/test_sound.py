"""What was found sound is remembered by everybody, and nothing else is taken for it."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.aws.sound import Sound, digest
from recording.graph import UNKNOWN, Reference, Secret

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"

LEAVES = st.booleans() | st.integers(-5, 5) | st.text("a1é", max_size=2) | st.sampled_from([UNKNOWN, Secret("a")])
INPUTS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_size=3,
)


def told_apart(value: Any) -> str:
    """Return the same text for the same inputs, in whatever order they are given."""
    return json.dumps(value, sort_keys=True, default=lambda other: {repr(other): getattr(other, "value", "")})


def test_what_was_never_added_is_not_sound(tmp_path):
    sound = Sound(tmp_path / "new" / "folder")
    sound.add(b"one")

    assert b"one" in sound
    assert b"two" not in sound


def test_what_one_finds_sound_is_known_to_others_and_later(tmp_path):
    first, second = Sound(tmp_path), Sound(tmp_path)
    first.add(b"one")
    second.add(b"one")

    assert b"one" in second
    assert b"one" in Sound(tmp_path)


def test_a_memory_that_somebody_else_is_just_making_is_waited_for(tmp_path: Path):
    maker = sqlite3.connect(tmp_path / "sound.sqlite", isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.1, maker.execute, ("COMMIT",))
    done.start()

    try:
        assert b"one" not in Sound(tmp_path)
    finally:
        done.join()
        maker.close()


@settings(max_examples=40)
@given(INPUTS, INPUTS)
def test_inputs_share_a_digest_where_they_are_the_same(one, two):
    assert (digest(VPC, "r", one) == digest(VPC, "r", two)) == (told_apart(one) == told_apart(two))


def test_the_order_of_properties_says_nothing():
    names = [f"property{number}" for number in range(100)]
    one, other = ({"a": dict.fromkeys(order, 1)} for order in (names, names[::-1]))

    assert digest(VPC, "r", one) == digest(VPC, "r", other)


@pytest.mark.parametrize(
    "other",
    [
        (SUBNET, "us-east-1", {"a": "1"}),
        (VPC, "eu-central-1", {"a": "1"}),
        (VPC, "us-east-1", {"a": 1}),
        (VPC, "us-east-1", {"a": ["1"]}),
        (VPC, "us-east-1", {"a": Secret("1")}),
        (VPC, "us-east-1", {"a": UNKNOWN}),
        (VPC, "us-east-1", {"a": Reference("1", "")}),
        (VPC, "us-east-1", {}),
    ],
)
def test_another_type_region_or_value_has_another_digest(other):
    assert digest(VPC, "us-east-1", {"a": "1"}) != digest(*other)


def test_threads_may_look_and_add_at_once(tmp_path: Path):
    sound, found = Sound(tmp_path), []

    def work(thread: int) -> None:
        for number in range(50):
            sound.add(bytes([thread, number]))
            found.append(bytes([thread, number]) in sound)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == [True] * 4 * 50
