"""The providers through which everything is made; default providers are disabled in the stack files."""

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from components.stack_context import StackContext


def make_aws_provider(context: StackContext) -> aws.Provider:
    """Make the provider of the stack's account and region.

    It refuses to start with credentials of any other account, before it looks at a single resource.
    """
    return aws.Provider(
        "aws",
        region=context.region,
        allowed_account_ids=[context.account_id],
        default_tags={"tags": context.tags},
    )


def use(provider: aws.Provider) -> pulumi.ResourceOptions:
    """Return options that put a component on the provider's account and region."""
    return pulumi.ResourceOptions(providers=[provider, eks.Provider("eks")])


def make_cluster_provider(kubeconfig: pulumi.Input[str]) -> pulumi.ResourceOptions:
    """Return options that put a component into the cluster.

    Of a field that somebody else has set, the program's value counts. By default each later preview and update would
    fail with a conflict at that object
    (https://www.pulumi.com/registry/packages/kubernetes/api-docs/provider/#enablepatchforce_python).

    Where the cluster does not answer, the provider advises PULUMI_K8S_DELETE_UNREACHABLE, by which a refresh takes
    every object out of the state. What is configured here counts more than that variable
    (Configure in https://github.com/pulumi/pulumi-kubernetes/blob/v4.32.0/provider/pkg/provider/provider.go).
    """
    provider = kubernetes.Provider(
        "kubernetes", kubeconfig=kubeconfig, enable_patch_force=True, delete_unreachable=False
    )
    return pulumi.ResourceOptions(provider=provider)
