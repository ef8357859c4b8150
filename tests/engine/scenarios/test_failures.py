"""Every create, update and delete can fail once: the message says what and why, and the next run finishes the work."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable

import pytest
from engine.plan import STATEFUL, deletable, operations, registered
from engine.turns import DAY, FULL
from engine.world import Done, World

from fakes.aws.account import Operation, Verb
from fakes.aws.faults import KINDS, Fault
from fakes.urns import type_of

SAID = {
    "throttled": "ThrottlingException: Rate exceeded",
    "timed out": "timeout while waiting for state",
    "access denied": "AccessDeniedException: User: ",
    "capacity": "InsufficientInstanceCapacity: ",
    "half-created": "unexpected state 'failed'",
}
SAMPLE = 12
ROUNDS = 40
"""More than any chain of dependencies is long, each of whose members fails once."""


def chosen(stack: str, urns: Iterable[str]) -> list[str]:
    """Return the resources whose turn it is today."""
    everything = sorted(urn for urn in urns if type_of(urn).startswith("aws:"))
    stateful = [urn for urn in everything if type_of(urn) in STATEFUL]
    others = [urn for urn in everything if type_of(urn) not in STATEFUL]
    if FULL:
        return everything
    # Another sample every day, and the same one for whoever repeats that day's run.
    today = random.Random(f"{DAY} {stack}")  # noqa: S311  # a choice, not a secret
    return [*stateful, *today.sample(others, SAMPLE)]


def faults(urns: Iterable[str], verb: Verb, kind: str) -> list[Fault]:
    """Return one fault for each resource: all of one kind, or each of the kind whose turn it is today."""
    return [Fault(urn, verb, kind if FULL else kind_of_today(urn, verb)) for urn in urns]


def kind_of_today(urn: str, verb: Verb) -> str:
    return KINDS[hashlib.sha256(f"{DAY} {verb} {urn}".encode()).digest()[0] % len(KINDS)]


def assert_struck(world: World, given: list[Fault]) -> None:
    """Each fault was met by the operation that it was meant for, and told in its words."""
    assert world.account.faults_left() == []
    said = {(each.urn, each.verb): str(each.error) for each in world.account.operations() if each.error}
    assert given
    for fault in given:
        assert SAID[fault.kind] in said.get((fault.urn, fault.verb), ""), fault


def repeat(world: World, command: Callable[..., Done]) -> None:
    """Run the command until it succeeds, and see that each failure on the way is told with resource and cause."""
    for _ in range(ROUNDS):
        before = len(world.account.operations())
        done = command("--continue-on-error")
        failed = [each for each in world.account.operations()[before:] if each.error]
        for operation in failed:
            assert told(done, operation), f"nothing said of {operation}:\n{done.output}"
        if done:
            return
        assert failed, f"failed without a failure of AWS:\n{done.output}"
    raise AssertionError(f"not finished after {ROUNDS} rounds")


def told(done: Done, operation: Operation) -> bool:
    """Whether the output has the resource's type and name, and what AWS said."""
    package, module, kind = operation.type.replace("/", ":").split(":")[0], *operation.type.split(":")[1:]
    label = f"{package}:{module.split('/')[0]}:{kind} ({operation.urn.rpartition('::')[2]})"
    return label in done.output and str(operation.error).splitlines()[0] in done.output


@pytest.mark.parametrize("kind", KINDS if FULL else ["of each kind"])
class TestWhatFailsOnce:
    def test_is_created_by_the_next_update(self, world: World, kind: str):
        planned = operations(world.preview())
        urns = chosen(world.stack, planned)
        given = faults(urns, "create", kind)
        world.account.fail_once(given)

        repeat(world, world.up)

        assert_struck(world, given)
        world.up("--expect-no-changes").must()
        assert Counter(registered(world.state())) == Counter(planned.keys())
        held = world.account.resources()
        assert Counter(each.urn for each in held) == Counter(urn for urn in planned if type_of(urn).startswith("aws:"))
        assert all(each.complete for each in held)

    def test_is_updated_by_the_next_update(self, standing: World, kind: str):
        standing.add_tag("CostCenter", "platform")
        urns = chosen(standing.stack, operations(standing.preview()))
        given = faults(urns, "update", kind)
        standing.account.fail_once(given)

        repeat(standing, standing.up)

        assert_struck(standing, given)
        standing.up("--expect-no-changes").must()
        held = standing.account.resources()
        assert all(each.complete for each in held)
        assert {each.outputs["tagsAll"]["CostCenter"] for each in held if "tagsAll" in each.outputs} == {"platform"}

    def test_is_deleted_by_the_next_destroy(self, standing: World, kind: str):
        if standing.settings("environment")["protect"]:
            standing.change_settings("environment", retiring=True, protect=False)
            standing.up().must()
        urns = chosen(standing.stack, deletable(standing.state()))
        given = faults(urns, "delete", kind)
        standing.account.fail_once(given)

        repeat(standing, standing.destroy)

        assert_struck(standing, given)
        assert standing.left() == []
        assert "resources" not in standing.state()


def test_without_further_options_an_update_stops_at_the_failure_and_the_next_one_goes_on(world: World):
    database = next(urn for urn in operations(world.preview()) if type_of(urn) == "aws:rds/cluster:Cluster")
    world.account.fail_once([Fault(database, "create", "throttled")])

    stopped = world.up()

    assert not stopped
    assert "aws:rds:Cluster (database)" in stopped.output
    assert "ThrottlingException: Rate exceeded" in stopped.output
    world.up().must()
    world.up("--expect-no-changes").must()
