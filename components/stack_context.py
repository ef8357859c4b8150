"""Where a stack lives: what every ARN of it starts with."""

from dataclasses import dataclass

from settings.naming import PROJECT, physical_name


@dataclass(frozen=True)
class StackContext:
    """Stack, account and region; plain values, so that ARNs are known before anything exists."""

    stack: str
    account_id: str
    region: str
    environment: str
    """The kind: dev, integration, staging or prod."""

    @property
    def tags(self) -> dict[str, str]:
        """Tags that every taggable resource carries; budgets and cost reports filter by `Stack`."""
        return {"Project": PROJECT, "Stack": self.stack, "Environment": self.environment, "ManagedBy": "pulumi"}

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a regional resource in this account."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def iam_arn(self, resource: str) -> str:
        """Return the ARN of an IAM resource, which has no region."""
        return f"arn:aws:iam::{self.account_id}:{resource}"

    @property
    def role_path(self) -> str:
        """Path of every role that the stack makes."""
        return f"/ai-prism/{self.stack}/"

    def delivery_role_arn(self, role: str) -> str:
        """Return the ARN of a role of GitHub's, preview or deploy."""
        return self.iam_arn(f"role{self.role_path}{physical_name('delivery-role', self.stack, role)}")
