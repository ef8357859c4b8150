"""What the tests of alerts and dashboards share: promtool, and a look at what an expression reads."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.build import EngineError, locate

METRICS = Path(__file__).parent / "charts" / "metrics.yaml"

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[a-zA-Z_:][\w:]*|\d[\w.]*|\S')
_IDENTIFIER = re.compile(r"[a-zA-Z_:]")
_GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


def promtool(*arguments: str | Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run promtool; where it is not built, the test is skipped."""
    try:
        tool = locate("promtool")
    except EngineError as error:
        pytest.skip(str(error))
    return subprocess.run(  # noqa: S603  # a tool of this project
        [tool, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=seconds
    )


def known_metrics() -> dict[str, set[str]]:
    """Return the metrics that may be used, each with its labels."""
    groups = yaml.safe_load(METRICS.read_text(encoding="utf-8"))
    return {name: set(group["labels"]) for group in groups for name in group["names"]}


def recorded_metrics(groups: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the metrics that rules record; they speak of one service."""
    return {rule["record"]: {"service"} for group in groups for rule in group["rules"] if "record" in rule}


def reads(expression: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each metric that an expression reads, with the labels it asks for there.

    Only for expressions that Prometheus itself has understood: this looks no closer than it must.
    """
    tokens = [*_TOKEN.findall(expression), ""]
    position = 0
    while position < len(tokens) - 1:
        token, following = tokens[position], tokens[position + 1]
        position += 1
        if token in _GROUPING and following == "(":
            position = tokens.index(")", position)
        elif token == "[":  # noqa: S105
            position = tokens.index("]", position)
        elif _IDENTIFIER.match(token) and following not in {"(", *_GROUPING} and token not in _WORDS:
            labels = set[str]()
            if following == "{":
                end = tokens.index("}", position)
                labels = {each for each in tokens[position:end] if _IDENTIFIER.match(each)}
                position = end
            yield token, labels


def groupings(expression: str) -> set[str]:
    """Return the labels by which an expression groups or matches."""
    found = re.findall(rf"\b(?:{'|'.join(_GROUPING)})\s*\(([^)]*)\)", expression)
    return {label.strip() for labels in found for label in labels.split(",") if label.strip()}


def mistakes(expression: str, known: dict[str, set[str]]) -> list[str]:
    """Tell which metrics and labels of an expression are unknown."""
    found, available = list[str](), set[str]()
    for metric, labels in reads(expression):
        if metric not in known:
            found.append(f"no such metric: {metric}")
        else:
            available |= known[metric]
            found += [f"{metric} has no label {label}" for label in sorted(labels - known[metric])]
    return found + [f"nothing has a label {label} to group by" for label in sorted(groupings(expression) - available)]
