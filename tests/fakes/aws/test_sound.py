"""What was found sound is remembered by everybody, and nothing else is taken for it."""

import sqlite3
import threading
from pathlib import Path

import pytest

from fakes.aws.sound import Sound, digest
from recording.graph import UNKNOWN, Reference, Secret

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"


def test_what_one_finds_sound_is_known_to_others_and_nothing_else_is(tmp_path: Path):
    first, second = Sound(tmp_path / "new"), Sound(tmp_path / "new")
    first.add(b"one")
    second.add(b"one")

    assert b"one" in second
    assert b"two" not in second


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
