"""What is taken from the SDK or put in its place says the same as the SDK."""

import runpy
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import resource_cycle_breaker

from recording import sdk

SIZE = 6

# Whoever records a program puts ours in the place of the SDK's: here they are read anew.
_FRESH = runpy.run_path(resource_cycle_breaker.__file__)
SDK_REACHABLE, SDK_ADD = _FRESH["_reachable"], _FRESH["_add_dep"]


class Resource(SimpleNamespace):
    __hash__ = object.__hash__
    __eq__ = object.__eq__


@given(st.lists(st.tuples(*(st.integers(0, SIZE - 1),) * 2), max_size=30))
def test_a_cycle_of_dependencies_is_found_where_the_sdk_finds_it(wanted: list[tuple[int, int]]):
    ours, theirs = ([Resource() for _ in range(SIZE)] for _ in range(2))
    for dependent, other in wanted:
        cyclic = sdk._reachable(ours[other], ours[dependent])
        assert cyclic == SDK_REACHABLE(theirs[other], theirs[dependent])
        if not cyclic:
            sdk._add_dependency(ours[dependent], ours[other])
            SDK_ADD(theirs[dependent], theirs[other])
