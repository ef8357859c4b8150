"""`prismctl waivers`: who answers for what, until when."""

from pathlib import Path

import pytest

from policy.waivers import load
from prismctl.cli import main

TEXT = """\
# Why each is here.
- rule: kms-rotate
  urn: urn:pulumi:prod::shop::*::data  # the first
  path: enableKeyRotation
  value: false
  owner: web
  ticket: WEB-1
  reason: moving
  expires: 2026-12-31  # by then it has moved
- {rule: kms-window, urn: "urn:pulumi:prod::shop::*::data", owner: data, expires: 2027-03-31}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "waivers.yaml"
    file.write_text(TEXT)
    return file


def test_waivers_are_listed_with_their_owners_those_that_end_first_in_front(file, capsys) -> None:
    assert main(["waivers", "--waivers", str(file), "--today", "2026-11-23"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2026-12-31    38 days  web  kms-rotate")
    assert second.startswith("2027-03-31   128 days  data  kms-window")


def test_a_waiver_is_renewed_in_its_file_and_nothing_else_changes(file, capsys) -> None:
    command = ["waivers", "kms-rotate", "--until", "2027-06-30", "--waivers", str(file), "--today", "2026-11-23"]
    assert main(command) == 0
    assert file.read_text() == TEXT.replace("2026-12-31", "2027-06-30")
    assert "ends on 2027-06-30, before on 2026-12-31" in capsys.readouterr().out
    assert [str(each.expires) for each in load(file)] == ["2027-06-30", "2027-03-31"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["kms-rotate"], "name RULE and --until"),
        (["kms-rotate", "--until", "soon"], "must be a day such as 2027-03-31"),
        (["kms-rotate", "--until", "2026-11-23"], "must be after 2026-11-23"),
        (["kms-rotate", "--until", "2028-11-23"], "at most 366 days ahead"),
        (["s3-tls", "--until", "2027-06-30"], "no waiver of s3-tls"),
        (["kms-rotate", "--urn", "*prod-2*", "--until", "2027-06-30"], "no waiver of kms-rotate"),
    ],
)
def test_what_cannot_be_renewed_is_told_and_changes_nothing(file, capsys, arguments: list[str], says: str) -> None:
    assert main(["waivers", *arguments, "--waivers", str(file), "--today", "2026-11-23"]) == 2
    assert says in capsys.readouterr().err
    assert file.read_text() == TEXT
