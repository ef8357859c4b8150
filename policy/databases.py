"""What several rules ask of Aurora clusters and of single databases."""

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


def is_replica(database: Resource) -> bool:
    """Whether it is a single database that replicates another one, whose encryption and backups it has."""
    return database.has("replicateSourceDb") and database.peek("replicateSourceDb") != ""


def instances(cluster: Resource, context: Context) -> tuple[Resource, ...]:
    """Return the instances of a cluster; a single database has none."""
    if cluster.type not in types.RDS_CLUSTER:
        return ()
    return context.stack.referrers(cluster, "clusterIdentifier", *types.RDS_CLUSTER_INSTANCE)


def parameter_path(resource: Resource) -> str:
    """Return where the parameter group of a cluster, of one of its instances or of a single database is named."""
    if resource.type in types.RDS_INSTANCE:
        return "parameterGroupName"
    return "dbClusterParameterGroupName" if resource.type in types.RDS_CLUSTER else "dbParameterGroupName"


def parameters(resource: Resource, context: Context) -> Mapping[str, Properties]:
    """Return what the parameter group of a cluster or an instance sets; raises Undetermined where it cannot be seen."""
    path = parameter_path(resource)
    groups = types.RDS_CLUSTER_PARAMETERS if resource.type in types.RDS_CLUSTER else types.RDS_PARAMETERS
    name = resource.peek(path)
    if isinstance(name, str) and name.startswith("default."):
        return {}
    return {
        parameter.text("name").lower(): parameter
        for group in context.stack.targets(resource, path, *groups)
        for parameter in group.nodes("parameters")
    }
