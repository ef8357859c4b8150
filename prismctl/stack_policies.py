"""Checks the policy rules on the resources of the program, stack by stack."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from policy import configuration
from policy.findings import Report, Result
from policy.reports import sarif
from policy.view import Resource, Stack, told
from prismctl.policies import PROGRAM, Judge, Judged, PolicyOptions, configured, read, read_waivers, write
from prismctl.preview import Preview, preview, preview_all
from prismctl.project import ROOT, Project
from recording import graph
from recording.graph import Graph


def check(recorded: Graph, config: Mapping[str, str] | None = None) -> Report:
    """Return the findings of a recorded program, with the platform's own configuration and waivers."""
    return own_judge().report(view(recorded), config or {})


def view(recorded: Graph) -> Stack:
    """Return a recorded program as rules see it."""
    return Stack(name=recorded.stack, resources=tuple(_resource(each) for each in recorded.resources))


def _resource(recorded: graph.Resource) -> Resource:
    return told(
        Resource(
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
            delete_before_replace=recorded.delete_before_replace,
            replace_on_changes=recorded.replace_on_changes,
            retain_on_delete=recorded.retain_on_delete,
            custom_timeouts=recorded.custom_timeouts,
            source=recorded.source,
            read_inputs=lambda: recorded.inputs,
            read_outputs=lambda: recorded.outputs,
        )
    )


def judge(preview: Preview, by: Judge, root: Path = ROOT) -> Judged:
    """Return the findings of a previewed stack."""
    stack = view(preview.graph)
    places = sarif.Places(root=root, base=root, fallback=PROGRAM)
    return Judged(stack, by.report(stack, preview.config), places, stack.name)


def judge_stacks(project: Project, stacks: Sequence[str], options: PolicyOptions) -> int:
    """Check the program's resources in each stack; returns 1 if a mandatory policy is violated."""
    render = functools.partial(_render, by=configured(options, own_configuration()), project=project, options=options)
    return write(list(preview_all(project, stacks, render, known=True).values()), options)


def _render(first: Preview, *, by: Judge, project: Project, options: PolicyOptions) -> Mapping[str, str]:
    return judge_whole(project, first, by, known=True).since(by.before).texts(options)


def judge_whole(project: Project, first: Preview, by: Judge, *, known: bool) -> Judged:
    """Judge a stack as after an update, and add what is wrong on an empty account alone.

    Computed values are synthetic after an update, but enough to look into documents that name them: what a rule can
    tell by them, it need not leave open. `first` is the one preview, with computed values `known` or not; the other is
    made here.
    """
    other = preview(project, first.graph.stack, known=not known)
    after, before = (judge(each, by, project.root) for each in ((first, other) if known else (other, first)))
    seen = {finding.place for finding in after.report.findings}
    added = [
        each for each in before.report.findings if each.place not in seen and each.result is not Result.UNDETERMINED
    ]
    return after.with_findings(added)


def own_judge() -> Judge:
    """Return how the platform judges itself: by its own configuration and waivers."""
    return Judge(config=own_configuration(), accepted=read_waivers())


def own_configuration() -> Mapping[str, Mapping[str, Any]]:
    """Return what the platform configures for itself."""
    return configuration.parse(read(configuration.OWN), configuration.OWN.name)
