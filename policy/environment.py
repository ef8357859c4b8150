"""Which environment a stack is: as its configuration says, or else as its name does."""

import json
import re
from collections.abc import Mapping

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


def kind_of(word: str) -> str:
    """Return the environment that a word such as `production` stands for, or UNKNOWN_ENVIRONMENT."""
    return _WORDS.get(word.lower(), UNKNOWN_ENVIRONMENT)


def environment_of(stack: str, config: Mapping[str, str]) -> str:
    """Return dev, integration, staging, prod or UNKNOWN_ENVIRONMENT; `config` is by full key, as text."""
    for key, text in config.items():
        if key.endswith(":environment"):
            kind = _kind(text)
            if kind in _WORDS:
                return _WORDS[kind]
    words = [_WORDS[word] for word in re.split(r"[^a-z]+", stack.lower()) if word in _WORDS]
    return words[-1] if words else UNKNOWN_ENVIRONMENT


def _kind(text: str) -> str:
    """Return the environment's kind from a section with that key, or from the word alone."""
    try:
        section = json.loads(text)
    except ValueError:
        return text
    return str(section.get("kind", "")) if isinstance(section, Mapping) else str(section)
