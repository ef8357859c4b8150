"""Checks the workflows: by zizmor for what an attacker could use, by actionlint for what would not run.

zizmor, and shellcheck for actionlint, are wheels with the binary in the environment; actionlint is built from its Go
module, and skipped by name where no Go can build it.
"""

import subprocess
import sys
from pathlib import Path

from tools.build import ACTIONLINT, FAILED, TOOLS, EngineError, GoMissingError, build

BIN = Path(sys.executable).parent


def check(root: Path) -> int:
    """Check the workflows of a repository; returns 0 where nothing is found, 1 where something is."""
    # Offline, without what zizmor asks GitHub: whether a commit is its tag's, say. A check needs no network.
    command = ["--offline", "--quiet", "--no-progress", "--strict-collection", "--persona=pedantic", ".github"]
    codes = [_run(root, BIN / "zizmor", *command)]
    try:
        actionlint = build([ACTIONLINT])[ACTIONLINT.name]
    except GoMissingError as error:
        sys.stderr.write(f"actionlint: skipped; {error}\n")
    except (EngineError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED
    else:
        codes.append(_run(root, actionlint, "-shellcheck", str(BIN / "shellcheck"), "-pyflakes="))
    return 1 if any(codes) else 0


def _run(root: Path, program: Path, *arguments: str) -> int:
    """Return a program's exit code; what it says of a success is nobody's concern."""
    done = subprocess.run(  # noqa: S603  # our own tools
        [program, *arguments], cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(check(TOOLS.parent))
