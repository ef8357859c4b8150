"""Secrets of the platform: places in Secrets Manager, which people and rotations fill."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.stack_context import StackContext
from settings.naming import physical_name

_RECOVERY_DAYS = 30
"""How long a deleted secret can be brought back."""


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    """Arguments of Secrets."""

    context: StackContext
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the values."""
    protect: bool
    """Refuses a deletion, and keeps what was deleted all the same for 30 days; without it, a secret goes at once."""


class Secrets(pulumi.ComponentResource):
    """Empty places for secrets, encrypted with the data key: no value ever passes through the program or its state."""

    database_arn: pulumi.Output[str]
    """What the application needs to log in to the database: `username`, `password` and `host`."""
    api_keys_arn: pulumi.Output[str]
    """Keys of other services, each a property."""
    argo_cd_arn: pulumi.Output[str]
    """How Argo CD logs people in, reads a private repository, and tells of failures."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Secrets", name, None, opts)
        self._name, self._args = name, args

        self.database_arn = self._make("database", "How the application logs in to the database")
        self.api_keys_arn = self._make("api-keys", "Keys of the services that the application calls")
        self.argo_cd_arn = self._make("argo-cd", "Single sign-on, repository and notifications of Argo CD")
        self.register_outputs({})

    def _make(self, role: str, description: str) -> pulumi.Output[str]:
        protect = self._args.protect
        return aws.secretsmanager.Secret(
            f"{self._name}-{role}",
            name=physical_name("secret", self._args.context.stack, role),
            description=description,
            kms_key_id=self._args.key_arn,
            # Until the window ends, the name is taken: a stack that may be lost has to come back at once.
            recovery_window_in_days=_RECOVERY_DAYS if protect else 0,
            opts=pulumi.ResourceOptions(parent=self, protect=protect),
        ).arn
