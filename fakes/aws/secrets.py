"""Keeps secret what came in as a secret; what AWS itself keeps is plain."""

from collections.abc import Mapping
from typing import Any

from recording.graph import UNKNOWN, Secret
from recording.wire import reveal

Properties = Mapping[str, Any]


def hide_all(properties: Properties) -> Properties:
    """Hide every property."""
    return {key: Secret(value) for key, value in properties.items()}


def hide_like(before: Properties, properties: Properties) -> Properties:
    """Hide each property that was a secret before, or held one."""
    return {key: Secret(value) if reveal(before.get(key))[1] else value for key, value in properties.items()}


def merge(defaults: Any, given: Any) -> Any:
    """Return both maps, what was given first; a secret one makes a secret of the whole, an unknown one an unknown."""
    if isinstance(given, Secret):
        return Secret(merge(defaults, given.value))
    if isinstance(defaults, Secret):
        return Secret(merge(defaults.value, given))
    return UNKNOWN if defaults is UNKNOWN or given is UNKNOWN else {**defaults, **given}
