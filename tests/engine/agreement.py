"""Holds the preview without an account against the engine's own, resource by resource.

Every difference is named and explained in EXPLAINED; whatever else differs is a mistake in the preview.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fakes.aws.service import DEFAULTS
from fakes.aws.uniqueness import AUTONAMED
from recording.sdk import UNKNOWN_MARK

ABSENT = "absent"
_UNORDERED = ("dependencies", "propertyDependencies")
_MAPS = ("inputs", "propertyDependencies")
"""Left out of a plan where they are empty."""


@dataclass(frozen=True)
class Difference:
    """One place in which the two plans do not say the same."""

    urn: str
    type: str
    path: str
    """In `newState`, such as `inputs.tagsAll`."""
    engine: Any
    offline: Any
    made_up: frozenset[str] = frozenset()
    """Names that the provider made up for this resource, and for whatever the property depends on."""

    def __str__(self) -> str:
        return f"{self.urn}: {self.path}: the engine has {self.engine!r}, the preview has {self.offline!r}"


EXPLAINED: Mapping[str, Any] = {
    "the provider adds its default tags to the resource's own": lambda it: (
        it.path == "inputs.tagsAll" and it.offline == ABSENT
    ),
    "the provider makes up names that the program leaves out, and notes that it did": lambda it: (
        it.offline == ABSENT
        and (
            it.path == f"inputs.{DEFAULTS}"
            or (it.type in AUTONAMED and it.path == f"inputs.{AUTONAMED[it.type]}" and it.engine in it.made_up)
        )
    ),
    "a name that was made up is known to whoever uses it, as a word of a text too": lambda it: (
        it.path.startswith("inputs.")
        and it.offline == UNKNOWN_MARK
        and isinstance(it.engine, str)
        and any(name in it.engine.split() for name in it.made_up)
    ),
    "a resource that is passed as a value has no id yet, which is empty": lambda it: (
        it.path == "inputs.serviceRole.id" and it.engine == "" and it.offline == UNKNOWN_MARK
    ),
    "the engine keeps the plugin's version with a provider": lambda it: (
        it.type.startswith("pulumi:providers:") and it.path in ("inputs.version", "inputs.__internal")
    ),
    "that an input depends on nothing may be said or not": lambda it: (
        it.path.startswith("propertyDependencies.") and it.engine == [] and it.offline == ABSENT
    ),
    "a resource that is passed as a value carries its package's version, which is empty": lambda it: (
        it.path == "inputs.serviceRole.packageVersion" and it.engine == ""
    ),
    "what a plugin registers has no place in the program; the preview gives that of its component": lambda it: (
        it.path == "sourcePosition" and it.engine == ABSENT and "$eks:index:Cluster" in it.urn
    ),
    "the engine points into the SDK where the SDK calls itself; the preview at the program": lambda it: (
        it.path == "sourcePosition" and "/site-packages/" in it.engine and "/site-packages/" not in it.offline
    ),
}
"""Why the plans differ, and how such a difference is told."""

_ENGINE_ONLY = ("stackTrace",)
_OFFLINE_ONLY = ("outputs",)
"""Before an update the engine's plan has no outputs; the preview shows what is known of them."""


def differences(engine: Mapping[str, Any], offline: Mapping[str, Any]) -> list[Difference]:
    """Return all that differs between two plans in the shape of `pulumi preview --json`, explained or not."""
    ours, theirs = _states(offline), _states(engine)
    found = [Difference(urn, "", "", ABSENT, urn) for urn in ours.keys() - theirs.keys()]
    found += [Difference(urn, "", "", urn, ABSENT) for urn in theirs.keys() - ours.keys()]
    for urn in sorted(ours.keys() & theirs.keys()):
        type_ = str(theirs[urn]["type"])
        found += [
            Difference(urn, type_, *each, made_up=_made_up(theirs, urn, each[0]))
            for each in _compare("", theirs[urn], ours[urn])
        ]
    return found


def unexplained(found: list[Difference]) -> list[Difference]:
    return [difference for difference in found if not any(explains(difference) for explains in EXPLAINED.values())]


def unused(found: list[Difference]) -> list[str]:
    """Return the explanations that explain nothing, and are out of date if they do so in every stack."""
    return [why for why, explains in EXPLAINED.items() if not any(explains(difference) for difference in found)]


def _made_up(states: Mapping[str, Mapping[str, Any]], urn: str, path: str) -> frozenset[str]:
    """Return the names that were made up in the plan for a resource, and for what one of its inputs depends on.

    What waits for something else hands the name on: a bucket's policy the bucket's.
    """
    key = path.removeprefix("inputs.").partition(".")[0].partition("[")[0]
    seen, ahead = {urn}, [*states[urn]["propertyDependencies"].get(key, ())]
    while ahead:
        needed = ahead.pop()
        if needed not in seen:
            seen.add(needed)
            ahead += states.get(needed, {}).get("dependencies", ())
    return frozenset(
        inputs[name]
        for inputs in (states[each]["inputs"] for each in seen & states.keys())
        for name in inputs.get(DEFAULTS, ())
        if isinstance(inputs.get(name), str)
    )


def _states(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the new states by URN, without what is only one side's to say."""
    left_out = (*_ENGINE_ONLY, *_OFFLINE_ONLY)
    empty: dict[str, Any] = {key: {} for key in _MAPS}
    return {
        step["urn"]: {key: value for key, value in {**empty, **step["newState"]}.items() if key not in left_out}
        for step in plan["steps"]
    }


def _compare(path: str, theirs: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield path and values of all that differs; the order of dependencies says nothing."""
    if isinstance(theirs, list) and isinstance(ours, list) and path.startswith(_UNORDERED):
        theirs, ours = sorted(theirs), sorted(ours)
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key in sorted({*theirs, *ours}):
            yield from _compare(f"{path}.{key}" if path else key, theirs.get(key, ABSENT), ours.get(key, ABSENT))
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (their, our) in enumerate(zip(theirs, ours, strict=True)):
            yield from _compare(f"{path}[{number}]", their, our)
    elif theirs != ours:
        yield path, theirs, ours
