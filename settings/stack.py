"""The stack's configuration as frozen, typed sections: the only reader of Pulumi configuration.

`load()` either returns settings from which the platform can be built, or raises one SettingsError that lists every
problem. The rules within a section are on the section, those between sections in `rules.py`.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime.config

from settings import rules, versions
from settings.cluster import Cluster, Nodes
from settings.data_stores import Cache, Database
from settings.delivery import Charts, Delivery, Gitops, Images, Registry
from settings.environment import Aws, Environment
from settings.exceptions import ended_decisions, in_force
from settings.naming import PROJECT, STACK_NAME
from settings.network import Dns, Firewall, Network
from settings.observability import Observability
from settings.section import Problem, Section, SettingsError, parse_section, show, unknown_key
from settings.version_support import warnings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a stack."""

    stack: str
    environment: Environment
    aws: Aws
    network: Network
    cluster: Cluster
    nodes: Nodes
    database: Database
    cache: Cache
    dns: Dns
    firewall: Firewall
    registry: Registry
    delivery: Delivery
    observability: Observability
    gitops: Gitops
    charts: Charts
    images: Images
    warnings: tuple[str, ...] = ()


# The account is checked first: errors in it matter most.
SECTIONS: Mapping[str, type[Section]] = {
    "aws": Aws,
    "environment": Environment,
    "network": Network,
    "cluster": Cluster,
    "nodes": Nodes,
    "database": Database,
    "cache": Cache,
    "dns": Dns,
    "firewall": Firewall,
    "registry": Registry,
    "delivery": Delivery,
    "observability": Observability,
    "gitops": Gitops,
    "charts": Charts,
    "images": Images,
}

REMOVED: Mapping[str, str] = {
    "api": "is gone: the chart's values say how many pods the API has (charts/ai-prism/values-KIND.yaml); remove it",
}
"""What to do about sections of earlier versions."""


def load(today: datetime.date | None = None) -> Settings:
    """Return the settings of the running stack, and log what it warns of.

    `today` decides what is out of support; without it the day is that of AI_PRISM_TODAY or of the calendar.
    Raises SettingsError with every problem at once.
    """
    try:
        versions.load()
        today = today or versions.today()
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None
    settings = parse(
        pulumi.get_stack(),
        pulumi.runtime.config.get_config_env(),
        secret_keys=frozenset(pulumi.runtime.config.get_config_secret_keys_env()),
        today=today,
    )
    for warning in settings.warnings:
        pulumi.log.warn(warning)
    return settings


def parse(
    stack: str, config: Mapping[str, str], *, secret_keys: frozenset[str] = frozenset(), today: datetime.date
) -> Settings:
    """Return the settings that `config` (full keys to JSON text, as the engine hands them over) describes.

    Raises SettingsError with every problem at once.
    """
    own = {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    problems: list[Problem] = []
    if not STACK_NAME.fullmatch(stack):
        problems.append(
            Problem("stack", "must be 2 to 16 lower-case letters and digits, the first a letter", show(stack))
        )
    sections: dict[str, Section] = {}
    for name, section in SECTIONS.items():
        if f"{PROJECT}:{name}" in secret_keys:
            problems.append(
                Problem(f"{PROJECT}:{name}", "must not hold a secret: keep it in AWS Secrets Manager and refer to it")
            )
        else:
            found = parse_section(f"{PROJECT}:{name}", section, own.get(name), problems)
            if found is not None:
                sections[name] = found
    problems += [
        Problem(f"{PROJECT}:{name}", REMOVED.get(name) or unknown_key(name, SECTIONS))
        for name in own
        if name not in SECTIONS
    ]
    problems += rules.check({**sections, "today": today})
    if problems:
        raise SettingsError(stack, tuple(problems))
    chosen: Any = sections
    told = (*ended_decisions(chosen, today), *warnings(chosen, today))
    chosen.update(in_force(chosen, today))
    return Settings(stack=stack, warnings=told, **chosen)
