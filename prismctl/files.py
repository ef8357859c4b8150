"""Writes files."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from prismctl.errors import UsageError


def check_files(files: Sequence[Path]) -> None:
    """Raise UsageError where one cannot be written to, or two are the same."""
    for file in files:
        if file.name in ("", "-"):
            raise UsageError(f"{str(file)!r}: give the name of a file; standard output has the text")
        if not os.path.isdir(file.absolute().parent):  # noqa: PTH112  # False, not an error, for an impossible name
            raise UsageError(f"{file}: the folder does not exist")
        if os.path.isdir(file):  # noqa: PTH112
            raise UsageError(f"{file}: is a folder; give the name of a file")
    names = [file.resolve() for file in files]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{twice}: named for two outputs; give each a file of its own")


def save(file: Path, content: str) -> None:
    """Write the file whole or not at all; a link's target and a device stay what they are."""
    target = file.resolve()
    part = target.with_name(f".{os.getpid()}-{target.name}"[:255])
    try:
        if target.exists() and not target.is_file():
            target.write_text(content, encoding="utf-8")
        else:
            part.write_text(content, encoding="utf-8")
            part.replace(target)
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from None
    finally:
        # Where the folder cannot be written to, there is nothing to remove either.
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    print(f"wrote {file}", file=sys.stderr)  # noqa: T201
