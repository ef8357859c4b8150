"""What GitHub may do: look at the account for a preview, change it for a deployment."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_roles import RoleFactory
from components.iam_statements import Statement, allow, trust_github
from components.permissions import DISPOSABLE, READS, UPKEEP
from components.stack_context import StackContext
from settings import delivery as settings
from settings.naming import physical_name

ISSUER = "token.actions.githubusercontent.com"


@dataclass(frozen=True, kw_only=True)
class DeliveryAccessArgs:
    """Arguments of DeliveryAccess."""

    context: StackContext
    settings: settings.Delivery
    roles: RoleFactory
    documents_bucket_arn: pulumi.Input[str]
    """Bucket that both roles are kept out of."""
    protect: bool
    """Refuses to delete the account's trust in GitHub, which other stacks may use."""


class DeliveryAccess(pulumi.ComponentResource):
    """Two roles without a stored credential: pull requests read no data, deployments need the environment."""

    role_arns: dict[str, pulumi.Output[str]]
    """By role: preview and deploy."""

    def __init__(self, name: str, args: DeliveryAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:DeliveryAccess", name, None, opts)
        self._name, self._args = name, args

        issuer = self._find_issuer()
        no_data = _no_data(args.documents_bucket_arn, args.settings.state_key_arn)
        # https://docs.github.com/actions/reference/security/oidc: who may reach an environment is GitHub's to decide.
        preview_role_arn = self._make_role(
            "preview",
            issuer,
            "pull_request",
            [allow(READS, ["*"]), *_state(args.settings), *no_data],
        )
        deploy_role_arn = self._make_role(
            "deploy",
            issuer,
            f"environment:{args.context.stack}",
            [
                allow(READS, ["*"]),
                *_state(args.settings, writes=True),
                *_deployment(args.context, args.roles),
                *no_data,
            ],
        )
        self.role_arns = {"preview": preview_role_arn, "deploy": deploy_role_arn}
        self.register_outputs({"role_arns": self.role_arns})

    def _find_issuer(self) -> pulumi.Input[str]:
        if not self._args.settings.owns_oidc_provider:
            return self._args.context.iam_arn(f"oidc-provider/{ISSUER}")
        # No thumbprints: AWS checks this issuer against its own list of authorities
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
        return aws.iam.OpenIdConnectProvider(
            f"{self._name}-github",
            url=f"https://{ISSUER}",
            client_id_lists=["sts.amazonaws.com"],
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        ).arn

    def _make_role(
        self,
        role: str,
        issuer: pulumi.Input[str],
        subject: str,
        grants: Sequence[Statement],
    ) -> pulumi.Output[str]:
        return self._args.roles.make(
            f"{self._name}-{role}",
            physical_name=physical_name("delivery-role", self._args.context.stack, role),
            parent=self,
            trusts=trust_github(issuer, self._args.settings.repository, subject),
            grants=grants,
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


def _state(chosen: settings.Delivery, *, writes: bool = False) -> list[Statement]:
    """Let a role read Pulumi's state, or write it, where the stack says that it lies in this account.

    Objects are deleted, as locks are; their versions stay.
    """
    bucket, key = chosen.state_bucket, chosen.state_key_arn
    objects = ["s3:GetObject", "s3:ListBucket", *(["s3:PutObject", "s3:DeleteObject"] if writes else [])]
    use = ["kms:Decrypt", *(["kms:Encrypt", "kms:GenerateDataKey"] if writes else [])]
    return [
        *([allow(objects, [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])] if bucket else []),
        *([allow(use, [key])] if key else []),
    ]


_PASSED_TO = (
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "pods.eks.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)


def _deployment(context: StackContext, roles: RoleFactory) -> list[Statement]:
    """Allow what changes the platform in its region, and roles only under its path and within its boundary.

    What holds something is made, opened, shortened and deleted by an administrator (docs/adr/0016-delivery-roles.md).
    """
    return [
        *_services(context.region),
        *_encryption(context.region),
        *_roles(context, roles),
        {"Effect": "Deny", "Action": list(_KEPT), "Resource": "*"},
    ]


def _services(region: str) -> list[Statement]:
    """Allow changes to services in the region, and to the two that have none."""
    everywhere = [action for action in UPKEEP if action.startswith(("budgets:", "route53:"))]
    here = {"StringEquals": {"aws:RequestedRegion": region}}
    return [
        allow(
            [*(f"{service}:*" for service in DISPOSABLE), *(each for each in UPKEEP if each not in everywhere)],
            ["*"],
            here,
        ),
        allow(everywhere, ["*"]),
    ]


def _encryption(region: str) -> list[Statement]:
    """Let services encrypt what a deployment sets up, each by a grant or on its behalf.

    Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
    """
    return [
        allow(["kms:CreateGrant"], ["*"], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        allow(
            ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"],
            ["*"],
            {"StringEquals": {"kms:ViaService": [f"{each}.{region}.amazonaws.com" for each in _ENCRYPTING]}},
        ),
    ]


def _roles(context: StackContext, roles: RoleFactory) -> list[Statement]:
    """Allow roles under the stack's path and within its boundary, and the tags of what else IAM has of the stack."""
    own_roles, own_policies = (context.iam_arn(f"{kind}{roles.path}*") for kind in ("role", "policy"))
    return [
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
        allow(["iam:TagPolicy", "iam:UntagPolicy"], [own_policies]),
        allow(
            ["iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider"],
            [context.iam_arn(f"oidc-provider/{ISSUER}")],
        ),
        allow(["iam:PassRole"], [own_roles], {"StringEquals": {"iam:PassedToService": _PASSED_TO}}),
        # Services refuse to let their role go while they have something.
        allow(
            ["iam:CreateServiceLinkedRole", "iam:DeleteServiceLinkedRole", "iam:TagRole", "iam:UntagRole"],
            [context.iam_arn("role/aws-service-role/*")],
        ),
    ]


_ENCRYPTING = ("elasticache", "rds")

_KEPT = (
    # A volume's content, by another volume or machine: metrics, traces and alerts.
    "ec2:*Volume",
    "ec2:CopyImage",
    "ec2:CopySnapshot",
    "ec2:CopyVolumes",
    "ec2:Create*Image*",
    "ec2:CreateSnapshot*",
    "ec2:DeleteSnapshot",
    # Others' traffic.
    "ec2:CreateTrafficMirrorSession",
    # A certificate's key; the cluster, with what its pods keep.
    "acm:ExportCertificate",
    "eks:DeleteCluster",
)
"""What services that are otherwise open to a deployment would give away or lose."""
