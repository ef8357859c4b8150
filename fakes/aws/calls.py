"""Which calls a resource takes, by type: those of CloudFormation's handlers, in the schemas that cfn-lint ships.

The source of each list is `handlers` in the schema of the type
(https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html). Handlers serve more than
this platform uses and do more than pulumi-aws does; what is left out stands here, with its reason.
"""

import fnmatch
from collections.abc import Mapping
from typing import Literal

from fakes.aws.schemas import schema
from fakes.aws.schemas_mapping import COUNTERPARTS

Verb = Literal["create", "read", "update", "delete"]
VERBS: tuple[Verb, ...] = ("create", "read", "update", "delete")

Calls = Mapping[str, tuple[str, ...]]

# Files below are of https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service
OWN: Mapping[str, Calls] = {
    # acm/certificate_validation.go only waits.
    "aws:acm/certificateValidation:CertificateValidation": {
        "read": ("acm:DescribeCertificate",),
        "create": ("acm:DescribeCertificate",),
    },
    # ec2/vpc_default_security_group.go adopts what the VPC brings, and leaves it.
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {
        "read": ("ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"),
        "create": ("ec2:CreateTags", "ec2:RevokeSecurityGroupIngress", "ec2:RevokeSecurityGroupEgress"),
        "update": ("ec2:CreateTags", "ec2:DeleteTags"),
    },
    # events/target.go; CloudFormation has targets within their rule.
    "aws:cloudwatch/eventTarget:EventTarget": {
        "read": ("events:ListTargetsByRule",),
        "create": ("events:PutTargets",),
        "update": ("events:PutTargets",),
        "delete": ("events:RemoveTargets",),
    },
    # sns/topic_policy.go sets an attribute of the topic.
    "aws:sns/topicPolicy:TopicPolicy": {
        "read": ("sns:GetTopicAttributes",),
        "create": ("sns:SetTopicAttributes",),
        "update": ("sns:SetTopicAttributes",),
        "delete": ("sns:SetTopicAttributes",),
    },
    # iam/role.go, iam/role_policy.go, iam/role_policy_attachment.go, iam/policy.go; CloudFormation's role has all of
    # its policies in it, and its policy the roles that it is attached to.
    "aws:iam/role:Role": {
        "read": ("iam:GetRole",),
        "create": ("iam:CreateRole", "iam:TagRole"),
        "update": ("iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:TagRole", "iam:UntagRole"),
        "delete": ("iam:ListInstanceProfilesForRole", "iam:DeleteRole"),
    },
    "aws:iam/rolePolicy:RolePolicy": {
        "read": ("iam:GetRolePolicy",),
        "create": ("iam:PutRolePolicy",),
        "update": ("iam:PutRolePolicy",),
        "delete": ("iam:DeleteRolePolicy",),
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
        "read": ("iam:ListAttachedRolePolicies",),
        "create": ("iam:AttachRolePolicy",),
        "delete": ("iam:DetachRolePolicy",),
    },
    "aws:iam/policy:Policy": {
        "read": ("iam:GetPolicy", "iam:GetPolicyVersion"),
        "create": ("iam:CreatePolicy", "iam:TagPolicy"),
        "update": ("iam:CreatePolicyVersion", "iam:TagPolicy", "iam:UntagPolicy"),
        "delete": ("iam:ListPolicyVersions", "iam:DeletePolicy"),
    },
}
"""Types that CloudFormation does not have, or cuts otherwise than the provider, as the provider's source has them."""

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "acm-pca:*",
            "amplify:*",
            "apigateway:*",
            "apprunner:*",
            "appsync:*",
            "bedrock-agentcore:*",
            "cognito-idp:*",
            "ec2:*VerifiedAccess*",
            "firehose:*",
            "payments:*",
            "s3tables:*",
            "vpc-lattice:*",
            "vpce:*",
        ),
        "for services that the platform does not use",
    ),
    "secretsmanager:GetSecretValue": "secretsmanager/secret.go describes the secret and reads its policy",
    "secretsmanager:CreateSecret": "RDS makes the owner's secret with the database cluster, which is made once",
    "secretsmanager:TagResource": "as secretsmanager:CreateSecret, where a handler of RDS names it",
    "rds:*Role*DBInstance": "instances import and export nothing",
    "rds:*AutomatedBackupsReplication": "instances of Aurora have no backups of their own",
    "rds:CreateDBInstanceReadReplica": "readers of Aurora are instances of the cluster",
    "rds:CreateDBSnapshot": "snapshots of Aurora are the cluster's",
    "rds:PromoteReadReplica": "readers of Aurora are instances of the cluster",
    "rds:RestoreDBInstance*": "instances of Aurora are not restored, clusters are",
    "iam:*InstanceProfile*": "node groups have a role; EKS makes profiles for Auto Mode, which is off",
    "iam:DescribeOrganization": "for firewalls of an organization",
    "iam:PassRole": "asked for by role and service, in tests/iam/test_deployment.py",
    "iam:CreateServiceLinkedRole": "asked for by role, in tests/iam/test_deployment.py",
    "kms:CreateGrant": "asked for as services make grants, in tests/iam/test_deployment.py",
    "kms:RetireGrant": "services retire the grants that they were given",
}
"""Calls of handlers that nothing here makes, by pattern, and why."""

_ADDED_READS: Calls = {
    # secretsmanager/secret.go
    "aws:secretsmanager/secret:Secret": ("secretsmanager:GetResourcePolicy",),
}

_NOT_READS = ("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL", "elasticloadbalancing:*WebACL*")
"""The handler of firewall associations names all its calls for every verb; wafv2/web_acl_association.go only asks."""


def calls(type_: str, verb: Verb) -> list[str]:
    """Return the permissions that it takes to create, read, update or delete a resource of a type.

    Raises LookupError for a type that neither table has.
    """
    if type_ in OWN:
        return list(OWN[type_].get(verb, ()))
    counterpart = COUNTERPARTS.get(type_)
    found = schema(counterpart.type).get("handlers", {}) if counterpart else {}
    if not found:
        raise LookupError(f"fakes/aws/calls.py does not say which calls {type_} takes")
    permissions = {*found.get(verb, {}).get("permissions", ())}
    left_out = (*LEFT_OUT, *(_NOT_READS if verb == "read" else ()))
    needed = {each for each in permissions if not any(fnmatch.fnmatchcase(each, pattern) for pattern in left_out)}
    return sorted(needed | set(_ADDED_READS.get(type_, ()) if verb == "read" else ()))


def tagging(type_: str) -> list[str]:
    """Return the permissions that a change of tags takes."""
    return [each for each in calls(type_, "update") if "Tag" in each.replace("ImageTag", "")]
