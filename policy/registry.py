"""Rules: what each checks, how hard it is, and the registry that holds them all."""

import datetime
import enum
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from policy.properties import Findings
from policy.view import Resource, Stack
from policy.waiver import Waiver


class Severity(enum.Enum):
    """How bad a violation is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CRITICAL, HIGH, MEDIUM, LOW = Severity


class Level(enum.Enum):
    """What a violation does to an update."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


ENVIRONMENTS = ("dev", "integration", "staging", "prod")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the resources live, and what whoever runs the rules has configured."""

    environment: str
    """dev, integration, staging or prod."""
    today: datetime.date
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """By rule; without an entry, a rule goes by its defaults."""
    waivers: Sequence[Waiver] = ()

    @property
    def is_prod(self) -> bool:
        """Whether the strictest holds: also where nobody says which environment it is."""
        return self.environment not in ENVIRONMENTS[:-1]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a rule may look at beside the resource."""

    settings: Settings
    stack: Stack
    """For stack rules; to others it holds nothing."""
    config: Mapping[str, Any]
    """The rule's own configuration, with its defaults filled in."""

    @property
    def is_prod(self) -> bool:
        return self.settings.is_prod


Check = Callable[[Resource, Context], Findings]

_MOST_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of the pack."""

    id: str
    title: str
    """What holds where the rule is satisfied."""
    check: Check
    types: tuple[str, ...]
    """The resource types it looks at, aliases among them; a trailing `*` stands for any end."""
    kind: Literal["resource", "stack"]
    """A stack rule looks at other resources too."""
    severity: Severity
    levels: Mapping[str, Level]
    """By environment."""
    controls: tuple[str, ...]
    """Ids in public catalogues, such as `EKS.1` or `CKV_AWS_39`.

    Those of Security Hub: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
    """
    why: str
    fix: str
    paths: tuple[str, ...]
    """The properties on which it depends, with `[]` for any element of a list and `*` for any key."""
    strict: bool
    """In prod, what cannot be determined is mandatory too."""
    waivable: bool
    config: Mapping[str, Mapping[str, Any]]
    """What can be configured: a JSON schema with a default for each key."""
    looks_at: Callable[[Resource], bool] | None = None
    """Of its types, the resources that it has anything to say about; None for all."""
    remedy: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values by property that satisfy the rule, whatever else is set, and neither replace the resource nor need another
    one. The engine sets them where the rule is configured to `remediate`."""

    @property
    def shown_controls(self) -> str:
        """The controls behind a finding's message; empty for a rule of many services, each of which has its own."""
        return f" ({', '.join(self.controls)})" if 0 < len(self.controls) <= _MOST_SHOWN else ""

    @property
    def module(self) -> str:
        return self.check.__module__.rpartition(".")[2]

    def level(self, settings: Settings) -> Level:
        """Return the level in an environment; an environment that is none of the four counts as prod."""
        configured = settings.config.get(self.id, {}).get("level")
        return Level(configured) if configured else self.levels.get(settings.environment, self.levels["prod"])

    def configured(self, settings: Settings) -> Mapping[str, Any]:
        """Return the rule's configuration with defaults filled in."""
        chosen = settings.config.get(self.id, {})
        return {key: chosen.get(key, schema.get("default")) for key, schema in self.config.items()}

    def applies(self, type_: str) -> bool:
        """Whether it looks at a type; resources have it as view.told gives it, patches that of what they patch."""
        return any(type_.startswith(each[:-1]) if each.endswith("*") else type_ == each for each in self.types)


_MANDATORY_SINCE = {CRITICAL: "dev", HIGH: "dev", MEDIUM: "staging"}
"""The least environment in which a severity stops an update; low ones only advise."""

_PROD_ONLY = {
    "dev": Level.DISABLED,
    "integration": Level.DISABLED,
    "staging": Level.ADVISORY,
    "prod": Level.MANDATORY,
}
"""What prod needs is no mistake elsewhere: staging is told, since prod comes next."""


def _levels(severity: Severity) -> Mapping[str, Level]:
    least = _MANDATORY_SINCE.get(severity)
    since = ENVIRONMENTS.index(least) if least else len(ENVIRONMENTS)
    return {name: Level.MANDATORY if index >= since else Level.ADVISORY for index, name in enumerate(ENVIRONMENTS)}


_rules: dict[str, Rule] = {}


def _function(check: Check) -> tuple[str, str]:
    return check.__module__, check.__qualname__


def rule(  # noqa: PLR0913  # a rule's whole record; all by name
    id_: str,
    title: str,
    *,
    types: tuple[str, ...],
    severity: Severity,
    why: str,
    fix: str,
    kind: Literal["resource", "stack"] = "resource",
    paths: tuple[str, ...] = (),
    controls: tuple[str, ...] = (),
    prod_only: bool = False,
    strict: bool = False,
    waivable: bool = True,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    remedy: Mapping[str, Any] | None = None,
    looks_at: Callable[[Resource], bool] | None = None,
) -> Callable[[Check], Check]:
    """Register the decorated check; with `prod_only`, it stops updates in prod alone."""

    def register(check: Check) -> Check:
        if id_ in _rules and _function(_rules[id_].check) != _function(check):
            raise ValueError(f"two rules are called {id_}")
        if remedy and kind == "stack":
            raise ValueError(f"{id_}: the engine asks no stack rule for a remedy")
        _rules[id_] = Rule(
            id=id_,
            title=title,
            check=check,
            types=types,
            kind=kind,
            severity=severity,
            levels=_PROD_ONLY if prod_only else _levels(severity),
            controls=controls,
            why=why,
            fix=fix,
            paths=paths,
            strict=strict,
            waivable=waivable,
            config=config or {},
            remedy=remedy or {},
            looks_at=looks_at,
        )
        return check

    return register


ENTRY_POINTS = "ai_prism.rules"
"""Group of entry points of packages that bring rules: each names a module whose import registers them."""


class RulesError(Exception):
    """Rules of an installed package cannot be loaded; the message says which and why."""


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in order of their modules' names, those of installed packages last.

    Raises RulesError where a package's rules cannot be loaded: what they would have found must not pass unseen.
    """
    return tuple(_load())


def _load() -> Iterator[Rule]:
    package = importlib.import_module("policy.rules")
    for module in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"policy.rules.{module}")
        yield from (each for each in _rules.values() if each.check.__module__ == f"policy.rules.{module}")
    for entry in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        try:
            entry.load()
        except Exception as error:
            raise RulesError(f"{entry.value}, rules of an installed package, cannot be loaded: {error}") from error
        yield from (each for each in _rules.values() if each.check.__module__ == entry.module)


@cache
def rules_for(type_: str) -> tuple[Rule, ...]:
    """Return the rules that look at a resource type."""
    return tuple(each for each in rules() if each.applies(type_))


def waivable_rules() -> dict[str, bool]:
    """Return the id of each rule, and whether it may be waived."""
    return {rule.id: rule.waivable for rule in rules()}
