"""What GitHub may do: look at the account for a preview, change it for a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import settings
from components.foundation import Foundation
from components.location import Location
from components.policies import Statement, allow, trust_github
from components.roles import Roles
from components.storage import Storage
from naming import physical_name

_REGIONAL_SERVICES = (
    "acm",
    "autoscaling",
    "cloudwatch",
    "ec2",
    "ecr",
    "eks",
    "elasticache",
    "elasticloadbalancing",
    "es",
    "kms",
    "logs",
    "rds",
    "s3",
    "secretsmanager",
    "sns",
    "wafv2",
)
"""What a deployment makes; all of it is within the boundary of `components/roles.py`."""

ISSUER = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class DeliveryAccessArgs:
    """What DeliveryAccess rests on and is told."""

    foundation: Foundation
    settings: settings.Delivery
    storage: Storage
    """Closed to both roles."""


class DeliveryAccess(pulumi.ComponentResource):
    """Two roles without a stored credential: pull requests read no data, deployments need the environment."""

    deploy_role_arn: pulumi.Output[str]
    role_arns: dict[str, pulumi.Output[str]]
    """By role: preview and deploy."""

    def __init__(self, name: str, args: DeliveryAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:DeliveryAccess", name, None, opts)
        self._name, self._args = name, args

        issuer = self._find_issuer()
        no_data = _no_data(args.storage.documents.arn, args.settings.state_key_arn)
        state = _state(args.settings.state_bucket, args.settings.state_key_arn)
        # https://docs.github.com/actions/reference/security/oidc: who may reach an environment is GitHub's to decide.
        preview_role_arn = self._make_role(
            "preview",
            issuer,
            "pull_request",
            [*state, *no_data],
            managed=["SecurityAudit", "job-function/ViewOnlyAccess"],
        )
        self.deploy_role_arn = self._make_role(
            "deploy",
            issuer,
            f"environment:{args.foundation.location.stack}",
            [*_deployment(args.foundation.location, args.foundation.roles), *no_data],
        )
        self.role_arns = {"preview": preview_role_arn, "deploy": self.deploy_role_arn}
        self.register_outputs({"role_arns": self.role_arns})

    def _find_issuer(self) -> pulumi.Input[str]:
        if not self._args.settings.owns_oidc_provider:
            return self._args.foundation.location.iam_arn(f"oidc-provider/{ISSUER}")
        # No thumbprints: AWS checks this issuer against its own list of authorities
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-github",
            url=f"https://{ISSUER}",
            client_id_lists=["sts.amazonaws.com"],
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.foundation.protect),
        ).arn

    def _make_role(
        self,
        role: str,
        issuer: pulumi.Input[str],
        subject: str,
        grants: Sequence[Statement],
        managed: Sequence[str] = (),
    ) -> pulumi.Output[str]:
        return self._args.foundation.roles.make(
            f"{self._name}-{role}",
            physical_name=physical_name("delivery-role", self._args.foundation.location.stack, role),
            parent=self,
            trusts=trust_github(issuer, self._args.settings.repository, subject),
            grants=grants,
            managed=managed,
        ).arn


def _no_data(documents_bucket_arn: pulumi.Input[str], state_key_arn: str) -> list[Statement]:
    """Keep the delivery roles themselves out of what the platform holds for its customers.

    A deployment still decides what runs: code that it deploys reads what the workloads may read. Who may deploy is the
    environment's reviewers' to decide.
    """
    return [
        {
            "Effect": "Deny",
            "Action": ["s3:GetObject*", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
            "Resource": [documents_bucket_arn, pulumi.Output.concat(documents_bucket_arn, "/*")],
        },
        {
            "Effect": "Deny",
            "Action": ["secretsmanager:GetSecretValue", "rds-db:connect", "elasticache:Connect", "es:ESHttp*"],
            "Resource": "*",
        },
        # Services that use a key on a role's behalf name themselves, and those that hold data are closed above:
        # https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
        # Pulumi itself decrypts the stack's secrets with the state's key, and names no service.
        {
            "Effect": "Deny",
            "Action": ["kms:Decrypt", "kms:ReEncryptFrom"],
            **({"NotResource": [state_key_arn]} if state_key_arn else {"Resource": "*"}),
            "Condition": {"Null": {"kms:ViaService": "true"}},
        },
    ]


def _state(bucket: str, key_arn: str) -> list[Statement]:
    """Let a preview read Pulumi's state, where the stack says that it lies in this account."""
    reads = [allow(["s3:GetObject", "s3:ListBucket"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])]
    return (reads if bucket else []) + ([allow(["kms:Decrypt"], [key_arn])] if key_arn else [])


def _deployment(location: Location, roles: Roles) -> list[Statement]:
    """The services that the platform consists of, in its region; roles only under its path and within its boundary."""
    own_roles = location.iam_arn(f"role{roles.path}*")
    return [
        allow(
            [f"{service}:*" for service in _REGIONAL_SERVICES],
            ["*"],
            {"StringEquals": {"aws:RequestedRegion": location.region}},
        ),
        # Services without a region of their own.
        allow(["budgets:*", "route53:*", "iam:Get*", "iam:List*", "sts:GetCallerIdentity"], ["*"]),
        allow(
            [
                "iam:CreateRole",
                "iam:AttachRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePolicy",
                "iam:DeleteRolePolicy",
            ],
            [own_roles],
            {"StringEquals": {"iam:PermissionsBoundary": roles.boundary_arn}},
        ),
        allow(
            ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"],
            [own_roles],
        ),
        allow(
            ["iam:PassRole"],
            [own_roles],
            {
                "StringEquals": {
                    "iam:PassedToService": [
                        "ec2.amazonaws.com",
                        "eks.amazonaws.com",
                        "monitoring.rds.amazonaws.com",
                        "pods.eks.amazonaws.com",
                        "vpc-flow-logs.amazonaws.com",
                    ]
                }
            },
        ),
        allow(
            ["iam:CreateServiceLinkedRole"],
            [location.iam_arn("role/aws-service-role/*")],
        ),
    ]
