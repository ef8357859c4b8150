"""What the provider refuses before it asks AWS anything: properties that a type does not have, lacks or mistypes.

Known from the input types of the installed SDK, which is generated from the provider's own schema. Reading them takes
seconds, and the engine starts a provider for every command: so what was read is kept, one JSON file for each type, and
the SDK is imported for types alone that were never asked for before.
"""

import collections.abc
import hashlib
import importlib.util
import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from fakes.aws.problems import Problem
from recording.graph import Reference, Secret, Unknown

Shape: TypeAlias = dict[str, Any]
"""What a value may be, as JSON: `kinds` (anything where empty), and of what it consists: `list` and `map` with their
elements' shape, `object` with a name out of the type's `objects`, or the only `values`."""

RDS_ENGINES = "aurora-mysql|aurora-postgresql|mysql|postgres|custom-.*"
CLOSED: Mapping[tuple[str, str], str] = {
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "comparisonOperator"): (
        "GreaterThanOrEqualToThreshold|GreaterThanThreshold|GreaterThanUpperThreshold|LessThanLowerThreshold"
        "|LessThanLowerOrGreaterThanUpperThreshold|LessThanOrEqualToThreshold|LessThanThreshold"
    ),
    ("aws:ec2/flowLog:FlowLog", "trafficType"): "ACCEPT|ALL|REJECT",
    ("aws:ecr/repository:Repository", "imageTagMutability"): (
        "IMMUTABLE|IMMUTABLE_WITH_EXCLUSION|MUTABLE|MUTABLE_WITH_EXCLUSION"
    ),
    ("aws:eks/cluster:Cluster", "accessConfig.authenticationMode"): "API|API_AND_CONFIG_MAP|CONFIG_MAP",
    ("aws:eks/nodeGroup:NodeGroup", "taints[].effect"): "NO_EXECUTE|NO_SCHEDULE|PREFER_NO_SCHEDULE",
    ("aws:lb/loadBalancer:LoadBalancer", "loadBalancerType"): "application|gateway|network",
    ("aws:rds/cluster:Cluster", "engine"): RDS_ENGINES,
    # The SDK's own enumeration, which it calls closed, still has `aurora`, and no custom engines.
    ("aws:rds/clusterInstance:ClusterInstance", "engine"): RDS_ENGINES,
    ("aws:route53/record:Record", "type"): "A|AAAA|CAA|CNAME|DS|HTTPS|MX|NAPTR|NS|PTR|SOA|SPF|SRV|SSHFP|SVCB|TLSA|TXT",
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "rule.objectOwnership"): (
        "BucketOwnerEnforced|BucketOwnerPreferred|ObjectWriter"
    ),
    ("aws:wafv2/webAcl:WebAcl", "scope"): "CLOUDFRONT|REGIONAL",
}
"""By type and property, the only values that the provider takes, where the SDK says no more than that it is a string.

Only lists that hardly ever grow: instance types, versions and the like are AWS's to refuse. The provider refuses in the
property's `ValidateFunc` or `ValidateDiagFunc`, in the resource's file below
https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service (the engines are in rds/consts.go); the
values are those in the installed SDK's documentation of the property.
"""

BOOKKEEPING = frozenset({"__defaults", "__meta"})
"""Properties in which the provider keeps notes, passed over when inputs are read:
https://github.com/pulumi/pulumi-terraform-bridge/blob/master/pkg/tfbridge/schema.go (MakeTerraformInputs)."""
LONGEST_PREVIEW = 30
TEXTS = {
    "boolean": re.compile(r"|1|t|T|TRUE|true|True|0|f|F|FALSE|false|False"),
    "number": re.compile(r"|[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|0[xX][0-9a-fA-F]+"),
}
"""Strings that Terraform reads as something else: `mapstructure.WeakDecode` in validatePrimitive of
https://github.com/hashicorp/terraform-plugin-sdk/blob/main/helper/schema/schema.go, by Go's strconv."""


