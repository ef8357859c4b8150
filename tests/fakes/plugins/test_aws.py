"""How the fake of the AWS provider speaks to the engine: each call is as the engine makes it, without a server."""

import importlib.metadata
import json
import os
from typing import Any

import grpc
import pytest
from aws_calls import ACCOUNT_ID
from pulumi.runtime.proto import provider_pb2, status_pb2

from fakes.aws import service
from fakes.aws.account import Account
from fakes.aws.faults import Fault
from fakes.aws.problems import Problem
from fakes.fake_grpc import AbortedError, Context
from fakes.plugins.aws import AwsProvider
from recording.graph import UNKNOWN, Secret
from recording.wire import decode, encode

ROLE, VPC, SUBNET = "aws:iam/role:Role", "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
BEFORE, AFTER = {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True}


def urn(type_: str, name: str = "main") -> str:
    return f"urn:pulumi:dev::ai-prism::ai-prism:aws:Network${type_}::{name}"


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def unconfigured(account, found_out) -> AwsProvider:
    return AwsProvider(account, found_out)


@pytest.fixture
def provider(unconfigured, context) -> AwsProvider:
    configure(unconfigured, context, allowedAccountIds=[ACCOUNT_ID], defaultTags={"tags": {"Project": "ai-prism"}})
    return unconfigured


def configure(provider: AwsProvider, context: Context, **config: Any) -> Any:
    args = {"region": "us-east-1", **{key: json.dumps(value) for key, value in config.items()}}
    return provider.Configure(provider_pb2.ConfigureRequest(args=encode(args)), context)


def create(provider: AwsProvider, type_: str, inputs: Any, context: Any, *, preview: bool = False) -> Any:
    request = provider_pb2.CreateRequest(urn=urn(type_), properties=encode(inputs), preview=preview)
    return provider.Create(request, context)


def update(
    provider: AwsProvider, id_: str, old: Any, state: Any, new: Any, context: Any, *, preview: bool = False
) -> Any:
    request = provider_pb2.UpdateRequest(
        urn=urn(VPC), id=id_, old_inputs=encode(old), olds=state, news=encode(new), preview=preview
    )
    return provider.Update(request, context)


class TestConfiguration:
    def test_an_account_that_is_not_allowed_is_refused(self, unconfigured, context):
        with pytest.raises(AbortedError, match="AWS account ID not allowed: 111122223333"):
            configure(unconfigured, context, allowedAccountIds=["999999999999"])
        assert context.code is grpc.StatusCode.INVALID_ARGUMENT

    def test_where_no_account_is_allowed_all_are_refused(self, unconfigured, context):
        with pytest.raises(AbortedError, match="AWS account ID not allowed"):
            configure(unconfigured, context)

    def test_before_it_there_is_no_aws(self, unconfigured, context):
        with pytest.raises(RuntimeError, match="not been configured"):
            create(unconfigured, VPC, BEFORE, context)

    def test_secrets_and_previews_are_agreed_upon(self, unconfigured, context):
        answer = configure(unconfigured, context, allowedAccountIds=[ACCOUNT_ID])

        assert (answer.acceptSecrets, answer.supportsPreview) == (True, True)
        assert unconfigured.Handshake(None, context).accept_secrets

    def test_it_says_to_be_what_the_program_was_written_for(self, unconfigured, context):
        assert unconfigured.GetPluginInfo(None, context).version == importlib.metadata.version("pulumi-aws")

    @pytest.mark.parametrize(
        ("new", "diffs", "replaces"),
        [
            ({"region": "us-east-1", "profile": "a"}, [], []),
            ({"region": "us-east-1"}, ["profile"], []),
            ({"region": "eu-central-1", "profile": "a"}, ["region"], ["region"]),
        ],
    )
    def test_another_region_is_another_provider(self, unconfigured, context, new, diffs, replaces):
        old = encode({"region": "us-east-1", "profile": "a"})

        found = unconfigured.DiffConfig(provider_pb2.DiffRequest(old_inputs=old, news=encode(new)), context)

        assert (found.diffs, found.replaces, found.changes == found.DIFF_SOME) == (diffs, replaces, bool(diffs))

    @pytest.mark.parametrize("name", ["Call", "Construct", "GetSchema", "GetMapping"])
    def test_what_the_fake_does_not_do_it_says(self, unconfigured, context, name):
        with pytest.raises(NotImplementedError):
            getattr(unconfigured, name)(None, context)
        assert context.code is grpc.StatusCode.UNIMPLEMENTED


