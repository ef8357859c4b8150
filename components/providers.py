"""The providers through which everything is made; default providers are disabled in the stack files."""

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from components.cluster import Cluster
from components.location import Location


def make_providers(location: Location) -> pulumi.ResourceOptions:
    """Return options that put a component on the stack's account and region.

    The AWS provider refuses to start with credentials of any other account, before it looks at a single resource.
    """
    return pulumi.ResourceOptions(
        providers=[
            aws.Provider(
                "aws",
                region=location.region,
                allowed_account_ids=[location.account_id],
                default_tags={"tags": location.tags},
            ),
            eks.Provider("eks"),
        ]
    )


def make_cluster_provider(cluster: Cluster) -> pulumi.ResourceOptions:
    """Return options that put a component into the cluster."""
    return pulumi.ResourceOptions(provider=kubernetes.Provider("kubernetes", kubeconfig=cluster.kubeconfig))
