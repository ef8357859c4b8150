"""Runs the policies on what the program registered."""

import versions
from policy.findings import Report
from policy.registry import Settings
from policy.runner import run
from policy.view import Resource, Stack
from prismctl import graph
from prismctl.graph import Graph


def view(recorded: Graph) -> Stack:
    """Return a recorded program as rules see it."""
    return Stack(name=recorded.stack, resources=tuple(_resource(each) for each in recorded.resources))


def _resource(recorded: graph.Resource) -> Resource:
    return Resource(
        urn=recorded.urn,
        type=recorded.type,
        name=recorded.name,
        id=recorded.id,
        custom=recorded.custom,
        remote=recorded.remote,
        parent=recorded.parent or "",
        provider_urn=recorded.provider_urn or "",
        dependencies=recorded.dependencies,
        property_dependencies=recorded.property_dependencies,
        protect=recorded.protect,
        ignore_changes=recorded.ignore_changes,
        source=recorded.source,
        read_inputs=lambda: recorded.inputs,
        read_outputs=lambda: recorded.outputs,
    )


def check(recorded: Graph, environment: str | None = None) -> Report:
    """Return what the rules say of a recorded program."""
    return run(view(recorded), Settings(environment=environment or recorded.stack, today=versions.today()))
