"""Windows of time in which AWS may back up or maintain a service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from settings.section import Problem, show


@dataclass(frozen=True)
class Window:
    """A span within the week, in minutes since Sunday 00:00 UTC; daily windows start on each of seven days."""

    starts: tuple[int, ...]
    minutes: int

    _DAYS: ClassVar[tuple[str, ...]] = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
    _DAY: ClassVar[int] = 24 * 60
    _TIME: ClassVar[str] = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"

    @classmethod
    def daily(cls, text: str) -> "Window | None":
        """Read `03:00-04:00`; None where it is no such window."""
        if not re.fullmatch(rf"{cls._TIME}-{cls._TIME}", text):
            return None
        begin, end = (cls._minutes(part) for part in text.split("-"))
        return cls(tuple(day * cls._DAY + begin for day in range(7)), (end - begin) % cls._DAY)

    @classmethod
    def weekly(cls, text: str) -> "Window | None":
        """Read `sun:05:00-sun:06:00`; None where it is no such window."""
        day = "|".join(cls._DAYS)
        if not re.fullmatch(rf"(?:{day}):{cls._TIME}-(?:{day}):{cls._TIME}", text):
            return None
        begin, end = (cls._DAYS.index(part[:3]) * cls._DAY + cls._minutes(part[4:]) for part in text.split("-"))
        return cls((begin,), (end - begin) % (7 * cls._DAY))

    def overlaps(self, other: "Window") -> bool:
        week = 7 * self._DAY
        return any(
            (b - a) % week < self.minutes or (a - b) % week < other.minutes for a in self.starts for b in other.starts
        )

    @staticmethod
    def _minutes(text: str) -> int:
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)


def window_rules(daily: tuple[str, str, int], weekly: tuple[str, str, int]) -> Iterator[Problem]:
    """Check a daily and a weekly window, each given as (key, text, least minutes), and that they keep apart."""
    backup, maintenance = Window.daily(daily[1]), Window.weekly(weekly[1])
    if backup is None:
        yield Problem(daily[0], "must be a daily window in UTC such as 03:00-04:00", show(daily[1]))
    elif backup.minutes < daily[2]:
        yield Problem(daily[0], f"must last at least {daily[2]} minutes", show(daily[1]))
    if maintenance is None:
        yield Problem(weekly[0], "must be a weekly window in UTC such as sun:05:00-sun:06:00", show(weekly[1]))
    elif maintenance.minutes < weekly[2]:
        yield Problem(weekly[0], f"must last at least {weekly[2]} minutes", show(weekly[1]))
    if backup and maintenance and backup.overlaps(maintenance):
        yield Problem(weekly[0], f"must not overlap {daily[0]} ({daily[1]})", show(weekly[1]))
