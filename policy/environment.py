"""Which environment a stack is: as its own configuration says, or else as its name does; never a laxer one unsaid."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN_ENVIRONMENT = "unknown"
"""Judged as prod: whoever does not say what a stack is gets the strictest levels."""

_WORDS = {
    "dev": "dev",
    "development": "dev",
    "sandbox": "dev",
    "integration": "integration",
    "int": "integration",
    "test": "integration",
    "staging": "staging",
    "stage": "staging",
    "prod": "prod",
    "production": "prod",
    "live": "prod",
}
_ORDER = ("dev", "integration", "staging", "prod")
"""From the laxest to the strictest."""


@dataclass(frozen=True)
class Environment:
    """What a stack is taken for."""

    kind: str
    """dev, integration, staging, prod or UNKNOWN_ENVIRONMENT."""
    doubt: str = ""
    """Why it may be stricter in truth; empty where its own configuration says so, or where nothing is stricter."""


def kind_of(word: str) -> str:
    """Return the environment that a word such as `production` stands for, or UNKNOWN_ENVIRONMENT."""
    return _WORDS.get(word.lower(), UNKNOWN_ENVIRONMENT)


def environment(stack: str, config: Mapping[str, str], project: str) -> Environment:
    """Return what a stack is; `config` is by full key, as text, and only the keys of its own `project` count.

    A name with several words, such as `prod-int`, is the strictest of them.
    """
    own = stack.lower().rpartition("/")[2]  # before it, the organization
    words = [_WORDS[word] for word in re.split(r"[^a-z]+", own) if word in _WORDS]
    named = max(words, key=_ORDER.index, default=UNKNOWN_ENVIRONMENT)
    key = f"{project}:environment"
    said = kind_of(_kind(config.get(key, "")))
    if said == UNKNOWN_ENVIRONMENT:
        guessed = named in _ORDER[:-1]
        return Environment(named, f"no {key} says so, but the name {stack} does" if guessed else "")
    if named != UNKNOWN_ENVIRONMENT and _ORDER.index(said) < _ORDER.index(named):
        return Environment(said, f"{key} says so, but the name {stack} says {named}")
    return Environment(said)


def environment_of(stack: str, config: Mapping[str, str], project: str) -> str:
    """Return dev, integration, staging, prod or UNKNOWN_ENVIRONMENT."""
    return environment(stack, config, project).kind


def _kind(text: str) -> str:
    """Return the environment's kind from a section with that key, or from the word alone."""
    try:
        section = json.loads(text)
    except ValueError:
        return text
    return str(section.get("kind", "")) if isinstance(section, Mapping) else str(section)
