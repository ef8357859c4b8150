"""Exceptions with a last day, after which they have no effect."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from settings.data_stores import Cache, Database, Decision, Upgrade
from settings.naming import PROJECT
from settings.section import Problem, Section

LONGEST_DECISION = datetime.timedelta(days=31)
"""The policy rules have the same limit."""


def decisions(sections: Mapping[str, Any]) -> Iterator[tuple[str, str, Decision]]:
    """Yield each decision with the names of its section and of its key."""
    for name, section in sections.items():
        for key in type(section).model_fields:
            if isinstance(value := getattr(section, key), Decision):
                yield name, key, value


def in_force(sections: Mapping[str, Any], today: datetime.date) -> dict[str, Section]:
    """Return the sections that change, as decisions whose last day is over have left them."""
    changed: dict[str, Section] = {}
    for name, key, decision in decisions(sections):
        if decision.until < today:
            done = {"version": decision.to} if isinstance(decision, Upgrade) else {}
            section: Section = changed.get(name) or sections[name]
            changed[name] = section.model_copy(update={key: None, **done})
    return changed


def ended_decisions(sections: Mapping[str, Any], today: datetime.date) -> tuple[str, ...]:
    """Return a warning for each decision whose last day is over."""
    return tuple(
        f"{PROJECT}:{name}.{key}: ended on {decision.until} and has no effect: remove it"
        + (f", and set {name}.version to {decision.to}" if isinstance(decision, Upgrade) else "")
        for name, key, decision in decisions(sections)
        if decision.until < today
    )


def decisions_end_soon(database: Database, cache: Cache, today: datetime.date) -> Iterator[Problem]:
    """Yield a problem for each decision that ends later than an exception may."""
    for name, key, decision in decisions({"database": database, "cache": cache}):
        if decision.until > today + LONGEST_DECISION:
            yield Problem(
                f"{PROJECT}:{name}.{key}.until",
                f"must be at most {LONGEST_DECISION.days} days ahead: exceptions are temporary",
                str(decision.until),
            )
