"""The shape of `pulumi preview --json`, so that tools made for the real plan read this one.

Source: https://github.com/pulumi/pulumi/blob/master/pkg/backend/display/json.go
"""

import re
from collections.abc import Mapping
from typing import Any

from recording.graph import Graph, Resource
from recording.values import plain


def render(graph: Graph, config: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """Return one plan; `duration` is in nanoseconds."""
    plan: dict[str, Any] = {"config": dict(config), "steps": [_step(resource) for resource in graph.resources]}
    if graph.warnings:
        plan["diagnostics"] = [{"message": message, "severity": "warning"} for message in graph.warnings]
    return {**plan, "duration": int(seconds * 1e9), "changeSummary": {"create": len(graph.resources)}}


def _step(resource: Resource) -> dict[str, Any]:
    step: dict[str, Any] = {"op": "create", "urn": resource.urn}
    if resource.provider:
        step["provider"] = resource.provider
    return {**step, "newState": _state(resource), "detailedDiff": None}


def _state(resource: Resource) -> dict[str, Any]:
    """Return the resource as the engine's state has it; what is empty is left out, as there."""
    dependencies = {key: list(urns) for key, urns in resource.property_dependencies.items()}
    state = {
        "urn": resource.urn,
        "custom": resource.custom,
        "id": resource.id,
        "type": resource.type,
        "inputs": plain(resource.inputs),
        "outputs": plain(resource.outputs),
        "parent": resource.parent,
        "protect": resource.protect,
        "dependencies": list(resource.dependencies),
        "provider": resource.provider,
        "propertyDependencies": dependencies,
        "additionalSecretOutputs": list(resource.additional_secret_outputs),
        "customTimeouts": {operation: _seconds(text) for operation, text in resource.custom_timeouts.items()},
        "retainOnDelete": resource.retain_on_delete,
        "deletedWith": resource.deleted_with,
        "ignoreChanges": list(resource.ignore_changes),
        "sourcePosition": f"project:///{resource.source.file}#{resource.source.line}" if resource.source else None,
    }
    always = ("urn", "custom", "type")
    return {key: value for key, value in state.items() if value or key in always}


def _seconds(duration: str) -> float:
    """Return a duration such as `1h30m` in seconds, as the engine keeps it."""
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)([hms])", duration))
