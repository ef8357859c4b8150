"""The action for other repositories hands its inputs to the command, and nothing of them is read as code."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from prismctl.project import ROOT

ACTION = yaml.safe_load((ROOT / ".github/actions/policies/action.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"MANIFESTS": "k8s"}, ["--markdown", "summary.md", "--manifests", "k8s"]),
        (
            {"PLAN": "plan.json; exit 7", "ENVIRONMENT": "prod", "SARIF": "$(id).sarif", "MARKDOWN": "out.md"},
            ["--markdown", "out.md", "--plan", "plan.json; exit 7", "--environment", "prod", "--sarif", "$(id).sarif"],
        ),
    ],
)
def test_the_action_hands_over_its_inputs(tmp_path: Path, inputs: dict[str, str], expected: list[str]) -> None:
    step = ACTION["runs"]["steps"][-1]
    command = tmp_path / "policies" / "bin" / "ai-prism-policies"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    environment = os.environ | dict.fromkeys(step["env"], "") | inputs
    environment |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": "summary.md"}
    done = subprocess.run(  # noqa: S603  # the step as it is
        ["/bin/bash", "-e", "-o", "pipefail", "-c", step["run"]],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == expected


def test_every_input_of_the_action_is_handed_over() -> None:
    given = dict(ACTION["runs"]["steps"][-1]["env"])
    assert given.pop("AI_PRISM_RULES_PAGE")
    assert given == {name.upper(): f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}