class TestLooking:
    def check(self, provider: AwsProvider, type_: str, inputs: Any) -> Any:
        request = provider_pb2.CheckRequest(urn=urn(type_), news=encode(inputs), randomSeed=os.urandom(32))
        return provider.Check(request, Context())

    def test_what_is_wrong_is_told_by_property(self, provider, monkeypatch):
        monkeypatch.setattr(service.schemas, "check", lambda *_: [Problem("cidrBlock", "'a' is not a network")])

        found = self.check(provider, VPC, {"cidrBlock": "a"})

        assert [(each.property, each.reason) for each in found.failures] == [("cidrBlock", "'a' is not a network")]

    def test_a_type_that_is_not_known_is_refused(self, provider):
        (failure,) = self.check(provider, "aws:ec2/vcp:Vpc", {}).failures

        assert failure.reason == "unrecognized resource type (Check): aws:ec2/vcp:Vpc"

    def test_inputs_come_back_with_default_tags_and_a_name_by_the_resources_own(self, provider, monkeypatch):
        monkeypatch.setattr(service.schemas, "check", lambda *_: [])

        inputs = decode(self.check(provider, ROLE, {"assumeRolePolicy": UNKNOWN, "tags": Secret({"a": "b"})}).inputs)

        assert inputs["name"].startswith("main-")
        assert inputs["tagsAll"] == Secret({"Project": "ai-prism", "a": "b"})
        assert inputs["assumeRolePolicy"] is UNKNOWN

    def test_a_made_up_name_is_the_same_on_every_new_account_and_another_one_for_a_replacement(
        self, provider, context, monkeypatch
    ):
        monkeypatch.setattr(service.schemas, "check", lambda *_: [])
        inputs = {"assumeRolePolicy": "{}"}

        first, again = (decode(self.check(provider, ROLE, inputs).inputs) for _ in range(2))
        create(provider, ROLE, first, context)
        replacement = decode(self.check(provider, ROLE, inputs).inputs)

        assert first["name"] == again["name"] != replacement["name"]

    @pytest.mark.parametrize(
        ("new", "diffs", "replaces", "first"),
        [
            ({"name": "a", "path": "/"}, [], [], False),
            ({"name": "a", "path": "/", "description": "b"}, ["description"], [], False),
            ({"name": "a", "path": "/b/"}, ["path"], ["path"], True),
            ({"name": "a", "path": "/b/", "__defaults": ["name"]}, ["path"], ["path"], False),
        ],
    )
    def test_a_difference_says_what_changes_what_replaces_and_in_which_order(
        self, provider, context, new, diffs, replaces, first
    ):
        old = encode({"name": "a", "path": "/"})
        request = provider_pb2.DiffRequest(urn=urn(ROLE), old_inputs=old, olds=old, news=encode(new))

        found = provider.Diff(request, context)

        assert (found.diffs, found.replaces, found.deleteBeforeReplace) == (diffs, replaces, first)
        assert found.changes == (found.DIFF_SOME if diffs else found.DIFF_NONE)
        replacing = {path for path, each in found.detailedDiff.items() if each.kind == each.UPDATE_REPLACE}
        assert (found.detailedDiff.keys(), replacing) == ({*diffs}, {*replaces})

    def test_an_answer_and_a_refusal_of_a_function_are_told(self, provider, context):
        def find(name: str) -> Any:
            request = provider_pb2.InvokeRequest(tok="aws:route53/getZone:getZone", args=encode({"name": name}))
            return decode(getattr(provider.Invoke(request, context), "return"))

        assert find("example.com")["name"] == "example.com"
        with pytest.raises(AbortedError, match=r"no matching Route 53 Hosted Zone found: example\.org"):
            find("example.org")

    def test_what_does_not_stand_is_read_as_nothing(self, provider, context):
        assert provider.Read(provider_pb2.ReadRequest(urn=urn(VPC), id="vpc-1"), context).id == ""

    def test_what_stands_is_read_and_what_was_secret_is_secret_again(self, provider, context):
        inputs = {**BEFORE, "tags": {"a": Secret("b")}}
        made = create(provider, VPC, inputs, context)
        request = {"urn": urn(VPC), "id": made.id}

        plain = provider.Read(provider_pb2.ReadRequest(**request), context)
        known = provider.Read(
            provider_pb2.ReadRequest(**request, inputs=encode(inputs), properties=made.properties), context
        )

        assert plain.id == known.id == made.id
        assert decode(plain.inputs) == {**BEFORE, "tags": {"a": "b"}}
        assert decode(known.inputs) == {**BEFORE, "tags": Secret({"a": "b"})}
        assert isinstance(decode(known.properties)["arn"], Secret)
        assert decode(known.properties)["cidrBlock"] == "10.0.0.0/16"


