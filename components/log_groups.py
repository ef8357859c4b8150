"""CloudWatch log groups: each encrypted, each with the stack's retention."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class LogGroupFactory:
    """Makes log groups that are encrypted with the stack's key and forget after the same time."""

    key_arn: pulumi.Input[str]
    """ARN of the KMS key that encrypts every group; its policy has to let CloudWatch Logs use it."""
    retention_days: int
    """How long events are kept; CloudWatch knows certain numbers only, see `observability.log_days` of the settings."""

    def make(self, name: str, *, parent: pulumi.Resource, physical_name: str | None = None) -> aws.cloudwatch.LogGroup:
        """Make a group for `parent`; a physical name is for groups that a service finds by their names."""
        return aws.cloudwatch.LogGroup(
            name,
            name=physical_name,
            retention_in_days=self.retention_days,
            kms_key_id=self.key_arn,
            opts=pulumi.ResourceOptions(parent=parent),
        )
