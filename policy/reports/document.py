"""A report as plain data for JSON, and the comparison with an earlier one."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from policy.findings import Finding, Known, Report
from policy.registry import Level


class BaseError(Exception):
    """The earlier report cannot be read."""


def render(report: Report) -> dict[str, Any]:
    """Return the report; no value of any property is in it."""
    return {
        "stack": report.stack,
        "environment": report.environment,
        "mandatory": len(report.mandatory),
        "satisfied": sum(report.satisfied.values()),
        "unseen": dict(sorted(report.unseen.items())),
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    rule, source = finding.rule, finding.source
    return {
        "rule": rule.id,
        "result": finding.result.value,
        "level": finding.level.value,
        "severity": rule.severity.value,
        "urn": finding.resource.urn,
        "type": finding.resource.type,
        "path": finding.path,
        "message": finding.message,
        "fix": rule.fix,
        "controls": list(rule.controls),
        **({"file": source.file, "line": source.line} if source else {}),
        **({"waivedBy": finding.waived_by} if finding.waived_by else {}),
        "identity": finding.identity,
        **({"fingerprint": shown} if (shown := finding.published_fingerprint) else {}),
    }


def known_before(text: str, name: str) -> Mapping[Known, int]:
    """Return the findings of an earlier report (`--json`) and how many are alike; raises BaseError where it is none."""
    try:
        document: Any = json.loads(text)
        stacks = document["stacks"]
        return Counter((stack["stack"], *_known(finding)) for stack in stacks for finding in stack["findings"])
    except (ValueError, RecursionError):
        raise BaseError(f"{name}: is not valid JSON") from None
    except (TypeError, KeyError, AttributeError):
        raise BaseError(f"{name}: is not what prismctl policies --json writes") from None


def _known(finding: Mapping[str, Any]) -> tuple[str, bool]:
    return finding["identity"], finding["level"] == Level.MANDATORY.value and "waivedBy" not in finding


def as_document(stacks: list[Mapping[str, Any]]) -> str:
    """Return one JSON document for all stacks."""
    return json.dumps({"stacks": stacks}, indent=2)
