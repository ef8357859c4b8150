"""What the fake account holds: a resource that stands, as its provider made it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Held:
    """One resource that was made and not deleted."""

    type: str
    """The type token, such as `aws:ec2/subnet:Subnet`."""
    id: str
    urn: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """By wire names."""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What AWS computed: ARNs, names, endpoints."""
    contents: tuple[str, ...] = ()
    """What lies inside that no program declares: objects of a bucket, images of a repository."""
    pending: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was asked for and waits for the maintenance window."""
    complete: bool = True
    """False where its creation or last change was accepted and has failed since."""

    def answer(self, by: str) -> Any:
        """Return what others know the resource by: `id`, `arn`, `name`, or a path such as `vpcConfig.groupId`."""
        if by == "id":
            return self.id
        first, _, rest = by.partition(".")
        value = self.outputs.get(first, self.inputs.get(first))
        for key in rest.split(".") if rest else ():
            value = value.get(key) if isinstance(value, Mapping) else None
        return value
