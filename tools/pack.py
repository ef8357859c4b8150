"""Builds the policies as a package of their own: `make pack` writes dist/ai_prism_policies-VERSION-py3-none-any.whl.

The package has one folder, `ai_prism_policies`, which is a policy pack as Pulumi's engine starts it and `pulumi policy
publish` takes it, and the command `ai-prism-policies`. In it lie the modules of this repository that the policies
import, under their own names; nothing of the platform's own configuration and waivers.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "ai_prism_policies"
_ENTRIES = ("policy.adapter", "prismctl.policies_command")
"""What the pack and the command start with; all that these import goes with them."""
_PACKAGES = ("policy", "prismctl", "recording", "settings")

_PACK = '''"""The policy pack: serves as long as the engine wants it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from pulumi_policy import EnforcementLevel, PolicyPack

from policy.adapter import initial_config, policies

PolicyPack("ai-prism", policies(), enforcement_level=EnforcementLevel.MANDATORY, initial_config=initial_config())
'''
_COMMAND = '''"""The command `ai-prism-policies`."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command; returns its exit code."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from prismctl.policies_command import main as command

    return command()
'''
_PROJECT = """[project]
name = "ai-prism-policies"
version = "{version}"
description = "Policies for Pulumi programs, plans, states and Kubernetes manifests on AWS"
readme = "README.md"
license = "Apache-2.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[project.scripts]
ai-prism-policies = "{folder}.command:main"

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
packages = ["{folder}"]
"""
_NEEDED = ("detect-secrets", "ijson", "pulumi", "pulumi-policy", "pydantic", "pyyaml", "typer")
"""Of the project's dependencies, those of the policies."""


def lay_out(target: Path) -> None:
    """Write the package's source into an empty folder."""
    pack = target / FOLDER
    for file in (*modules(), *_data()):
        copy = pack / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies = [each for each in project["dependencies"] if _name(each) in _NEEDED]
    (pack / "policy" / "configuration.json").write_text("{}\n", encoding="utf-8")
    (pack / "policy" / "waivers.yaml").write_text("[]\n", encoding="utf-8")
    (pack / "__init__.py").write_text('"""A policy pack, and what it is made of."""\n', encoding="utf-8")
    (pack / "__main__.py").write_text(_PACK, encoding="utf-8")
    (pack / "command.py").write_text(_COMMAND, encoding="utf-8")
    (pack / "requirements.txt").write_text("".join(f"{each}\n" for each in dependencies), encoding="utf-8")
    (pack / "PulumiPolicy.yaml").write_text(_without_environment(), encoding="utf-8")
    (target / "pyproject.toml").write_text(
        _PROJECT.format(version=project["version"], dependencies=dependencies, folder=FOLDER), encoding="utf-8"
    )
    shutil.copyfile(ROOT / "docs" / "using-the-policies.md", target / "README.md")
    shutil.copyfile(ROOT / "LICENSE", target / "LICENSE")


def modules() -> Iterator[Path]:
    """Yield the files of all modules that the pack and the command import, and of every rule."""
    graph = grimp.build_graph(*_PACKAGES)
    rules = graph.find_children("policy.rules")
    wanted = {*_ENTRIES, *rules}
    for entry in (*_ENTRIES, *rules):
        wanted |= graph.find_upstream_modules(entry)
    packages = {module.rpartition(".")[0] for module in wanted if "." in module}
    for name in sorted(wanted | packages | set(_PACKAGES)):
        path = ROOT.joinpath(*name.split("."))
        yield path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _data() -> Iterator[Path]:
    """Yield what modules read beside them, apart from what describes this platform."""
    yield ROOT / "settings" / "versions.yaml"
    yield from (ROOT / "policy").glob("*/**/*.yaml")


def _name(requirement: str) -> str:
    return requirement.partition(">")[0].partition("[")[0].strip()


def _without_environment() -> str:
    """Return the pack's description without the environment of this repository: the one of its installation serves."""
    text = (ROOT / "policy" / "PulumiPolicy.yaml").read_text(encoding="utf-8")
    return text[: text.index("  options:")]


def build(into: Path) -> Path:
    """Build the wheel into a folder; returns it."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into.resolve())]
        subprocess.run(  # noqa: S603  # the builder that this environment has
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    return next(iter(sorted(into.glob(f"{FOLDER}-*.whl"), key=lambda each: each.stat().st_mtime, reverse=True)))


def main() -> int:
    """Build the wheel, or with --layout the folder for `pulumi policy publish`."""
    parser = argparse.ArgumentParser(prog="make pack ARGS=", description=__doc__)
    parser.add_argument("--layout", type=Path, metavar="FOLDER", help="write the source into an empty folder instead")
    chosen = parser.parse_args()
    if not chosen.layout:
        print(build(ROOT / "dist").relative_to(ROOT))  # noqa: T201
        return 0
    if chosen.layout.exists() and any(chosen.layout.iterdir()):
        print(f"error: {chosen.layout}: must be an empty folder", file=sys.stderr)  # noqa: T201
        return 2
    lay_out(chosen.layout)
    print(chosen.layout / FOLDER)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
