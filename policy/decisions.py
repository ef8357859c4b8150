"""Exceptions that a resource itself carries, in a tag that says until when somebody has decided on them."""

import datetime

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
