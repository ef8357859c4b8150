"""Recorded programs, shared by all tests of a worker."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource, Secret
from recording.recorder import record

STACKS = Project(ROOT).stacks()
TODAY = "2026-11-23"
"""The day for which the expectations were written: versions leave support, tests stay."""

_graphs: dict[tuple[str, bool], Graph] = {}


def sample(values: Iterable[Any], *kept: Any) -> list[Any]:
    """Return parameters of a test: `kept` in every run, all other values in `make e2e` alone, as a sweep."""
    return [value if value in kept else pytest.param(value, marks=pytest.mark.sweep) for value in values]


def configured(stack: str, section: str) -> dict[str, Any]:
    """Return a section of a stack's file, {} where it has none: what a test must know of a stack, it reads."""
    return json.loads(Project(ROOT).config(stack).get(f"ai-prism:{section}", "{}"))


def recorded(stack: str, *, known: bool) -> Graph:
    """Return the whole program's graph for a stack of this repository; each is recorded once."""
    key = stack, known
    if key not in _graphs:
        _graphs[key] = record(
            ROOT,
            "ai-prism",
            stack,
            Project(ROOT).config(stack),
            secret_keys=Project(ROOT).secret_keys(stack),
            known=known,
        )
    return _graphs[key]


def record_with(stack: str, *, known: bool = True, **sections: str) -> Graph:
    """Return the program's graph for a stack with some sections of its configuration (JSON) replaced."""
    config = Project(ROOT).config(stack) | {f"ai-prism:{name}": text for name, text in sections.items()}
    return record(ROOT, "ai-prism", stack, config, known=known)


def application(graph: Graph) -> Resource:
    """Return what Argo CD is told to run."""
    (found,) = [each for each in graph.resources if each.get("kind") == "Application"]
    return found


def parameters(stack: str) -> list[dict[str, Any]]:
    return application(recorded(stack, known=True))["spec"]["source"]["helm"]["parameters"]


def handed_over(stack: str) -> dict[str, Any]:
    """Return what the program hands over to the chart, as the chart sees it."""
    values: dict[str, Any] = {}
    for parameter in parameters(stack):
        *parents, last = parameter["name"].split(".")
        place = values
        for key in parents:
            place = place.setdefault(key, {})
        assert last not in place, parameter["name"]
        place[last] = parameter["value"]
    return values


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, however deep, those in secrets too."""
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from texts(item)
        case list():
            for item in value:
                yield from texts(item)
        case Secret(value=inner):
            yield from texts(inner)
        case _:
            pass
