"""The SDK's internals: the one module that uses what Pulumi's SDKs do not publish.

`pyproject.toml` keeps the SDKs below the first version that nobody has tried with it; INTERNALS names what is used, and
a version that lacks some of it is refused when this module is imported.
"""

import asyncio
import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pulumi
import pulumi.log
from pulumi import _types
from pulumi.runtime import _grpc_settings, mocks, resource, resource_cycle_breaker, rpc, settings
from pulumi.runtime.proto import source_pb2

INTERNALS: Mapping[ModuleType, Sequence[str]] = {
    _grpc_settings: ("_GRPC_CHANNEL_OPTIONS",),
    _types: ("input_type_py_to_pulumi_names", "input_type_types", "is_input_type", "resource_types"),
    mocks: ("_resolve_callbacks",),
    resource: ("_get_stack_trace", "create_urn", "wrap_with_context"),
    resource_cycle_breaker: ("_add_dep", "_reachable"),
    rpc: ("_special_resource_sig", "_special_secret_sig", "_special_sig_key", "UNKNOWN"),
    settings: ("SETTINGS", "Settings"),
}
"""What is used of each module of the SDK."""
POLICY_INTERNALS = (
    "_PolicyAnalyzerServicer",
    "deserialize_properties",
    "json_format",
    "serialize_properties",
    "unknown_checking_proxy",
)
"""What is used of `pulumi_policy.policy`, which only policy packs import."""


def check_internals(internals: Mapping[ModuleType, Sequence[str]], package: str) -> None:
    """Raise ImportError, with all that is missing, where an installed SDK lacks what this module uses of it."""
    missing = [
        f"{module.__name__}.{name}"
        for module, names in internals.items()
        for name in names
        if not hasattr(module, name)
    ]
    if missing:
        raise ImportError(
            f"{package} {importlib.metadata.version(package)} lacks {', '.join(missing)}, which recording/sdk.py uses: "
            "install the version that requirements.txt pins"
        )


check_internals(INTERNALS, "pulumi")

GRPC_CHANNEL_OPTIONS = _grpc_settings._GRPC_CHANNEL_OPTIONS  # noqa: SLF001
"""Limits of messages, as the engine and the SDK have them."""
property_types = _types
"""Names and types of the properties of each resource type that the SDK knows."""
resolve_callbacks = mocks._resolve_callbacks  # noqa: SLF001
"""Returns the transforms that a registration names."""

# How values that are no JSON travel.
SIGNATURE = rpc._special_sig_key  # noqa: SLF001
SECRET = rpc._special_secret_sig  # noqa: SLF001
REFERENCE = rpc._special_resource_sig  # noqa: SLF001
UNKNOWN_MARK = rpc.UNKNOWN


def preload(program: Path) -> None:
    """Import the program's components, and of the SDK what they mention: see `preload_sdk`."""
    sys.path.insert(0, str(program))
    for file in _components(program):
        importlib.import_module(".".join(file.relative_to(program).with_suffix("").parts))
    preload_sdk(program)


def preload_sdk(program: Path) -> None:
    """Import of the SDK what the program's components mention, down to the types of its properties.

    The SDK does so when something is first touched: processes forked afterwards would each do it again.
    """
    for file in _components(program):
        for package, module, name in re.findall(
            r"\b(aws|kubernetes)\.([a-z0-9]+(?:\.v[a-z0-9]+)?)\.([A-Z]\w+)", file.read_text(encoding="utf-8")
        ):
            mentioned = getattr(importlib.import_module(f"pulumi_{package}.{module}"), name)
            if isinstance(mentioned, type) and issubclass(mentioned, pulumi.Resource):
                _types.resource_types(mentioned)


def _components(program: Path) -> list[Path]:
    return sorted(program.glob("components/**/[!_]*.py"))


def _silent(*_: Any, **__: Any) -> None:
    """Stand in for the SDK's debug log, which words a dozen messages for every resource and finds no reader."""


def _as_it_is(call: Callable[..., Any]) -> Callable[..., Any]:
    return call


def _no_urn(*_: Any, **__: Any) -> "_NoUrn":
    return _NoUrn()


