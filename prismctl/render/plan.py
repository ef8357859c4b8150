"""The shape of `pulumi preview --json`, so that tools made for the real plan read this one.

Source: https://github.com/pulumi/pulumi/blob/master/pkg/backend/display/json.go
"""

from collections.abc import Mapping
from typing import Any

from prismctl.graph import Graph, Resource
from prismctl.render.words import plain


def render(graph: Graph, config: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """Return one plan; `duration` is in nanoseconds."""
    return {
        "config": dict(config),
        "steps": [_step(resource) for resource in graph.resources],
        "duration": int(seconds * 1e9),
        "changeSummary": {"create": len(graph.resources)},
    }


def _step(resource: Resource) -> dict[str, Any]:
    step: dict[str, Any] = {"op": "create", "urn": resource.urn}
    if resource.provider:
        step["provider"] = resource.provider
    step["newState"] = _state(resource)
    return step


def _state(resource: Resource) -> dict[str, Any]:
    """Return the resource as the engine's state has it; what is empty is left out, as there."""
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
        "propertyDependencies": {key: list(urns) for key, urns in resource.property_dependencies.items()},
        "aliases": list(resource.aliases),
        "ignoreChanges": list(resource.ignore_changes),
        "sourcePosition": f"project:///{resource.source.file}#{resource.source.line}" if resource.source else None,
    }
    always = ("urn", "custom", "type")
    return {key: value for key, value in state.items() if value or key in always}
