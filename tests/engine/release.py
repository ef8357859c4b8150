"""Keeps the states of a release, for later versions to be tried on: `python -m engine.release VERSION [PROGRAM]`.

Each stack is brought up on the fakes, so what is kept was never real: no account, no secret but a test's passphrase.
"""

import json
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.world import World
from support import STACKS

from prismctl.project import ROOT

RELEASES = Path(__file__).with_name("releases")
_LEFT_OUT = ("created", "modified", "sourcePosition", "stackTrace")
"""Of a resource: when and where it was registered."""


def latest() -> Path:
    """Return the folder of the last release."""
    kept = (folder for folder in RELEASES.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", folder.name))
    return max(kept, key=lambda folder: tuple(map(int, folder.name.split("."))))


def keep(version: str, program: Path) -> None:
    """Write the states of all stacks of `program`."""
    folder = RELEASES / version
    folder.mkdir()
    for stack in STACKS:
        with (
            tempfile.TemporaryDirectory() as private,
            World(Path(private) / "world", stack, Path(private) / "cache", program) as world,
        ):
            world.init()
            world.up().must()
            exported = json.loads(world.run("stack", "export", "--stack", stack).must().out)
        (folder / f"{stack}.json").write_text(_text(exported), encoding="utf-8")
        sys.stderr.write(f"{stack}: {len(exported['deployment']['resources'])} resources\n")


def _text(exported: Mapping[str, Any]) -> str:
    """Return the export as JSON with a line for each resource."""
    deployment = exported["deployment"]
    resources = [
        {key: value for key, value in resource.items() if key not in _LEFT_OUT} for resource in deployment["resources"]
    ]
    lines = ",\n".join(json.dumps(resource, separators=(",", ":"), sort_keys=True) for resource in resources)
    rest = json.dumps({**deployment, "resources": []}, separators=(",", ":"))
    head, _, tail = rest.partition('"resources":[]')
    return f'{{"version":{exported["version"]},"deployment":{head}"resources":[\n{lines}\n]{tail}}}\n'


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT)
