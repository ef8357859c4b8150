"""Runs the program in this process and records what it registers.

The program is the real one, unchanged; only the engine is missing. Its place is taken by a subclass of the monitor
that the SDK ships for tests, which keeps every raw request: URNs, parents, providers, dependencies, secrets, unknown
values and source positions survive as they would reach the engine.
"""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import dataclasses
import functools
import json
import os
import runpy
import sys
from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlparse

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.stack import run_in_stack

from recording import eks_component, sdk, synthetic, wire
from recording.graph import STACK_TYPE, UNKNOWN, Graph, Reference, Resource, Secret, Source
from settings import versions
from settings.naming import PROJECT, physical_name


def record(
    program: Path,
    project: str,
    stack: str,
    config: Mapping[str, str],
    *,
    secret_keys: Collection[str] = (),
    known: bool = False,
) -> Graph:
    """Run `program` (the folder with `__main__.py`) as `stack` and return what it registered.

    `config` maps full keys to the text that the engine would hand over. With `known`, computed values are synthetic
    ones, as after an update; without, they are unknown, as in a preview of an empty account. Whatever the program
    raises is raised here, and what it logs as an error is a RunError. Programs can be run one after another, each in
    a context of its own.
    """

    def run_program() -> None:
        sys.path[:] = [str(program), *(entry for entry in sys.path if entry != str(program))]
        runpy.run_path(str(program / "__main__.py"), run_name="__main__")

    # The variables by which the language host hands configuration to a program.
    handed = {
        "PULUMI_CONFIG": json.dumps(dict(config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(sorted(secret_keys)),
        # Nothing is installed here, so no chart has to be there.
        versions.CHARTS_UNCHECKED: "1",
    }
    with _environment(handed):
        return record_call(run_program, program, project, stack, known=known)


def record_call(make: Callable[[], object], program: Path, project: str, stack: str, *, known: bool = False) -> Graph:
    """Call `make` as the program in the folder `program`, and return what it registered; see `record`.

    What it makes is recorded as a part of the stack, so a component can be looked at alone, with values of one's own.
    """
    monitor = _RecordingMonitor(program, known=known)
    engine = _Engine()
    context = contextvars.copy_context()
    context.run(lambda: asyncio.run(_run(make, program, project, stack, monitor, engine, known=known)))
    if engine.errors:
        raise pulumi.RunError("\n".join(engine.errors))
    resources = tuple(monitor.recorded.values())
    return Graph(
        project=project,
        stack=stack,
        resources=resources,
        outputs=next((resource.outputs for resource in resources if resource.type == STACK_TYPE), {}),
        warnings=tuple(engine.warnings),
        known=known,
    )


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    """Set environment variables for the time of a run."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _say_nothing(_loop: asyncio.AbstractEventLoop, _context: Mapping[str, Any]) -> None: ...


async def _run(
    make: Callable[[], object],
    program: Path,
    project: str,
    stack: str,
    monitor: "_RecordingMonitor",
    engine: "_Engine",
    *,
    known: bool,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(_InlineExecutor())
    # What made a program fail is raised here; of the outputs that nobody awaits after that there is nothing to say.
    loop.set_exception_handler(_say_nothing)
    outputs: set[asyncio.Task[Any]] = set()
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures),
            engine=engine,
            project=project,
            stack=stack,
            dry_run=not known,
            organization="organization",
            root_directory=str(program),
            callbacks=None,
            outputs=outputs,
        )
    )
    sdk.lighten(program, outputs)

    async def main() -> None:
        make()
        # The SDK looks at every outstanding output whenever one of them resolves; waiting for all first halves a run.
        while unresolved := [output for output in outputs if not output.done()]:
            await asyncio.wait(unresolved)

    await run_in_stack(main)


T = TypeVar("T")


class _InlineExecutor(concurrent.futures.ThreadPoolExecutor):
    """Answers at once: the monitor is in this process, so a thread for each request is only a detour."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "concurrent.futures.Future[T]":
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # whatever it is belongs to whoever awaits the future
            future.set_exception(error)
        return future


class _Engine:
    """Takes the program's log."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def Log(self, request: engine_pb2.LogRequest) -> None:  # noqa: N802  # the protocol's name
        if request.severity == engine_pb2.WARNING:
            self.warnings.append(request.message)
        elif request.severity == engine_pb2.ERROR:
            self.errors.append(request.message)


class _NoMocks(mocks.Mocks):
    """The monitor answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


class _RecordingMonitor(mocks.MockMonitor):
    """Keeps every registration, and answers as the engine would."""

    def __init__(self, program: Path, *, known: bool) -> None:
        super().__init__(_NoMocks())
        self.recorded: dict[str, Resource] = {}
        self._program = program
        self._known = known
        self._objects: dict[str, tuple[str, struct_pb2.Struct]] = {}
        """Id and outputs of what was registered, by URN, for resources that are passed as values."""
        self._where: dict[str, tuple[str, str]] = {}
        """Account and region of AWS providers, by URN."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN as the engine makes it: all ancestors' types but the stack's."""
        if parent:
            chain = parent.split("::")[2]
            if chain != STACK_TYPE:
                type_ = f"{chain}${type_}"
        return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{type_}::{name}"

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.recorded:
            raise ValueError(f"the program registers {urn} twice")
        is_cluster = request.type == eks_component.TYPE
        if request.transforms and not is_cluster:
            raise NotImplementedError(f"the preview without an account runs no transforms, got one on {urn}")
        id_, outputs = ("", struct_pb2.Struct()) if is_cluster else self._answer(urn, request)
        sources: Mapping[str, Collection[str]] = {}
        self.recorded[urn] = self._resource(urn, id_, outputs, request)
        if is_cluster:
            # Its children are registered under a component that exists, as they are by the plugin.
            built = self._build_eks_cluster(urn, request)
            outputs, sources = wire.encode(built.outputs), built.dependencies
            decode = functools.partial(wire.decode, outputs)
            self.recorded[urn] = dataclasses.replace(self.recorded[urn], read_outputs=decode)
        self._objects[urn] = id_, outputs
        dependencies = resource_pb2.RegisterResourceResponse.PropertyDependencies
        return resource_pb2.RegisterResourceResponse(
            urn=urn,
            id=id_,
            object=outputs,
            propertyDependencies={key: dependencies(urns=urns) for key, urns in sources.items()},
        )

    def _resource(
        self, urn: str, id_: str, outputs: struct_pb2.Struct, request: resource_pb2.RegisterResourceRequest
    ) -> Resource:
        timeouts = request.customTimeouts
        durations = {"create": timeouts.create, "update": timeouts.update, "delete": timeouts.delete}
        dependencies = request.propertyDependencies.items()
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            id=id_,
            custom=request.custom,
            remote=request.remote,
            parent=request.parent or None,
            # What a component is handed belongs to its plugin and its children.
            provider=(not request.remote and request.provider) or None,
            providers=dict(request.providers) if request.remote else {},
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={key: tuple(sorted(sources.urns)) for key, sources in dependencies},
            protect=request.protect,
            replace_on_changes=tuple(request.replaceOnChanges),
            delete_before_replace=request.deleteBeforeReplace,
            aliases=tuple(alias.urn or alias.spec.name or alias.spec.type for alias in request.aliases),
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith or None,
            custom_timeouts={operation: duration for operation, duration in durations.items() if duration},
            ignore_changes=tuple(request.ignoreChanges),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            source=self._source(request),
            read_inputs=functools.partial(wire.decode, request.object),
            read_outputs=functools.partial(wire.decode, outputs),
        )

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:  # noqa: N802
        registered = self.recorded[request.urn]
        outputs = functools.partial(wire.decode, request.outputs)
        self.recorded[request.urn] = dataclasses.replace(registered, read_outputs=outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:  # noqa: N802
        arguments = wire.decode(request.args)
        if request.tok == "pulumi:pulumi:getResource":
            id_, outputs = self._objects[arguments["urn"]]
            answer = struct_pb2.Struct()
            wire.fill(answer, {"urn": arguments["urn"], "id": id_})
            answer.fields["state"].struct_value.CopyFrom(outputs)
        else:
            answer = wire.encode(synthetic.invoke(request.tok, arguments, self._caller(request.provider)))
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(answer)
        return response

    def _caller(self, provider: str) -> synthetic.Caller:
        """Return as whom the program is run: a deployment, from GitHub."""
        stack = settings.get_stack()
        account, region = self._where.get(provider.rpartition("::")[0], ("", ""))
        role = f"{PROJECT}/{stack}/{physical_name('delivery-role', stack, 'deploy')}"
        return synthetic.Caller(arn=f"arn:aws:iam::{account}:role/{role}", region=region)

    def RegisterStackTransform(self, request: Any) -> empty_pb2.Empty:  # noqa: N802
        raise NotImplementedError("the preview without an account runs no transforms, got one for the whole stack")

    RegisterStackInvokeTransform = RegisterStackTransform

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:  # noqa: N802
        raise NotImplementedError(f"the preview without an account cannot read {request.type} {request.id}")

    def _answer(self, urn: str, request: resource_pb2.RegisterResourceRequest) -> tuple[str, struct_pb2.Struct]:
        """Return id and outputs: the inputs, and what the provider computes where that is known."""
        outputs = struct_pb2.Struct()
        outputs.CopyFrom(request.object)
        if request.type == "pulumi:providers:aws":
            fields = request.object.fields
            accounts = json.loads(fields["allowedAccountIds"].string_value or "[]")
            if not accounts:
                raise ValueError(f"{urn} accepts any account: give allowed_account_ids")
            self._where[urn] = accounts[0], fields["region"].string_value
        if not self._known or not request.custom:
            return "", outputs
        account, region = self._where.get(request.provider.rpartition("::")[0], ("", ""))
        inputs, secret = wire.reveal(wire.decode(request.object))
        made = synthetic.Made(urn=urn, name=request.name, inputs=inputs, account_id=account, region=region)
        computed = dict(synthetic.answer(request.type, made))
        id_ = str(computed.pop("id"))
        hidden = computed if secret else request.additionalSecretOutputs
        # What was computed from a secret may tell it.
        wire.fill(outputs, {key: Secret(value) if key in hidden else value for key, value in computed.items()})
        return id_, outputs

    def _build_eks_cluster(self, urn: str, request: resource_pb2.RegisterResourceRequest) -> eks_component.Built:
        """Register what the plugin would register for the component, after the program's transforms."""
        transforms = sdk.resolve_callbacks(request.transforms)
        inputs = wire.decode(request.object)

        def register(child: eks_component.Child) -> eks_component.Registered:
            # The engine hands a component's protection down to its children. Of a transform's options, protection is
            # the one that this program uses.
            props, opts = dict(child.inputs), pulumi.ResourceOptions(protect=request.protect)
            for transform in transforms:
                result = transform(
                    pulumi.ResourceTransformArgs(custom=True, type_=child.type, name=child.name, props=props, opts=opts)
                )
                props, opts = (result.props, result.opts) if result else (props, opts)
            registration = eks_component.registration(dataclasses.replace(child, inputs=props), request.providers)
            registration.protect = bool(opts.protect)
            registration.sourcePosition.CopyFrom(request.sourcePosition)
            response = self.RegisterResource(registration)
            return eks_component.Registered(Reference(response.urn, response.id), wire.decode(response.object))

        role = inputs["serviceRole"]
        return eks_component.build(
            request.name,
            urn,
            inputs,
            role_arn=wire.decode(self._objects[role.urn][1]).get("arn", UNKNOWN),
            dependencies_of={key: sources.urns for key, sources in request.propertyDependencies.items()},
            register=register,
        )

    def _source(self, request: resource_pb2.RegisterResourceRequest) -> Source | None:
        position = request.sourcePosition
        if not position.uri:
            return None
        file = Path(unquote(urlparse(position.uri).path))
        inside = file.is_relative_to(self._program)
        return Source(str(file.relative_to(self._program)) if inside else str(file), position.line)
