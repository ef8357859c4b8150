"""What kind of environment a stack is, and where it is deployed."""

from typing import Annotated, Literal

from settings.forms import AccountId
from settings.section import Form, Section


class Environment(Section):
    """Kind of the environment, and its deletion protection."""

    kind: Literal["dev", "integration", "staging", "prod"]
    protect: bool
    """Deletion protection in AWS and `protect` in Pulumi, for all stateful resources."""
    retiring: bool = False
    """Allows `protect: false` in staging and prod, for the update before the stack is destroyed."""


class Aws(Section):
    """Account and region of the stack. The provider refuses any other account."""

    account_id: AccountId
    region: Annotated[str, Form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "the name of a region", "us-east-1")]
    service_roles: tuple[Literal["elasticache", "opensearch", "rds"], ...] = ("elasticache", "opensearch", "rds")
    """Services whose service-linked role this stack creates. Leave out those that the account already has."""
