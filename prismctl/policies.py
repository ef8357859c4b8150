"""Runs the policies: on what the program registers, on states and plans of any program, on manifests."""

import dataclasses
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy import configuration, waivers
from policy.environment import UNKNOWN_ENVIRONMENT, environment_of, kind_of
from policy.findings import Finding, Known, Report
from policy.registry import ENVIRONMENTS, Settings
from policy.reports import document, sarif, text
from policy.runner import run
from policy.surfaces.errors import InputError
from policy.surfaces.manifests import read_manifests
from policy.surfaces.state import read_plan, read_state
from policy.view import Resource, Stack
from policy.waivers import Waiver
from prismctl.errors import UsageError
from prismctl.files import save
from prismctl.preview import Preview, preview, preview_all
from prismctl.project import ROOT, Project
from prismctl.render import markdown
from recording import graph
from recording.graph import Graph, Source
from settings import versions

_PROGRAM = Source("Pulumi.yaml", 1)
"""Where a finding is shown that belongs to no line of the program."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked for."""

    as_json: bool = False
    markdown: Path | None = None
    sarif: Path | None = None
    base: Path | None = None
    config: Path | None = None
    waivers: Path | None = None
    environment: str | None = None
    width: int | None = None
    """Of the terminal, if there is one."""


@dataclass(frozen=True)
class Judge:
    """Everything that a judgement depends on beside the resources."""

    environment: str | None = None
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    accepted: tuple[Waiver, ...] = ()
    before: Mapping[Known, int] = field(default_factory=dict[Known, int])

    def environment_of(self, stack: Stack, configured: Mapping[str, str]) -> str:
        """Return which environment a stack is judged as; `configured` is its Pulumi configuration."""
        return self.environment or environment_of(stack.name, configured)

    def report(self, stack: Stack, configured: Mapping[str, str]) -> Report:
        """Return what the rules say of a stack; where nobody says which environment it is, as of prod."""
        environment = self.environment_of(stack, configured)
        settings = Settings(
            environment="prod" if environment == UNKNOWN_ENVIRONMENT else environment,
            today=versions.today(),
            config=self.config,
            waivers=self.accepted,
        )
        return run(stack, settings)


def check(recorded: Graph, config: Mapping[str, str] | None = None) -> Report:
    """Return what the rules say of a recorded program, with the waivers that there are."""
    return own_judge().report(view(recorded), config or {})


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


@dataclass(frozen=True)
class Judged:
    """A stack, and what the rules say of it."""

    stack: Stack
    report: Report
    places: sarif.Places
    category: str
    """What code scanning tells its runs from others by."""

    def text(self, width: int | None, *, brief: bool = False) -> str:
        """Return everything, or in brief what is violated, and the numbers of the rest."""
        return text.render(self.report, text.components_of(self.stack.by_urn), brief=brief, width=width)

    def with_findings(self, added: Sequence[Finding]) -> "Judged":
        report = dataclasses.replace(self.report, findings=(*self.report.findings, *added))
        return dataclasses.replace(self, report=report)

    def since(self, before: Mapping[Known, int]) -> "Judged":
        """Return it with new findings alone."""
        return dataclasses.replace(self, report=self.report.without(before))

    @property
    def sarif(self) -> str:
        return json.dumps(sarif.render(self.report, self.places, self.category), indent=2)

    def texts(self, wanted: Wanted) -> Mapping[str, str]:
        """Return what is wanted, as texts that go from one process to another."""
        found = {"mandatory": "yes" if self.report.mandatory else ""}
        if wanted.as_json:
            found["json"] = json.dumps(document.render(self.report))
        else:
            found["text"] = self.text(wanted.width)
        if wanted.markdown:
            found["markdown"] = markdown.render_policies(self.report)
        if wanted.sarif:
            found["sarif"] = self.sarif
        return found


def judge(preview: Preview, by: Judge, root: Path = ROOT) -> Judged:
    """Return what the rules say of a previewed stack."""
    stack = view(preview.graph)
    places = sarif.Places(root=root, base=root, fallback=_PROGRAM)
    return Judged(stack, by.report(stack, preview.config), places, stack.name)


def judge_stacks(project: Project, stacks: Sequence[str], wanted: Wanted) -> int:
    """Judge what the program registers for each stack; returns 1 where something is mandatory."""
    render = functools.partial(_render, by=_judge(wanted, own_configuration()), project=project, wanted=wanted)
    return _write(list(preview_all(project, stacks, render, known=True).values()), wanted)


