"""IAM roles: all under one path, all within one boundary."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.location import Location
from components.policies import Statement, document

MANAGED = "arn:aws:iam::aws:policy"
"""ARN under which AWS keeps the policies that it maintains."""


@dataclass(frozen=True)
class Role:
    """A role together with what it may do."""

    resource: aws.iam.Role
    arn: pulumi.Output[str]
    """Known once every policy is attached: who uses it starts with all rights, and is destroyed before they go."""
    grants: Sequence[pulumi.Resource]


class Roles(pulumi.ComponentResource):
    """Every role it makes lives under the stack's path and can never exceed the stack's permissions boundary.

    The boundary is what makes a deployment role that may create roles safe: none of them can make users, keep keys,
    or loosen the boundary itself (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
    """

    path: str
    boundary_arn: pulumi.Output[str]

    def __init__(self, name: str, location: Location, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Roles", name, None, opts)
        self.path = f"/ai-prism/{location.stack}/"
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            path=self.path,
            description="The most that any role of the platform can do",
            policy=document(*_boundary(location, self.path)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.boundary_arn = boundary.arn
        self.register_outputs({"boundary_arn": self.boundary_arn})

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


def _boundary(location: Location, path: str) -> tuple[Statement, ...]:
    """Return the boundary: anything but making identities, touching the boundary, or leaving the account's care."""
    own_policies = location.iam_arn(f"policy{path}*")
    return (
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": [
                "iam:CreateUser",
                "iam:CreateAccessKey",
                "iam:CreateLoginProfile",
                "iam:UpdateLoginProfile",
                "iam:AddUserToGroup",
                "iam:AttachUserPolicy",
                "iam:PutUserPolicy",
                "iam:CreateSAMLProvider",
                "organizations:*",
                "account:*",
            ],
            "Resource": "*",
        },
        {
            "Effect": "Deny",
            "Action": [
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ],
            "Resource": own_policies,
        },
        {
            "Effect": "Deny",
            "Action": ["iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"],
            "Resource": "*",
        },
    )
