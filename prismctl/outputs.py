"""What a preview writes, and where: text or JSON to standard output, documents to files."""

import functools
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from prismctl.errors import UsageError
from prismctl.preview import Preview, preview_each
from prismctl.project import Project


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which outputs were asked for."""

    as_json: bool = False
    markdown: Path | None = None
    svg: Path | None = None

    def files(self) -> dict[str, Path]:
        """Return the files to write, by the output that goes there."""
        named = {"markdown": self.markdown, "svg": self.svg}
        return {output: file for output, file in named.items() if file is not None}


def write(project: Project, stacks: Sequence[str], wanted: Wanted, *, known: bool) -> None:
    """Preview `stacks` and write what is wanted; nothing is written where any stack has a mistake."""
    files = list(wanted.files().values())
    if len({file.absolute() for file in files}) < len(files):
        raise UsageError(f"{files[0]}: named for two outputs; give each a file of its own")
    for file in files:
        if not file.absolute().parent.is_dir():
            raise UsageError(f"{file}: the folder does not exist")
        if file.is_dir():
            raise UsageError(f"{file}: is a folder; give the name of a file")
    console = Console(highlight=False, soft_wrap=True)
    terminal = console.is_terminal, console.width
    render = functools.partial(_render, wanted=wanted, terminal=terminal)
    results = preview_each(project, stacks, render, known=known)
    mistakes = [str(result) for result in results.values() if isinstance(result, UsageError)]
    if mistakes:
        raise UsageError("\n".join(mistakes))
    texts = {stack: result for stack, result in results.items() if not isinstance(result, UsageError)}
    for stack, text in texts.items():
        for warning in text["warnings"].splitlines():
            print(f"warning: {stack}: {warning}", file=sys.stderr)  # noqa: T201
    _print(texts, wanted)
    _save(texts, wanted)


def _render(preview: Preview, *, wanted: Wanted, terminal: tuple[bool, int]) -> Mapping[str, str]:
    """Return the wanted texts; renderers are imported here, since few runs want all."""
    graph, texts = preview.graph, {"warnings": "\n".join(preview.graph.warnings)}
    if wanted.as_json:
        from prismctl.render import plan

        texts["json"] = json.dumps(plan.render(graph, preview.config, preview.seconds), indent=2)
    else:
        from prismctl.render import tree

        text = io.StringIO()
        Console(file=text, force_terminal=terminal[0], width=terminal[1], highlight=False).print(
            tree.render(graph, preview.seconds), soft_wrap=True
        )
        texts["text"] = text.getvalue()
    if wanted.markdown:
        from prismctl.render import markdown

        texts["markdown"] = markdown.render(graph)
    if wanted.svg:
        from prismctl.render import diagram

        texts["svg"] = diagram.render(graph)
    return texts


def _print(texts: Mapping[str, Mapping[str, str]], wanted: Wanted) -> None:
    if not wanted.as_json:
        sys.stdout.write("\n".join(text["text"] for text in texts.values()))
    elif len(texts) == 1:
        sys.stdout.write(next(iter(texts.values()))["json"] + "\n")
    else:
        plans = ",\n".join(f"{json.dumps(stack)}: {text['json']}" for stack, text in texts.items())
        sys.stdout.write(f"{{{plans}}}\n")


def _save(texts: Mapping[str, Mapping[str, str]], wanted: Wanted) -> None:
    """Write each file whole or not at all; with several stacks, diagrams get a file each and Markdown is joined."""
    files: dict[Path, str] = {}
    for output, file in wanted.files().items():
        if output == "markdown" or len(texts) == 1:
            files[file] = "\n".join(text[output] for text in texts.values())
        else:
            files |= {file.with_stem(f"{file.stem}-{stack}"): text[output] for stack, text in texts.items()}
    for file, content in files.items():
        part = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            part.write_text(content, encoding="utf-8")
            part.replace(file)
        except OSError as error:
            raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)
        print(f"wrote {file}", file=sys.stderr)  # noqa: T201
