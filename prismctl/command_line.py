"""What command lines share: options, exit codes, and errors told without a stack trace."""

import datetime
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from prismctl.errors import OutsideError, UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Sarif = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the policy findings as SARIF, for code scanning.")
]
Today = Annotated[
    str | None, typer.Option("--today", metavar="DAY", help="Check version support as of this day, such as 2026-11-23.")
]
State = Annotated[str | None, typer.Option(metavar="FILE", help="Check the output of pulumi stack export.")]
Plan = Annotated[str | None, typer.Option(metavar="FILE", help="Check the output of pulumi preview --json.")]
Manifests = Annotated[str | None, typer.Option(metavar="PATH", help="Check Kubernetes manifests.")]
Markdown = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a Markdown summary for a pull request.")]
Base = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Show only findings that are not in this --json output.")
]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration of rules, as for --policy-pack-config.")
]
Environment = Annotated[str | None, typer.Option(metavar="KIND", help="dev, integration, staging or prod.")]


def make_app(about: str) -> typer.Typer:
    """Return a command line without commands; `about` is the first line of its help."""
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def end(code: int) -> None:
    """End the command with this exit code, if it is not 0."""
    if code:
        raise typer.Exit(code)


def set_today(day: str | None) -> None:
    """Set the day (YYYY-MM-DD) by which version support is checked; raises UsageError where it is none."""
    if day is None:
        return
    from settings.versions import TODAY_VARIABLE

    try:
        os.environ[TODAY_VARIABLE] = datetime.date.fromisoformat(day).isoformat()
    except ValueError:
        raise UsageError(f"--today: must be a day such as 2026-11-23, got {day}") from None


def width() -> int | None:
    """Return the columns of the terminal; None where the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def one_surface(**given: str | None) -> tuple[str, str]:
    """Return what is to be checked and its name; raises UsageError unless exactly one is given."""
    found = [(surface, name) for surface, name in given.items() if name is not None]
    if len(found) != 1:
        stack = "STACK (or all), " if "stack" in given else ""
        raise UsageError(f"give exactly one of {stack}--state FILE, --plan FILE and --manifests PATH")
    return found[0]


# Typer does not export the base class of its usage errors.
_TyperUsageError: Any = typer.BadParameter.__mro__[1]


def run(app: typer.Typer, name: str, arguments: list[str] | None) -> int:
    """Run a command; returns its exit code (see the table in the README)."""
    try:
        result: Any = app(arguments, prog_name=name, standalone_mode=False)
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