class Shapes:
    """The resource types of the installed SDK."""

    def __init__(self, cache: Path | None = None) -> None:
        """Keep what is read out of the SDK below the folder `cache`; without one, in memory."""
        self._folder = cache / _edition() if cache else None
        self._types: dict[str, dict[str, Any] | None] = {}

    def known(self, type_: str) -> bool:
        """Tell whether the provider has this type, such as `aws:ec2/vpc:Vpc`."""
        return self._find(type_) is not None

    def inputs(self, type_: str) -> frozenset[str]:
        """Return the names of the properties that a program may give; raises LookupError for a type not known."""
        found = self._get(type_)
        return frozenset(found["objects"][found["inputs"]["object"]]["properties"])

    def outputs(self, type_: str) -> frozenset[str]:
        """Return the names of the properties of the finished resource, besides `id`; raises LookupError likewise."""
        return frozenset(self._get(type_)["outputs"])

    def takes_tags(self, type_: str) -> bool:
        """Tell whether the provider adds its default tags to such resources; raises LookupError likewise."""
        return "tags" in self.inputs(type_) and "tagsAll" in self.outputs(type_)

    def check(self, type_: str, inputs: Mapping[str, Any]) -> list[Problem]:
        """Return what the provider would refuse; raises LookupError likewise."""
        found = self._get(type_)
        return list(_Checker(type_, found["objects"]).check(inputs, found["inputs"], ""))

    def _get(self, type_: str) -> dict[str, Any]:
        found = self._find(type_)
        if found is None:
            raise LookupError(f"the SDK has no type {type_}")
        return found

    def _find(self, type_: str) -> dict[str, Any] | None:
        if type_ not in self._types:
            self._types[type_] = _kept(type_, self._folder) if self._folder else read(type_)
        return self._types[type_]


