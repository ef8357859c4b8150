"""`python -m prismctl`, and the console script of the same name."""

import io
import os
import sys
from typing import cast

from prismctl.cli import main


def run() -> None:
    """Run the command line and leave at once: taking the SDK's modules apart would cost as much as half of a run."""
    if cast("object", sys.stdout) is None:
        # Python has no stream where the caller closed it, as in `prismctl versions >&-`.
        if cast("object", sys.stderr) is not None:
            print("error: standard output is closed; redirect it to a file, or to /dev/null", file=sys.stderr)  # noqa: T201
        os._exit(3)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that has no tree lines gets question marks rather than an error.
            stream.reconfigure(errors="replace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough.
        code = 0
    except OSError as error:
        print(f"error: standard output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        code = 3
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
