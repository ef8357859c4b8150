"""What can be configured by rule, in the form of Pulumi's `--policy-pack-config`, checked against the rules' schemas.

`{"all": "advisory", "kms-window": {"enforcementLevel": "mandatory", "days": 20}, "net-sg-desc": "disabled"}`; see
https://www.pulumi.com/docs/iac/crossguard/configuration/.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policy.registry import Level, Rule, rules

OWN = Path(__file__).with_name("configuration.json")
"""What the platform beside this pack configures; the pack starts with it."""

REMEDIATE = "remediate"
"""The level at which the engine changes what a program registers, where the rule has a remedy; elsewhere, and in
whatever is judged without the engine, it is mandatory."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
    "boolean": (bool,),
}


class ConfigurationError(Exception):
    """The configuration is not valid; the message lists every mistake."""


def parse(text: str, name: str) -> dict[str, dict[str, Any]]:
    """Return what is configured, by rule, `level` among it; raises ConfigurationError with all mistakes."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{name}: is not valid JSON") from None
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"{name}: must be an object of rules")
    by_id = {rule.id: rule for rule in rules()}
    everything = _normal(document.get("all", {}))
    mistakes = [f"all: {mistake}" for mistake in _level_mistakes(everything, {"enforcementLevel"})]
    found: dict[str, dict[str, Any]] = {}
    for id_, given in document.items():
        if id_ == "all":
            continue
        rule = by_id.get(id_)
        if rule is None:
            close = difflib.get_close_matches(id_, by_id, n=1)
            mistakes.append(f"{id_}: no such rule{f'; did you mean {close[0]}?' if close else ''}")
            continue
        configured = _normal(given)
        mistakes += [f"{id_}: {mistake}" for mistake in _mistakes(rule, configured)]
        if isinstance(configured, Mapping):
            found[id_] = {**configured, "level": _level(configured)}
    if mistakes:
        raise ConfigurationError("\n".join(f"{name}: {mistake}" for mistake in mistakes))
    for id_ in by_id if "enforcementLevel" in everything else ():
        own = found.setdefault(id_, {})
        own["level"] = own.get("level") or _level(everything)
    return found


def _level(given: Mapping[str, Any]) -> str | None:
    level = given.get("enforcementLevel")
    return Level.MANDATORY.value if level == REMEDIATE else level


def _normal(given: Any) -> Any:
    """Return the long form of a level that stands alone."""
    return {"enforcementLevel": given} if isinstance(given, str) else given


def _level_mistakes(given: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield "must be a level or an object"
        return
    levels = [*(level.value for level in Level), REMEDIATE]
    if "enforcementLevel" in given and given["enforcementLevel"] not in levels:
        yield f"enforcementLevel must be one of {', '.join(levels)}"
    for key in given.keys() - known:
        yield f"unknown key {key}; known are {', '.join(sorted(known))}"


def _mistakes(rule: Rule, given: Any) -> Iterator[str]:
    yield from _level_mistakes(given, {"enforcementLevel", *rule.config})
    if isinstance(given, Mapping):
        if given.get("enforcementLevel") == REMEDIATE and not rule.remedy:
            yield "has no remedy that the engine could apply; use mandatory"
        for key, schema in rule.config.items():
            if key in given:
                yield from (f"{key} {mistake}" for mistake in _against(given[key], schema))


def _against(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with `value`, by the few words of JSON schema that rules use."""
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"must be of type {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"must be one of {', '.join(map(str, schema['enum']))}"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"must be at least {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"must be at most {schema['maximum']}"
    inner = schema.get("items") if isinstance(value, list) else schema.get("additionalProperties")
    if isinstance(inner, Mapping) and isinstance(value, list | dict):
        for item in value if isinstance(value, list) else value.values():
            yield from _against(item, inner)
