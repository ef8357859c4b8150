"""What an instance type's name tells."""

import pytest

from settings.instance_types import InstanceShape


@pytest.mark.parametrize(
    "alike",
    [
        ("c5.large", "c5a.large", "c6i.large", "c6a.large", "c7i-flex.large"),
        ("m5.xlarge", "m6i.xlarge", "m7a.xlarge"),
        ("t3.large", "t3a.large", "m5.large"),
        ("r5.2xlarge", "r6i.2xlarge"),
        ("g4dn.xlarge", "g5.xlarge"),
        ("c6g.large", "c7gn.large"),
    ],
    ids=lambda types: types[0],
)
def test_types_with_the_same_memory_for_each_size_are_interchangeable(alike):
    assert len({InstanceShape.of(name) for name in alike}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("c5.large", "c5.xlarge"),
        ("c5.large", "m5.large"),
        ("m5.large", "r5.large"),
        ("c6i.large", "c6g.large"),
        ("g5.xlarge", "p3.xlarge"),
    ],
)
def test_types_of_unlike_size_family_or_processor_are_not_interchangeable(one, other):
    assert InstanceShape.of(one) != InstanceShape.of(other)


@pytest.mark.parametrize(
    "name", ["c6g.large", "c7gn.large", "m7gd.xlarge", "t4g.small", "r8g.large", "x2gd.large", "im4gn.large"]
)
def test_graviton_types_are_arm(name):
    assert InstanceShape.of(name).arm


@pytest.mark.parametrize("name", ["c5.large", "m6i.large", "t3a.small", "g4dn.xlarge", "g5.xlarge", "g6e.xlarge"])
def test_intel_amd_and_gpu_types_are_not_arm(name):
    assert not InstanceShape.of(name).arm


@pytest.mark.parametrize("name", ["a1.large", "g5g.xlarge"])
def test_graviton_types_with_unusual_names_are_arm_too(name):
    assert InstanceShape.of(name).arm


def test_gpu_types_with_twice_the_memory_are_not_interchangeable():
    assert InstanceShape.of("g5.xlarge") != InstanceShape.of("g6e.xlarge")  # 16 GiB, 32 GiB


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("c6i.xlarge", InstanceShape(family="compute", size="xlarge", arm=False, nvidia=False)),
        ("t3a.small", InstanceShape(family="general", size="small", arm=False, nvidia=False)),
        ("m7g.large", InstanceShape(family="general", size="large", arm=True, nvidia=False)),
        ("r6i.2xlarge", InstanceShape(family="memory", size="2xlarge", arm=False, nvidia=False)),
        ("g4dn.xlarge", InstanceShape(family="GPU", size="xlarge", arm=False, nvidia=True)),
        ("g6e.xlarge", InstanceShape(family="g6e", size="xlarge", arm=False, nvidia=True)),
        ("g5g.xlarge", InstanceShape(family="g5g", size="xlarge", arm=True, nvidia=True)),
        ("a1.large", InstanceShape(family="a1", size="large", arm=True, nvidia=False)),
        ("x2gd.large", InstanceShape(family="x2gd", size="large", arm=True, nvidia=False)),
    ],
)
def test_a_shape_is_family_size_and_processors(name, shape):
    assert InstanceShape.of(name) == shape


@pytest.mark.parametrize("name", ["g4dn.xlarge", "g5.xlarge", "g5g.xlarge", "g6e.xlarge", "gr6.4xlarge", "p3.2xlarge"])
def test_gpu_types_have_a_gpu(name):
    assert InstanceShape.of(name).nvidia


@pytest.mark.parametrize("name", ["c6g.large", "m7gd.xlarge", "t4g.small", "m5.large", "a1.large", "inf1.xlarge"])
def test_other_types_have_no_gpu(name):
    assert not InstanceShape.of(name).nvidia


def test_series_that_are_not_known_to_be_like_others_are_like_themselves_alone():
    names = (
        "x1.16xlarge",
        "x1e.16xlarge",
        "x2idn.16xlarge",
        "i3.16xlarge",
        "g5g.16xlarge",
        "p3.16xlarge",
        "a1.16xlarge",
    )
    assert len({InstanceShape.of(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "text", ["", "large", "c5", "c5.", ".large", "C5.large", "c.large", "db.r6g.large", "c5.large ", "c5.large\n"]
)
def test_anything_else_is_no_instance_type(text):
    assert InstanceShape.of(text) is None
