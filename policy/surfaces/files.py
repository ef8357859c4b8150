"""Opens files and standard input without ever holding more of them than may be read."""

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import IO

from policy.surfaces import errors
from policy.surfaces.errors import InputError, too_large

_PART = 2**20


def called(name: str) -> str:
    """Return what messages call the file."""
    return "standard input" if name == "-" else name


@contextlib.contextmanager
def opened(name: str) -> Generator[IO[bytes]]:
    """Open a file, or standard input for `-`, so that it can be read from its beginning more than once."""
    if name == "-":
        with tempfile.TemporaryFile() as kept:
            size = 0
            while part := sys.stdin.buffer.read(_PART):
                size += len(part)
                if size > errors.MOST_BYTES:
                    raise too_large(called(name), size)
                kept.write(part)
            kept.seek(0)
            yield kept
        return
    try:
        with Path(name).open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{name}: is no file; - is standard input")
            if status.st_size > errors.MOST_BYTES:
                raise too_large(name, status.st_size)
            yield file
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
