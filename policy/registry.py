"""Rules: what each checks, how hard it is, and the registry that holds them all."""

import datetime
import enum
import importlib
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
) -> Callable[[Check], Check]:
    """Register the decorated check; with `prod_only`, it stops updates in prod alone."""

    def register(check: Check) -> Check:
        if id_ in _rules and _rules[id_].check.__qualname__ != check.__qualname__:
            raise ValueError(f"two rules are called {id_}")
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
        )
        return check

    return register


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in order of their modules' names."""
    return tuple(_load())


def _load() -> Iterator[Rule]:
    package = importlib.import_module("policy.rules")
    for module in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"policy.rules.{module}")
        yield from (each for each in _rules.values() if each.module == module)


@cache
def rules_for(type_: str) -> tuple[Rule, ...]:
    """Return the rules that look at a resource type."""
    return tuple(each for each in rules() if each.applies(type_))


def waivable_rules() -> dict[str, bool]:
    """Return the id of each rule, and whether it may be waived."""
    return {rule.id: rule.waivable for rule in rules()}
