"""Exceptions that a resource carries as a tag with a last day, such as ApplyImmediatelyUntil."""

import datetime
from collections.abc import Sequence

from policy.properties import Findings
from policy.view import Resource

IMMEDIATELY = "ApplyImmediatelyUntil"
"""Tag until whose day changes may be applied at once."""
UPGRADE = "UpgradeUntil"
"""Tag until whose day the version may be upgraded."""
LONGEST = datetime.timedelta(days=31)
"""Longest allowed exception."""


def is_decided(resource: Resource, tag: str, today: datetime.date) -> bool:
    """Whether the tag has a day that is not over, and not too far ahead."""
    try:
        until = datetime.date.fromisoformat(resource.text(f"tags.{tag}"))
    except ValueError:
        return False
    return today <= until <= today + LONGEST


def undecided(resource: Resource, path: str, tags: Sequence[str], today: datetime.date, message: str) -> Findings:
    """Report a flag that is on although none of the tags allows it."""
    if not any(is_decided(resource, tag, today) for tag in tags) and resource.flag(path):
        yield path, message


def made_at_once(resource: Resource, today: datetime.date) -> Findings:
    """Report changes that do not wait for the maintenance window."""
    message = "changes are applied outside of the maintenance window"
    yield from undecided(resource, "applyImmediately", (IMMEDIATELY, UPGRADE), today, message)
