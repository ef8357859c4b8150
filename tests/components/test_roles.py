"""Every role of the platform stands under the stack's path and within the boundary."""

import json
from typing import Any

from fakes.iam.evaluator import applies, listed
from recording.graph import Graph


def test_every_role_of_the_program_lives_within_the_boundary(known: Any) -> None:
    arn = known.of_type("aws:iam/policy:Policy")[0].outputs["arn"]
    roles = known.of_type("aws:iam/role:Role")
    assert roles
    for role in roles:
        assert role["permissionsBoundary"] == arn, role.urn
        assert role["path"] == f"/ai-prism/{known.stack}/", role.urn


def test_every_denial_of_the_boundary_stops_something_its_allowance_would_let_through(known: Graph) -> None:
    """Without a denial, a role that is granted everything could do what it stops."""
    boundary = json.loads(known.of_type("aws:iam/policy:Policy")[0]["policy"])["Statement"]
    allowances = [statement for statement in boundary if statement["Effect"] == "Allow"]
    for statement in boundary:
        if statement["Effect"] == "Deny":
            for action in listed(statement["Action"]):
                example = action.replace("*", "X")
                assert any(applies(allowance, example, "*", {}) for allowance in allowances), action
