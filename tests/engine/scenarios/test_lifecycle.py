"""The program goes up, stays, and comes down."""

from collections import Counter

from engine.agreement import differences, unexplained, unused
from engine.plan import registered
from engine.secret_scan import found_in
from engine.world import World
from support import recorded

from prismctl.render import plan as offline


def test_a_stack_goes_up_stays_and_comes_down(world: World):
    for step in LIFE:
        step(world)


def is_previewed_on_an_empty_account(world: World) -> None:
    plan = world.preview()

    assert {step["op"] for step in plan["steps"]} == {"create"}
    assert world.account.resources() == []
    # What reviewers see without an account is what the engine would do.
    found = differences(plan, offline.render(recorded(world.stack, known=False), {}, 0))
    assert [str(difference) for difference in unexplained(found)] == []
    assert unused(found) == []


def goes_up(world: World) -> None:
    world.up("--parallel", "64").must()

    state = world.state()
    made = {(each["type"], each["id"]) for each in state["resources"] if each["type"].startswith("aws:")}
    assert made == {(held.type, held.id) for held in world.account.resources()}
    assert "pending_operations" not in state


def is_then_the_one_recorded_with_known_values(world: World) -> None:
    state = world.state()
    made = {resource["urn"]: resource for resource in state["resources"]}
    resources = recorded(world.stack, known=True).resources

    assert Counter(registered(state)) == Counter(resource.urn for resource in resources)
    for resource in resources:
        assert made[resource.urn].get("protect", False) == resource.protect
        assert made[resource.urn].get("parent") == resource.parent
        assert set(made[resource.urn].get("dependencies", ())) == set(resource.dependencies)


def holds_no_secret_in_its_state(world: World) -> None:
    assert world.account.secrets()
    assert found_in(world) == []


def stays_when_brought_up_again(world: World) -> None:
    before = world.account.operations()

    world.up("--expect-no-changes").must()

    assert world.account.operations() == before


def is_refreshed_without_changes(world: World) -> None:
    world.refresh("--expect-no-changes").must()


def is_made_of_nothing_twice(world: World) -> None:
    created = Counter(operation.urn for operation in world.account.operations("create"))

    assert created
    assert set(created.values()) == {1}


def gives_up_nothing_that_is_protected(world: World) -> None:
    if not world.settings("environment")["protect"]:
        return
    before = world.account.resources()

    done = world.destroy()

    assert not done
    assert "protected" in done.output
    assert world.account.resources() == before


def comes_down_to_nothing(world: World) -> None:
    if world.settings("environment")["protect"]:
        # As docs/run-for-real.md says: two deliberate steps, the first of which can be reviewed.
        world.change_settings("environment", retiring=True, protect=False)
        world.up().must()

    world.destroy().must()

    assert world.left() == []
    assert "resources" not in world.state()


LIFE = (
    is_previewed_on_an_empty_account,
    goes_up,
    is_then_the_one_recorded_with_known_values,
    holds_no_secret_in_its_state,
    stays_when_brought_up_again,
    is_refreshed_without_changes,
    is_made_of_nothing_twice,
    gives_up_nothing_that_is_protected,
    comes_down_to_nothing,
)
