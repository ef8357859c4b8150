"""`ai-prism-policies`: the policies alone, as their own package has them."""

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

app = make_app("Check AWS and Kubernetes resources against the AI-Prism policies.")


@app.command()
def check(  # noqa: PLR0913  # one parameter for each option
    *,
    state: State = None,
    plan: Plan = None,
    manifests: Manifests = None,
    pack: Annotated[
        bool, typer.Option("--pack", help="Print the folder for the option --policy-pack of pulumi, and end.")
    ] = False,
    as_json: Json = False,
    markdown: Markdown = None,
    sarif: Sarif = None,
    base: Base = None,
    config: Config = None,
    waivers: Annotated[Path | None, typer.Option(metavar="FILE", help="Waivers of findings.")] = None,
    environment: Environment = None,
    today: Today = None,
) -> None:
    """Check a state, a plan or manifests against the policy rules. FILE or PATH - is standard input.

    Exit code 1 if a mandatory policy is violated, 2 if something could not be read.
    """
    if pack:
        print(Path(__file__).resolve().parent.parent)  # noqa: T201
        return
    surface, name = one_surface(state=state, plan=plan, manifests=manifests)
    set_today(today)
    from prismctl import policies

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
    end(policies.judge_file(surface, name, wanted))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    return run(app, "ai-prism-policies", arguments)
