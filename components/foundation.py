"""What every other component rests on."""

from collections.abc import Collection
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.encryption import Encryption
from components.iam_roles import RoleFactory
from components.log_groups import LogGroupFactory
from components.stack_context import StackContext


@dataclass(frozen=True)
class Foundation:
    """Where a stack lives, its keys and roles, and how hard it is to lose."""

    location: StackContext
    encryption: Encryption
    roles: RoleFactory
    log_days: int
    protect: bool
    """Deletion protection and `protect` on whatever holds state."""
    service_roles: Collection[str]
    """Services whose service-linked role this stack makes."""

    def make_log_group(
        self, name: str, *, parent: pulumi.Resource, physical_name: str | None = None
    ) -> aws.cloudwatch.LogGroup:
        """Make an encrypted log group with the stack's retention, under a physical name only where a service asks."""
        return self.log_groups.make(name, parent=parent, physical_name=physical_name)

    @property
    def log_groups(self) -> LogGroupFactory:
        """Return what makes log groups."""
        return LogGroupFactory(key_arn=self.encryption.logs_key_arn, retention_days=self.log_days)
