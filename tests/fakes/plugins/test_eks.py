"""How the fake of the EKS plugin speaks to the engine, which is a fake here that remembers what is registered."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, resource_pb2

from fakes.fake_grpc import AbortedError, Context
from fakes.plugins import eks
from fakes.plugins.eks import EksProvider
from recording import eks_component
from recording.graph import UNKNOWN, Reference
from recording.wire import decode, encode

URN = "urn:pulumi:dev::ai-prism::eks:index:Cluster::cluster"
ROLE_ARN = "arn:aws:iam::111122223333:role/cluster"
AWS = "urn:pulumi:dev::ai-prism::pulumi:providers:aws::aws::1"
INPUTS = {
    "accessEntries": {"deploy": {"principalArn": "arn:deploy"}},
    "authenticationMode": "API",
    "corednsAddonOptions": {"enabled": False},
    "createInstanceRole": False,
    "createOidcProvider": False,
    "encryptionConfigKeyArn": "arn:key",
    "kubeProxyAddonOptions": {"enabled": False},
    "name": "ai-prism-dev",
    "privateSubnetIds": ["subnet-1"],
    "serviceRole": Reference("urn:role", "cluster"),
    "skipDefaultNodeGroup": True,
    "skipDefaultSecurityGroups": True,
    "useDefaultVpcCni": True,
}
MADE = {
    "name": "ai-prism-dev",
    "arn": "arn:aws:eks:us-east-1:111122223333:cluster/ai-prism-dev",
    "endpoint": "https://abc.eks.amazonaws.com",
    "certificateAuthority": {"data": "Q0E="},
    "identities": [{"oidcs": [{"issuer": "https://oidc/id/ABC"}]}],
    "vpcConfig": {"clusterSecurityGroupId": "sg-1"},
}


class RefusedError(grpc.RpcError):
    """What the engine answers where a child could not be made."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "resource registration failed"


class Monitor:
    """The engine."""

    def __init__(self, made: dict[str, Any], refused: str = "") -> None:
        self._made, self._refused = made, refused
        self.registered: list[resource_pb2.RegisterResourceRequest] = []
        self.outputs: list[resource_pb2.RegisterResourceOutputsRequest] = []

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:
        if request.type == self._refused:
            raise RefusedError
        self.registered.append(request)
        made = self._made if request.type == "aws:eks/cluster:Cluster" else {}
        urn = URN if request.type == eks_component.TYPE else f"urn:{request.name}"
        return SimpleNamespace(urn=urn, id="", object=encode(made))

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> None:
        self.outputs.append(request)

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> provider_pb2.InvokeResponse:
        assert (request.tok, decode(request.args)) == ("pulumi:pulumi:getResource", {"urn": "urn:role"})
        response = provider_pb2.InvokeResponse()
        state = {"arn": ROLE_ARN} if self._made else {}
        getattr(response, "return").CopyFrom(encode({"urn": "urn:role", "state": state}))
        return response


@pytest.fixture
def context() -> Context:
    return Context()


@pytest.fixture
def construct(monkeypatch, context):
    def construct(monitor: Monitor, type_: str = eks_component.TYPE, **changes: Any) -> Any:
        monkeypatch.setattr(eks.resource_pb2_grpc, "ResourceMonitorStub", lambda _: monitor)
        inputs = {key: value for key, value in {**INPUTS, **changes}.items() if value is not None}
        sources = provider_pb2.ConstructRequest.PropertyDependencies
        request = provider_pb2.ConstructRequest(
            type=type_,
            name="cluster",
            parent="urn:parent",
            inputs=encode(inputs),
            inputDependencies={"serviceRole": sources(urns=["urn:role"])},
            providers={"aws": AWS},
            protect=True,
            monitorEndpoint="127.0.0.1:1",
        )
        return EksProvider("pulumi-eks", accepts_resources=True).Construct(request, context)

    return construct


def test_the_component_and_its_children_are_registered_with_the_engine(construct):
    monitor = Monitor(MADE)
    construct(monitor)

    assert [(each.type, each.name, each.parent) for each in monitor.registered] == [
        (eks_component.TYPE, "cluster", "urn:parent"),
        ("aws:eks/cluster:Cluster", "cluster-eksCluster", URN),
        ("pulumi:providers:kubernetes", "cluster-eks-k8s", URN),
        ("aws:eks/accessEntry:AccessEntry", "cluster-deploy", URN),
    ]


