"""The plan as JSON: the shape of the engine's own, and nothing secret."""

import json

import pytest

from prismctl.render import plan
from recording.graph import STACK_TYPE, UNKNOWN, Graph, Reference, Resource, Secret, Source

STACK_URN = "urn:pulumi:dev::ai-prism::pulumi:pulumi:Stack::ai-prism-dev"
VPC_URN = "urn:pulumi:dev::ai-prism::aws:ec2/vpc:Vpc::network"
PROVIDER = "urn:pulumi:dev::ai-prism::pulumi:providers:aws::aws::provider-1"
STACK = Resource(
    urn=STACK_URN,
    type=STACK_TYPE,
    name="ai-prism-dev",
    custom=False,
    read_inputs=dict,
    read_outputs=lambda: {"url": UNKNOWN},
)
VPC = Resource(
    urn=VPC_URN,
    type="aws:ec2/vpc:Vpc",
    name="network",
    id="vpc-1",
    custom=True,
    parent=STACK_URN,
    provider=PROVIDER,
    dependencies=("urn:a", "urn:b"),
    property_dependencies={"cidrBlock": ("urn:a",), "tags": ()},
    protect=True,
    ignore_changes=("tags",),
    retain_on_delete=True,
    deleted_with="urn:cluster",
    custom_timeouts={"create": "1h30m", "delete": "90s"},
    additional_secret_outputs=("key",),
    source=Source("components/network.py", 42),
    read_inputs=lambda: {"cidrBlock": "10.0.0.0/16", "password": Secret("hunter2"), "key": UNKNOWN, "count": 0},
    read_outputs=lambda: {"role": Reference("urn:role", "role-1"), "list": [Secret({"deep": "hunter2"})]},
)
GRAPH = Graph(project="ai-prism", stack="dev", resources=(STACK, VPC), outputs={}, known=False)


@pytest.fixture
def rendered():
    """Return the plan of two resources."""
    return plan.render(GRAPH, {"ai-prism:network": "{}"}, 1.5)


def test_a_plan_has_the_parts_of_the_engines_own(rendered):
    assert list(rendered) == ["config", "steps", "duration", "changeSummary"]
    assert rendered["config"] == {"ai-prism:network": "{}"}
    assert rendered["changeSummary"] == {"create": 2}


def test_the_duration_is_in_whole_nanoseconds(rendered):
    assert rendered["duration"] == 1_500_000_000
    assert isinstance(rendered["duration"], int)


def test_every_resource_is_a_step_in_the_order_of_registration(rendered):
    assert [(step["op"], step["urn"]) for step in rendered["steps"]] == [("create", STACK_URN), ("create", VPC_URN)]


def test_what_is_empty_is_left_out(rendered):
    assert rendered["steps"][0] == {
        "op": "create",
        "urn": STACK_URN,
        "newState": {
            "urn": STACK_URN,
            "custom": False,
            "type": STACK_TYPE,
            "outputs": {"url": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
        },
        "detailedDiff": None,
    }


def test_everything_that_the_engine_would_keep_is_there(rendered):
    assert rendered["steps"][1] == {
        "op": "create",
        "urn": VPC_URN,
        "provider": PROVIDER,
        "newState": {
            "urn": VPC_URN,
            "custom": True,
            "id": "vpc-1",
            "type": "aws:ec2/vpc:Vpc",
            "inputs": {
                "cidrBlock": "10.0.0.0/16",
                "password": "[secret]",
                "key": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
                "count": 0,
            },
            "outputs": {
                "role": {
                    "4dabf18193072939515e22adb298388d": "5cf8f73096256a8f31e491e813e4eb8e",
                    "urn": "urn:role",
                    "id": "role-1",
                },
                "list": ["[secret]"],
            },
            "parent": STACK_URN,
            "protect": True,
            "dependencies": ["urn:a", "urn:b"],
            "provider": PROVIDER,
            "propertyDependencies": {"cidrBlock": ["urn:a"], "tags": []},
            "additionalSecretOutputs": ["key"],
            "customTimeouts": {"create": 5400.0, "delete": 90.0},
            "retainOnDelete": True,
            "deletedWith": "urn:cluster",
            "ignoreChanges": ["tags"],
            "sourcePosition": "project:///components/network.py#42",
        },
        "detailedDiff": None,
    }


def test_no_secret_reaches_the_document(rendered):
    assert "hunter2" not in json.dumps(rendered)


def test_an_empty_graph_has_no_steps():
    empty = Graph(project="ai-prism", stack="dev", resources=(), outputs={}, known=False)
    assert plan.render(empty, {}, 0) == {"config": {}, "steps": [], "duration": 0, "changeSummary": {"create": 0}}


def test_warnings_are_diagnostics():
    warned = Graph(project="ai-prism", stack="dev", resources=(), outputs={}, warnings=("mind this",), known=False)
    assert plan.render(warned, {}, 0)["diagnostics"] == [{"message": "mind this", "severity": "warning"}]
