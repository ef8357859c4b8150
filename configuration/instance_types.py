"""What an instance type's name tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class InstanceShape:
    """What makes two instance types interchangeable for the autoscaler."""

    family: str
    size: str
    arm: bool

    # General-purpose burstable and fixed types have the same memory per size.
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html
    _FAMILIES: ClassVar[Mapping[str, str]] = {"c": "compute", "m": "general", "t": "general", "r": "memory"}
    _TYPE: ClassVar[re.Pattern[str]] = re.compile(
        r"(?P<class>[a-z]+)(?P<generation>\d+)(?P<options>[a-z-]*)\.(?P<size>\w+)"
    )

    @classmethod
    def of(cls, instance_type: str) -> "InstanceShape | None":
        """Return the shape of `instance_type`, or None where it is no instance type."""
        match = cls._TYPE.fullmatch(instance_type)
        if match is None:
            return None
        return cls(
            family=cls._FAMILIES.get(match["class"], match["class"]),
            size=match["size"],
            arm=match["options"].startswith("g") and match["class"] != "g",
        )
