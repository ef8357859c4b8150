"""Tags that say until when an exception holds; the policies accept it until then (`policy/decisions.py`)."""

from settings.exceptions import Decision

IMMEDIATELY_UNTIL = "ApplyImmediatelyUntil"
"""Tag: the last day on which changes restart a data store at once."""
UPGRADE_UNTIL = "UpgradeUntil"
"""Tag: the last day on which a data store is brought to another version."""


def decision_tags(*, apply_immediately: Decision | None, upgrade: Decision | None) -> dict[str, str] | None:
    """Return a tag with the last day, as YYYY-MM-DD, for each decision that there is; None without any."""
    decisions = {IMMEDIATELY_UNTIL: apply_immediately, UPGRADE_UNTIL: upgrade}
    return {tag: decision.until.isoformat() for tag, decision in decisions.items() if decision} or None
