"""EKS add-ons: at their version, with their configuration, and with roles for their pods."""

import functools
import json

import pulumi
from alone import CONTEXT, build

from components.addon import make_addon
from recording.graph import Graph, Resource

ADDON = "aws:eks/addon:Addon"
ROLE_ARN = CONTEXT.iam_arn("role/any")


@functools.cache
def addons() -> Graph:
    def make(opts: pulumi.ResourceOptions) -> None:
        owner = pulumi.ComponentResource("test:Owner", "owner", None, opts)
        first = make_addon("plain", parent=owner, cluster_name="ai-prism-test", version=None)
        make_addon(
            "full",
            parent=owner,
            cluster_name="ai-prism-test",
            version="v1.2.3-eksbuild.4",
            configuration={"replicas": 2},
            service_accounts={"account": ROLE_ARN},
            depends_on=[first],
        )

    return build(make)


def addon(name: str) -> Resource:
    return addons().named(ADDON, f"cluster-{name}")


def test_an_add_on_runs_at_the_version_that_was_tried_and_eks_chooses_where_none_was() -> None:
    assert (addon("full")["addonName"], addon("full")["addonVersion"]) == ("full", "v1.2.3-eksbuild.4")
    assert "addonVersion" not in addon("plain")
    assert {each["clusterName"] for each in addons().of_type(ADDON)} == {"ai-prism-test"}


def test_an_add_on_is_configured_and_its_pods_have_their_roles() -> None:
    assert json.loads(addon("full")["configurationValues"]) == {"replicas": 2}
    assert addon("full")["podIdentityAssociations"] == [{"serviceAccount": "account", "roleArn": ROLE_ARN}]
    assert "configurationValues" not in addon("plain")
    # An empty list takes roles away that somebody else gave.
    assert addon("plain")["podIdentityAssociations"] == []


def test_what_eks_installed_is_taken_over_and_what_somebody_changed_since_stays() -> None:
    """A conflict would stop the first update, and an overwrite would undo a change made in an incident.

    Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAddon.html
    """
    for each in addons().of_type(ADDON):
        assert (each["resolveConflictsOnCreate"], each["resolveConflictsOnUpdate"]) == ("OVERWRITE", "PRESERVE")


def test_an_add_on_waits_for_what_it_needs() -> None:
    assert addon("plain").urn in addon("full").dependencies
    assert addon("full").parent == addons().named("test:Owner", "owner").urn
