"""What kind of environment a stack is, and where it is deployed."""

from typing import Annotated, Literal

from settings.forms import AccountId
from settings.section import Form, Section


class Environment(Section):
    """What kind of environment the stack is, and how hard it is to lose."""

    kind: Literal["dev", "integration", "staging", "prod"]
    protect: bool
    """Deletion protection in AWS and `protect` in Pulumi, on everything that holds state."""
    retiring: bool = False
    """Lets staging and prod go without protection, for the update before their last."""


class Aws(Section):
    """Where the stack lives. The provider refuses to work on any other account."""

    account_id: AccountId
    region: Annotated[str, Form(r"[a-z]{2}(-[a-z]+)+-[0-9]", "the name of a region", "us-east-1")]
    service_roles: tuple[Literal["elasticache", "opensearch", "rds"], ...] = ("elasticache", "opensearch", "rds")
    """Services whose service-linked role this stack makes. An account has one each: leave out those that it has."""
