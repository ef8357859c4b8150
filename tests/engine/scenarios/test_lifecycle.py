"""The program goes up, stays, and comes down; a class per stack's life, its tests in order."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.agreement import differences, unexplained, unused
from engine.plan import registered
from engine.secret_scan import found_in
from engine.world import World
from support import recorded

from prismctl.render import plan as offline


@pytest.fixture(scope="class")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Iterator[World]:
    """One stack's world, through its whole life."""
    with World(tmp_path_factory.mktemp("life") / "world", request.param, shared / "cache") as world:
        world.init()
        yield world


class TestAStack:
    def test_is_previewed_on_an_empty_account(self, world: World):
        plan = world.preview()

        assert {step["op"] for step in plan["steps"]} == {"create"}
        assert world.account.resources() == []
        # What reviewers see without an account is what the engine would do.
        found = differences(plan, offline.render(recorded(world.stack, known=False), {}, 0))
        assert [str(difference) for difference in unexplained(found)] == []
        assert unused(found) == []

    def test_goes_up(self, world: World):
        world.up().must()

        state = world.state()
        made = {(each["type"], each["id"]) for each in state["resources"] if each["type"].startswith("aws:")}
        assert made == {(held.type, held.id) for held in world.account.resources()}
        assert "pending_operations" not in state

    def test_is_then_the_one_recorded_with_known_values(self, world: World):
        state = world.state()
        made = {resource["urn"]: resource for resource in state["resources"]}
        resources = recorded(world.stack, known=True).resources

        assert Counter(registered(state)) == Counter(resource.urn for resource in resources)
        for resource in resources:
            assert made[resource.urn].get("protect", False) == resource.protect
            assert made[resource.urn].get("parent") == resource.parent
            assert set(made[resource.urn].get("dependencies", ())) == set(resource.dependencies)

    def test_holds_no_secret_in_its_state(self, world: World):
        assert world.account.secrets()
        assert found_in(world) == []

    def test_stays_when_brought_up_again(self, world: World):
        before = world.account.operations()

        world.up("--expect-no-changes").must()

        assert world.account.operations() == before

    def test_is_refreshed_without_changes(self, world: World):
        world.refresh("--expect-no-changes").must()

    def test_is_made_of_nothing_twice(self, world: World):
        created = Counter(operation.urn for operation in world.account.operations("create"))

        assert created
        assert set(created.values()) == {1}

    def test_gives_up_nothing_that_is_protected(self, world: World):
        if not world.settings("environment")["protect"]:
            pytest.skip("nothing in this stack is protected")
        before = world.account.resources()

        done = world.destroy()

        assert not done
        assert "protected" in done.output
        assert world.account.resources() == before

    def test_comes_down_to_nothing(self, world: World):
        if world.settings("environment")["protect"]:
            # As docs/run-for-real.md says: two deliberate steps, the first of which can be reviewed.
            world.change_settings("environment", retiring=True, protect=False)
            world.up().must()

        world.destroy().must()

        assert world.account.resources() == []
        assert "resources" not in world.state()
