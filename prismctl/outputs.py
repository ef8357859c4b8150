"""What a preview writes, and where: text or JSON to standard output, documents to files."""

import functools
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from policy.reports import sarif
from prismctl import policies, stack_policies
from prismctl.files import check_files, save
from prismctl.preview import Preview, preview_all
from prismctl.project import Project


@dataclass(frozen=True, kw_only=True)
class PreviewOutputs:
    """Outputs of `prismctl preview`: JSON or text on standard output, and files."""

    as_json: bool = False
    markdown: Path | None = None
    svg: Path | None = None
    sarif: Path | None = None

    def documents(self, stacks: Sequence[str]) -> list[tuple[Path, str, Sequence[str]]]:
        """Return each file to write, with the output and the stacks that go there.

        With several stacks, diagrams get a file each; Markdown and SARIF are joined. Raises UsageError where a file
        cannot be one, or is named twice.
        """
        found: list[tuple[Path, str, Sequence[str]]] = []
        if self.markdown:
            found.append((self.markdown, "markdown", stacks))
        if self.sarif:
            found.append((self.sarif, "sarif", stacks))
        if self.svg and len(stacks) == 1:
            found.append((self.svg, "svg", stacks))
        elif self.svg:
            found += [(self.svg.with_stem(f"{self.svg.stem}-{stack}"), "svg", [stack]) for stack in stacks]
        check_files([file for file, _, _ in found])
        return found


def write(project: Project, stacks: Sequence[str], wanted: PreviewOutputs, *, known: bool) -> int:
    """Preview `stacks` and write what is wanted; nothing is written where any stack has a mistake.

    Returns 1 where a policy is violated that stops updates.
    """
    documents = wanted.documents(stacks)
    console = Console()
    terminal = console.is_terminal, console.width
    judge = functools.partial(stack_policies.judge_whole, project, by=stack_policies.own_judge(), known=known)
    render = functools.partial(_render, wanted=wanted, terminal=terminal, judge=judge)
    texts = preview_all(project, stacks, render, known=known)
    for stack, text in texts.items():
        for warning in text["warnings"].splitlines():
            print(f"warning: {stack}: {warning}", file=sys.stderr)  # noqa: T201
    _print(texts, wanted)
    for file, output, members in documents:
        parts = [texts[stack][output] for stack in members]
        save(file, sarif.as_document(parts) if output == "sarif" else "\n".join(parts))
    return 1 if any(text["mandatory"] for text in texts.values()) else 0


def _render(
    preview: Preview, *, wanted: PreviewOutputs, terminal: tuple[bool, int], judge: Callable[[Preview], policies.Judged]
) -> Mapping[str, str]:
    """Return the wanted texts; renderers are imported here, since few runs want all."""
    graph = preview.graph
    judged = judge(preview)
    texts = {"warnings": "\n".join(graph.warnings), "mandatory": "yes" if judged.report.mandatory else ""}
    if wanted.as_json:
        from prismctl.render import plan

        texts["json"] = json.dumps(plan.render(graph, preview.config, preview.seconds), indent=2)
    else:
        from prismctl.render import tree

        is_terminal, width = terminal
        text = io.StringIO()
        Console(file=text, force_terminal=is_terminal, width=width, highlight=False).print(
            tree.render(graph, preview.seconds, width), soft_wrap=True
        )
        texts["text"] = f"{text.getvalue()}\nPolicies\n{judged.text(width if is_terminal else None, brief=True)}"
    if wanted.markdown:
        from prismctl.render import markdown

        texts["markdown"] = markdown.render(graph, judged.report)
    if wanted.sarif:
        texts["sarif"] = judged.sarif
    if wanted.svg:
        from prismctl.render import diagram

        texts["svg"] = diagram.render(graph)
    return texts


def _print(texts: Mapping[str, Mapping[str, str]], wanted: PreviewOutputs) -> None:
    if not wanted.as_json:
        sys.stdout.write("\n".join(text["text"] for text in texts.values()))
    elif len(texts) == 1:
        sys.stdout.write(next(iter(texts.values()))["json"] + "\n")
    else:
        plans = ",\n".join(f"{json.dumps(stack)}: {text['json']}" for stack, text in texts.items())
        sys.stdout.write(f"{{{plans}}}\n")
