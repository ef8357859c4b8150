"""Checks the policy rules on states and plans of any program, and on manifests."""

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policy import configuration, waivers
from policy.environment import UNKNOWN_ENVIRONMENT, Environment, environment, kind_of
from policy.findings import Finding, Known, Report
from policy.registry import ENVIRONMENTS, RulesError, Settings, rules
from policy.reports import document, sarif, text
from policy.runner import run
from policy.surfaces.errors import InputError
from policy.surfaces.manifests import read_manifests
from policy.surfaces.state import read_plan, read_state
from policy.view import Stack
from policy.waivers import Waiver
from prismctl.errors import UsageError
from prismctl.files import check_files, save
from prismctl.render import markdown
from recording.graph import Source
from settings import versions

PROGRAM = Source("Pulumi.yaml", 1)
"""Location of findings that have no line of the program."""


@dataclass(frozen=True, kw_only=True)
class PolicyOptions:
    """Options of `prismctl policies`: output formats and files, baseline, configuration, waivers, environment."""

    as_json: bool = False
    markdown: Path | None = None
    sarif: Path | None = None
    base: Path | None = None
    config: Path | None = None
    waivers: Path | None = None
    environment: str | None = None
    width: int | None = None
    """Columns of the terminal; None where the output is no terminal."""

    def check_files(self) -> None:
        """Raise UsageError where an output could not be written."""
        check_files([file for file in (self.markdown, self.sarif) if file])


@dataclass(frozen=True)
class Judge:
    """Environment, rule configuration, waivers and baseline of a check."""

    environment: str | None = None
    config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    accepted: tuple[Waiver, ...] = ()
    before: Mapping[Known, int] = field(default_factory=dict[Known, int])

    def environment_of(self, stack: Stack, configured: Mapping[str, str]) -> Environment:
        """Return the environment whose rules apply to a stack; `configured` is its Pulumi configuration."""
        if self.environment:
            return Environment(self.environment)
        return environment(stack.name, configured, stack.project if stack.resources else "")

    def report(self, stack: Stack, configured: Mapping[str, str]) -> Report:
        """Return the findings of a stack; one of an unknown environment is checked as prod."""
        kind = self.environment_of(stack, configured).kind
        settings = Settings(
            environment="prod" if kind == UNKNOWN_ENVIRONMENT else kind,
            today=versions.today(),
            config=self.config,
            waivers=self.accepted,
        )
        return run(stack, settings)


@dataclass(frozen=True)
class Judged:
    """A stack, and the findings of the rules."""

    stack: Stack
    report: Report
    places: sarif.Places
    category: str
    """Category of the SARIF run in code scanning."""

    def text(self, width: int | None, *, brief: bool = False) -> str:
        """Return all findings as text; `brief` shows violations, and only the number of others."""
        return text.render(self.report, text.components_of(self.stack.by_urn), brief=brief, width=width)

    def with_findings(self, added: Sequence[Finding]) -> "Judged":
        report = dataclasses.replace(self.report, findings=(*self.report.findings, *added))
        return dataclasses.replace(self, report=report)

    def since(self, before: Mapping[Known, int]) -> "Judged":
        """Return it with only the findings that are new."""
        return dataclasses.replace(self, report=self.report.without(before))

    @property
    def sarif(self) -> str:
        return json.dumps(sarif.render(self.report, self.places, self.category), indent=2)

    def texts(self, options: PolicyOptions) -> Mapping[str, str]:
        """Return the requested outputs as texts, which can be sent between processes."""
        found = {"mandatory": "yes" if self.report.mandatory else ""}
        if options.as_json:
            found["json"] = json.dumps(document.render(self.report))
        else:
            found["text"] = self.text(options.width)
        if options.markdown:
            found["markdown"] = markdown.render_policies(self.report)
        if options.sarif:
            found["sarif"] = self.sarif
        return found


