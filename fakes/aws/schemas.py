"""Whether AWS would take a resource's inputs, by the CloudFormation schemas that cfn-lint ships.

They hold enumerations, patterns, lengths and ranges, and cfn-lint adds what AWS offers by region: instance types,
engine versions, node types. cfn-lint reads the schemas from its package, or a newer copy of them that somebody had it
download (`cfn-lint --update-specs`); it does not go to the network for a check.
https://github.com/aws-cloudformation/cfn-lint
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fakes.aws.problems import Problem
from fakes.aws.schemas_conversion import UNKNOWN_RESOURCE, Conversion, Converter, Place, plain
from fakes.aws.schemas_mapping import COUNTERPARTS, EVERYWHERE, WITHOUT_COUNTERPART
from recording.wire import reveal

if TYPE_CHECKING:
    from cfnlint.rules import CloudFormationLintRule, Rules

_RULES: Final = ("resources", "functions", "formats", "jsonschema")
_SHAPE_REGION: Final = "us-east-1"
"""Whose schemas say how properties are called and nested; what is allowed in them is asked of the region itself."""
_LONGEST_REASON: Final = 300
_RESOURCE: Final = "Resource"
_TEMPLATE_RULE: Final = "E1001"
"""The rule that holds a template against its schema, and calls all others for what they know about a place in it."""


@dataclass(frozen=True)
class _Refusal:
    """What cfn-lint says about a template."""

    rule: str
    resource: str
    place: Place
    """Among the resource's properties."""
    message: str
    summary: str
    """What the rule is about, without any value."""


def check(type_: str, inputs: Mapping[str, Any], region: str) -> list[Problem]:
    """Return what AWS would refuse about a resource in `region`; raises LookupError for a type not known here."""
    if type_ in WITHOUT_COUNTERPART:
        return []
    if type_ not in COUNTERPARTS:
        raise LookupError(f"fakes/aws/schemas_mapping.py does not say what {type_} is in CloudFormation")
    conversion = convert(type_, inputs)
    resources: dict[str, Any] = {_RESOURCE: {"Type": COUNTERPARTS[type_].type, "Properties": conversion.properties}}
    probed: dict[str, Mapping[Place, str]] = {}
    for number, (body, wires) in enumerate(_probes(type_, inputs)):
        resources[f"Probe{number}"], probed[f"Probe{number}"] = body, wires
    unknown = [
        Problem(path, f"{type_} has no such property, or schemas_mapping.py lacks it") for path in conversion.undeclared
    ]
    problems = [*conversion.problems, *unknown, *_unlisted(type_, inputs)]
    for refusal in _refusals(resources, region):
        if refusal.resource == _RESOURCE:
            # To cfn-lint an unknown object is one that lacks what it must have.
            if not conversion.knows(refusal.place):
                continue
            path = conversion.wire_path(refusal.place)
        elif refusal.place in probed[refusal.resource]:
            path = probed[refusal.resource][refusal.place]
        else:  # about what a probe leaves out
            continue
        reason = refusal.summary if conversion.hides(refusal.message) else _shortened(refusal.message)
        problems.append(Problem(path, f"{reason} (cfn-lint {refusal.rule})"))
    return list(dict.fromkeys(problems))


def convert(type_: str, inputs: Mapping[str, Any]) -> Conversion:
    """Return the properties of the CloudFormation counterpart of a resource."""
    known = {name: value for name, value in inputs.items() if name not in EVERYWHERE}
    return Converter(type_, COUNTERPARTS[type_], schema(COUNTERPARTS[type_].type)).convert(known)


def schema(type_: str) -> Mapping[str, Any]:
    """Return the schema of a CloudFormation type; raises cfn-lint's ResourceNotFoundError."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(_SHAPE_REGION, type_).schema


def _probes(type_: str, inputs: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[Place, str]]]:
    """Yield the resources of other types to ask about some of the inputs, and where their properties came from."""
    for probe in COUNTERPARTS[type_].probes:
        options = [
            [(name, f"{wire}[{number}]", item) for number, item in enumerate(value)]
            if isinstance(value := plain(inputs[wire]), list)
            else [(name, wire, value)]
            for wire, name in probe.properties.items()
            if inputs.get(wire) is not None
        ]
        for chosen in product(*options) if options else ():
            values = {name: value for name, _, value in chosen}
            given = {name: plain(value) for name, value in probe.given.items()}
            yield {"Type": probe.type, "Properties": given | values}, {(name,): wire for name, wire, _ in chosen}


def _unlisted(type_: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    for name, known in COUNTERPARTS[type_].values.items():
        value = inputs.get(name)
        text, secret = reveal(value)
        if isinstance(text, str) and text not in known:
            yield Problem(name, f"{'the secret' if secret else repr(text)} is not one of the {len(known)} known values")


def _refusals(resources: Mapping[str, Any], region: str) -> Iterator[_Refusal]:
    from cfnlint.template import Template

    unknown = {UNKNOWN_RESOURCE: {"Type": "Custom::Unknown", "Properties": {"ServiceToken": "unknown"}}}
    # It costs as much time as a resource, so it is there where something refers to it alone.
    needed = unknown if repr(UNKNOWN_RESOURCE) in repr(resources) else {}
    template = Template("", {"Resources": {**resources, **needed}}, [region])
    rules = _linter()
    for rule in rules.values():
        # Some remember what they have seen of a template, to compare its resources.
        rule.initialize(template)
    for match in rules[_TEMPLATE_RULE].match(template):
        _, resource, *place = match.path
        rule: CloudFormationLintRule = vars(match)["rule"]  # the schema's rule says which of the others found it
        yield _Refusal(rule.id, str(resource), tuple(place[1:]), match.message, rule.shortdesc)


@cache
def _linter() -> "Rules":
    """Return those of cfn-lint's rules that find an error in a resource."""
    import cfnlint.rules
    from cfnlint.config import ConfigMixIn
    from cfnlint.template import Template

    folder = Path(cfnlint.rules.__file__).parent
    rules = cfnlint.rules.Rules()
    for file in (file for name in _RULES for file in sorted((folder / name).rglob("*.py"))):
        module = import_module(".".join(("cfnlint.rules", *file.relative_to(folder).with_suffix("").parts)))
        for rule in vars(module).values():
            # What only warns is not made, which would read the largest of cfn-lint's files.
            if (
                isinstance(rule, type)
                and rule.__module__ == module.__name__
                and getattr(rule, "id", "").startswith("E")
            ):
                rules.register(rule())
    # A first run ties the rules together.
    list(rules.run("", Template("", {"Resources": {}}, [_SHAPE_REGION]), ConfigMixIn(regions=[_SHAPE_REGION])))
    return rules


def _shortened(message: str) -> str:
    """Return the message with the middle of a long value or list left out."""
    half = _LONGEST_REASON // 2
    return message if len(message) <= _LONGEST_REASON else f"{message[:half]} … {message[-half:]}"
