"""`python -m prismctl`, and the console script of the same name."""

import io
import os
import sys
from typing import cast

from prismctl.cli import main


def run() -> None:
    """Run the command line and exit without teardown: that of the SDK's modules would take half as long as a run."""
    if cast("object", sys.stdout) is None:
        # Python has no stream where the caller closed it, as in `prismctl versions >&-`.
        if cast("object", sys.stderr) is not None:
            print("error: standard output is closed; redirect it to a file, or to /dev/null", file=sys.stderr)  # noqa: T201
        os._exit(3)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Characters that the terminal cannot encode become question marks instead of an error.
            stream.reconfigure(errors="replace")
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe, as head does.
        code = 0
    except OSError as error:
        print(f"error: standard output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        code = 3
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
