"""What the rules found."""

import dataclasses
import enum
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from policy.properties import Missing, opened, parse, step
from policy.registry import Level, Rule
from policy.view import Resource
from prismctl.graph import Reference, Secret, Source, Unknown

UNKNOWN_VALUE = "unknown"
"""The fingerprint of what is not known."""


class Result(enum.Enum):
    """What a rule says of a resource where it is not satisfied."""

    VIOLATED = "violated"
    UNDETERMINED = "undetermined"
    CRASHED = "crashed"
    """The rule itself failed: nobody knows, so nothing goes on."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a rule says of a resource."""

    rule: Rule
    resource: Resource
    path: str
    """Of the property; empty where the resource as a whole is meant."""
    message: str
    result: Result
    level: Level
    waived_by: str = ""
    """Ticket of the waiver, if there is one."""
    elsewhere: Source | None = None
    """Where the mistake is, if not where the resource is registered."""

    @property
    def is_violation(self) -> bool:
        return self.result is Result.VIOLATED

    @property
    def source(self) -> Source | None:
        return self.elsewhere or self.resource.source

    def waived(self, ticket: str) -> "Finding":
        return dataclasses.replace(self, waived_by=ticket)

    @property
    def identity(self) -> str:
        """Return what stays the same while line numbers, wording and stack change; findings may be alike."""
        urn = self.resource.urn.split("::", 1)[-1]
        return digest([self.rule.id, urn, self.path])

    @property
    def value_fingerprint(self) -> str:
        """Return the fingerprint of the value that was found; a secret's says no more than that it is one."""
        return fingerprint(_value_at(self.resource, self.path))

    @property
    def stops(self) -> bool:
        return self.level is Level.MANDATORY and not self.waived_by


Known: TypeAlias = tuple[str, str, bool]
"""What tells a finding in an earlier report: stack, identity, and whether it stopped updates."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that the rules say of a stack."""

    stack: str
    environment: str
    findings: tuple[Finding, ...]
    satisfied: Mapping[str, int] = field(default_factory=dict[str, int])
    """By rule: the resources with which it is content."""

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.stops)

    def without(self, before: Mapping[Known, int]) -> "Report":
        """Return the report of new findings alone; `before` has those that are not, and how many are alike.

        What stops an update is known only if it did before; and a rule that crashed knows nothing.
        """
        left = Counter(before)
        new: list[Finding] = []
        for finding in self.findings:
            about = self.stack, finding.identity
            likes: list[Known] = [(*about, True)] if finding.stops else [(*about, False), (*about, True)]
            known = next((like for like in likes if left[like]), None)
            if known is None or finding.result is Result.CRASHED:
                new.append(finding)
            else:
                left[known] -= 1
        return dataclasses.replace(self, findings=tuple(new))


def fingerprint(value: Any) -> str:
    """Return what tells one value from another, without telling a secret."""
    return UNKNOWN_VALUE if isinstance(value, Unknown) else digest(_shown(value))


def digest(value: Any) -> str:
    """Return a short digest of JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _value_at(resource: Resource, path: str) -> Any:
    """Return the value at `path`, wrappers and all; a text is opened where it is JSON, and counts whole where not."""
    value: Any = resource.inputs.value
    for key in parse(path):
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


def withheld(message: str, resource: Resource, instead: str) -> str:
    """Return `message`, or `instead` where a secret of the resource would be told."""
    return instead if any(text in message for text in resource.secrets) else message