class _Checker:
    """Holds values against the shapes of one type, as lenient about kinds as the provider, and in its words.

    Both are in https://github.com/pulumi/pulumi-terraform-bridge/blob/master/pkg/tfbridge/typechecker/typechecker.go,
    where mistyped values are a warning: Terraform's own validation, which comes next, refuses them.
    """

    def __init__(self, type_: str, objects: Mapping[str, Any], *, secret: bool = False) -> None:
        self._type = type_
        self._objects = objects
        self._secret = secret

    def check(self, value: Any, shape: Shape, path: str) -> Iterator[Problem]:
        match value, shape:
            case None | Unknown() | Reference(), _:
                return
            case Secret(inner), _:
                yield from _Checker(self._type, self._objects, secret=True).check(inner, shape, path)
            case Mapping(), {"object": name}:
                yield from self._check_object(_given(value), self._objects[name], path)
            case Mapping(), {"map": element}:
                for key, item in _given(value).items():
                    yield from self.check(item, element, _join(path, key))
            case list(), {"list": element}:
                for index, item in enumerate(value):
                    yield from self.check(item, element, f"{path}[{index}]")
            case _:
                yield from self._check_kind(value, shape, path)

    def _check_object(self, given: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[Problem]:
        properties = known["properties"]
        for key in known["required"]:
            if key not in given:
                yield Problem(_join(path, key), "Missing required property")
        for key, item in given.items():
            if key in properties:
                yield from self.check(item, properties[key], _join(path, key))
            else:
                yield Problem(_join(path, key), f"Invalid or unknown key{_suggest(key, properties)}")

    def _check_kind(self, value: Any, shape: Shape, path: str) -> Iterator[Problem]:
        if shape["kinds"] and not any(_fits(value, kind) for kind in shape["kinds"]):
            expected, got = " or ".join(shape["kinds"]), self._preview(value)
            yield Problem(path, f"expected {expected} type, got {got} of type {_kind(value)}")
            return
        closed = CLOSED.get((self._type, re.sub(r"\[\d+\]", "[]", path)))
        values = closed.split("|") if closed else shape.get("values", [])
        if values and not any(re.fullmatch(pattern, str(value)) for pattern in values):
            yield Problem(path, f"expected one of {', '.join(values)}, got {self._preview(value)}")

    def _preview(self, value: Any) -> str:
        text = "[secret]" if self._secret else json.dumps(value, default=repr)  # a Secret's representation hides it
        return text if len(text) <= LONGEST_PREVIEW else f"{text[: LONGEST_PREVIEW - 3]}..."


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that reach the provider: what is null is left out on the way."""
    return {key: item for key, item in value.items() if item is not None and key not in BOOKKEEPING}


def _fits(value: Any, kind: str) -> bool:
    match value:
        case str():
            return kind == "string" or (kind in TEXTS and TEXTS[kind].fullmatch(value) is not None)
        case bool():
            return kind in {"string", "boolean"}
        case int() | float():
            return kind in {"string", "number"}
        case list():
            return kind == "array"
        case _:
            return isinstance(value, Mapping) and kind == "object"


def _kind(value: Any) -> str:
    return {bool: "bool", int: "number", float: "number", str: "string", list: "[]"}.get(type(value), "object")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _suggest(key: str, properties: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(key, properties, n=1)
    return f". Did you mean {close[0]!r}?" if close else ""


@cache
def _edition() -> str:
    """Name what kept shapes depend on: the SDK's version, and how this file reads it."""
    package = importlib.util.find_spec("pulumi_aws")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("pulumi_aws is not installed")
    version = json.loads(Path(package.origin).with_name("pulumi-plugin.json").read_bytes())["version"]
    return f"{version}-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]}"


def _kept(type_: str, folder: Path) -> dict[str, Any] | None:
    # Not under the type's own name: a file system that ignores case would take a misspelt type for a known one.
    file = folder / f"{hashlib.sha256(type_.encode()).hexdigest()[:20]}.json"
    if not file.exists():
        from tempfile import NamedTemporaryFile

        folder.mkdir(parents=True, exist_ok=True)
        # In one step: the engine runs providers side by side.
        with NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as draft:
            json.dump(read(type_), draft)
        Path(draft.name).replace(file)
    return json.loads(file.read_bytes())


def read(type_: str) -> dict[str, Any] | None:
    """Read a type out of the SDK, by what the SDK itself decodes values with; None for a type that it does not have."""
    package, _, name = type_.rpartition(":")[0].partition(":")
    if package != "aws":
        return None
    importlib.import_module("pulumi_aws")  # registers its resources
    from pulumi import _types
    from pulumi.runtime import rpc

    registered: Any = rpc.get_resource_module(package, name, "")
    if registered is None or type_ not in registered.mod_info["classes"]:
        return None
    resource = getattr(importlib.import_module(registered.mod_info["fqn"]), registered.mod_info["classes"][type_])
    module = sys.modules[resource.__module__]
    # Called `BucketArgs`, or `BucketInitArgs` where a property's type has that name already.
    (arguments,) = (name for name in module.__all__ if name.endswith("Args"))
    objects: dict[str, Any] = {}
    return {
        "inputs": _read_shape(getattr(module, arguments), objects),
        "outputs": sorted(_types.resource_pulumi_to_py_names(resource)),
        "objects": objects,
    }


def _read_shape(hint: Any, objects: dict[str, Any]) -> Shape:
    """Read a type, and into `objects` the classes that it leads to."""
    from pulumi import _types

    members = typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
    members = [member for member in members if not _types._is_plumbing_arg(member) and member is not type(None)]  # noqa: SLF001
    if str in members:
        # Beside plain strings, an enumeration is no more than a suggestion.
        members = [member for member in members if not (isinstance(member, type) and issubclass(member, Enum))]
    shapes = [_read_member(member, objects) for member in members]
    if len(shapes) == 1:
        return shapes[0]
    # Unions are not looked into, as the provider does not: they are policy documents.
    return {"kinds": [*dict.fromkeys(kind for shape in shapes for kind in shape["kinds"])]}


def _read_member(member: Any, objects: dict[str, Any]) -> Shape:
    from pulumi import Archive, Asset

    match typing.get_origin(member):
        case collections.abc.Sequence:
            return {"kinds": ["array"], "list": _read_shape(typing.get_args(member)[0], objects)}
        case collections.abc.Mapping:
            return {"kinds": ["object"], "map": _read_shape(typing.get_args(member)[1], objects)}
        case _:
            pass
    plain = {str: ["string"], int: ["number"], float: ["number"], bool: ["boolean"], Any: [], Asset: [], Archive: []}
    if member in plain:
        return {"kinds": plain[member]}
    if issubclass(member, Enum):
        return {"kinds": ["string"], "values": [item.value for item in member]}
    return {"kinds": ["object"], "object": _read_class(member, objects)}


def _read_class(cls: type, objects: dict[str, Any]) -> str:
    """Add a class of arguments to `objects`, and return its name there."""
    from pulumi import _types

    name = f"{cls.__module__}.{cls.__qualname__}"
    if name not in objects:
        found: dict[str, Any] = {"required": [], "properties": {}}
        objects[name] = found
        parameters = inspect.signature(cls).parameters
        for python, wire in _types.input_type_py_to_pulumi_names(cls).items():
            if parameters[python].default is inspect.Parameter.empty:
                found["required"].append(wire)
        for wire, hint in _types.input_type_types(cls).items():
            found["properties"][wire] = _read_shape(hint, objects)
    return name
