"""Log groups: encrypted, kept for as long as the stack says, and found where a service looks for them."""

import functools

import pulumi
from alone import LOG_GROUPS, build

from components.log_groups import LogGroupFactory
from recording.graph import Graph, Resource

GROUP = "aws:cloudwatch/logGroup:LogGroup"


@functools.cache
def groups() -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "owner", None, opts)
        factory = LogGroupFactory(key_arn=LOG_GROUPS.key_arn, retention_days=90)
        factory.make("any", parent=owner)
        factory.make("of-a-service", parent=owner, physical_name="/aws/service/name")

    return build(make)


def group(name: str) -> Resource:
    return groups().named(GROUP, name)


def test_logs_are_encrypted_with_the_stacks_key_and_kept_for_as_long_as_it_says() -> None:
    for each in groups().of_type(GROUP):
        assert (each["kmsKeyId"], each["retentionInDays"]) == (LOG_GROUPS.key_arn, 90), each.name
        assert each.parent == groups().named("test:Owner", "owner").urn


def test_a_service_that_looks_for_its_group_by_name_finds_it() -> None:
    """EKS and RDS would make one of their own otherwise, neither encrypted nor ever emptied."""
    assert group("of-a-service")["name"] == "/aws/service/name"
    assert "name" not in group("any")
