"""Waivers: findings that somebody answers for, until a day, as long as the value stays what it was.

`policy/waivers.yaml` is a list of mappings with the keys of Waiver. A waiver that says too little waives nothing.
"""

import datetime
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from policy.findings import Finding, Result
from policy.fingerprints import UNKNOWN_VALUE, fingerprint
from policy.properties import MISSING
from policy.registry import waivable_rules
from policy.waiver import FILE, PLACE, SHOWN, Waiver


class WaiverFileError(Exception):
    """The waiver file is invalid; the message says where and why."""


@dataclass(frozen=True)
class Applied:
    """What waivers did to findings."""

    findings: tuple[Finding, ...]
    faults: tuple[tuple[Waiver, str], ...]


def concerned(waivers: Sequence[Waiver], urns: Iterable[str]) -> list[Waiver]:
    """Return the waivers that are about the stacks and projects of these resources."""
    if not waivers:
        return []
    places = {tuple(urn.split("::")[:PLACE]) for urn in urns}
    return [
        waiver
        for waiver in waivers
        if any(waiver.concerns(project, stack.removeprefix("urn:pulumi:")) for stack, project in places)
    ]


def apply(
    waivers: Sequence[Waiver], findings: Sequence[Finding], today: datetime.date, *, whole: bool = True
) -> Applied:
    """Mark each finding that a valid waiver names, and return what is wrong with the valid ones.

    Where not the `whole` stack was judged, an unused waiver may be about what was not.
    """
    waived: dict[int, str] = {}
    faults: list[tuple[Waiver, str]] = []
    waivable = waivable_rules()
    for waiver in waivers:
        if any(waiver.faults(today, waivable)):
            continue
        named = [index for index, finding in enumerate(findings) if _names(waiver, finding)]
        if not named and (not whole or any(_may_name(waiver, finding) for finding in findings)):
            continue
        if not named:
            faults.append((waiver, "is unused: there is no such finding"))
        elif len(named) > 1:
            faults.append((waiver, f"matches {len(named)} findings, but waives one: name the resource"))
        elif not _holds(waiver, findings[named[0]]):
            faults.append((waiver, "has lapsed: the value is no longer the one that was accepted"))
        else:
            waived[named[0]] = waiver.ticket
    marked = tuple(
        finding.waived(waived[index]) if index in waived else finding for index, finding in enumerate(findings)
    )
    return Applied(marked, tuple(faults))


def _names(waiver: Waiver, finding: Finding) -> bool:
    return waiver.path == finding.path and _is_about(waiver, finding)


def _may_name(waiver: Waiver, finding: Finding) -> bool:
    """Whether what is unknown may turn out to be what is waived."""
    return finding.result is Result.UNDETERMINED and _is_about(waiver, finding)


def _is_about(waiver: Waiver, finding: Finding) -> bool:
    return waiver.rule == finding.rule.id and fnmatch.fnmatchcase(finding.resource.urn, waiver.urn)


def _holds(waiver: Waiver, finding: Finding) -> bool:
    """Whether the value is still the accepted one; an unknown value counts as accepted."""
    found = finding.value_fingerprint
    accepted = waiver.fingerprint or fingerprint(MISSING if waiver.absent else waiver.value)
    return found in (UNKNOWN_VALUE, accepted)


def load(file: Path = FILE) -> tuple[Waiver, ...]:
    """Return the waivers in `file`, or none where the pack has no file; raises WaiverFileError."""
    if file == FILE and not file.exists():
        return ()
    name = SHOWN if file == FILE else str(file)
    try:
        document = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        return tuple(_read(document, name))
    except OSError as error:
        raise WaiverFileError(f"{name}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise WaiverFileError(f"{where}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise WaiverFileError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None


def renewed(text: str, wanted: Sequence[int], until: datetime.date) -> str:
    """Return the text of a file of waivers in which those that begin on the `wanted` lines end on another day."""
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    spans: list[tuple[int, int]] = []
    for node in document.value if isinstance(document, yaml.SequenceNode) else ():
        if node.start_mark.line + 1 in wanted:
            spans += [
                (value.start_mark.index, value.end_mark.index) for key, value in node.value if key.value == "expires"
            ]
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}{until}{text[end:]}"
    return text


def _read(document: yaml.Node | None, name: str) -> Iterator[Waiver]:
    if document is None:
        return
    if not isinstance(document, yaml.SequenceNode):
        raise WaiverFileError(f"{name}: must be a list of waivers")
    known = {field.name for field in fields(Waiver)} - {"file", "line"}
    loader = yaml.SafeLoader("")
    for node in document.value:
        line = node.start_mark.line + 1
        found: Any = loader.construct_document(node)
        if not isinstance(found, Mapping):
            raise WaiverFileError(f"{name}:{line}: must be a mapping")
        if strange := sorted(map(str, found.keys() - known)):
            raise WaiverFileError(
                f"{name}:{line}: unknown keys {', '.join(strange)}; known are {', '.join(sorted(known))}"
            )
        if not isinstance(found.get("expires", datetime.date.min), datetime.date):
            raise WaiverFileError(f"{name}:{line}: expires must be a day such as 2027-03-31")
        texts = known - {"value", "expires", "absent"}
        given: dict[str, Any] = {key: str(value) if key in texts else value for key, value in found.items()}
        yield Waiver(**given, file=name, line=line)
