"""Edits of stack files that every adopter makes: no test but a golden may notice them.

Rules that protect a stack stand in settings and policies; tests choose the values on which they assert.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.edits import Edit

STACKS = ("Pulumi.*.yaml",)
PROD = ("Pulumi.prod.yaml",)
VALUES_OF_PROD = ("charts/ai-prism/values-prod.yaml",)
ADDED = "Pulumi.qa.yaml"


@dataclass(frozen=True)
class _Kind:
    """An edit of all files that match a pattern; it is made where each replacement is found in one of them at least."""

    what: str
    files: tuple[str, ...]
    replacements: Mapping[str, str]
    """Regular expressions and what takes the place of each."""


KINDS = (
    _Kind("a release in git", PROD, {r"revision: v[\d.]+": "revision: v9.8.7"}),
    _Kind("a release of the image", VALUES_OF_PROD, {r'tag: "v[\d.]+"': 'tag: "v9.8.7"'}),
    _Kind("other accounts", STACKS, {r"\b\d(\d{11})\b": r"9\1"}),
    _Kind("other administrators", STACKS, {r"platform: (arn:\S+role/)\S+": r"on-call: \1people/OnCall"}),
    _Kind("another domain", STACKS, {r"ai-prism\.com": "example.org"}),
    _Kind("another repository", STACKS, {r"company/[a-z-]+": "acme/platform"}),
    _Kind("another region", STACKS, {r"us-east-1": "eu-west-1"}),
    _Kind("other networks", STACKS, {r"cidr: 10\.(\d+)\.": r"cidr: 10.1\1."}),
    _Kind(
        "other sizes of nodes",
        STACKS,
        {r"(web:\n(?:.+\n){3} +max: )(\d+)": r"\g<1>1\2", r"disk_gb: \d+": "disk_gb: 120"},
    ),
    _Kind("other data stores", STACKS, {r"instance_class: \S+": "instance_class: db.r7g.xlarge"}),
    _Kind(
        "other limits",
        STACKS,
        {r"monthly_budget_usd: \d+": "monthly_budget_usd: 777", r"log_days: \d+": "log_days: 90"},
    ),
    _Kind(
        # The alert on a release that waits knows the same hours, in UTC.
        "another time zone",
        (*STACKS, *VALUES_OF_PROD),
        {r"time_zone: \S+": "time_zone: Europe/Berlin", r"from: 13\b": "from: 7", r"to: 21\b": "to: 15"},
    ),
    _Kind(
        "one more zone in prod",
        PROD,
        {
            r"(cidr: \S+\n    zones: \[.*)\]": r"\1, us-east-1d]",
            r"nat_gateways: 3": "nat_gateways: 4",
            r"min: 3": "min: 4",
        },
    ),
)


def edits(root: Path) -> Iterator[Edit]:
    """Yield the edits that can be made: files that an adopter has edited have nothing left of what some replace."""
    for kind in KINDS:
        found = sorted(file for pattern in kind.files for file in root.glob(pattern))
        files = {file.relative_to(root).as_posix(): file.read_text("utf-8") for file in found}
        if not all(any(re.search(each, text) for text in files.values()) for each in kind.replacements):
            continue
        for pattern, put in kind.replacements.items():
            files = {file: re.sub(pattern, put, text) for file, text in files.items()}
        yield _edit(kind.what, files)
    added = (root / "Pulumi.dev.yaml").read_text("utf-8")
    for pattern, put in {r"\bdev\.": "qa.", r"cidr: 10\.\d+\.": "cidr: 10.77."}.items():
        added = re.sub(pattern, put, added)
    yield _edit("one more stack", {ADDED: added})


def _edit(what: str, files: Mapping[str, str]) -> Edit:
    return Edit(file=next(iter(files)), line=1, start=0, end=0, text="", what=what, whole=tuple(files.items()))
