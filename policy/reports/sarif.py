"""A report as SARIF 2.1.0, for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub makes of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from policy.findings import Finding, Report, Result
from policy.registry import Rule, Severity, rules
from prismctl.graph import Source

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Above 9.0 is critical for GitHub, 7.0 to 8.9 high, 4.0 to 6.9 medium, below low.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}


def render(report: Report, root: Path, fallback: Source) -> dict[str, Any]:
    """Return one run, of a stack's findings; those without a place are shown at `fallback`."""
    used = {finding.rule.id: finding.rule for finding in report.findings}
    # All rules, and not only those that fired: so a reader sees what was looked at.
    known = list({rule.id: rule for rule in (*rules(), *used.values())}.values())
    index = {rule.id: number for number, rule in enumerate(known)}
    return {
        "tool": {
            "driver": {
                "name": "prismctl policies",
                "semanticVersion": "0.1.0",
                "rules": [_rule(rule) for rule in known],
            }
        },
        "automationDetails": {"id": f"policies/{report.stack or report.environment}/"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, index[finding.rule.id], number, root, fallback)
            for number, finding in _numbered(report.findings)
        ],
    }


def _numbered(findings: Iterable[Finding]) -> Iterator[tuple[int, Finding]]:
    """Yield each finding with its number among those of the same identity, as GitHub counts lines that are alike."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.identity] += 1
        yield seen[finding.identity], finding


def as_document(runs: Sequence[dict[str, Any]]) -> str:
    """Return one SARIF file for all runs."""
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": list(runs)}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix, "markdown": f"{rule.why}\n\n**How to fix:** {rule.fix}"},
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", *rule.controls],
            "precision": "high",
            "problem.severity": "error",
            "security-severity": _SCORES[rule.severity],
        },
    }


def _result(finding: Finding, index: int, number: int, root: Path, fallback: Source) -> dict[str, Any]:
    where = f"{finding.path}: " if finding.path and finding.path not in finding.message else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": _level(finding),
        "kind": "open" if finding.result is Result.UNDETERMINED and not finding.stops else "fail",
        "message": {"text": f"{finding.resource.name}: {where}{finding.message}. {finding.rule.fix}"},
        "locations": [
            {
                "physicalLocation": _place(finding.source or fallback, root),
                "logicalLocations": [{"fullyQualifiedName": finding.resource.urn, "kind": "resource"}],
            }
        ],
        # GitHub goes by the first; neither changes with line numbers or wording.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.identity}:{number}",
            "policyFinding/v1": f"{finding.identity}:{number}",
        },
        "properties": {"path": finding.path, "result": finding.result.value, "urn": finding.resource.urn},
    }
    if finding.waived_by:
        result["suppressions"] = [{"kind": "external", "justification": f"Waived: {finding.waived_by}"}]
    return result


def _level(finding: Finding) -> str:
    # The standard wants "none" for results of the kind "open" (3.27.10).
    if finding.result is Result.UNDETERMINED and not finding.stops:
        return "none"
    return "error" if finding.stops else "warning"


def _place(source: Source, root: Path) -> dict[str, Any]:
    file = root / source.file
    first, last = _columns(file, source.line)
    if file.is_relative_to(root):
        location = {"uri": quote(file.relative_to(root).as_posix()), "uriBaseId": "%SRCROOT%"}
    else:
        location = {"uri": file.as_uri()}
    region = {"startLine": max(source.line, 1), "startColumn": first, "endColumn": last}
    return {"artifactLocation": location, "region": region}


def _columns(file: Path, line: int) -> tuple[int, int]:
    """Return where the text of a line begins and ends (exclusively), counted from 1."""
    lines = _lines_of(file)
    text = lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
    return len(text) - len(text.lstrip()) + 1, len(text) + 1


@functools.lru_cache(maxsize=256)
def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines() if file.stat().st_size < _LARGEST_SOURCE else []
    except (OSError, UnicodeDecodeError, ValueError):
        return []


_LARGEST_SOURCE = 2**20
