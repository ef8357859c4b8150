"""Which input properties the installed SDKs know, by resource type and path."""

import functools
import importlib
import keyword
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from recording.sdk import property_types

CUSTOM_RESOURCES = (
    "external-secrets.io/",
    "argoproj.io/",
    "flagger.app/",
    "istio.io/",
    "cert-manager.io/",
    "eks.amazonaws.com/",
    "karpenter",
    "monitoring.coreos.com/",
    "fluxcd.io/",
    "gatekeeper.sh/",
    "kyverno.io/",
    "cilium.io/",
    "projectcalico.org/",
    "gateway.networking.k8s.io/",
    "policy.networking.k8s.io/",
    "k8s.aws/",
)
"""Kinds that the SDK has no types for."""


def exists(type_: str, path: str) -> bool:
    """Whether the SDK's resource takes an input at a rule's path (`a.b[].c`, `tags.*`)."""
    current: Any = arguments(type_)
    for step in re.findall(r'\["([^"]*)"\]|\[\]|([^.\[\]]+)', path):
        current = _inside(current, step[0] or step[1] or "[]")
        if current is None:
            return False
    return True


@functools.cache
def arguments(type_: str) -> type | None:
    """Return the class of a resource type's arguments; None where the SDK has none."""
    package, module, name = type_.split(":")
    if package == "pulumi":
        return getattr(importlib.import_module(f"pulumi_{name}"), "ProviderArgs", None)
    if package == "kubernetes":
        group, _, version = module.rpartition("/")
        group = group.split(".")[0] if group != "rbac.authorization.k8s.io" else "rbac"
        path = f"pulumi_kubernetes.{'.'.join(filter(None, (group, version)))}"
        found = importlib.import_module(path)
        # The arguments of a kind share its name with those of nested types, which have the shorter name.
        return getattr(found, f"{name}InitArgs", None) or getattr(found, f"{name}Args", None)
    path = f"pulumi_{package}" if module == "index" else f"pulumi_{package}.{_module(module.partition('/')[0])}"
    return getattr(importlib.import_module(path), f"{name}Args", None)


def _module(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def has_class(type_: str) -> bool:
    """Whether the SDK has the type at all; some aliases are only names in old states."""
    try:
        return not any(group in type_ for group in CUSTOM_RESOURCES) and arguments(type_) is not None
    except ModuleNotFoundError:
        return False


def _inside(current: Any, step: str) -> Any:
    """Return the type of one step; Any where the SDK leaves it open, None where there is nothing."""
    for choice in _choices(current):
        if choice is Any:
            return Any
        if isinstance(choice, type) and property_types.is_input_type(choice):
            found = property_types.input_type_types(choice).get(step)
            if found is not None:
                return found
            if step == "[]":  # one object where other versions have a list
                return choice
        origin, parameters = typing.get_origin(choice), typing.get_args(choice)
        if origin in (list, typing.Sequence) or (origin and issubclass(origin, typing.Sequence)):
            return parameters[0] if step == "[]" else _inside(parameters[0], step)
        if origin and issubclass(origin, Mapping):
            return parameters[1]
    return None


def _choices(current: Any) -> Iterator[Any]:
    if current is None:
        return
    if typing.get_origin(current) is typing.Union:
        for each in typing.get_args(current):
            yield from _choices(each)
    elif isinstance(current, typing.ForwardRef | str):
        return
    else:
        yield current
