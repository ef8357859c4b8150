"""Waivers: an owner accepts one finding until a day, as long as the value does not change."""

import datetime
import difflib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = 2
"""The parts of a URN that say where a resource is: stack and project."""

FILE = Path(__file__).with_name("waivers.yaml")
SHOWN = f"{FILE.parent.name}/{FILE.name}"
"""Name of the file in messages."""


ENDING = datetime.timedelta(days=90)
"""How long before its last day a waiver is reported."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One finding that is accepted."""

    rule: str = ""
    urn: str = ""
    """Pattern of the resource's URN, with `*`; it must match one finding in a stack."""
    path: str = ""
    """Of the property, as the finding has it; empty where the finding has none."""
    owner: str = ""
    ticket: str = ""
    reason: str = ""
    expires: datetime.date | None = None
    """The last day."""
    value: Any = None
    """The accepted value; when it changes, the waiver lapses."""
    absent: bool = False
    """In place of a value: the property is not set."""
    fingerprint: str = ""
    """In place of a long value: its fingerprint, as `prismctl policies --json` tells it; of secrets it tells none."""
    file: str = SHOWN
    line: int = 0

    def faults(self, today: datetime.date, waivable: Mapping[str, bool]) -> Iterator[str]:
        """Yield why the waiver is invalid; `waivable` says by rule id whether a rule may be waived."""
        lacking = [name for name in ("rule", "urn", "owner", "ticket", "reason") if not getattr(self, name)]
        if self.expires is None:
            lacking.append("expires")
        if self.value is None and not self.fingerprint and not self.absent:
            lacking.append("value (or fingerprint, or absent)")
        if lacking:
            yield f"lacks {', '.join(lacking)}"
        if self.rule and self.rule not in waivable:
            close = difflib.get_close_matches(self.rule, waivable, n=1)
            yield f"names an unknown rule{f'; did you mean {close[0]}?' if close else ''}"
        elif self.rule and not waivable[self.rule]:
            yield f"waives {self.rule}, which cannot be waived"
        if self.urn and len(self._place) < PLACE:
            yield "has no pattern of a URN, such as urn:pulumi:STACK::PROJECT::TYPE::NAME"
        if self.expires is not None and self.expires < today:
            yield f"expired on {self.expires}"

    def ending(self, today: datetime.date) -> str | None:
        """Return that the waiver ends soon, while it still holds."""
        if self.expires is None or not today <= self.expires <= today + ENDING:
            return None
        left = (self.expires - today).days
        days = f"in {left} day{'' if left == 1 else 's'}"
        return f"ends on {self.expires}, {days}: {self.owner or 'its owner'} renews it, or fixes what it waives"

    def concerns(self, project: str, stack: str) -> bool:
        """Whether the waiver is about resources of this stack; one that does not say where concerns everybody."""
        if len(self._place) < PLACE:
            return True
        return all(map(fnmatch.fnmatchcase, (f"urn:pulumi:{stack}", project), self._place))

    @property
    def _place(self) -> Sequence[str]:
        """The patterns of stack and project; fewer where there are none."""
        return self.urn.split("::")[:PLACE] if self.urn.startswith("urn:pulumi:") else ()
