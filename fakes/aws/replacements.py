"""Which change replaces which AWS resource, and which outputs an update makes unknown: what the real provider plans.

What the table (replacement_types.py) does not name is updated in place.
"""

from collections.abc import Mapping
from typing import Any

from fakes.aws.replacement_rules import at, differ
from fakes.aws.replacement_types import TYPES, ResourceType
from recording.wire import reveal

Properties = Mapping[str, Any]


def replaced_by(type_: str, old: Properties, new: Properties) -> list[str]:
    """Return the paths whose change forces a replacement; none where the resource is updated in place.

    `old` is the state, the outputs where they are known; `new` what the program gives, where UNKNOWN counts as a
    change. Raises LookupError for a type without a row.
    """
    row, old, new = describe(type_), reveal(old)[0], reveal(new)[0]
    found = {path for path in row.replaces if _replaces(row, path, old, new)}
    return sorted(found.union(*(rule(old, new) for rule in row.rules)))


def unknown_after(type_: str, old: Properties, new: Properties) -> list[str]:
    """Return the outputs that the plan of an update in place shows as unknown, given the old and the new inputs."""
    row, old, new = describe(type_), reveal(old)[0], reveal(new)[0]
    changes = frozenset(key for key in {*old, *new} if differ(old.get(key), new.get(key)))
    return sorted(name for name, volatility in row.volatile.items() if changes and volatility(changes, new))


def describe(type_: str) -> ResourceType:
    """Return the row of a type; raises LookupError where there is none."""
    if type_ not in TYPES:
        raise LookupError(f"nobody knows what replaces {type_}: add it to fakes/aws/replacement_types.py")
    return TYPES[type_]


def _replaces(row: ResourceType, path: str, old: Properties, new: Properties) -> bool:
    default = row.defaults.get(path)
    before, after = at(old, path, default), at(new, path, default)
    return differ(before, after) and not (after is None and path in row.kept)