class TestActing:
    def test_a_preview_makes_and_changes_nothing(self, provider, account, context):
        planned = create(provider, VPC, BEFORE, context, preview=True)
        assert decode(planned.properties)["arn"] is UNKNOWN
        assert planned.id == ""

        made = create(provider, VPC, BEFORE, context)
        before, done = account.resources(), account.operations()
        changed = update(provider, made.id, BEFORE, made.properties, AFTER, context, preview=True)
        assert decode(changed.properties) == {**decode(made.properties), **AFTER}
        assert (account.resources(), account.operations()) == (before, done)

    def test_what_is_created_changed_and_deleted_stands_so_long_and_is_journalled(self, provider, account, context):
        made = create(provider, VPC, BEFORE, context)
        assert [(held.id, held.urn, held.inputs) for held in account.resources()] == [(made.id, urn(VPC), BEFORE)]

        update(provider, made.id, BEFORE, made.properties, AFTER, context)
        assert [held.inputs for held in account.resources()] == [AFTER]

        provider.Delete(provider_pb2.DeleteRequest(urn=urn(VPC), id=made.id), context)
        assert account.resources() == []
        done = [(each.urn, each.type, each.verb, each.error, bool(each.ended)) for each in account.operations()]
        assert done == [(urn(VPC), VPC, verb, None, True) for verb in ("create", "update", "delete")]

    def test_a_refusal_is_told_and_journalled_and_leaves_nothing_to_adopt(self, provider, account, context):
        with pytest.raises(AbortedError, match=r"InvalidVpcID\.NotFound"):
            create(provider, SUBNET, {"vpcId": "vpc-1"}, context)
        assert context.code is grpc.StatusCode.UNKNOWN
        assert context.trailing == {}
        with pytest.raises(AbortedError, match="vpc-1 does not exist"):
            update(provider, "vpc-1", BEFORE, encode(BEFORE), AFTER, context)
        assert [each.error for each in account.operations()] == [
            "vpcId: InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist",
            "updating Vpc: vpc-1 does not exist",
        ]

    def fail_halfway(self, account: Account, verb: str, kind: str, act: Any) -> provider_pb2.ErrorResourceInitFailed:
        """Return what the engine is told of what was left behind."""
        account.fail_once([Fault(urn(VPC), verb, kind)])
        context = Context()
        with pytest.raises(AbortedError, match=f"waiting for Vpc {verb}"):
            act(context)
        told = status_pb2.Status.FromString(context.trailing["grpc-status-details-bin"])
        assert (told.code, told.message) == (grpc.StatusCode.UNKNOWN.value[0], context.details)
        left = provider_pb2.ErrorResourceInitFailed()
        assert told.details[0].Unpack(left)
        assert list(left.reasons) == [context.details] == [account.operations()[-1].error]
        return left

    def test_of_what_is_half_created_the_engine_is_told_what_stands(self, provider, account):
        inputs = {**BEFORE, "tagsAll": {"a": "b"}}
        left = self.fail_halfway(account, "create", "half-created", lambda it: create(provider, VPC, inputs, it))

        (held,) = account.resources()
        assert (left.id, decode(left.inputs), decode(left.properties)) == (held.id, BEFORE, held.outputs)

    def test_of_two_with_one_urn_the_engine_is_told_of_the_new_one(self, provider, account, context):
        old = create(provider, VPC, BEFORE, context)

        left = self.fail_halfway(account, "create", "timed out", lambda it: create(provider, VPC, BEFORE, it))

        assert left.id != old.id

    @pytest.mark.parametrize("kind", ["half-created", "timed out"])
    def test_of_what_is_replaced_the_engine_is_told_and_not_of_its_successor(self, provider, account, context, kind):
        old = create(provider, VPC, BEFORE, context)
        create(provider, VPC, BEFORE, context)

        left = self.fail_halfway(
            account, "update", kind, lambda it: update(provider, old.id, BEFORE, old.properties, AFTER, it)
        )

        assert left.id == old.id

    @pytest.mark.parametrize("kind", ["half-created", "timed out"])
    def test_of_a_deletion_the_engine_is_told_that_it_failed_and_of_nothing_to_adopt(
        self, provider, account, context, kind
    ):
        old = create(provider, VPC, BEFORE, context)
        create(provider, VPC, BEFORE, context)
        account.fail_once([Fault(urn(VPC), "delete", kind)])

        with pytest.raises(AbortedError, match="waiting for Vpc delete"):
            provider.Delete(provider_pb2.DeleteRequest(urn=urn(VPC), id=old.id), context)
        assert context.trailing == {}

    @pytest.mark.parametrize("kind", ["half-created", "timed out"])
    def test_what_is_secret_is_so_in_what_is_half_done(self, provider, account, kind):
        inputs = {"cidrBlock": Secret("10.0.0.0/16"), "tagsAll": {"a": "b"}}
        created = self.fail_halfway(account, "create", kind, lambda context: create(provider, VPC, inputs, context))
        (held,) = account.resources()
        state = encode({"cidrBlock": Secret("10.0.0.0/16")})
        updated = self.fail_halfway(
            account, "update", kind, lambda context: update(provider, held.id, inputs, state, inputs, context)
        )

        for left in (created, updated):
            assert decode(left.inputs)["cidrBlock"] == Secret("10.0.0.0/16")
            assert all(isinstance(value, Secret) for value in decode(left.properties).values())

    def test_what_the_fake_cannot_do_is_no_success_in_the_journal(self, provider, account, context):
        with pytest.raises(LookupError):
            create(provider, "aws:ec2/instance:Instance", {}, context)
        assert [(each.error or "")[:31] for each in account.operations()] == ["LookupError: no synthetic output"[:31]]
