"""The ways in which the fake AWS fails."""

import pytest

from fakes.aws.faults import KINDS, HalfDone, Refusal, begun, strike

NAT = "aws:ec2/natGateway:NatGateway"


@pytest.mark.parametrize("verb", ["create", "update", "delete"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_begun_behind_is_half_done_and_the_rest_is_refused(kind, verb):
    expected = HalfDone if begun(kind) else Refusal

    with pytest.raises((Refusal, HalfDone)) as failed:
        strike(kind, verb, NAT)

    assert type(failed.value) is expected
    assert "NatGateway" in str(failed.value)
    assert verb.rstrip("e") in str(failed.value)


def test_where_nothing_fails_something_was_begun():
    assert begun(None)


def test_there_are_failures_that_leave_something_and_some_that_do_not():
    assert {kind for kind in KINDS if begun(kind)} == {"timed out", "half-created"}


def test_no_two_kinds_are_told_in_the_same_words():
    said = set()
    for kind in KINDS:
        with pytest.raises((Refusal, HalfDone)) as failed:
            strike(kind, "create", NAT)
        said.add(str(failed.value))

    assert len(said) == len(KINDS)


def test_a_failure_that_nobody_knows_is_no_failure_of_aws():
    with pytest.raises(ValueError, match="no such failure: earthquake"):
        strike("earthquake", "create", NAT)
    with pytest.raises(KeyError):
        strike("throttled", "read", NAT)