def _render(known: Preview, *, by: Judge, project: Project, wanted: Wanted) -> Mapping[str, str]:
    """Judge a stack as after an update, and add what stands out only on an empty account.

    Computed values are synthetic after an update, but enough to look into documents that name them; on an empty account
    the rules show what they cannot tell before an update.
    """
    after = judge(known, by, project.root)
    before = judge(preview(project, known.graph.stack, known=False), by, project.root)
    seen = {finding.place for finding in after.report.findings}
    added = [each for each in before.report.findings if each.place not in seen and (each.stops or each.is_violation)]
    return after.with_findings(added).since(by.before).texts(wanted)


def judge_file(surface: str, name: str, wanted: Wanted) -> int:
    """Judge a state, a plan or manifests; returns 1 where something is mandatory."""
    by = _judge(wanted)
    configured: Mapping[str, str] = {}
    try:
        if surface == "manifests":
            manifests = read_manifests(name)
            stack = manifests.stack
            for skipped in manifests.skipped:
                _note(f"skipped {skipped}")
        else:
            read = read_state(name) if surface == "state" else read_plan(name)
            stack, configured = read.stack, read.config
    except InputError as error:
        raise UsageError(str(error)) from None
    if by.environment_of(stack, configured) == UNKNOWN_ENVIRONMENT:
        _note("warning: nothing says which environment this is; judged as prod (--environment)")
    if wanted.waivers:
        others = len(by.accepted) - len(waivers.concerned(by.accepted, stack.by_urn))
        if others:
            _note(f"{wanted.waivers}: {others} of {len(by.accepted)} waivers are about other stacks, projects or files")
    base = Path.cwd()
    fallback = Source("standard-input" if name == "-" else name, 1)
    places = sarif.Places(root=_repository(base), base=base, fallback=fallback)
    judged = Judged(stack, by.report(stack, configured), places, _category(surface, stack, name))
    return _write([judged.since(by.before).texts(wanted)], wanted)


def _note(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def _repository(folder: Path) -> Path:
    """Return the root of the repository in which a folder is, or the folder itself outside of any."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def _category(surface: str, stack: Stack, name: str) -> str:
    if surface == "manifests":
        return f"manifests/{'standard-input' if name == '-' else name.strip('/')}"
    return f"{stack.project}/{stack.name}" if stack.resources else surface


def own_judge() -> Judge:
    """Return how the platform judges itself: by its own configuration and waivers."""
    return Judge(config=own_configuration(), accepted=_waivers())


def _judge(wanted: Wanted, config: Mapping[str, Mapping[str, Any]] | None = None) -> Judge:
    """Return what was asked for; `config` is what holds where nothing else is configured."""
    environment = kind_of(wanted.environment) if wanted.environment is not None else None
    if environment == UNKNOWN_ENVIRONMENT:
        raise UsageError(f"--environment: must be one of {', '.join(ENVIRONMENTS)}, got {wanted.environment}")
    try:
        return Judge(
            environment=environment,
            config=configuration.parse(_text(wanted.config), str(wanted.config)) if wanted.config else config or {},
            accepted=_waivers(wanted.waivers),
            before=document.known_before(_text(wanted.base), str(wanted.base)) if wanted.base else {},
        )
    except (configuration.ConfigurationError, document.BaseError) as error:
        raise UsageError(str(error)) from None


def own_configuration() -> Mapping[str, Mapping[str, Any]]:
    """Return what the platform configures for itself."""
    return configuration.parse(_text(configuration.OWN), configuration.OWN.name)


def _waivers(file: Path | None = None) -> tuple[Waiver, ...]:
    """Return the waivers in a file, or the platform's own; these name its project, and so concern no other's."""
    try:
        return waivers.load(file or waivers.FILE)
    except waivers.WaiverFileError as error:
        raise UsageError(str(error)) from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'no text'}") from None


def _write(results: Sequence[Mapping[str, str]], wanted: Wanted) -> int:
    if wanted.as_json:
        sys.stdout.write(document.as_document([json.loads(each["json"]) for each in results]) + "\n")
    else:
        sys.stdout.write("\n".join(each["text"] for each in results))
    if wanted.markdown:
        save(wanted.markdown, "\n".join(each["markdown"] for each in results))
    if wanted.sarif:
        save(wanted.sarif, sarif.as_document([each["sarif"] for each in results]))
    return 1 if any(each["mandatory"] for each in results) else 0
