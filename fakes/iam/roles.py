"""The roles of a stack as IAM knows them, by their logical names, with the documents that bind them."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from fakes.iam.evaluator import Caller, Statement, listed

ROLE = "aws:iam/role:Role"


class Made(Protocol):
    """A resource, recorded or held by the fake account."""

    @property
    def type(self) -> str: ...
    @property
    def urn(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...


def callers(resources: Iterable[Made]) -> dict[str, Caller]:
    """Return each role with its identity policies, its boundary and its ARN."""
    made = list(resources)
    policies = {each.outputs["arn"]: each for each in made if each.type == "aws:iam/policy:Policy"}
    found: dict[str, Caller] = {}
    for role in (each for each in made if each.type == ROLE):
        name = role.outputs.get("name") or role.inputs["name"]
        identity = [
            statement for each in made if each.inputs.get("role") == name for statement in _granted(each, policies)
        ]
        boundary = role.inputs.get("permissionsBoundary")
        found[role.urn.rpartition("::")[2]] = Caller(
            arn=role.outputs["arn"],
            identity=identity,
            boundary=statements(policies[boundary].inputs["policy"]) if boundary else None,
        )
    return found


def statements(document: Any) -> Sequence[Statement]:
    """Return the statements of a document, which is JSON text or what it says."""
    return listed((json.loads(document) if isinstance(document, str) else document)["Statement"])


def _granted(resource: Made, policies: Mapping[str, Made]) -> Sequence[Statement]:
    if resource.type == "aws:iam/rolePolicy:RolePolicy":
        return statements(resource.inputs["policy"])
    if resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment":
        arn = resource.inputs["policyArn"]
        return statements(policies[arn].inputs["policy"]) if arn in policies else aws_managed(arn)
    return ()


@functools.cache
def _aws_managed_policies() -> Mapping[str, Any]:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)


def aws_managed(arn: str) -> Sequence[Statement]:
    """Return a policy of AWS's own, as the release of moto has it (https://github.com/getmoto/moto)."""
    return statements(_aws_managed_policies()[arn.rpartition("/")[2]]["Document"])
