"""Fingerprints: what tells one value, and one finding, from another, without telling the value."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from policy.literals import literals
from policy.properties import MISSING, Missing, opened, parse, step
from policy.registry import Rule
from policy.view import Resource
from recording.graph import Reference, Secret, Unknown

UNKNOWN_VALUE = "unknown"
"""The fingerprint of what is not known."""

OF_SECRETS = frozenset(
    {
        "eso-only",
        "eso-store",
        "k8s-cm-secret",
        "k8s-env-secret",
        "lt-userdata",
        "rds-managed-pw",
        "secret-literal",
        "sm-literal",
    }
)
"""Rules that find secrets in plain text. Whoever had the fingerprint of one could try a dictionary on it, and would see
where else it is used: so it is never published."""

Steps = tuple[str | int, ...]


def fingerprint(value: Any) -> str:
    """Return what tells one value from another, without telling a secret that is marked as one."""
    return UNKNOWN_VALUE if isinstance(value, Unknown) else digest(_shown(value))


def published(rule: Rule, resource: Resource, path: str) -> str:
    """Return the fingerprint of the value at `path` for all to read; empty where it might serve to guess a secret."""
    steps = parse(path)
    value = value_at(resource, steps)
    return "" if rule.id in OF_SECRETS or _has_literal(value, steps) else fingerprint(value)


def subject(rule: Rule, resource: Resource, path: str) -> str:
    """Return what a finding is about: a digest of the values on which the rule depends; empty where there are none.

    In a list, only the element that was found counts, wherever it stands: so a port that is opened in place of another
    is told from it, and a rule that was put before others makes none of them new.
    """
    if rule.id in OF_SECRETS:
        return ""
    found: dict[str, Any] = {}
    for read in rule.paths or (path,):
        steps = _beside(parse(read.replace("[]", "[0]")), parse(path))
        value = MISSING if steps is None else value_at(resource, steps)
        if _has_literal(value, steps or ()):
            return ""
        if value is not MISSING:
            found[read if rule.paths else ""] = _shown(value)
    return digest(found) if found else ""


def _beside(read: Steps, found: Steps) -> Steps | None:
    """Return where a rule's path leads for what was found; None for elements of other lists."""
    if not found and not read:
        return None
    first = next((number for number, key in enumerate(found) if isinstance(key, int)), None)
    element = found[: first + 1] if first is not None else ()
    steps: list[str | int] = []
    for key in read:
        if isinstance(key, str) and key != "*":
            steps.append(key)
        elif tuple(steps) == found[: len(steps)] and len(steps) < len(found):
            steps.append(found[len(steps)])
        elif tuple(steps[: len(element)]) == element:
            break  # the whole list or mapping, in the same element
        else:
            return None
    reached = tuple(steps)
    # Of a document that the rule reads as a whole, the statement that was found.
    return element if element[: len(reached)] == reached else reached


def place(path: str) -> str:
    """Return a path that is the same for each element of a list."""
    return "/".join("[]" if isinstance(key, int) else key for key in parse(path))


def digest(value: Any) -> str:
    """Return a short digest of JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def value_at(resource: Resource, steps: Steps) -> Any:
    """Return the value there, wrappers and all; a text is opened where it is JSON, and counts whole where not."""
    value: Any = resource.inputs.value
    for key in steps:
        inner = opened(value)
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except ValueError:
                return value
            if isinstance(value, Secret):
                return value
        value = step(inner, key)
    return value


def _has_literal(value: Any, steps: Steps) -> bool:
    """Whether a secret stands in plain text somewhere in a value."""
    name = next((key for key in reversed(steps) if isinstance(key, str)), "")
    return any(True for _ in literals(value, name=name))


def _shown(value: Any) -> Any:  # noqa: PLR0911  # one case for each kind of value
    match value:
        case Secret():
            return "[secret]"
        case Unknown() | Missing():
            return f"[{type(value).__name__.lower()}]"
        case Reference(urn=urn):
            return urn
        case Mapping():
            return {str(key): _shown(item) for key, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
        case bool():
            return value
        case int() | float():
            return float(value)
        case _:
            return value
