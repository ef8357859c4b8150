"""What the fakes find wrong with a resource."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that AWS would refuse about a resource's inputs."""

    path: str
    """The property by its wire name, such as `vpcConfig.subnetIds[0]`; empty where it is none in particular."""
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason
