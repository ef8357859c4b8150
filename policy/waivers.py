"""Waivers: findings that somebody answers for, until a day, as long as the value stays what it was.

`policy/waivers.yaml` is a list of mappings with the keys of Waiver. A waiver that says too little waives nothing.
"""

import datetime
import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from policy.findings import Finding, Result
from policy.fingerprints import UNKNOWN_VALUE, fingerprint
from policy.properties import MISSING
from policy.registry import rules

_PLACE = 2
"""The parts of a URN that say where a resource is: stack and project."""

FILE = Path(__file__).with_name("waivers.yaml")
SHOWN = f"{FILE.parent.name}/{FILE.name}"
"""What messages call it."""


ENDING = datetime.timedelta(days=30)
"""How long before its last day a waiver is told to end."""


class WaiverFileError(Exception):
    """The file of waivers cannot be used; the message says where and why."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One finding that is accepted."""

    rule: str = ""
    urn: str = ""
    """Pattern of the resource's URN, with `*`; it must match one finding in a stack."""
    path: str = ""
    """Of the property, as the finding has it; empty where the finding has none."""
    owner: str = ""
    ticket: str = ""
    reason: str = ""
    expires: datetime.date | None = None
    """The last day."""
    value: Any = None
    """The accepted value; when it changes, the waiver lapses."""
    absent: bool = False
    """In place of a value: that there is none."""
    fingerprint: str = ""
    """In place of a long value: its fingerprint, as `prismctl policies --json` tells it; of secrets it tells none."""
    file: str = SHOWN
    line: int = 0

    def faults(self, today: datetime.date) -> Iterator[str]:
        """Yield what keeps the waiver from being valid."""
        lacking = [name for name in ("rule", "urn", "owner", "ticket", "reason") if not getattr(self, name)]
        if self.expires is None:
            lacking.append("expires")
        if self.value is None and not self.fingerprint and not self.absent:
            lacking.append("value (or fingerprint, or absent)")
        if lacking:
            yield f"lacks {', '.join(lacking)}"
        known = {rule.id: rule for rule in rules()}
        if self.rule and self.rule not in known:
            close = difflib.get_close_matches(self.rule, known, n=1)
            yield f"is of no rule that there is{f'; did you mean {close[0]}?' if close else ''}"
        elif self.rule and not known[self.rule].waivable:
            yield f"waives {self.rule}, which nobody may waive"
        if self.urn and len(self._place) < _PLACE:
            yield "has no pattern of a URN, such as urn:pulumi:STACK::PROJECT::TYPE::NAME"
        if self.expires is not None and self.expires < today:
            yield f"expired on {self.expires}"

    def ending(self, today: datetime.date) -> str | None:
        """Return that the waiver ends soon, while it still holds."""
        if self.expires is None or not today <= self.expires <= today + ENDING:
            return None
        left = (self.expires - today).days
        return f"ends on {self.expires}, in {left} day{'' if left == 1 else 's'}: renew it, or mend what it waives"

    def concerns(self, project: str, stack: str) -> bool:
        """Whether the waiver is about resources of this stack; one that does not say where concerns everybody."""
        if len(self._place) < _PLACE:
            return True
        return all(map(fnmatch.fnmatchcase, (f"urn:pulumi:{stack}", project), self._place))

    @property
    def _place(self) -> Sequence[str]:
        """The patterns of stack and project; fewer where there are none."""
        return self.urn.split("::")[:_PLACE] if self.urn.startswith("urn:pulumi:") else ()

    def names(self, finding: Finding) -> bool:
        return self.path == finding.path and self._is_about(finding)

    def may_name(self, finding: Finding) -> bool:
        """Whether what is not known yet may turn out to be what is waived."""
        return finding.result is Result.UNDETERMINED and self._is_about(finding)

    def _is_about(self, finding: Finding) -> bool:
        return self.rule == finding.rule.id and fnmatch.fnmatchcase(finding.resource.urn, self.urn)

    def holds(self, finding: Finding) -> bool:
        """Whether the value is still the one that was accepted; of an unknown one nobody can say otherwise."""
        found = finding.value_fingerprint
        accepted = self.fingerprint or fingerprint(MISSING if self.absent else self.value)
        return found in (UNKNOWN_VALUE, accepted)


@dataclass(frozen=True)
class Applied:
    """What waivers did to findings."""

    findings: tuple[Finding, ...]
    faults: tuple[tuple[Waiver, str], ...]


def concerned(waivers: Sequence[Waiver], urns: Iterable[str]) -> list[Waiver]:
    """Return the waivers that are about the stacks and projects of these resources."""
    if not waivers:
        return []
    places = {tuple(urn.split("::")[:_PLACE]) for urn in urns}
    return [
        waiver
        for waiver in waivers
        if any(waiver.concerns(project, stack.removeprefix("urn:pulumi:")) for stack, project in places)
    ]


def apply(waivers: Sequence[Waiver], findings: Sequence[Finding], today: datetime.date) -> Applied:
    """Mark each finding that a valid waiver names, and return what is wrong with the valid ones."""
    waived: dict[int, str] = {}
    faults: list[tuple[Waiver, str]] = []
    for waiver in waivers:
        if any(waiver.faults(today)):
            continue
        named = [index for index, finding in enumerate(findings) if waiver.names(finding)]
        if not named and any(waiver.may_name(finding) for finding in findings):
            continue
        if not named:
            faults.append((waiver, "is unused: there is no such finding"))
        elif len(named) > 1:
            faults.append((waiver, f"matches {len(named)} findings, but waives one: name the resource"))
        elif not waiver.holds(findings[named[0]]):
            faults.append((waiver, "has lapsed: the value is no longer the one that was accepted"))
        else:
            waived[named[0]] = waiver.ticket
    marked = tuple(
        finding.waived(waived[index]) if index in waived else finding for index, finding in enumerate(findings)
    )
    return Applied(marked, tuple(faults))


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
