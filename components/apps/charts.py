"""Where third-party charts come from: the folder that `make charts` fills, their repositories, or a registry."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi

import versions
from naming import PROJECT

LOCAL, REPOSITORIES = "local", "repositories"
UNCHECKED = "AI_PRISM_CHARTS_UNCHECKED"
"""Environment variable of runs that install nothing, such as the preview without an account."""


def arguments(source: str, name: str, pin: versions.ChartPin) -> dict[str, Any]:
    """Return the arguments of a release that locate its chart.

    The provider takes a path for one below the program's folder, so the path in a plan is the same on every machine
    (localChart in https://github.com/pulumi/pulumi-kubernetes/blob/v4.34.2/provider/pkg/provider/helm_release.go).
    """
    if source == LOCAL:
        return {"chart": f"./{versions.CHARTS}/{versions.archive(name, pin.version)}"}
    if source == REPOSITORIES:
        return {"chart": name, "repository_opts": {"repo": pin.source}}
    return {"chart": f"{source}/{name}"}


def check_charts(source: str, folder: Path | None = None) -> None:
    """Raise RunError, before anything is made, where the folder lacks a chart or has another than `versions.yaml` pins.

    Otherwise the provider would say it of each release, and on an empty account not before the release's turn: it looks
    for a chart only once it knows all values.
    """
    if source != LOCAL or os.environ.get(UNCHECKED):
        return
    problems = list(_problems(folder or Path(versions.CHARTS)))
    if problems:
        count = f"{len(problems)} chart{'s' if len(problems) > 1 else ''}"
        raise pulumi.RunError(
            f"{versions.CHARTS}: {count} not as versions.yaml pins them; run: make charts\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + f"\nOr take them from elsewhere: {PROJECT}:charts.source"
        )


def _problems(folder: Path) -> Iterator[str]:
    for pin in versions.load().charts.values():
        for name, digest in pin.digests.items():
            file = folder / versions.archive(name, pin.version)
            try:
                found = hashlib.sha256(file.read_bytes()).hexdigest()
            except OSError:
                yield f"{file.name}: is not there"
                continue
            if digest not in (None, found):
                yield f"{file.name}: SHA-256 is {found}, must be {digest}"
