"""IAM roles: all under one path, all within one boundary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.location import Location
from components.policies import Statement, document
from naming import physical_name

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

    The boundary is what makes a deployment role that may create roles safe: none of them can make users or keys, make
    a role without the boundary, or loosen it (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
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


_SERVICES = (
    "acm",
    "autoscaling",
    "bedrock",
    "budgets",
    "cloudwatch",
    "ec2",
    "ecr",
    "eks",
    "eks-auth",
    "elasticache",
    "elasticloadbalancing",
    "es",
    "iam",
    "kms",
    "logs",
    "rds",
    "rds-db",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "ssm",
    "ssmmessages",
    "sts",
    "tag",
    "wafv2",
)
"""All that the platform consists of; a role's own policies say how much of it is for whom."""

_CHANGE_ROLE = ("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")


def _boundary(location: Location, path: str) -> tuple[Statement, ...]:
    """Return the boundary: the platform's services, without a way to more rights than one has.

    Each denial closes one way; the one that asks for the boundary is AWS's own example of delegated administration.
    """
    own_policies, own_roles = location.iam_arn(f"policy{path}*"), location.iam_arn(f"role{path}*")
    delivery = [
        location.iam_arn(f"role{path}{physical_name('delivery-role', location.stack, role)}")
        for role in ("preview", "deploy")
    ]

    def deny(actions: Sequence[str], **where: Any) -> Statement:
        return {"Effect": "Deny", "Action": list(actions), **where}

    return (
        {"Effect": "Allow", "Action": [f"{service}:*" for service in _SERVICES], "Resource": "*"},
        # No identity that outlives a session.
        deny(
            ["iam:*User*", "iam:*AccessKey*", "iam:*LoginProfile*", "iam:*Group*", "iam:*SAMLProvider*"], Resource="*"
        ),
        # No role without the boundary; where a request names none, the condition holds too.
        deny(
            ["iam:CreateRole", *_CHANGE_ROLE],
            Resource="*",
            Condition={"StringNotLike": {"iam:PermissionsBoundary": own_policies}},
        ),
        # No role of others.
        deny(["iam:PassRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DeleteRole"], NotResource=own_roles),
        # No delivery role that widens itself.
        deny([*_CHANGE_ROLE, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DeleteRole"], Resource=delivery),
        # No other boundary under this one's name.
        deny(["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion"], Resource=own_policies),
        deny(["iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"], Resource="*"),
    )
