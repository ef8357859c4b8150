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
    """Return options that put a component into the cluster.

    Of a field that somebody else has set, the program's value counts. By default each later preview and update would
    fail with a conflict at that object
    (https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/#enablepatchforce_python).
    """
    provider = kubernetes.Provider("kubernetes", kubeconfig=cluster.kubeconfig, enable_patch_force=True)
    return pulumi.ResourceOptions(provider=provider)