def judge_file(surface: str, name: str, options: PolicyOptions) -> int:
    """Check a state, a plan or manifests; returns 1 if a mandatory policy is violated."""
    options.check_files()
    by = configured(options)
    config: Mapping[str, str] = {}
    failed: Sequence[str] = ()
    try:
        if surface == "manifests":
            manifests = read_manifests(name)
            stack, failed = manifests.stack, manifests.failed
            for skipped in manifests.skipped:
                _note(f"skipped {skipped}")
        else:
            found = read_state(name) if surface == "state" else read_plan(name)
            stack, config = found.stack, found.config
    except InputError as error:
        raise UsageError(str(error)) from None
    taken_for = by.environment_of(stack, config)
    if taken_for.kind == UNKNOWN_ENVIRONMENT:
        _note("warning: unknown environment, checked as prod; set it with --environment")
    elif taken_for.doubt:
        _note(f"warning: checked as {taken_for.kind}: {taken_for.doubt}; set it with --environment")
    for mistake in failed:
        _note(f"not checked: {mistake}")
    if options.waivers:
        others = len(by.accepted) - len(waivers.concerned(by.accepted, stack.by_urn))
        if others:
            _note(
                f"{options.waivers}: {others} of {len(by.accepted)} waivers are about other stacks, projects or files"
            )
    base = Path.cwd()
    fallback = Source("standard-input" if name == "-" else name, 1)
    places = sarif.Places(root=_repository(base), base=base, fallback=fallback)
    judged = Judged(stack, by.report(stack, config), places, _category(surface, stack, name))
    code = write([judged.since(by.before).texts(options)], options)
    return _NOT_ALL_READ if failed else code


_NOT_ALL_READ = 2
"""Exit code of bad input, also where something else was read and has findings."""


def _note(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def _repository(folder: Path) -> Path:
    """Return the root of the repository in which a folder is, or the folder itself outside of any."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def _category(surface: str, stack: Stack, name: str) -> str:
    if surface == "manifests":
        return f"manifests/{'standard-input' if name == '-' else name.strip('/')}"
    return f"{stack.project}/{stack.name}" if stack.resources else surface


def configured(options: PolicyOptions, config: Mapping[str, Mapping[str, Any]] | None = None) -> Judge:
    """Return the configured check; `config` applies where the options name no configuration."""
    try:
        rules()
    except RulesError as error:
        raise UsageError(str(error)) from None
    environment = kind_of(options.environment) if options.environment is not None else None
    if environment == UNKNOWN_ENVIRONMENT:
        raise UsageError(f"--environment: must be one of {', '.join(ENVIRONMENTS)}, got {options.environment}")
    try:
        return Judge(
            environment=environment,
            config=configuration.parse(read(options.config), str(options.config)) if options.config else config or {},
            accepted=read_waivers(options.waivers),
            before=document.known_before(read(options.base), str(options.base)) if options.base else {},
        )
    except (configuration.ConfigurationError, document.BaseError) as error:
        raise UsageError(str(error)) from None


def read_waivers(file: Path | None = None) -> tuple[Waiver, ...]:
    """Return the waivers in a file, or the platform's own; these name its project, and so concern no other's."""
    try:
        return waivers.load(file or waivers.FILE)
    except waivers.WaiverFileError as error:
        raise UsageError(str(error)) from None


def read(file: Path) -> str:
    """Return a file's text; raises UsageError where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or 'no text'}") from None


def write(results: Sequence[Mapping[str, str]], options: PolicyOptions) -> int:
    """Write the requested outputs of each stack; returns 1 if a mandatory policy is violated."""
    if options.as_json:
        sys.stdout.write(document.as_document([json.loads(each["json"]) for each in results]) + "\n")
    else:
        sys.stdout.write("\n".join(each["text"] for each in results))
    if options.markdown:
        save(options.markdown, "\n".join(each["markdown"] for each in results))
    if options.sarif:
        save(options.sarif, sarif.as_document([each["sarif"] for each in results]))
    return 1 if any(each["mandatory"] for each in results) else 0
