"""The command line. Commands import Pulumi only when they need it, so that help is fast."""

import gc
from pathlib import Path
from typing import Annotated

import typer

from prismctl.command_line import (
    Base,
    Config,
    Environment,
    Json,
    Manifests,
    Markdown,
    Plan,
    Sarif,
    State,
    Today,
    end,
    make_app,
    one_surface,
    run,
    set_today,
    width,
)
from prismctl.errors import UsageError
from prismctl.project import ROOT, Project

app = make_app("Preview, check and operate the AI-Prism platform.")

Stack = Annotated[str, typer.Argument(metavar="STACK|all", help="A stack with a Pulumi.STACK.yaml, or all of them.")]


@app.callback()
def _commands() -> None:
    pass


@app.command()
def preview(
    stack: Stack,
    as_json: Json = False,
    markdown: Markdown = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a diagram of the platform.")] = None,
    sarif: Sarif = None,
    known: Annotated[
        bool, typer.Option("--known", help="Show example values for outputs that only an update knows.")
    ] = False,
    today: Today = None,
) -> None:
    """Show a stack's resources without an account or credentials.

    Runs the program without the Pulumi CLI.
    Exit code 1 if a mandatory policy is violated.
    """
    # A preview allocates much and frees little: garbage collection would take a quarter of the time.
    gc.disable()
    from prismctl import outputs

    stacks = Project(ROOT).choose(stack)
    set_today(today)
    wanted = outputs.PreviewOutputs(as_json=as_json, markdown=markdown, svg=svg, sarif=sarif)
    end(outputs.write(Project(ROOT), stacks, wanted, known=known))


@app.command()
def policies(  # noqa: PLR0913  # one parameter for each option
    stack: Annotated[
        str | None, typer.Argument(metavar="[STACK|all]", help="Check the program's resources in these stacks.")
    ] = None,
    *,
    state: State = None,
    plan: Plan = None,
    manifests: Manifests = None,
    as_json: Json = False,
    markdown: Markdown = None,
    sarif: Sarif = None,
    base: Base = None,
    config: Config = None,
    waivers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Waivers to use instead of policy/waivers.yaml.")
    ] = None,
    environment: Environment = None,
    today: Today = None,
) -> None:
    """Check resources against the policy rules. FILE or PATH - is standard input.

    Exit code 1 if a mandatory policy is violated.
    """
    gc.disable()
    surface, name = one_surface(state=state, plan=plan, manifests=manifests, stack=stack)
    set_today(today)
    from prismctl import policies, stack_policies

    wanted = policies.PolicyOptions(
        as_json=as_json,
        markdown=markdown,
        sarif=sarif,
        base=base,
        config=config,
        waivers=waivers,
        environment=environment,
        width=width(),
    )
    if surface == "stack":
        stacks = Project(ROOT).choose(name)
        wanted.check_files()
        end(stack_policies.judge_stacks(Project(ROOT), stacks, wanted))
    else:
        end(policies.judge_file(surface, name, wanted))


@app.command()
def waivers(
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Renew the waivers of this rule.")] = None,
    *,
    urn: Annotated[str, typer.Option(metavar="PATTERN", help="Only waivers with such a pattern of URNs.")] = "*",
    until: Annotated[str | None, typer.Option(metavar="DAY", help="The new last day, such as 2027-03-31.")] = None,
    file: Annotated[
        Path | None, typer.Option("--waivers", metavar="FILE", help="Waivers instead of policy/waivers.yaml.")
    ] = None,
    today: Today = None,
) -> None:
    """List the waivers, or renew those of a rule."""
    from prismctl import waivers as command

    set_today(today)
    if (rule is None) != (until is None):
        raise UsageError("to renew waivers, name RULE and --until; without both, all are listed")
    end(command.renew(file, rule, urn, until) if rule and until else command.show(file))


@app.command()
def versions(as_json: Json = False, today: Today = None) -> None:
    """List the versions in use, and when their support ends."""
    from prismctl import versions_report

    set_today(today)
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

    end(report.reach(_one(stack), releases_report.locate(kubeconfig, context), as_json=as_json))


@app.command()
def timeline(
    stack: OneStack,
    as_json: Json = False,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a diagram of the critical path.")] = None,
) -> None:
    """Estimate how long a stack's first update takes.

    Shows its critical path.
    """
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
    end(releases_report.status(Project(ROOT), _one(stack), releases or [], where, as_json=as_json))


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
    end(releases_report.repair(Project(ROOT), _one(stack), name, where, yes=yes))


def _one(stack: str) -> str:
    if stack == "all":
        raise UsageError("all is not possible here: give one STACK")
    return Project(ROOT).choose(stack)[0]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code (see the table in the README)."""
    return run(app, "prismctl", arguments)
