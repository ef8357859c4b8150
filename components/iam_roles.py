"""IAM roles: each under the stack's path, and within its permissions boundary."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_statements import Statement, document

MANAGED = "arn:aws:iam::aws:policy"
"""ARN under which AWS keeps the policies that it maintains."""


@dataclass(frozen=True)
class Role:
    """A role together with what it may do."""

    resource: aws.iam.Role
    arn: pulumi.Output[str]
    """Known once every policy is attached: who uses it starts with all rights, and is destroyed before they go."""
    grants: Sequence[pulumi.Resource]


@dataclass(frozen=True, kw_only=True)
class RoleFactory:
    """Makes roles that can never exceed the stack's permissions boundary."""

    path: str
    """Path of every role, such as `/ai-prism/prod/`."""
    boundary_arn: pulumi.Input[str]
    """ARN of the policy that limits every role."""

    def make(
        self,
        name: str,
        *,
        parent: pulumi.Resource,
        trusts: Statement,
        grants: Sequence[Statement] = (),
        managed: Sequence[str] = (),
        physical_name: str | None = None,
    ) -> Role:
        """Make a role for `parent`: who it `trusts`, what it `grants`, and AWS-managed policies by name."""
        child = pulumi.ResourceOptions(parent=parent)
        role = aws.iam.Role(
            name,
            name=physical_name,
            path=self.path,
            permissions_boundary=self.boundary_arn,
            assume_role_policy=document(trusts),
            opts=child,
        )
        attached: list[pulumi.CustomResource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy.rsplit('/', 1)[-1]}", role=role.name, policy_arn=f"{MANAGED}/{policy}", opts=child
            )
            for policy in managed
        ]
        if grants:
            attached.append(aws.iam.RolePolicy(f"{name}-grants", role=role.name, policy=document(*grants), opts=child))
        arn = pulumi.Output.all(role.arn, *(policy.id for policy in attached)).apply(lambda known: str(known[0]))
        return Role(resource=role, arn=arn, grants=attached)