_DEPENDENTS = "_ai_prism_dependents"


def _reachable(from_resource: pulumi.Resource, to_resource: pulumi.Resource) -> bool:
    """Tell whether a resource depends on another one, directly or not: a dependency the other way would be a cycle.

    The SDK asks before every dependency, and goes through all that the resource depends on: a sixth of a run's time.
    This goes the other way, since what is about to be registered has few dependents, if any.
    """
    seen, waiting = {to_resource}, [to_resource]
    while waiting:
        each = waiting.pop()
        if each is from_resource:
            return True
        more = getattr(each, _DEPENDENTS, set[pulumi.Resource]()) - seen
        seen |= more
        waiting.extend(more)
    return False


def _add_dependency(from_resource: pulumi.Resource, to_resource: pulumi.Resource) -> None:
    dependents = getattr(to_resource, _DEPENDENTS, set[pulumi.Resource]())
    setattr(to_resource, _DEPENDENTS, dependents | {from_resource})


class _NoUrn:
    """Stands in for the URN that the SDK works out for itself, in case that no monitor gives one."""

    async def future(self) -> None:
        """Resolve to nothing."""


def lighten(program: Path, outputs: "set[asyncio.Task[Any]]") -> None:
    """Take from the SDK, for the life of this process, what nobody needs in it: a third of a run's time."""
    pulumi.log.debug = _silent
    # Contexts are for threads, and the recorder answers in this one.
    registration = cast("Any", resource)
    registration.wrap_with_context = _as_it_is
    registration.create_urn = _no_urn
    registration._get_stack_trace = _locate(program)  # noqa: SLF001
    cycles = cast("Any", resource_cycle_breaker)
    cycles._reachable, cycles._add_dep = _reachable, _add_dependency  # noqa: SLF001
    # Both are looked up for every output, through context variables that tell programs running side by side apart.
    # Here one program runs at a time.
    shared, each = cast("Any", settings.Settings), cast("Any", settings.SETTINGS)
    shared.lock, shared.outputs = each.lock, outputs


_CONSTRUCTORS = 3


def _locate(program: Path) -> Callable[[], source_pb2.StackTrace]:
    """Return a replacement for the SDK's stack trace: the one frame that makes the resource.

    As the SDK has it, that is who calls the third constructor from the inside: a resource's own, after those of the two
    classes it derives from. The SDK reads the source of every frame for every resource, a sixth of a run's time.
    """
    inside = f"{program}{os.sep}"
    outside = tuple(f"{inside}{package}{os.sep}" for package in ("prismctl", "recording"))

    def locate() -> source_pb2.StackTrace:
        frame, constructors = sys._getframe(1), 0  # noqa: SLF001
        while frame is not None:
            file = frame.f_code.co_filename
            if constructors < _CONSTRUCTORS:
                constructors += frame.f_code.co_name == "__init__"
            elif file.startswith(inside) and not file.startswith(outside) and "site-packages" not in file:
                position = source_pb2.SourcePosition(uri=f"file://{file}", line=frame.f_lineno)
                return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])
            frame = frame.f_back
        return source_pb2.StackTrace()

    return locate


def hand_over_undecoded(wrap: Callable[[Any], Any], unwrap: Callable[[Any], Any], policy: Any = None) -> None:
    """Have the policy SDK hand over each message of the engine as `wrap` returns it, and send what `unwrap` returns.

    By itself it makes dictionaries of every message, again for each policy, and drops which values are secret.
    """
    policy = policy or _policy_sdk()

    class Wire:
        MessageToDict = staticmethod(wrap)

    def as_it_is(properties: Any, *_: Any) -> Any:
        return properties

    policy.json_format = Wire
    policy.deserialize_properties = as_it_is
    policy.serialize_properties = unwrap
    policy.unknown_checking_proxy = as_it_is


def policy_servicer() -> Any:
    """Return the class that answers the engine for a policy pack."""
    return _policy_sdk()._PolicyAnalyzerServicer  # noqa: SLF001


def _policy_sdk() -> Any:
    from pulumi_policy import policy

    check_internals({policy: POLICY_INTERNALS}, "pulumi-policy")
    return policy
