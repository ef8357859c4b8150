"""Resources that Cloud Control makes: those of aws-native, and documents of `aws.cloudcontrol.Resource`."""

from policy.properties import Findings, Properties
from policy.registry import HIGH, Context, rule
from policy.view import Resource
from policy.wants import as_inputs, table

_CLOUD_CONTROL = "aws:cloudcontrol/resource:Resource"
_TABLE = table("cloud_control", str.lower)


@rule(
    "svc-native",
    "Resources of Cloud Control are as safe as others",
    types=(_CLOUD_CONTROL, "aws-native:*"),
    severity=HIGH,
    paths=("typeName", "desiredState"),
    why="The same service under another name is as exposed, and the rules for the other names do not see it.",
    fix="Set the property that is named, or use the resource of the package aws, which more rules check.",
)
def native(resource: Resource, _: Context) -> Findings:
    if resource.type == _CLOUD_CONTROL:
        state = resource.document("desiredState")
        kind = resource.text("typeName").partition("::")[2].replace("::", ".")
        yield from _TABLE.broken(Properties(as_inputs(state.value), state.path), kind.lower())
    else:
        kind = ".".join(resource.type.split(":")[1:3])
        yield from _TABLE.broken(resource.inputs, kind.lower())
