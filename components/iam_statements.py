"""IAM and resource policies as plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]
"""One statement of a policy document; values may be outputs."""


USE_KEY = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
"""What using a KMS key for encryption takes."""


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON text of a policy made of `statements`."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    actions: Sequence[str], resources: Sequence[pulumi.Input[str]], conditions: Mapping[str, Any] | None = None
) -> Statement:
    """Return a statement for an identity's policy."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    if conditions:
        statement["Condition"] = conditions
    return statement


def trust_service(service: str, account_id: str) -> Statement:
    """Let an AWS service assume the role, on behalf of this account only (the confused-deputy condition)."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
    }


def trust_instances() -> Statement:
    """Let EC2 instances assume the role; EC2 sends no source account."""
    return {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def trust_pods(cluster_arn: str, account_id: str) -> Statement:
    """Let EKS Pod Identity assume the role for pods of one cluster.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:SourceAccount": account_id}, "ArnEquals": {"aws:SourceArn": cluster_arn}},
    }


def trust_role(role_arn: pulumi.Input[str]) -> Statement:
    """Let a role of pods assume this one; the tags of their session come with it.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
    """
    return {"Effect": "Allow", "Principal": {"AWS": role_arn}, "Action": ["sts:AssumeRole", "sts:TagSession"]}


def trust_github(provider_arn: pulumi.Input[str], repository: str, subject: str) -> Statement:
    """Let GitHub workflows of `repository` assume the role where their token's subject is `subject`.

    `repository` is written as in the tokens, which either all carry ids or none does: exactly one form is trusted.
    Source: https://docs.github.com/actions/reference/security/oidc
    """
    issuer = "token.actions.githubusercontent.com"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:{repository}:{subject}",
            }
        },
    }
