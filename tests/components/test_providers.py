"""Providers: the right account and region, the platform's tags, and no object of the cluster lost by mistake."""

import functools
import json

import pulumi
import pulumi_kubernetes as kubernetes
from alone import CONTEXT, KEY_ARN, build

from components.log_groups import LogGroupFactory
from components.providers import make_cluster_provider
from recording.graph import PROVIDER_PREFIX, Graph, Resource


@functools.cache
def program() -> Graph:
    """Return a log group through the provider of AWS, and a namespace through the cluster's."""

    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "on-aws", None, opts)
        LogGroupFactory(key_arn=KEY_ARN, retention_days=30).make("any", parent=owner)
        inside = pulumi.ComponentResource("test:Owner", "in-cluster", None, make_cluster_provider("the kubeconfig"))
        kubernetes.core.v1.Namespace("any", opts=pulumi.ResourceOptions(parent=inside))

    return build(make)


def provider(package: str) -> Resource:
    return program().of_type(f"{PROVIDER_PREFIX}{package}")[0]


def test_credentials_of_another_account_change_nothing() -> None:
    assert json.loads(provider("aws")["allowedAccountIds"]) == [CONTEXT.account_id]


def test_everything_is_made_in_the_stacks_region_and_carries_its_tags() -> None:
    assert provider("aws")["region"] == CONTEXT.region
    assert json.loads(provider("aws")["defaultTags"]) == {"tags": CONTEXT.tags}


def test_a_component_and_what_is_in_it_use_the_stacks_providers() -> None:
    (group,) = program().of_type("aws:cloudwatch/logGroup:LogGroup")
    (namespace,) = program().of_type("kubernetes:core/v1:Namespace")
    assert group.provider_urn == provider("aws").urn
    assert namespace.provider_urn == provider("kubernetes").urn
    assert program().of_type(f"{PROVIDER_PREFIX}eks"), "pulumi-eks would use a default provider, which is disabled"


def test_what_somebody_changed_by_hand_does_not_stop_the_next_update() -> None:
    """By default a field that another manager has set is a conflict, at each later preview too."""
    assert provider("kubernetes")["enablePatchForce"] == "true"
    assert provider("kubernetes")["kubeconfig"] == "the kubeconfig"


def test_a_cluster_that_does_not_answer_takes_no_object_out_of_the_state() -> None:
    """The provider's message advises a variable that would; what is configured counts more than it."""
    assert provider("kubernetes")["deleteUnreachable"] == "false"
