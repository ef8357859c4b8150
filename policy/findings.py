"""What the rules found."""

import dataclasses
import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from policy.fingerprints import digest, fingerprint, place, published, subject, value_at
from policy.properties import parse
from policy.registry import Level, Rule
from policy.view import Resource
from recording.graph import Source


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
        """Return what stays the same while line numbers, wording and stack change; findings may be alike.

        What the finding is about counts and not its number in a list; only where there is no value, or one that might
        be guessed, the path does.
        """
        urn = self.resource.urn.split("::", 1)[-1]
        about = subject(self.rule, self.resource, self.path)
        return digest([self.rule.id, urn, place(self.path), about] if about else [self.rule.id, urn, self.path])

    @property
    def place(self) -> tuple[str, str, str]:
        """Return rule, resource and path."""
        return self.rule.id, self.resource.urn, self.path

    @property
    def value_fingerprint(self) -> str:
        """Return the fingerprint of the value that was found, to compare it with; a secret's says that it is one."""
        return fingerprint(value_at(self.resource, parse(self.path)))

    @property
    def published_fingerprint(self) -> str:
        """Return the same for all to read; empty where somebody might guess a secret by it."""
        return published(self.rule, self.resource, self.path)

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
    unseen: Mapping[str, int] = field(default_factory=dict[str, int])
    """By type: the resources that no rule looks at but those about everything."""

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


def withheld(message: str, resource: Resource, instead: str) -> str:
    """Return `message`, or `instead` where a secret of the resource would be told."""
    return instead if any(text in message for text in resource.secrets) else message
