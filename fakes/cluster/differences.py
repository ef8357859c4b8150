"""What differs between an object as it is and as the program wants it, as the Kubernetes provider tells it.

Compared is the live object, pruned to the shape of what was given before: what the cluster fills in is no difference,
what somebody else changed is. https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/provider.go
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fakes.cluster.replacements import Path, Pattern, replaces

Verb = Literal["ADD", "DELETE", "UPDATE"]

_READ_ONLY = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "uid",
    }
)
_QUANTITIES = frozenset(
    {"limits", "requests", "hard", "capacity", "overhead", "max", "min", "default", "defaultRequest"}
)
"""Whose values are quantities, which the server keeps in their shortest form."""

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_QUANTITY = re.compile(r"([+-]?[0-9.]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")
_SCALES = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


@dataclass(frozen=True)
class Change:
    """One place that differs."""

    path: Path
    verb: Verb
    replace: bool

    @property
    def name(self) -> str:
        """The place as the engine writes it: https://www.pulumi.com/docs/iac/concepts/miscellaneous/property-paths/."""
        text = ""
        for step in self.path:
            if isinstance(step, int):
                text += f"[{step}]"
            elif re.search(r'[."\[\]]', step):
                text += f"[{json.dumps(step)}]"
            else:
                text += f".{step}" if text else step
        return text


def normalize(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given in the form in which the server keeps it."""
    normal = dict(inputs)
    if isinstance(normal.get("metadata"), Mapping):
        normal["metadata"] = {key: value for key, value in normal["metadata"].items() if key not in _READ_ONLY}
    texts = normal.get("stringData")
    if normal.get("apiVersion") == "v1" and normal.get("kind") == "Secret" and isinstance(texts, Mapping):
        # The server puts them into `data`, and keeps no other trace.
        encoded = {
            key: base64.b64encode(text.encode()).decode() for key, text in texts.items() if isinstance(text, str)
        }
        # What is not known yet cannot be encoded.
        if len(encoded) == len(texts):
            del normal["stringData"]
            normal["data"] = {**normal.get("data", {}), **encoded}
    return normal


def prune(live: Any, shape: Any) -> Any:
    """Return of a live value what has a counterpart in `shape`."""
    if isinstance(live, Mapping) and isinstance(shape, Mapping):
        return {key: prune(value, shape[key]) for key, value in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        return [prune(*pair) for pair in zip(live, shape, strict=False)]
    return live


def differences(old: Mapping[str, Any], new: Mapping[str, Any], patterns: Sequence[Pattern]) -> list[Change]:
    """Return what changes between an object's pruned live state and what is wanted now."""
    group = new.get("apiVersion", "").rpartition("/")[0]
    # The server's own kinds leave out what is empty; in a custom resource it may mean something.
    ignore_empty = "." not in group or group.endswith(".k8s.io")
    return [
        Change(path, verb, replaces(patterns, path, value))
        for path, verb, value in _compare((), old, new)
        if not (ignore_empty and verb == "ADD" and value in ({}, []))
    ]


def _compare(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, Verb, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _compare_by_key(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_by_key(path, dict(enumerate(old)), dict(enumerate(new)))
    elif not _same(path, old, new):
        yield path, "UPDATE", new


def _compare_by_key(path: Path, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[tuple[Path, Verb, Any]]:
    for key, value in new.items():
        if key in old:
            yield from _compare((*path, key), old[key], value)
        else:
            yield (*path, key), "ADD", value
    for key in old:
        if key not in new:
            yield (*path, key), "DELETE", None


def _same(path: Path, old: Any, new: Any) -> bool:
    if isinstance(old, bool) is not isinstance(new, bool):
        return False
    if old != new and len(path) > 1 and path[-2] in _QUANTITIES:
        amount = _amount(new)
        return amount is not None and amount == _amount(old)
    return old == new


def _amount(quantity: Any) -> Decimal | None:
    found = _QUANTITY.fullmatch(str(quantity))
    if not found:
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix.endswith("i"):
        return number * 1024 ** ("KMGTPE".index(suffix[0]) + 1)
    return number * Decimal(10) ** (int(suffix[1:]) if suffix[:1] in "eE" and suffix[1:] else _SCALES.get(suffix, 0))
