"""KMS keys, one per domain: who loses or shares one does not open the others."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_statements import USE_KEY, Statement, document
from components.stack_context import StackContext


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    """Arguments of Encryption."""

    context: StackContext
    protect: bool
    """Refuses to delete a key as long as it is set."""


class Encryption(pulumi.ComponentResource):
    """Three rotating keys (cluster, data, logs) whose policies name who may use them; 30 days to undo a deletion."""

    cluster_key_arn: pulumi.Output[str]
    """Kubernetes secrets and node volumes."""
    data_key: aws.kms.Key
    """Documents, database, cache, images and their secrets. It stays when the stack goes, with the backups it opens."""
    logs_key_arn: pulumi.Output[str]
    """Log groups and alarm notifications."""

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Encryption", name, None, opts)
        self._args = args

        context = args.context
        self.cluster_key_arn = self._make_key(name, "cluster", *_node_volumes(context)).arn
        # Backups that outlive the stack can be read as long as they are kept, so the key outlives it, too.
        self.data_key = self._make_key(name, "data", retain=True)
        self.logs_key_arn = self._make_key(name, "logs", _log_groups(context), *_notifications(context)).arn
        self.register_outputs(
            {"cluster": self.cluster_key_arn, "data": self.data_key.arn, "logs": self.logs_key_arn},
        )

    def _make_key(self, name: str, domain: str, *grants: Statement, retain: bool = False) -> aws.kms.Key:
        return aws.kms.Key(
            f"{name}-{domain}",
            description=f"AI-Prism {self._args.context.stack}: {domain}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=document(_administration(self._args.context), *grants),
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect, retain_on_delete=retain),
        )


def _administration(context: StackContext) -> Statement:
    """Let the account's IAM policies decide; without it a key can become unmanageable.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return {
        "Sid": "AccountAdministration",
        "Effect": "Allow",
        "Principal": {"AWS": context.iam_arn("root")},
        "Action": "kms:*",
        "Resource": "*",
    }


def _node_volumes(context: StackContext) -> tuple[Statement, Statement]:
    """Let Auto Scaling's service-linked role use the key for node volumes, and grant it to the volumes.

    The role is named by condition, not as principal: on a fresh account it does not exist yet, and KMS refuses
    policies with unknown principals. Source of the two statements:
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    role = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    from_auto_scaling = {
        "StringEquals": {"kms:CallerAccount": context.account_id},
        "ArnEquals": {"aws:PrincipalArn": context.iam_arn(role)},
    }
    use: Statement = {
        "Sid": "NodeVolumes",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": USE_KEY,
        "Resource": "*",
        "Condition": from_auto_scaling,
    }
    grant: Statement = {
        **use,
        "Sid": "NodeVolumeGrants",
        "Action": "kms:CreateGrant",
        "Condition": {**from_auto_scaling, "Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    return use, grant


def _log_groups(context: StackContext) -> Statement:
    """Let CloudWatch Logs encrypt this account's log groups.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    return {
        "Sid": "LogGroups",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{context.region}.amazonaws.com"},
        "Action": USE_KEY,
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": context.arn("logs", "log-group:*")}},
    }


def _notifications(context: StackContext) -> tuple[Statement, Statement]:
    """Let alarms, events and budgets publish to an encrypted topic; the topic's policy limits it to this account's.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html. Alarms have no condition there, and for
    EventBridge aws:SourceAccount in a key's policy "is not supported": with it, events are lost without an error.
    """
    alarms: Statement = {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
    }
    budgets: Statement = {
        **alarms,
        "Sid": "Budgets",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": context.account_id}},
    }
    return alarms, budgets
