"""`python -m prismctl`, and the console script of the same name."""

import os
import sys

from prismctl.cli import main


def run() -> None:
    """Run the command line and leave at once: taking the SDK's modules apart would cost as much as half of a run."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
