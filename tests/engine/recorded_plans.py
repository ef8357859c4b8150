"""Plans (`pulumi preview --json`) that the engine makes of a small program, kept for tests of the policies.

`make e2e ARGS="-k plans_that_are_kept --golden"` keeps them anew. They are made on the fake of AWS, so nothing in them
was ever real.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.world import World

from fakes.aws.held import Held
from prismctl.project import ROOT

PLANS = ROOT / "tests/policy/surfaces/plans"
_LEFT_OUT = ("created", "modified", "sourcePosition", "stackTrace")
"""Of a resource: when and where it was registered."""
_PROJECT = "name: shop\nruntime: {name: python, options: {virtualenv: .venv}}\n"

_PROGRAM = """
import pulumi, pulumi_aws as aws
account = aws.Provider("account", region="eu-west-1", allowed_account_ids=["123456789012"],
                       default_tags={"tags": {"Project": "shop", "Stack": "prod", "Environment": "prod",
                                              "ManagedBy": "pulumi"}})
own = pulumi.ResourceOptions(provider=account)
key = aws.kms.Key("data", enable_key_rotation=True, deletion_window_in_days=30, opts=own)
bucket = aws.s3.Bucket("data", opts=own)
block = aws.s3.BucketPublicAccessBlock("data", bucket=bucket.id, block_public_acls=True, block_public_policy=True,
                                       ignore_public_acls=True, restrict_public_buckets=True, opts=own)
logs = aws.cloudwatch.LogGroup("web", retention_in_days=365, kms_key_id=key.arn, opts=own)
"""
_BLOCK = _PROGRAM[_PROGRAM.index("block = ") : _PROGRAM.index("logs = ")]


@dataclass(frozen=True)
class Recorded:
    """One plan: how the program that stands is changed before it, and by which options it is made."""

    name: str
    changes: Sequence[tuple[str, str]] = ()
    options: tuple[str, ...] = ()
    vanished: str = ""
    """A type whose resources somebody has deleted in AWS meanwhile."""


_TAGGED = (("30, opts=own", '30, tags={"Team": "web"}, opts=own'),)
_RENAMED = (
    ('LogGroup("web", ', 'LogGroup("shop", '),
    ("key.arn, opts=own)", 'key.arn, opts=pulumi.ResourceOptions(provider=account, aliases=[pulumi.Alias("web")]))'),
)
_REPLACED = (('Bucket("data", opts', 'Bucket("data", bucket="shop-data", opts'),)
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
_BY_HAND = f"""
by_hand = pulumi.ResourceOptions(provider=account, import_="known")
known = aws.iam.Role("known", name="known", assume_role_policy={_TRUST!r}, opts=by_hand)
logs = """
_IMPORTED = (("logs = ", _BY_HAND),)
_READ = (("logs = ", 'seen = aws.s3.Bucket.get("seen", bucket.id, opts=own)\nlogs = '),)
_NEW = (("logs = ", 'more = aws.kms.Key("more", opts=own)\nlogs = '),)
_TARGET = "urn:pulumi:prod::shop::aws:kms/key:Key::data"
RECORDED = (
    Recorded("nothing"),
    Recorded("nothing-same", options=("--show-sames",)),
    Recorded("nothing-refresh", options=("--refresh",)),
    Recorded("nothing-refresh-same", options=("--refresh", "--show-sames")),
    Recorded("tag", _TAGGED),
    Recorded("tag-same", _TAGGED, ("--show-sames",)),
    Recorded("tag-refresh", _TAGGED, ("--refresh",)),
    Recorded("deletion", ((_BLOCK, ""),)),
    Recorded("deletion-same", ((_BLOCK, ""),), ("--show-sames",)),
    Recorded("deletion-refresh", ((_BLOCK, ""),), ("--refresh",)),
    Recorded("replacement-same", _REPLACED, ("--show-sames",)),
    Recorded("replacement-steps", _REPLACED, ("--show-sames", "--show-replacement-steps")),
    Recorded("rename-same", _RENAMED, ("--show-sames",)),
    Recorded("rename-refresh", _RENAMED, ("--refresh", "--show-sames")),
    Recorded("import-same", _IMPORTED, ("--show-sames",)),
    Recorded("read-same", _READ, ("--show-sames",)),
    Recorded("vanished-refresh", (), ("--refresh", "--show-sames"), "aws:s3/bucketPublicAccessBlock"),
    Recorded("target", (*_TAGGED, (_BLOCK, "")), ("--target", _TARGET)),
    Recorded("target-same", (*_TAGGED, (_BLOCK, "")), ("--target", _TARGET, "--show-sames")),
    Recorded("target-new", (*_TAGGED, *_NEW), ("--target", _TARGET, "--show-sames")),
)


class PlannedWorld(World):
    """A world whose program is a few lines about AWS."""

    def _copy_program(self, source: Path) -> None:  # noqa: ARG002  # it is written instead
        self.program.mkdir(parents=True)
        (self.program / ".venv").symlink_to(Path(sys.prefix))
        (self.program / "Pulumi.yaml").write_text(_PROJECT, encoding="utf-8")
        (self.program / f"Pulumi.{self.stack}.yaml").write_text(
            "config: {'shop:environment': prod, 'pulumi:disable-default-providers': ['*']}\n", encoding="utf-8"
        )
        self.write(_PROGRAM)

    def write(self, lines: str) -> None:
        (self.program / "__main__.py").write_text(lines, encoding="utf-8")

    def _prepare_account(self) -> None:
        self.account.set("account_id", "123456789012")
        # What somebody made by hand, for an import.
        arn = "arn:aws:iam::123456789012:role/known"
        given = {"name": "known", "assumeRolePolicy": _TRUST}
        self.account.hold(Held("aws:iam/role:Role", "known", "", given, {**given, "arn": arn}))


def plans(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each plan, made in a world of its own in `folder`."""
    with PlannedWorld(folder / "world", "prod", folder / "cache") as world:
        world.init()
        world.up().must()
        for recorded in RECORDED:
            text = _PROGRAM
            for before, after in recorded.changes:
                if before not in text:
                    raise ValueError(f"{recorded.name}: the program says no {before!r}")
                text = text.replace(before, after)
            world.write(text)
            if recorded.vanished:
                for held in [each for each in world.account.resources() if each.type.startswith(recorded.vanished)]:
                    world.account.drop(held.type, held.id)
            done = world.run("preview", "--stack", world.stack, "--json", *recorded.options)
            yield recorded.name, rendered(json.loads(done.must().out))


def rendered(plan: Mapping[str, Any]) -> str:
    """Return a plan as JSON with a line for each step, without what differs from run to run."""
    steps = [
        {key: _state(value) if key in ("oldState", "newState") else value for key, value in step.items()}
        for step in plan.get("steps", ())
    ]
    lines = ",\n".join(json.dumps(step, separators=(",", ":"), sort_keys=True) for step in steps)
    rest = {key: value for key, value in plan.items() if key in ("config", "changeSummary")}
    rest["config"] = {key: value for key, value in rest.get("config", {}).items() if key.startswith("shop:")}
    head = json.dumps(rest, separators=(",", ":"), sort_keys=True).removesuffix("}")
    return f'{head},"steps":[\n{lines}\n]}}\n'


def _state(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in _LEFT_OUT}
