"""Conditions of a policy's statements: whether one holds for a request, of which only some keys are known.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import functools
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_QUANTIFIERS = ("foranyvalue:", "forallvalues:")
_ARN_PARTS = 6


@functools.lru_cache(maxsize=4096)
def matches(pattern: str, text: str) -> bool:
    """Whether a pattern with `*` and `?` is about a text; every other character stands for itself."""
    return bool(_compiled(pattern).fullmatch(text))


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = ({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in re.sub(r"\*+", "*", pattern))
    return re.compile("".join(parts), re.DOTALL)


def is_wild(text: str) -> bool:
    """Whether a text has a wildcard."""
    return "*" in text or "?" in text


def _like(wanted: str, value: str) -> bool:
    return matches(wanted, value)


def _arn_like(wanted: str, value: str) -> bool:
    ours, theirs = wanted.split(":", _ARN_PARTS - 1), value.split(":", _ARN_PARTS - 1)
    if len(ours) < _ARN_PARTS and wanted.endswith("*"):
        return matches(wanted, value)  # whether AWS takes it for an ARN is nowhere said: it may be about all
    if len(ours) != len(theirs):
        return False
    return all(matches(our, their) for our, their in zip(ours, theirs, strict=True))


def _in_network(wanted: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _same(wanted: str, value: str) -> bool:
    return wanted == value


def _same_ignoring_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "stringequals": _same,
    "stringequalsignorecase": _same_ignoring_case,
    "stringlike": _like,
    "arnequals": _arn_like,
    "arnlike": _arn_like,
    "bool": _same_ignoring_case,
    "ipaddress": _in_network,
}
_NEGATIONS = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
}


@dataclass(frozen=True)
class Condition:
    """An operator in lower case, a key in lower case, and the values."""

    operator: str
    key: str
    values: tuple[str, ...]

    @property
    def quantifier(self) -> str:
        return next((each for each in _QUANTIFIERS if self.operator.startswith(each)), "")

    @property
    def base(self) -> str:
        """The operator without quantifier and `IfExists`."""
        return self.operator.removeprefix(self.quantifier).removesuffix("ifexists")

    @property
    def if_exists(self) -> bool:
        return self.operator.endswith("ifexists")

    @property
    def negated(self) -> bool:
        return self.base in _NEGATIONS

    @property
    def wild(self) -> bool:
        """Whether `*` and `?` in its values are wildcards."""
        return _NEGATIONS.get(self.base, self.base) in ("stringlike", "arnlike", "arnequals")

    @property
    def is_modelled(self) -> bool:
        """Whether it can be evaluated here: dates and numbers cannot."""
        return self.base == "null" or _NEGATIONS.get(self.base, self.base) in _COMPARISONS

    def holds(self, value: str | None) -> bool:
        """Whether it holds for a request in which the key has this one value, or none (None)."""
        if self.base == "null":
            return any((each.lower() == "true") is (value is None) for each in self.values)
        if value is None:
            if self.quantifier == "foranyvalue:":
                return False
            return self.negated or self.if_exists or self.quantifier == "forallvalues:"
        compare = _COMPARISONS[_NEGATIONS.get(self.base, self.base)]
        return any(compare(wanted, value) for wanted in self.values) is not self.negated


def is_positive(operator: str) -> bool:
    """Whether a condition holds only for a request that has the key, with one of the values."""
    # `...IfExists` and `ForAllValues:` hold for whoever has no such key at all.
    return operator.removeprefix("foranyvalue:") in _COMPARISONS


def about(conditions: Iterable[Condition], key: str) -> tuple[Condition, ...]:
    """Return the conditions on one key."""
    return tuple(each for each in conditions if each.key == key)
