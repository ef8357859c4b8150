"""Exceptions that a resource itself carries, in a tag that says until when somebody has decided on them."""

import datetime
from collections.abc import Sequence

from policy.properties import Findings
from policy.view import Resource

IMMEDIATELY = "ApplyImmediatelyUntil"
"""Changes are made at once, as in an incident."""
UPGRADE = "UpgradeUntil"
"""Another version is brought."""
LONGEST = datetime.timedelta(days=31)
"""An exception that lasts longer is none."""


def is_decided(resource: Resource, tag: str, today: datetime.date) -> bool:
    """Whether the tag names a day that is not over, and not too far away."""
    try:
        until = datetime.date.fromisoformat(resource.text(f"tags.{tag}"))
    except ValueError:
        return False
    return today <= until <= today + LONGEST


def undecided(resource: Resource, path: str, tags: Sequence[str], today: datetime.date, message: str) -> Findings:
    """Find that a flag is on although none of the tags says that somebody has decided so."""
    if not any(is_decided(resource, tag, today) for tag in tags) and resource.flag(path):
        yield path, message


def made_at_once(resource: Resource, today: datetime.date) -> Findings:
    """Find that changes do not wait for the maintenance window."""
    message = "changes are made outside of the maintenance window"
    yield from undecided(resource, "applyImmediately", (IMMEDIATELY, UPGRADE), today, message)
