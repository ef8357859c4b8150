"""What is left behind where AWS fails, and that the next attempt finishes the work."""

from typing import Any

import pytest
from aws_calls import delete, make, update, urn

from fakes.aws.account import Account, Verb
from fakes.aws.faults import KINDS, Fault, HalfDone, Refusal, begun
from fakes.aws.held import Held
from fakes.aws.service import Aws

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
KEY = "aws:kms/key:Key"
BEFORE = {"enableDnsSupport": False, "tags": {"a": "1"}, "tagsAll": {"a": "1"}}
AFTER = {"enableDnsSupport": True, "tags": {"a": "2"}, "tagsAll": {"a": "2"}}


@pytest.mark.parametrize("kind", KINDS)
class TestFailure:
    """Each strikes once, and is forgotten; what it leaves behind depends on its kind."""

    def fail(self, account: Account, verb: Verb, kind: str, act: Any) -> None:
        account.fail_once([Fault(urn(VPC), verb, kind)])
        with pytest.raises(HalfDone if begun(kind) else Refusal):
            act()
        assert account.faults_left() == []

    def test_of_a_creation_leaves_the_resource_what_there_is_of_it_or_nothing(self, aws, account, kind):
        self.fail(account, "create", kind, lambda: make(aws, account, VPC, **BEFORE))

        left = [(held.inputs, held.outputs["enableDnsSupport"], held.complete) for held in account.resources()]
        assert left == {
            "timed out": [(BEFORE, False, True)],
            "half-created": [({"enableDnsSupport": False}, False, False)],
        }.get(kind, [])
        if left:
            update(aws, account, VPC, account.resources()[0].id, **BEFORE)
        else:
            make(aws, account, VPC, **BEFORE)
        assert [(held.inputs, held.complete) for held in account.resources()] == [(BEFORE, True)]

    def test_of_an_update_leaves_it_done_begun_or_what_was_there(self, aws, account, kind):
        id_, _ = make(aws, account, VPC, **BEFORE)
        self.fail(account, "update", kind, lambda: update(aws, account, VPC, id_, **AFTER))

        assert [(held.inputs, held.complete) for held in account.resources()] == [
            {
                "timed out": (AFTER, True),
                "half-created": ({**BEFORE, "enableDnsSupport": True}, False),
            }.get(kind, (BEFORE, True))
        ]
        update(aws, account, VPC, id_, **AFTER)
        assert [(held.id, held.inputs, held.complete) for held in account.resources()] == [(id_, AFTER, True)]

    def test_of_a_deletion_leaves_nothing_or_everything_and_the_next_one_succeeds(self, aws, account, kind):
        id_, _ = make(aws, account, VPC)
        self.fail(account, "delete", kind, lambda: delete(aws, account, VPC, id_))

        # It goes on where the provider has only stopped to wait for it.
        left = {"timed out": [], "half-created": [False]}.get(kind, [True])
        assert [held.complete for held in account.resources()] == left
        delete(aws, account, VPC, id_)
        assert account.resources() == []

    def test_waits_for_an_operation_that_aws_does_not_refuse_anyway(self, aws, account, kind):
        id_, _ = make(aws, account, VPC)
        account.hold(Held(SUBNET, "subnet-1", "b", {"vpcId": id_}))
        faults = [Fault(urn(VPC), "delete", kind), Fault(urn(SUBNET), "create", kind), Fault(urn(ROLE), "update", kind)]
        account.fail_once(faults)

        with pytest.raises(Refusal, match="DependencyViolation"):
            delete(aws, account, VPC, id_)
        with pytest.raises(Refusal, match=r"InvalidVpcID\.NotFound"):
            make(aws, account, SUBNET, vpcId="vpc-0")
        with pytest.raises(Refusal, match="does not exist"):
            update(aws, account, ROLE, "deploy")
        assert len(account.faults_left()) == 3

    def test_tells_what_it_left_behind(self, aws, account, kind):
        # Two with one URN, as while one replaces the other.
        old, new = make(aws, account, VPC)[0], make(aws, account, VPC)[0]
        account.fail_once([Fault(urn(VPC), verb, kind) for verb in ("create", "update", "delete")])
        told = []
        for act in (
            lambda: make(aws, account, VPC),
            lambda: update(aws, account, VPC, old),
            lambda: delete(aws, account, VPC, old),
        ):
            with pytest.raises((HalfDone, Refusal)) as failed:
                act()
            told.append(getattr(failed.value, "left", None))

        if begun(kind):
            assert told[0].id not in {old, new}
            assert [left and left.id for left in told[1:]] == [old, None]
        else:
            assert told == [None, None, None]

    def test_strikes_no_other_resource(self, aws, account, kind):
        account.fail_once([Fault(urn(VPC, "other"), "create", kind)])
        make(aws, account, VPC)

        assert len(account.faults_left()) == 1


class TestHalfCreated:
    """What the last of the calls would have set is missing: the tags, else something that an update can set."""

    def leave(self, aws: Aws, account: Account, type_: str, **inputs: Any) -> Held:
        account.fail_once([Fault(urn(type_), "create", "half-created")])
        with pytest.raises(HalfDone):
            make(aws, account, type_, **inputs)
        return account.resources()[-1]

    def test_what_has_no_tags_lacks_what_can_be_set_later_and_keeps_what_cannot(self, aws, account):
        left = self.leave(aws, account, ROLE, name="deploy", path="/a/", assumeRolePolicy="{}", description="d")

        assert left.inputs == {"name": "deploy", "path": "/a/", "assumeRolePolicy": "{}"}
        assert "description" not in left.outputs
        assert left.outputs["arn"].endswith("role/a/deploy")
        assert not left.complete

    def test_what_can_only_be_made_as_a_whole_is_complete(self, aws, account):
        assert self.leave(aws, account, KEY).complete
