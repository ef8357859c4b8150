"""Values and types as people read them in all outputs."""

from collections.abc import Mapping
from typing import Any

from recording.graph import Reference, Secret, Unknown
from recording.values import SECRET


def phrase(value: Any) -> str:  # noqa: PLR0911  # one case for each kind of value
    """Return `value` for people, on one line."""
    match value:
        case Secret():
            return SECRET
        case Unknown():
            return "known after an update"
        case Reference(urn=urn):
            return urn.rpartition("::")[2]
        case Mapping():
            if value and all(isinstance(item, Unknown) for item in value.values()):
                return f"{', '.join(sorted(value))} (known after an update)"
            return ", ".join(f"{key}: {phrase(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(phrase(item) for item in value)
        case _:
            return str(value)


def minutes(seconds: float) -> str:
    """Return `9 min 24 s` for 564, and `24 s` for 24."""
    whole, rest = divmod(round(seconds), 60)
    if not whole:
        return f"{rest} s"
    return f"{whole} min {rest} s" if rest else f"{whole} min"


def short_type(type_: str) -> str:
    """Return `ec2.Vpc` for `aws:ec2/vpc:Vpc`, and `Network` for a component of this project."""
    package, _, rest = type_.partition(":")
    module, _, name = rest.partition(":")
    if package == "ai-prism":
        return name
    if type_.startswith("pulumi:providers:"):
        return f"{name} provider"
    module = module.partition("/")[0]
    return f"{name} of pulumi-{package}" if module == "index" else f"{module}.{name}"
