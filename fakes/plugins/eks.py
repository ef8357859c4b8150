"""The EKS plugin's fake: registers through the engine the children that the offline preview registers."""

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, resource_pb2, resource_pb2_grpc
from typing_extensions import override

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from fakes.plugins.serving import Provider, serve_provider
from recording import eks_component, wire
from recording.graph import UNKNOWN, Reference
from recording.sdk import GRPC_CHANNEL_OPTIONS


class EksProvider(Provider):
    """Constructs `eks:index:Cluster`, and refuses everything else."""

    @override
    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        if request.type != eks_component.TYPE:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the EKS fake constructs no {request.type}")
        with grpc.insecure_channel(request.monitorEndpoint, options=GRPC_CHANNEL_OPTIONS) as channel:
            try:
                return _construct(resource_pb2_grpc.ResourceMonitorStub(channel), request)
            except NotImplementedError as error:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
            except grpc.RpcError as error:
                # What the engine said of a child is its own to tell; here it only ends the construction.
                context.abort(error.code(), error.details() or "the engine did not say why")


def _construct(monitor: Any, request: provider_pb2.ConstructRequest) -> provider_pb2.ConstructResponse:
    component = monitor.RegisterResource(
        resource_pb2.RegisterResourceRequest(
            type=request.type,
            name=request.name,
            parent=request.parent,
            object=request.inputs,
            providers=request.providers,
            dependencies=request.dependencies,
            propertyDependencies={
                key: resource_pb2.RegisterResourceRequest.PropertyDependencies(
                    urns=request.inputDependencies[key].urns if key in request.inputDependencies else ()
                )
                for key in request.inputs.fields
            },
            protect=request.protect,
            acceptSecrets=True,
            acceptResources=True,
        )
    )

    def register(child: eks_component.Child) -> eks_component.Registered:
        message = eks_component.registration(child, request.providers)
        _, _, package = child.type.partition("pulumi:providers:")
        if package:
            # A plugin asks for the version that it is built with; without one, the engine takes another one each time.
            message.version = importlib.metadata.version(f"pulumi-{package}")
        response = monitor.RegisterResource(message)
        outputs = wire.decode(response.object)
        return eks_component.Registered(Reference(response.urn, response.id), outputs)

    inputs = wire.decode(request.inputs)
    eks_component.refuse_unknown_use(inputs)
    built = eks_component.build(
        request.name,
        component.urn,
        inputs,
        role_arn=_output(monitor, inputs["serviceRole"], "arn"),
        dependencies_of={key: sources.urns for key, sources in request.inputDependencies.items()},
        register=register,
    )
    state = wire.encode(built.outputs)
    monitor.RegisterResourceOutputs(resource_pb2.RegisterResourceOutputsRequest(urn=component.urn, outputs=state))
    sources = provider_pb2.ConstructResponse.PropertyDependencies
    return provider_pb2.ConstructResponse(
        urn=component.urn,
        state=state,
        stateDependencies={key: sources(urns=urns) for key, urns in built.dependencies.items()},
    )


def _output(monitor: Any, resource: Reference, key: str) -> Any:
    """Return an output of a resource that was passed as a value."""
    response = monitor.Invoke(
        resource_pb2.ResourceInvokeRequest(
            tok="pulumi:pulumi:getResource",  # a function's token, not a secret
            args=wire.encode({"urn": resource.urn}),
            acceptResources=True,
        )
    )
    return wire.decode(getattr(response, "return"))["state"].get(key, UNKNOWN)


if __name__ == "__main__":
    serve_provider(EksProvider("pulumi-eks", accepts_resources=True))
