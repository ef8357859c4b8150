"""A report as SARIF 2.1.0, for code scanning.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; what GitHub makes of it:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from policy.findings import Finding, Report, Result
from policy.registry import Rule, Severity, rules
from recording.graph import Source

_PACK = Path(__file__).resolve().parent.parent / "PulumiPolicy.yaml"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# Above 9.0 is critical for GitHub, 7.0 to 8.9 high, 4.0 to 6.9 medium, below low.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}
_LEVELS = {Severity.MEDIUM: "warning", Severity.LOW: "note"}
# For problem.severity, GitHub has the word of its own for the least.
_PROBLEMS = {Severity.MEDIUM: "warning", Severity.LOW: "recommendation"}


# What exceeds these is refused as a whole:
# https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
_MOST_RESULTS = 25_000
_MOST_RUNS = 20
_MOST_TAGS = 20

PAGE_VARIABLE = "AI_PRISM_RULES_PAGE"
"""Names the address of docs/policies.md, for whoever publishes it elsewhere than in the checked repository."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the files are that findings name."""

    root: Path
    """Of the repository, from which code scanning counts."""
    base: Path
    """The folder to which names of files are relative."""
    fallback: Source
    """Where a finding is shown that has no place."""


def render(report: Report, places: Places, category: str) -> dict[str, Any]:
    """Return one run, of a stack's findings; of the same `category` as its earlier and later ones.

    Waived findings are left out: code scanning takes no notice of `suppressions`, and would open an alert for each
    (https://github.com/github/codeql-action/issues/1230).
    """
    used = {finding.rule.id: finding.rule for finding in report.findings}
    # All rules, and not only those that fired: so a reader sees what was looked at.
    known = list({rule.id: rule for rule in (*rules(), *used.values())}.values())
    index = {rule.id: number for number, rule in enumerate(known)}
    return {
        "tool": {
            "driver": {
                "name": "prismctl policies",
                "semanticVersion": _version(),
                "rules": [_rule(rule) for rule in known],
            }
        },
        "automationDetails": {"id": f"policies/{quote(category)}/"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, index[finding.rule.id], number, places)
            for number, finding in _numbered(_most_severe(report.findings))
        ],
    }


def _most_severe(findings: Iterable[Finding]) -> list[Finding]:
    """Return what is not waived, and of too much of it the most severe."""
    found = [finding for finding in findings if not finding.waived_by]
    if len(found) <= _MOST_RESULTS:
        return found
    order = list(Severity)
    return sorted(found, key=lambda each: (not each.stops, order.index(each.rule.severity)))[:_MOST_RESULTS]


def _numbered(findings: Iterable[Finding]) -> Iterator[tuple[int, Finding]]:
    """Yield each finding with its number among those of the same identity, as GitHub counts lines that are alike."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.identity] += 1
        yield seen[finding.identity], finding


def as_document(runs: Sequence[str]) -> str:
    """Return one SARIF file of several runs, each of them JSON."""
    if len(runs) > _MOST_RUNS:
        raise ValueError(f"code scanning takes at most {_MOST_RUNS} runs in a file, got {len(runs)}")
    joined = ",\n".join(runs)
    return f'{{"$schema": "{_SCHEMA}", "version": "2.1.0", "runs": [\n{joined}\n]}}\n'


@functools.cache
def _version() -> str:
    """Return the pack's version."""
    document = yaml.safe_load(_PACK.read_text(encoding="utf-8"))
    return str(document["version"])


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "helpUri": _help(rule),
        "help": {"text": rule.fix, "markdown": f"{rule.why}\n\n**How to fix:** {rule.fix}"},
        "defaultConfiguration": {"level": _LEVELS.get(rule.severity, "error")},
        "properties": {
            "tags": ["security", *rule.controls][:_MOST_TAGS],
            "precision": "high",
            "problem.severity": _PROBLEMS.get(rule.severity, "error"),
            "security-severity": _SCORES[rule.severity],
        },
    }


def _help(rule: Rule) -> str:
    """Return the address of the rule's entry in the reference, where GitHub's runner says in which repository.

    Elsewhere it is a name and no place, since SARIF wants an absolute address.
    """
    page = os.environ.get(PAGE_VARIABLE, "")
    server, repository = os.environ.get("GITHUB_SERVER_URL", ""), os.environ.get("GITHUB_REPOSITORY", "")
    if not page and server and repository:
        page = f"{server}/{repository}/blob/{os.environ.get('GITHUB_SHA') or 'HEAD'}/docs/policies.md"
    return f"{page}#{rule.id}" if page else f"urn:ai-prism:policies:{rule.id}"


def _result(finding: Finding, index: int, number: int, places: Places) -> dict[str, Any]:
    where = f"{finding.path}: " if finding.path and finding.path not in finding.message else ""
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": _level(finding),
        "kind": "open" if finding.result is Result.UNDETERMINED and not finding.stops else "fail",
        "message": {"text": f"{finding.resource.name}: {where}{finding.message}. {finding.rule.fix}"},
        "locations": [
            {
                "physicalLocation": _place(finding.source or places.fallback, places),
                "logicalLocations": [{"fullyQualifiedName": finding.resource.urn, "kind": "resource"}],
            }
        ],
        # By this name GitHub tells one alert from another; it changes neither with line numbers nor with wording.
        "partialFingerprints": {"primaryLocationLineHash": f"{finding.identity}:{number}"},
        "properties": {"path": finding.path, "result": finding.result.value, "urn": finding.resource.urn},
    }


def _level(finding: Finding) -> str:
    # The standard wants "none" for results of the kind "open" (3.27.10).
    if finding.result is Result.UNDETERMINED and not finding.stops:
        return "none"
    return "error" if finding.stops else "warning"


def _place(source: Source, places: Places) -> dict[str, Any]:
    file = Path(os.path.normpath(places.base / source.file))
    if file.is_relative_to(places.root):
        location = {"uri": quote(file.relative_to(places.root).as_posix()), "uriBaseId": "%SRCROOT%"}
    else:
        location = {"uri": file.as_uri()}
    return {"artifactLocation": location, "region": {"startLine": max(source.line, 1), **_columns(file, source.line)}}


def _columns(file: Path, line: int) -> dict[str, int]:
    """Return where the text of a line begins and ends (exclusively), counted from 1, if the line is there to see."""
    lines = _lines_of(file)
    text = lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
    return {"startColumn": len(text) - len(text.lstrip()) + 1, "endColumn": len(text) + 1} if text else {}


@functools.lru_cache(maxsize=256)
def _lines_of(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines() if file.stat().st_size < _LARGEST_SOURCE else []
    except (OSError, UnicodeDecodeError, ValueError):
        return []


_LARGEST_SOURCE = 2**20
