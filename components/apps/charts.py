"""Where third-party charts come from: the folder that `make charts` fills, or a registry."""

import os
from collections.abc import Iterator
from pathlib import Path

import pulumi

from components.apps import archives
from settings import versions
from settings.naming import PROJECT

LOCAL = "local"


def location(source: str, name: str, version: str) -> str:
    """Return what a release calls its chart.

    The provider takes a path for one below the program's folder, so the path in a plan is the same on every machine
    (localChart in https://github.com/pulumi/pulumi-kubernetes/blob/v4.34.2/provider/pkg/provider/helm_release.go).
    """
    return f"./{versions.CHARTS}/{versions.archive(name, version)}" if source == LOCAL else f"{source}/{name}"


def check_charts(source: str, folder: Path | None = None) -> None:
    """Raise RunError, before anything is made, where the folder lacks a chart or has another than `versions.yaml` pins.

    Otherwise the provider would say it of each release, and on an empty account not before the release's turn: it looks
    for a chart only once it knows all values.
    """
    if source != LOCAL or os.environ.get(versions.CHARTS_UNCHECKED):
        return
    problems = list(_problems(folder or Path(versions.CHARTS)))
    if problems:
        count = f"{len(problems)} chart{'s' if len(problems) > 1 else ''}"
        raise pulumi.RunError(
            f"{versions.CHARTS}: {count} not as versions.yaml pins them; run: make charts\n"
            + "\n".join(f"  {problem}" for problem in problems)
            + f"\nOr take them from a registry: {PROJECT}:charts.source"
        )


def _problems(folder: Path) -> Iterator[str]:
    for pin in versions.load().charts.values():
        for name, digest in pin.digests.items():
            file = folder / versions.archive(name, pin.version)
            try:
                found = archives.digest(file)
            except OSError:
                yield f"{file.name}: is not there"
                continue
            if digest not in (None, found):
                yield f"{file.name}: SHA-256 is {found}, must be {digest}"
            elif name in pin.crds:
                yield from _problems_of_definitions(folder, name, pin.version)


def _problems_of_definitions(folder: Path, name: str, version: str) -> Iterator[str]:
    chart = folder / versions.archive(name, version)
    file = folder / versions.archive(archives.of_definitions(name), version)
    try:
        if not archives.is_of_definitions(file, name, version, archives.definitions(chart)):
            yield f"{file.name}: has other definitions than {chart.name}"
    except OSError:
        yield f"{file.name}: is not there"
    except ValueError:
        yield f"{chart.name}: is no archive of a chart"
