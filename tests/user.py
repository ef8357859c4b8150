"""What a component stands between: what it waits for, and who uses what it hands on."""

from typing import Any

import pulumi
import pulumi_aws as aws


class User(pulumi.ComponentResource):
    """Its outputs are what it was given, and its dependencies what these values wait for."""

    TYPE = "test:User"

    def __init__(self, name: str, given: dict[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(self.TYPE, name, given, opts)
        self.register_outputs(given)


def something(name: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
    """Return something that others may wait for: a component, whose one resource has the same name."""
    owner = pulumi.ComponentResource("test:Something", name, None, opts)
    aws.cloudwatch.LogGroup(name, opts=pulumi.ResourceOptions(parent=owner))
    return owner
