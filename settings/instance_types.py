"""What an instance type's name tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

_TYPE = re.compile(r"(?P<series>(?P<class>[a-z]+)(?P<generation>[0-9]+)(?P<options>[a-z-]*))\.(?P<size>[a-z0-9-]+)")

# Within one of these, a size has the same processors and memory whatever the series.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
_FAMILIES: Mapping[str, str] = {
    "c": "compute",
    "m": "general",
    "t": "general",
    "r": "memory",
    "g4dn": "GPU",
    "g5": "GPU",
    "g6": "GPU",
}

_OTHER_GPUS = ("g4ad",)
"""Series with AMD's GPUs, for which neither the node image nor the device plugin has a driver; the other ones that
begin with g, gr or p have NVIDIA's (https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html)."""


@dataclass(frozen=True)
class InstanceShape:
    """What makes two instance types interchangeable for the autoscaler."""

    family: str
    size: str
    arm: bool
    nvidia: bool
    """Whether it has NVIDIA GPUs."""

    @classmethod
    def of(cls, instance_type: str) -> Self | None:
        """Return the shape of `instance_type`, or None where it is no instance type."""
        match = _TYPE.fullmatch(instance_type)
        if match is None:
            return None
        return cls(
            # A series that is not known to be like others is like itself alone.
            family=_FAMILIES.get(match["series"]) or _FAMILIES.get(match["class"]) or match["series"],
            size=match["size"],
            arm=match["options"].startswith("g") or match["class"] == "a",
            nvidia=match["class"] in ("g", "gr", "p") and match["series"] not in _OTHER_GPUS,
        )


_DATABASE_CLASS = re.compile(r"db\.(?P<family>x2g|r|t)[0-9a-z]*\.(?P<times>[0-9]*)(?P<size>medium|large|xlarge)")
_GIB_OF_LARGE: Mapping[str, int] = {"r": 16, "t": 8, "x2g": 32}


def database_memory_gib(instance_class: str) -> int | None:
    """Return the memory of an Aurora instance class, or None where it is none that is known.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.DBInstanceClass.Summary.html
    """
    match = _DATABASE_CLASS.fullmatch(instance_class)
    if match is None or bool(match["times"]) > (match["size"] == "xlarge"):
        return None
    large = _GIB_OF_LARGE[match["family"]]
    return {"medium": large // 2, "large": large, "xlarge": 2 * int(match["times"] or 1) * large}[match["size"]]
