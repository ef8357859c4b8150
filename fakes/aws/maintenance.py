"""What AWS does later than it is asked to, and what it does by itself between two updates.

A change that waits for the maintenance window is answered as pending: whoever reads the resource sees the old value
until the window. Sources are AWS's API models (botocore/data/rds, botocore/data/elasticache) and, for what a read
shows, hashicorp/terraform-provider-aws.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Final

from fakes.aws.account import Account
from fakes.aws.held import Held

CLUSTER: Final = "aws:rds/cluster:Cluster"
INSTANCE: Final = "aws:rds/clusterInstance:ClusterInstance"
CACHE: Final = "aws:elasticache/replicationGroup:ReplicationGroup"

DEFERRED: Final[Mapping[str, tuple[str, ...]]] = {
    # ModifyDBCluster, EngineVersion: "The change is applied during the next maintenance window unless ApplyImmediately
    # is enabled."
    CLUSTER: ("engineVersion",),
    # ModifyDBInstance, DBInstanceClass: "The change is applied during the next maintenance window, unless you specify
    # ApplyImmediately in your request."
    INSTANCE: ("instanceClass",),
    # ModifyReplicationGroup, ApplyImmediately: "If false, changes to the nodes in the replication group are applied on
    # the next maintenance reboot, or the next failure reboot, whichever occurs first." A node's PendingModifiedValues
    # are its type and its version, among others.
    CACHE: ("engineVersion", "nodeType"),
}
"""What waits for the maintenance window unless `applyImmediately` is set, by type."""

_SHOWN_WHILE_PENDING: Final = {(CLUSTER, "engineVersion")}
"""What the provider shows as wanted although it is pending (internal/service/rds/engine_version.go)."""

ACTUAL: Final = "engineVersionActual"


def settle(before: Held, changed: Held) -> Held:
    """Return a changed resource as AWS has it once the call is done: what waits is pending, and has its old value."""
    waiting = {
        key: changed.inputs[key]
        for key in DEFERRED.get(changed.type, ())
        if key in changed.inputs and changed.inputs[key] != running(before, key)
    }
    if not waiting or changed.inputs.get("applyImmediately"):
        return _brought(dataclasses.replace(changed, pending={}), changed.inputs)
    old = {key: running(before, key) for key in waiting if (changed.type, key) not in _SHOWN_WHILE_PENDING}
    return dataclasses.replace(
        changed,
        inputs={**changed.inputs, **old},
        outputs={**changed.outputs, **old},
        pending={**before.pending, **waiting},
    )


def running(held: Held, key: str) -> Any:
    """Return the value that a resource runs with, whatever is pending."""
    return held.outputs.get(ACTUAL, held.inputs.get(key)) if key == "engineVersion" else held.inputs.get(key)


def _brought(held: Held, values: Mapping[str, Any]) -> Held:
    """Return a resource that runs with these values from now on."""
    own = {key: values[key] for key in DEFERRED.get(held.type, ()) if key in values}
    actual = {ACTUAL: own["engineVersion"]} if "engineVersion" in own else {}
    return dataclasses.replace(held, inputs={**held.inputs, **own}, outputs={**held.outputs, **own, **actual})


def time_passes(account: Account) -> None:
    """Let a maintenance window go by: pending changes are applied, and AWS brings minor versions by itself."""
    with account.exclusively():
        for work in (_apply_pending, _raise_minor_versions):
            account.hold(*work(account.resources()))


def _apply_pending(standing: Iterable[Held]) -> list[Held]:
    return [_brought(dataclasses.replace(each, pending={}), each.pending) for each in standing if each.pending]


def _raise_minor_versions(standing: Iterable[Held]) -> list[Held]:
    """Raise what has `autoMinorVersionUpgrade` to a minor version that came out since.

    Aurora upgrades a cluster only where all of its instances have it
    (https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_UpgradeDBInstance.PostgreSQL.html); ElastiCache
    where the group has opted in ("the next auto minor version upgrade campaign", ModifyReplicationGroup).
    """
    resources = list(standing)
    raised: list[Held] = []
    for each in resources:
        members = [one for one in resources if one.type == INSTANCE and one.inputs["clusterIdentifier"] == each.id]
        opted = members if each.type == CLUSTER else [each] if each.type == CACHE else []
        if opted and all(one.inputs.get("autoMinorVersionUpgrade") for one in opted):
            version = {"engineVersion": _next_minor(running(each, "engineVersion"))}
            raised.append(_brought(each, version))
            raised += [
                dataclasses.replace(one, inputs={**one.inputs, **version}, outputs={**one.outputs, **version})
                for one in members
                if "engineVersion" in one.inputs
            ]
    return raised


def _next_minor(version: str) -> str:
    major, minor = version.split(".")[:2]
    return f"{major}.{int(minor) + 1}"
