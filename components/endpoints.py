"""Policies of the VPC's endpoints: which principals they serve, for which resources.

An endpoint's policy grants nothing: it limits what may be asked through the endpoint, so that data cannot leave with
credentials of another account, or to a resource of one. They follow AWS's examples of data perimeters
(https://github.com/aws-samples/data-perimeter-policy-examples/tree/main/vpc_endpoint_policies).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.iam_statements import Statement, document


@dataclass(frozen=True, kw_only=True)
class Perimeter:
    """Where the platform ends."""

    account_id: str
    region: str
    image_accounts: Sequence[str] = ()
    """Other accounts whose images nodes pull, beside EKS's own."""


def endpoint_policy(service: str, perimeter: Perimeter) -> pulumi.Output[str] | None:
    """Return the policy of a service's endpoint, or None where the service takes none."""
    statements = endpoint_statements(service, perimeter)
    return document(*statements) if statements else None


def endpoint_statements(service: str, perimeter: Perimeter) -> Sequence[Statement]:
    """Return the statements of that policy."""
    statements = _POLICIES.get(service)
    return statements(perimeter) if statements else ()


_MOST = (
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
    *("ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"),
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
)
EKS_REGISTRIES: Mapping[str, str] = {
    **dict.fromkeys(_MOST, "602401143452"),
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ca-west-1": "761377655185",
    "eu-central-2": "900612956339",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
}
"""Accounts with the images of EKS's add-ons: https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html"""

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def _serve(
    actions: str | Sequence[str], resources: str | Sequence[str] = "*", /, **conditions: str | Sequence[str]
) -> Statement:
    """Return a statement for whoever meets the conditions, which are global keys such as `PrincipalAccount`."""
    statement: dict[str, object] = {"Effect": "Allow", "Principal": "*", "Action": actions, "Resource": resources}
    if conditions:
        statement["Condition"] = {"StringEquals": {f"aws:{key}": value for key, value in conditions.items()}}
    return statement


def _own(at: Perimeter) -> Statement:
    return _serve("*", PrincipalAccount=at.account_id, ResourceAccount=at.account_id)


def _own_alone(at: Perimeter) -> Sequence[Statement]:
    """Serve the account's principals, for the account's resources."""
    return (_own(at),)


def _own_callers(at: Perimeter) -> Sequence[Statement]:
    """Serve the account's principals, whatever they ask for: models are not the account's."""
    return (_serve("*", PrincipalAccount=at.account_id),)


def _buckets(at: Perimeter) -> Sequence[Statement]:
    """Let nobody write but the account's principals to its buckets; any object may be read.

    Layers of images lie in buckets of ECR and of other registries, asked for by signed addresses, and packages in
    buckets of Amazon Linux; which ones, their owners change
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-setting-up-s3-gateway).
    """
    own = _serve("s3:*", PrincipalAccount=at.account_id, ResourceAccount=at.account_id)
    return (own, _serve("s3:GetObject"))


def _images(at: Perimeter) -> Sequence[Statement]:
    """Serve the account's repositories, and pulls from EKS's and from the accounts that settings name.

    By ARN and not by caller: that a registry's token carries the caller's account is documented nowhere. Where the
    account of EKS is not known, all may be pulled from, since nodes could not start otherwise.
    """
    eks = EKS_REGISTRIES.get(at.region)
    foreign = "*" if eks is None else [_repositories(at.region, each) for each in (eks, *at.image_accounts)]
    own = _serve("ecr:*", _repositories(at.region, at.account_id))
    return (_serve("ecr:GetAuthorizationToken", PrincipalAccount=at.account_id), own, _serve(_PULL, foreign))


def _repositories(region: str, account_id: str) -> str:
    return f"arn:aws:ecr:{region}:{account_id}:repository/*"


def _credentials(at: Perimeter) -> Sequence[Statement]:
    """Lead to the account's roles alone; who comes with a token of GitHub's has no account yet.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sts_vpc_endpoint_policies.html
    """
    roles = f"arn:aws:iam::{at.account_id}:role/*"
    return (
        _serve(("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"), roles, PrincipalAccount=at.account_id),
        _serve(("sts:AssumeRoleWithWebIdentity", "sts:TagSession"), roles),
        _serve(("sts:Decode*", "sts:Get*"), PrincipalAccount=at.account_id),
    )


def _machines(at: Perimeter) -> Sequence[Statement]:
    """Serve as `_own_alone`, and instances of AWS's images."""
    aws_owned = ("arn:aws:ec2:*::image/*", "arn:aws:ec2:*:aws:prefix-list/*")
    use = ("ec2:CreateTags", "ec2:GetManagedPrefixListEntries", "ec2:RunInstances")
    return (_own(at), _serve(use, aws_owned, PrincipalAccount=at.account_id))


def _parameters(at: Perimeter) -> Sequence[Statement]:
    """Serve as `_own_alone`, and reads of what AWS publishes to all."""
    published = (f"arn:aws:ssm:{at.region}::parameter/aws/*", f"arn:aws:ssm:{at.region}::document/*")
    read = ("ssm:Describe*", "ssm:Get*", "ssm:List*", "ssm:StartSession")
    return (_own(at), _serve(read, published, PrincipalAccount=at.account_id))


_POLICIES: Mapping[str, Callable[[Perimeter], Sequence[Statement]]] = {
    "autoscaling": _own_alone,
    "bedrock-runtime": _own_callers,
    "ec2": _machines,
    "ecr.api": _images,
    "ecr.dkr": _images,
    "elasticloadbalancing": _own_alone,
    "kms": _own_alone,
    "logs": _own_alone,
    "s3": _buckets,
    "secretsmanager": _own_alone,
    "ssm": _parameters,
    "sts": _credentials,
}

WITHOUT_POLICY = ("eks", "eks-auth")
"""EKS takes no policy: https://docs.aws.amazon.com/eks/latest/userguide/vpc-interface-endpoints.html"""
