"""IAM roles: all under one path, all within one boundary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam_roles import RoleFactory
from components.iam_statements import Statement, document
from components.image_places import prefix_of
from components.permissions import DISPOSABLE, READS, UPKEEP
from components.stack_context import StackContext
from settings.image_registries import UPSTREAMS


@dataclass(frozen=True, kw_only=True)
class RolesArgs:
    """Arguments of Roles."""

    context: StackContext


class Roles(pulumi.ComponentResource):
    """Every role it makes lives under the stack's path and can never exceed the stack's permissions boundary.

    The boundary is what makes a deployment role that may create roles safe: none of them can make users or keys, make
    a role without the boundary, or loosen it (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html).
    """

    factory: RoleFactory
    """Makes every role of the platform."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Roles", name, None, opts)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            path=args.context.role_path,
            description="The most that any role of the platform can do",
            policy=document(*_allowances(args.context), *_denials(args.context)),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.factory = RoleFactory(path=args.context.role_path, boundary_arn=boundary.arn)
        self.register_outputs({"boundary_arn": boundary.arn})


_CHANGE_ROLE = ("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")

_WORK = (
    "bedrock:Invoke*",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "eks-auth:AssumeRoleForPodIdentity",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    "logs:CreateLog*",
    "logs:PutLogEvents",
    "sts:TagSession",
)
"""What nodes, pods and services do for the platform, beside what nobody needs a key or a document for."""

_DATA = (
    "elasticache:Connect",
    "es:ESHttp*",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "rds-db:connect",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
)
"""What reads or writes data: for roles that an administrator makes."""


def _administered(context: StackContext) -> list[str]:
    """Return the roles that read data or deliver, which an administrator makes; `components/identity.py` names them."""
    return [_workloads(context), *(context.delivery_role_arn(role) for role in ("preview", "deploy"))]


def _workloads(context: StackContext) -> str:
    return context.iam_arn(f"role{context.role_path}identity-*")


def _allowances(context: StackContext) -> tuple[Statement, ...]:
    """Return what the platform does.

    What touches anything kept is allowed by name, so no role within the boundary can share, re-key, shorten or delete
    data or backups. That includes roles that a deployment makes.
    """

    def let(actions: Sequence[str], resource: str | Sequence[str] = "*", **where: Any) -> Statement:
        return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **where}

    workloads = _workloads(context)
    return (
        let([*(f"{service}:*" for service in (*DISPOSABLE, "iam")), *READS, *UPKEEP, *_WORK]),
        let(_DATA, Condition={"ArnLike": {"aws:PrincipalArn": _administered(context)}}),
        # Nodes may create the repositories of the pull-through cache, and none of the application's.
        let(
            ["ecr:CreateRepository"],
            [context.arn("ecr", f"repository/{prefix_of(context, each)}/*") for each in UPSTREAMS],
        ),
        # External Secrets assumes a role for each namespace.
        let(["sts:AssumeRole"], workloads, Condition={"ArnLike": {"aws:PrincipalArn": workloads}}),
        # RDS keeps its instances' metrics in a group of its own.
        let(["logs:GetLogEvents", "logs:PutRetentionPolicy"], context.arn("logs", "log-group:RDS*")),
        # A grant to a service for what it encrypts; one to anybody else would open the key.
        let(["kms:CreateGrant"], Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    )


def _denials(context: StackContext) -> tuple[Statement, ...]:
    """Return what closes each way to more rights than a role has.

    The denial that asks for the boundary is AWS's own example of delegated administration
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate).
    """
    own_policies, own_roles = (context.iam_arn(f"{kind}{context.role_path}*") for kind in ("policy", "role"))

    def deny(actions: Sequence[str], **where: Any) -> Statement:
        return {"Effect": "Deny", "Action": list(actions), **where}

    return (
        # No identity that outlives a session.
        deny(
            ["iam:*User*", "iam:*AccessKey*", "iam:*LoginProfile*", "iam:*Group*", "iam:*SAMLProvider*"], Resource="*"
        ),
        # No copies of volumes that leave.
        deny(
            ["ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "ec2:ExportImage", "ec2:CreateStoreImageTask"],
            Resource="*",
        ),
        # No role without the boundary; where a request names none, the condition holds too.
        deny(
            ["iam:CreateRole", *_CHANGE_ROLE],
            Resource="*",
            Condition={"StringNotLike": {"iam:PermissionsBoundary": own_policies}},
        ),
        # No role of others.
        deny(
            ["iam:PassRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DeleteRole"],
            NotResource=own_roles,
        ),
        # No role that reads data, or delivers, is made, widened or trusted anew.
        deny(
            ["iam:CreateRole", *_CHANGE_ROLE, "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DeleteRole"],
            Resource=_administered(context),
        ),
        # No other boundary under this one's name.
        deny(["iam:CreatePolicy*", "iam:DeletePolicy*", "iam:SetDefaultPolicyVersion"], Resource=own_policies),
        deny(["iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"], Resource="*"),
    )
