"""What several rules ask of Aurora clusters."""

from collections.abc import Mapping

from policy import resource_types as types
from policy.properties import Properties
from policy.registry import Context
from policy.view import Resource


def is_postgres(cluster: Resource) -> bool:
    """Whether the engine is PostgreSQL, of Aurora or not."""
    return "postgres" in cluster.text("engine")


def is_secondary(cluster: Resource) -> bool:
    """Whether it replicates another cluster, whose users and passwords it has."""
    joins = cluster.has("globalClusterIdentifier") and not cluster.has("masterUsername")
    return joins or cluster.has("replicationSourceIdentifier")


def instances(cluster: Resource, context: Context) -> tuple[Resource, ...]:
    """Return the instances of a cluster."""
    return context.stack.referrers(cluster, "clusterIdentifier", *types.RDS_CLUSTER_INSTANCE)


def parameters(resource: Resource, context: Context) -> Mapping[str, Properties]:
    """Return what the parameter group of a cluster or an instance sets; raises Undetermined where it cannot be seen."""
    path, groups = (
        ("dbClusterParameterGroupName", types.RDS_CLUSTER_PARAMETERS)
        if resource.type in types.RDS_CLUSTER
        else ("dbParameterGroupName", types.RDS_PARAMETERS)
    )
    name = resource.peek(path)
    if isinstance(name, str) and name.startswith("default."):
        return {}
    return {
        parameter.text("name").lower(): parameter
        for group in context.stack.targets(resource, path, *groups)
        for parameter in group.nodes("parameters")
    }
