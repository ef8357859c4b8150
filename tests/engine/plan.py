"""What a plan of the engine (`pulumi preview --json`) would do."""

from collections.abc import Mapping
from typing import Any

from fakes.urns import type_of

STATEFUL = {
    "aws:ecr/repository:Repository",
    "aws:eks/cluster:Cluster",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:kms/key:Key",
    "aws:opensearch/domain:Domain",
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
}
"""What is lost with a resource of these types cannot be made again."""
UNCHANGING = {"same", "refresh", "read"}
REPLACING = {"replace", "create-replacement", "delete-replaced"}


def operations(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the kinds of operation by URN; what stays as it is, is left out."""
    found: dict[str, set[str]] = {}
    for step in plan["steps"]:
        if step["op"] not in UNCHANGING:
            found.setdefault(step["urn"], set()).add(step["op"])
    return found


def urns(plan: Mapping[str, Any], *kinds: str) -> set[str]:
    """Return the URNs on which one of these operations would be done."""
    return {urn for urn, done in operations(plan).items() if done.intersection(kinds)}


def registered(state: Mapping[str, Any]) -> list[str]:
    """Return the URNs of what the program registered; the engine's own provider, for looking up resources, is not."""
    return [each["urn"] for each in state["resources"] if each["type"] != "pulumi:providers:pulumi"]


def deletable(state: Mapping[str, Any]) -> list[str]:
    """Return the URNs of what a destroy deletes; what outlives its stack is not."""
    return [each["urn"] for each in state["resources"] if not (each.get("retainOnDelete") or each.get("external"))]


def types(found: set[str]) -> set[str]:
    return {type_of(urn) for urn in found}
