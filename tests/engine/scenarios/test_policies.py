"""The policy pack in the real engine: what it stops, what it lets pass, and what it cannot tell yet."""

import json
import shutil
from pathlib import Path

import pytest
from engine.world import Done, World

from policy.registry import rules
from prismctl.project import ROOT
from tools import pack

SEEDED = {
    "ecr-immutable": ("components/registry.py", 'image_tag_mutability="IMMUTABLE"', 'image_tag_mutability="MUTABLE"'),
    "ecr-scan": ("components/registry.py", '"scan_on_push": True', '"scan_on_push": False'),
    "eks-logs": ("components/cluster.py", "list(LOG_TYPES)", "list(LOG_TYPES)[:1]"),
    "kms-rotate": ("components/encryption.py", "enable_key_rotation=True", "enable_key_rotation=False"),
    "lt-imdsv2": ("components/node_group.py", '"http_tokens": "required"', '"http_tokens": "optional"'),
    "net-subnet-public-ip": ("components/network.py", "map_public_ip_on_launch=False", "map_public_ip_on_launch=True"),
    "ng-gpu-taint": ("components/node_group.py", "taints=[GPU_TAINT] if args.gpu else None", "taints=None"),
    "rds-cmk": ("components/database.py", "storage_encrypted=True", "storage_encrypted=False"),
    "rds-public": ("components/database.py", "publicly_accessible=False", "publicly_accessible=True"),
    "s3-bpa": ("components/storage.py", "block_public_policy=True", "block_public_policy=False"),
}
"""A line of the program that each rule would not have otherwise."""
EARLIER = {"s3-bpa": "svc-public"}
"""Rules about the resource alone that find the same."""


PACK = ("--policy-pack", str(ROOT / "policy"))
FIXES = {rule.id: rule.fix for rule in rules()}


def preview(world: World, *pack: str) -> Done:
    return world.run("preview", "--stack", world.stack, *(pack or PACK))


def test_the_platform_itself_passes(world: World):
    preview(world).must()

    done = world.up(*PACK).must()

    assert "ai-prism@" in done.output
    assert "[mandatory]" not in done.output


@pytest.mark.parametrize("rule", SEEDED)
def test_a_violation_stops_preview_and_update_with_its_rule_and_its_remedy(world: World, rule: str):
    file, before, after = SEEDED[rule]
    world.change_program(file, before, after)

    # An update ends at the first resource that is wrong by itself, before rules about the whole stack are asked.
    for done, found in (preview(world), rule), (world.up(*PACK), EARLIER.get(rule, rule)):
        assert not done
        assert f"  {found}  " in done.output
        assert FIXES[found] in done.output


def test_the_package_is_a_pack_of_its_own(world: World, tmp_path: Path):
    pack.lay_out(tmp_path)
    world.change_program(*SEEDED["kms-rotate"])

    done = preview(world, "--policy-pack", str(tmp_path / pack.FOLDER))

    assert not done
    assert "  kms-rotate  " in done.output
    assert FIXES["kms-rotate"] in done.output


def test_a_remedy_is_applied_where_it_is_configured(world: World):
    file, before, after = SEEDED["kms-rotate"]
    world.change_program(file, before, after)
    config = world.program / "remedies.json"
    config.write_text(json.dumps({"kms-rotate": "remediate"}), encoding="utf-8")

    world.up(*PACK, "--policy-pack-config", str(config)).must()

    keys = [each for each in world.state()["resources"] if each["type"] == "aws:kms/key:Key"]
    assert {each["inputs"].get("enableKeyRotation") for each in keys} == {True}


def test_what_a_preview_cannot_tell_is_said_and_caught_by_the_update(world: World):
    world.change_program("components/storage.py", '"aws:SecureTransport": "false"', '"aws:SecureTransport": "true"')

    planned = preview(world).must()
    brought_up = world.up(*PACK)

    assert "s3-tls: cannot be determined: " in planned.output
    assert not brought_up
    # Whoever comes by TLS is denied everything, which the policy alone tells once it is known.
    assert "  policy-lockout  " in brought_up.output
    assert FIXES["policy-lockout"] in brought_up.output


def test_a_rule_that_crashes_stops_the_preview(world: World):
    copy = world.program / "policy"
    shutil.copytree(ROOT / "policy", copy, ignore=shutil.ignore_patterns("__pycache__"))
    broken = copy / "rules" / "kms.py"
    text = broken.read_text(encoding="utf-8")
    crashing = text.replace('and not key.flag("enableKeyRotation")', 'and key.flag("enableKeyRotation") / 0')
    assert crashing != text
    broken.write_text(crashing, encoding="utf-8")

    done = preview(world, "--policy-pack", str(copy))

    assert not done
    assert "  crashed-resource  " in done.output
    assert "kms-rotate" in done.output
