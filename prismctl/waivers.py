"""Lists waivers, and renews them."""

import datetime
import fnmatch
import sys
from collections.abc import Sequence
from pathlib import Path

from policy import waivers
from policy.waivers import Waiver
from prismctl.errors import UsageError
from prismctl.files import save
from settings import versions

LONGEST = datetime.timedelta(days=366)
"""How far ahead a waiver may be renewed: somebody looks at it once a year."""


def show(file: Path | None) -> int:
    """Print the waivers, those that end first in front."""
    today = versions.today()
    for each in sorted(_load(file), key=lambda waiver: (waiver.expires or datetime.date.min, waiver.line)):
        left = (each.expires - today).days if each.expires else -1
        state = f"{left} days" if left >= 0 else "over"
        sys.stdout.write(
            f"{each.expires}  {state:>9}  {each.owner}  {each.rule}  {each.urn}  {each.file}:{each.line}\n"
        )
    return 0


def renew(file: Path | None, rule: str, urn: str, until: str) -> int:
    """Let the waivers of a rule whose pattern of URNs is like `urn` end on another day; their reasons stay."""
    today = versions.today()
    try:
        day = datetime.date.fromisoformat(until)
    except ValueError:
        raise UsageError(f"--until: must be a day such as 2027-03-31, got {until}") from None
    if not today < day <= today + LONGEST:
        raise UsageError(f"--until: must be after {today} and at most {LONGEST.days} days ahead, got {until}")
    chosen = [each for each in _load(file) if each.rule == rule and fnmatch.fnmatchcase(each.urn, urn)]
    if not chosen:
        raise UsageError(f"no waiver of {rule} for {urn}; prismctl waivers lists them")
    place = file or waivers.FILE
    save(place, waivers.renewed(place.read_text(encoding="utf-8"), [each.line for each in chosen], day))
    for each in chosen:
        sys.stdout.write(
            f"{each.file}:{each.line}: {each.rule} for {each.urn} ends on {day}, before on {each.expires}\n"
        )
    return 0


def _load(file: Path | None) -> Sequence[Waiver]:
    try:
        return waivers.load(file or waivers.FILE)
    except waivers.WaiverFileError as error:
        raise UsageError(str(error)) from None
