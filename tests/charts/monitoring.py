"""The part of the chart that watches the application, as Helm renders it."""

import functools
import subprocess
from typing import Any

import pytest
import yaml

from prismctl.project import ROOT
from tools.build import EngineError, locate

CHART = ROOT / "charts" / "ai-prism"


def helm(*settings: str) -> subprocess.CompletedProcess[str]:
    """Render the chart with settings such as `monitoring.enabled=false`; where Helm is not built, the test is skipped."""
    try:
        tool = locate("helm")
    except EngineError as error:
        pytest.skip(str(error))
    arguments = [part for setting in settings for part in ("--set-json", setting)]
    return subprocess.run(  # noqa: S603  # a tool of this project
        [tool, "template", "ai-prism", CHART, "--namespace", "ai-prism", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@functools.cache
def rendered(*settings: str) -> list[dict[str, Any]]:
    """Return the chart's objects."""
    run = helm(*settings)
    assert run.returncode == 0, run.stderr
    return [each for each in yaml.load_all(run.stdout, yaml.CSafeLoader) if each]


def objects(kind: str, *settings: str) -> list[dict[str, Any]]:
    return [each for each in rendered(*settings) if each["kind"] == kind]


def groups(*settings: str) -> list[dict[str, Any]]:
    """Return the groups of the chart's rules."""
    return [group for each in objects("PrometheusRule", *settings) for group in each["spec"]["groups"]]
