"""The command line. Nothing here imports Pulumi until a command needs it, so that help is there at once."""

import datetime
import gc
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from prismctl.errors import OutsideError, UsageError
from prismctl.project import ROOT, Project

app = typer.Typer(
    help="Commands around the AI-Prism platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Stack = Annotated[str, typer.Argument(metavar="STACK|all", help="A stack with a Pulumi.STACK.yaml, or all of them.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, and nothing else.")]
Sarif = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the policies' findings for code scanning.")]
Today = Annotated[
    str | None, typer.Option("--today", metavar="DAY", help="Judge versions as of this day (2026-11-23), not of now.")
]


@app.callback()
def _commands() -> None:
    pass


@app.command()
def preview(
    stack: Stack,
    as_json: Json = False,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the pull-request comment.")] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the platform.")] = None,
    sarif: Sarif = None,
    known: Annotated[bool, typer.Option("--known", help="Show computed values as after an update.")] = False,
    today: Today = None,
) -> None:
    """Show what the program would make, without an account, credentials or the Pulumi CLI.

    Exit code 1 where a mandatory policy is violated.
    """
    # A preview allocates much and frees little: collecting in between costs a quarter of the time.
    gc.disable()
    from prismctl import outputs

    stacks = Project(ROOT).choose(stack)
    _judge_by(today)
    wanted = outputs.Wanted(as_json=as_json, markdown=markdown, svg=svg, sarif=sarif)
    _end(outputs.write(Project(ROOT), stacks, wanted, known=known))


@app.command()
def policies(  # noqa: PLR0913  # one parameter for each option
    stack: Annotated[
        str | None, typer.Argument(metavar="[STACK|all]", help="Judge the program as these stacks.")
    ] = None,
    *,
    state: Annotated[str | None, typer.Option(metavar="FILE", help="Judge what pulumi stack export wrote.")] = None,
    plan: Annotated[str | None, typer.Option(metavar="FILE", help="Judge what pulumi preview --json wrote.")] = None,
    manifests: Annotated[str | None, typer.Option(metavar="PATH", help="Judge Kubernetes manifests.")] = None,
    as_json: Json = False,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a pull request's summary.")] = None,
    sarif: Sarif = None,
    base: Annotated[Path | None, typer.Option(metavar="FILE", help="Show what is new since this --json.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Configure rules, as --policy-pack-config.")
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Waivers, in place of policy/waivers.yaml.")
    ] = None,
    environment: Annotated[str | None, typer.Option(metavar="KIND", help="dev, integration, staging or prod.")] = None,
    today: Today = None,
) -> None:
    """Check resources against the policies; exit code 1 where a mandatory one is violated. - is standard input."""
    gc.disable()
    given = {"state": state, "plan": plan, "manifests": manifests}
    files = {surface: name for surface, name in given.items() if name is not None}
    if len(files) + (stack is not None) != 1:
        raise UsageError("judge one thing: a STACK (or all), --state FILE, --plan FILE or --manifests PATH")
    _judge_by(today)
    from prismctl import policies
    from prismctl.files import check_files

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    wanted = policies.Wanted(
        as_json=as_json,
        markdown=markdown,
        sarif=sarif,
        base=base,
        config=config,
        waivers=waivers,
        environment=environment,
        width=width,
    )
    check_files([file for file in (markdown, sarif) if file])
    if stack is not None:
        found = policies.judge_stacks(Project(ROOT), Project(ROOT).choose(stack), wanted)
    else:
        found = next(policies.judge_file(surface, name, wanted) for surface, name in files.items())
    _end(found)


@app.command()
def versions(as_json: Json = False, today: Today = None) -> None:
    """List the versions in use, and when each leaves support."""
    from prismctl import versions_report

    _judge_by(today)
    versions_report.write(Project(ROOT), as_json=as_json)


OneStack = Annotated[str, typer.Argument(metavar="STACK", help="A stack with a Pulumi.STACK.yaml.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(metavar="FILE", help="How to reach the cluster; else KUBECONFIG, else ~/.kube/config.")
]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="A context of the kubeconfig, not its current one.")]


@app.command()
def reach(stack: OneStack, kubeconfig: Kubeconfig = None, context: Context = None, as_json: Json = False) -> None:
    """Tell whether the stack's cluster answers, before an update says so of each object. Changes nothing; needs Helm.

    Exit code 1 where it does not.
    """
    from prismctl import reach as report
    from prismctl import releases as releases_report

    _end(report.reach(_one(stack), releases_report.locate(kubeconfig, context), as_json=as_json))


@app.command()
def timeline(
    stack: OneStack,
    as_json: Json = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw what the end waits for.")] = None,
) -> None:
    """Predict how long the first update of a stack takes, and what its end waits for; needs no engine."""
    gc.disable()
    from prismctl import timeline as report

    report.write(Project(ROOT), _one(stack), as_json=as_json, svg=svg)


release = typer.Typer(help="Look after the Helm releases of a stack, in its cluster.", no_args_is_help=True)
app.add_typer(release, name="release")


@release.command()
def status(
    stack: OneStack,
    releases: Annotated[list[str] | None, typer.Argument(metavar="[RELEASE]...", help="These, not all.")] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    as_json: Json = False,
) -> None:
    """Tell which releases were stopped in the middle, changed by hand, or have other values than the program.

    Changes nothing; needs Helm. Exit code 1 where there is such a release.
    """
    from prismctl import releases as releases_report

    where = releases_report.locate(kubeconfig, context)
    _end(releases_report.status(Project(ROOT), _one(stack), releases or [], where, as_json=as_json))


@release.command()
def repair(
    stack: OneStack,
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="As prismctl release status names it.")],
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Mend a release by Helm, so that the next pulumi up goes on; says first what is done. Needs Helm."""
    from prismctl import releases as releases_report

    where = releases_report.locate(kubeconfig, context)
    _end(releases_report.repair(Project(ROOT), _one(stack), name, where, yes=yes))


def _one(stack: str) -> str:
    if stack == "all":
        raise UsageError("one STACK, not all")
    return Project(ROOT).choose(stack)[0]


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _judge_by(day: str | None) -> None:
    """Let the program see another day than the calendar's, through its own variable."""
    if day is None:
        return
    from settings.versions import TODAY_VARIABLE

    try:
        os.environ[TODAY_VARIABLE] = datetime.date.fromisoformat(day).isoformat()
    except ValueError:
        raise UsageError(f"--today: must be a day such as 2026-11-23, got {day}") from None


# Typer exports only the leaves of its errors of use.
_TyperUsageError: Any = typer.BadParameter.__mro__[1]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code (see the table in the README)."""
    try:
        result: Any = app(arguments, prog_name="prismctl", standalone_mode=False)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except OutsideError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 3
    except _TyperUsageError as error:
        error.show()
        return 2
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return int(result or 0)
