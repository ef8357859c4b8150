"""This version, brought to stacks that the last release made."""

import json

import pytest
from engine.plan import REPLACING, STATEFUL, operations, types, urns
from engine.release import latest
from engine.world import World

from fakes.urns import name_of, type_of

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


@pytest.fixture
def released(world: World) -> World:
    """A stack as the last release made it."""
    file = latest() / f"{world.stack}.json"
    state = json.loads(file.read_text(encoding="utf-8"))["deployment"]
    world.account.adopt(state)
    # The release named no administrator, so whoever brings it up has let themselves in by hand; and AWS had made the
    # roles of its services.
    world.account.set("admitted", world.account.get("caller"))
    world.change_settings("aws", service_roles=["opensearch"])
    world.run("stack", "import", "--stack", world.stack, "--file", str(file)).must()
    return world


@pytest.mark.golden
def test_an_upgrade_replaces_and_deletes_nothing_that_keeps_state(released: World, request: pytest.FixtureRequest):
    plan = released.preview()

    assert not STATEFUL & types(urns(plan, "delete", *REPLACING))
    lines = sorted(
        f"{','.join(sorted(kinds))} {type_of(urn)} {name_of(urn)}\n" for urn, kinds in operations(plan).items()
    )
    golden = latest() / f"{released.stack}.plan.txt"
    if request.config.getoption("--golden"):
        golden.write_text("".join(lines), encoding="utf-8")
    assert "".join(lines) == golden.read_text(encoding="utf-8")


def test_an_upgrade_is_brought_up_and_stays(released: World):
    released.up().must()

    released.up("--expect-no-changes").must()
    # The one group of web nodes goes once every zone has a group of its own to take its pods.
    (gone,) = (each for each in released.account.operations("delete") if each.type == NODE_GROUP)
    assert gone.urn.endswith("::web-nodes")
    groups = [held for held in released.account.resources(NODE_GROUP) if held.inputs["labels"]["tier"] == "web"]
    assert len(groups) == len(released.settings("network")["zones"])
    made = {each.urn: each.ended for each in released.account.operations("create") if each.type == NODE_GROUP}
    assert all(made[held.urn] < gone.started for held in groups)
