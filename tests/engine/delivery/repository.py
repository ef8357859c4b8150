"""The git repository that Argo CD watches: a local one, with the chart as the project has it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_AUTHOR = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Repository:
    """A repository with one branch; every change is a commit."""

    def __init__(self, folder: Path, chart: Path) -> None:
        """Make one in `folder`, a new one, that holds `chart` where the project has it."""
        self._folder, self._path = folder, f"charts/{chart.name}"
        shutil.copytree(chart, folder / self._path)
        self._git("init", "--quiet", "--initial-branch", "main")
        self._commit("The chart")

    @property
    def address(self) -> str:
        return f"file://{self._folder}"

    @property
    def head(self) -> str:
        return self._git("rev-parse", "HEAD").strip()

    def change_values(self, environment: str, changes: Mapping[str, Any], message: str) -> str:
        """Commit changes to the values of an environment, given by their path; return the commit."""
        file = self._folder / self._path / f"values-{environment}.yaml"
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for path, value in changes.items():
            *steps, last = path.split(".")
            place = values
            for step in steps:
                place = place.setdefault(step, {})
            place[last] = value
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        return self._commit(message)

    def _commit(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", message)
        return self.head

    def _git(self, *arguments: str) -> str:
        # One's own settings, such as signing, are not for this repository.
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        return subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=self._folder,
            env={**os.environ, **_AUTHOR, **own},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