def test_the_component_is_registered_as_the_program_gave_it(construct):
    monitor = Monitor(MADE)
    construct(monitor)

    component = monitor.registered[0]
    assert decode(component.object) == INPUTS
    assert component.propertyDependencies.keys() == INPUTS.keys()
    assert list(component.propertyDependencies["serviceRole"].urns) == ["urn:role"]
    assert (component.custom, component.protect, dict(component.providers)) == (False, True, {"aws": AWS})


def test_children_of_aws_go_through_the_components_own_provider(construct):
    monitor = Monitor(MADE)
    construct(monitor)

    of_aws = [each for each in monitor.registered if each.type.startswith("aws:")]
    assert {each.provider for each in of_aws} == {AWS}
    assert decode(of_aws[0].object)["roleArn"] == ROLE_ARN


def test_the_program_is_answered_what_the_component_registers_as_its_outputs(construct):
    monitor = Monitor(MADE)
    answer = construct(monitor)

    (registered,) = monitor.outputs
    state = decode(answer.state)
    assert (answer.urn, registered.urn, decode(registered.outputs)) == (URN, URN, state)
    assert (state["clusterSecurityGroupId"], state["oidcIssuer"]) == ("sg-1", "oidc/id/ABC")
    assert state["eksCluster"] == Reference("urn:cluster-eksCluster", "")
    assert answer.stateDependencies.keys() == state.keys()
    assert list(answer.stateDependencies["kubeconfig"].urns) == ["urn:cluster-eksCluster"]


def test_in_a_preview_outputs_are_unknown(construct):
    monitor = Monitor({})
    state = decode(construct(monitor).state)

    assert {state[key] for key in ("kubeconfig", "clusterSecurityGroupId", "oidcIssuer")} == {UNKNOWN}
    assert decode(monitor.registered[1].object)["roleArn"] is UNKNOWN


@pytest.mark.parametrize("type_", ["eks:index:ManagedNodeGroup", "eks:index:ClusterCreationRoleProvider", ""])
def test_another_component_is_refused_and_nothing_registered(construct, context, type_):
    monitor = Monitor(MADE)

    with pytest.raises(AbortedError, match=f"the EKS fake constructs no {type_}"):
        construct(monitor, type_)
    assert context.code is grpc.StatusCode.UNIMPLEMENTED
    assert monitor.registered == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fargate", True),
        ("nodeGroupOptions", {"instanceType": "m6i.large"}),
        ("skipDefaultNodeGroup", None),
        ("createOidcProvider", True),
        ("authenticationMode", "API_AND_CONFIG_MAP"),
        ("serviceRole", None),
        ("corednsAddonOptions", {"enabled": True}),
    ],
)
def test_a_use_that_the_fake_does_not_know_is_refused_and_no_child_registered(construct, context, key, value):
    monitor = Monitor(MADE)

    with pytest.raises(AbortedError, match=f"does not know this use of {key}"):
        construct(monitor, **{key: value})
    assert context.code is grpc.StatusCode.UNIMPLEMENTED
    assert not [each for each in monitor.registered if each.type != eks_component.TYPE]
    assert monitor.outputs == []


def test_a_child_that_the_engine_refuses_ends_the_construction(construct, context):
    monitor = Monitor(MADE, refused="aws:eks/accessEntry:AccessEntry")

    with pytest.raises(AbortedError, match="resource registration failed"):
        construct(monitor)
    assert context.code is grpc.StatusCode.UNAVAILABLE
    assert monitor.outputs == []


@pytest.mark.parametrize("name", ["Create", "Update", "Delete", "Read", "Check", "Diff", "Invoke", "Call"])
def test_what_else_a_provider_could_do_it_says_that_it_does_not(context, name):
    with pytest.raises(NotImplementedError):
        getattr(EksProvider("pulumi-eks"), name)(None, context)
    assert context.code is grpc.StatusCode.UNIMPLEMENTED


def test_resources_are_accepted_as_values():
    provider = EksProvider("pulumi-eks", accepts_resources=True)

    assert provider.Handshake(None, None).accept_resources
    assert provider.Configure(None, None).acceptResources
