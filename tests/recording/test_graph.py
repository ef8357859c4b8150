"""What a run registered, as plain data."""

import copy
import dataclasses
import pickle

import pytest

from recording.graph import STACK_TYPE, UNKNOWN, Graph, Reference, Resource, Secret, Source, Unknown


def urn(type_, name):
    return f"urn:pulumi:dev::ai-prism::{type_}::{name}"


def resource(type_, name, parent=None, **more):
    defaults = {"custom": True, "read_inputs": dict, "read_outputs": dict}
    return Resource(urn=urn(type_, name), type=type_, name=name, parent=parent and parent.urn, **{**defaults, **more})


STACK = resource(STACK_TYPE, "ai-prism-dev", custom=False)
NETWORK = resource("ai-prism:aws:Network", "network", STACK, custom=False)
VPC = resource("aws:ec2/vpc:Vpc", "network", NETWORK)
ONE = resource("aws:ec2/subnet:Subnet", "network-a", VPC)
OTHER = resource("aws:ec2/subnet:Subnet", "network-b", VPC)
GRAPH = Graph(
    project="ai-prism", stack="dev", resources=(STACK, NETWORK, VPC, ONE, OTHER), outputs={"url": UNKNOWN}, known=False
)


def test_resources_are_found_by_urn():
    assert GRAPH.by_urn[VPC.urn] is VPC
    assert len(GRAPH.by_urn) == 5


def test_children_are_found_in_the_order_of_their_registration():
    assert GRAPH.children == {STACK.urn: (NETWORK,), NETWORK.urn: (VPC,), VPC.urn: (ONE, OTHER)}


def test_the_root_is_the_stack():
    assert GRAPH.root is STACK


def test_resources_are_found_by_type():
    assert GRAPH.of_type("aws:ec2/subnet:Subnet") == (ONE, OTHER)
    assert GRAPH.of_type("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet") == (VPC, ONE, OTHER)
    assert GRAPH.of_type("aws:ec2/subnet") == ()


def test_a_resource_is_found_by_type_and_name_together():
    assert GRAPH.named("aws:ec2/vpc:Vpc", "network") is VPC
    assert GRAPH.named("ai-prism:aws:Network", "network") is NETWORK


def test_a_name_that_nothing_has_is_an_error():
    with pytest.raises(LookupError) as error:
        GRAPH.named("aws:ec2/subnet:Subnet", "network-c")
    assert str(error.value) == "0 resources of type aws:ec2/subnet:Subnet are called 'network-c'"


def test_a_name_that_two_resources_have_is_an_error():
    twin = dataclasses.replace(ONE, urn=f"{ONE.urn}-twin")
    graph = dataclasses.replace(GRAPH, resources=(*GRAPH.resources, twin))
    with pytest.raises(LookupError) as error:
        graph.named("aws:ec2/subnet:Subnet", "network-a")
    assert str(error.value) == "2 resources of type aws:ec2/subnet:Subnet are called 'network-a'"


def test_ancestors_go_up_to_the_stack():
    assert list(GRAPH.ancestors(ONE)) == [VPC, NETWORK, STACK]
    assert list(GRAPH.ancestors(STACK)) == []


def test_counts_start_with_the_most_frequent_and_leave_the_stack_out():
    assert list(GRAPH.counts().items()) == [
        ("aws:ec2/subnet:Subnet", 2),
        ("ai-prism:aws:Network", 1),
        ("aws:ec2/vpc:Vpc", 1),
    ]


def test_the_urn_of_a_provider_is_read_from_its_reference():
    provider = urn("pulumi:providers:aws", "aws")
    assert resource("aws:ec2/vpc:Vpc", "vpc", provider=f"{provider}::provider-1").provider_urn == provider
    assert resource("aws:ec2/vpc:Vpc", "vpc", provider=f"{provider}::").provider_urn == provider
    assert VPC.provider_urn is None


def test_inputs_are_decoded_once_and_only_when_asked_for():
    calls = []

    def read():
        calls.append(1)
        return {"cidrBlock": "10.0.0.0/16"}

    vpc = resource("aws:ec2/vpc:Vpc", "vpc", read_inputs=read)
    assert calls == []
    assert vpc["cidrBlock"] == "10.0.0.0/16"
    assert "cidrBlock" in vpc
    assert "tags" not in vpc
    assert vpc.get("tags", {}) == {}
    assert vpc.get("tags") is None
    assert calls == [1]


def test_an_input_that_was_not_given_is_an_error():
    with pytest.raises(KeyError, match="tags"):
        VPC["tags"]


def test_outputs_are_not_inputs():
    vpc = resource("aws:ec2/vpc:Vpc", "vpc", read_inputs=lambda: {"a": 1}, read_outputs=lambda: {"a": 2})
    assert (vpc.inputs, vpc.outputs, vpc["a"]) == ({"a": 1}, {"a": 2}, 1)


def test_a_resource_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        VPC.name = "other"


def test_there_is_one_unknown_however_it_is_made():
    assert Unknown() is UNKNOWN
    assert copy.deepcopy({"a": [UNKNOWN]})["a"][0] is UNKNOWN
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN  # noqa: S301  # its own
    assert repr(UNKNOWN) == "UNKNOWN"


def test_a_secret_does_not_show_itself():
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]} { {'a': secret} }"
    assert secret.value == "hunter2"
    assert secret == Secret("hunter2")


def test_a_resource_does_not_show_its_values():
    shown = repr(resource("aws:ec2/vpc:Vpc", "vpc", read_inputs=lambda: {"password": "hunter2"}))
    assert "hunter2" not in shown
    assert "read_inputs" not in shown


def test_references_are_the_same_where_urn_and_id_are():
    assert Reference("urn:a", "1") == Reference("urn:a", "1")
    assert Reference("urn:a", "1") != Reference("urn:a", "2")


def test_a_place_in_the_program_reads_as_editors_expect():
    assert str(Source("components/network.py", 42)) == "components/network.py:42"
