"""The command line. Commands import Pulumi only when they need it, so that help is fast."""

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
    help="Preview, check and operate the AI-Prism platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Stack = Annotated[str, typer.Argument(metavar="STACK|all", help="A stack with a Pulumi.STACK.yaml, or all of them.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Sarif = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the policy findings as SARIF, for code scanning.")
]
Today = Annotated[
    str | None, typer.Option("--today", metavar="DAY", help="Check version support as of this day, such as 2026-11-23.")
]


@app.callback()
def _commands() -> None:
    pass


@app.command()
def preview(
    stack: Stack,
    as_json: Json = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a Markdown summary for a pull request.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a diagram of the platform.")] = None,
    sarif: Sarif = None,
    known: Annotated[
        bool, typer.Option("--known", help="Show example values for outputs that only an update knows.")
    ] = False,
    today: Today = None,
) -> None:
    """Show the resources of a stack, without an AWS account, credentials or the Pulumi CLI.

    Exit code 1 if a mandatory policy is violated.
    """
    # A preview allocates much and frees little: garbage collection would take a quarter of the time.
    gc.disable()
    from prismctl import outputs

    stacks = Project(ROOT).choose(stack)
    _set_today(today)
    wanted = outputs.PreviewOutputs(as_json=as_json, markdown=markdown, svg=svg, sarif=sarif)
    _end(outputs.write(Project(ROOT), stacks, wanted, known=known))


@app.command()
def policies(  # noqa: PLR0913  # one parameter for each option
    stack: Annotated[
        str | None, typer.Argument(metavar="[STACK|all]", help="Check the program's resources in these stacks.")
    ] = None,
    *,
    state: Annotated[str | None, typer.Option(metavar="FILE", help="Check the output of pulumi stack export.")] = None,
    plan: Annotated[str | None, typer.Option(metavar="FILE", help="Check the output of pulumi preview --json.")] = None,
    manifests: Annotated[str | None, typer.Option(metavar="PATH", help="Check Kubernetes manifests.")] = None,
    as_json: Json = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a Markdown summary for a pull request.")
    ] = None,
    sarif: Sarif = None,
    base: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Show only findings that are not in this --json output.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Configuration of rules, as for --policy-pack-config.")
    ] = None,
    waivers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Waivers to use instead of policy/waivers.yaml.")
    ] = None,
    environment: Annotated[str | None, typer.Option(metavar="KIND", help="dev, integration, staging or prod.")] = None,
    today: Today = None,
) -> None:
    """Check resources against the policy rules. FILE or PATH - is standard input.

    Exit code 1 if a mandatory policy is violated.
    """
    gc.disable()
    given = {"state": state, "plan": plan, "manifests": manifests}
    files = {surface: name for surface, name in given.items() if name is not None}
    if len(files) + (stack is not None) != 1:
        raise UsageError("give exactly one of STACK (or all), --state FILE, --plan FILE and --manifests PATH")
    _set_today(today)
    from prismctl import policies
    from prismctl.files import check_files

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    wanted = policies.PolicyOptions(
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
    """List the versions in use, and when their support ends."""
    from prismctl import versions_report

    _set_today(today)
    versions_report.write(Project(ROOT), as_json=as_json)


OneStack = Annotated[str, typer.Argument(metavar="STACK", help="A stack with a Pulumi.STACK.yaml.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Kubeconfig of the cluster [default: KUBECONFIG, ~/.kube/config].")
]
Context = Annotated[
    str | None, typer.Option(metavar="NAME", help="Context of the kubeconfig [default: its current context].")
]


@app.command()
def reach(stack: OneStack, kubeconfig: Kubeconfig = None, context: Context = None, as_json: Json = False) -> None:
    """Check whether the stack's cluster answers, before an update. Changes nothing; requires Helm.

    Exit code 1 if it does not.
    """
    from prismctl import reach as report
    from prismctl import releases as releases_report

    _end(report.reach(_one(stack), releases_report.locate(kubeconfig, context), as_json=as_json))


@app.command()
def timeline(
    stack: OneStack,
    as_json: Json = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a diagram of the critical path.")] = None,
) -> None:
    """Estimate the duration of a stack's first update, and its critical path."""
    gc.disable()
    from prismctl import timeline as report

    report.write(Project(ROOT), _one(stack), as_json=as_json, svg=svg)


release = typer.Typer(help="Show and repair the Helm releases of a stack.", no_args_is_help=True)
app.add_typer(release, name="release")


@release.command()
def status(
    stack: OneStack,
    releases: Annotated[
        list[str] | None, typer.Argument(metavar="[RELEASE]...", help="Releases [default: all].")
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    as_json: Json = False,
) -> None:
    """Show releases that were interrupted, were changed by hand, or whose values differ from the program's.

    Changes nothing; requires Helm. Exit code 1 if there is such a release.
    """
    from prismctl import releases as releases_report

    where = releases_report.locate(kubeconfig, context)
    _end(releases_report.status(Project(ROOT), _one(stack), releases or [], where, as_json=as_json))


@release.command()
def repair(
    stack: OneStack,
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="Name of the release, as in prismctl release status.")],
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Repair a release with Helm, so that the next pulumi up can continue. Shows the command first, and asks."""
    from prismctl import releases as releases_report

    where = releases_report.locate(kubeconfig, context)
    _end(releases_report.repair(Project(ROOT), _one(stack), name, where, yes=yes))


def _one(stack: str) -> str:
    if stack == "all":
        raise UsageError("all is not possible here: give one STACK")
    return Project(ROOT).choose(stack)[0]


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _set_today(day: str | None) -> None:
    """Set the day (YYYY-MM-DD) by which version support is checked; raises UsageError where it is none."""
    if day is None:
        return
    from settings.versions import TODAY_VARIABLE

    try:
        os.environ[TODAY_VARIABLE] = datetime.date.fromisoformat(day).isoformat()
    except ValueError:
        raise UsageError(f"--today: must be a day such as 2026-11-23, got {day}") from None


# Typer does not export the base class of its usage errors.
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
