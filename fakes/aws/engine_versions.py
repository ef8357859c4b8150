"""What AWS refuses when the version of a database or a cache is changed, and what such a change takes along."""

import dataclasses
from collections.abc import Iterable
from typing import Final

from fakes.aws.held import Held
from fakes.aws.link_words import Words
from fakes.aws.maintenance import CACHE, CLUSTER, INSTANCE, running

_PROVIDER: Final = "https://github.com/hashicorp/terraform-provider-aws"
_GROUPS: Final = {
    CLUSTER: ("dbClusterParameterGroupName", "aws:rds/clusterParameterGroup:ClusterParameterGroup"),
    INSTANCE: ("dbParameterGroupName", "aws:rds/parameterGroup:ParameterGroup"),
}

OLDER: Final = Words(
    "InvalidParameterCombination: Cannot upgrade aurora-postgresql from {old} to {new}",
    "https://github.com/terraform-aws-modules/terraform-aws-rds-aurora/issues/228",
)
MAJOR: Final = Words(
    "InvalidParameterCombination: The AllowMajorVersionUpgrade flag must be present when upgrading to a new major "
    "version.",
    f"{_PROVIDER}/issues/13490",
)
CUSTOM: Final = Words(
    "InvalidParameterCombination: The current DB instance parameter group {group} is custom. You must explicitly "
    "specify a new DB instance parameter group, either default or custom, for the engine version upgrade.",
    f"{_PROVIDER}/issues/17357 https://github.com/aws-controllers-k8s/community/issues/2778",
)
FAMILY: Final = Words(
    "InvalidParameterCombination: The Parameter Group {group} with DBParameterGroupFamily {family} cannot be used for "
    "this instance. Please use a Parameter Group with DBParameterGroupFamily {wanted}",
    "https://github.com/cloudposse/terraform-aws-rds-cluster/issues/227",
)
CACHE_FAMILY: Final = Words(
    "InvalidParameterCombination: Expected a parameter group of family {wanted} but found one of family {family}",
    "https://github.com/aws-samples/dify-self-hosted-on-aws/issues/24",
)


def refusal(before: Held | None, new: Held, standing: Iterable[Held]) -> str | None:
    """Return why AWS does not let a resource run this version, or with this parameter group; None where it does."""
    resources = list(standing)
    if new.type == CLUSTER:
        return (before and _not_upgradable(before, new, resources)) or _of_other_family(
            new, new.inputs.get("engineVersion"), resources
        )
    if new.type == INSTANCE:
        clusters = [each for each in resources if each.type == CLUSTER and each.id == new.inputs["clusterIdentifier"]]
        return _of_other_family(new, running(clusters[0], "engineVersion"), resources) if clusters else None
    if new.type == CACHE and before:
        return _cache_of_other_family(before, new)
    return None


def _not_upgradable(before: Held, new: Held, standing: Iterable[Held]) -> str | None:
    old, wanted = running(before, "engineVersion"), new.inputs.get("engineVersion")
    if old is None or wanted is None or old == wanted:
        return None
    if _numbers(wanted) < _numbers(old):
        return OLDER(old=old, new=wanted)
    if _major(wanted) == _major(old):
        return None
    if not new.inputs.get("allowMajorVersionUpgrade"):
        return MAJOR()
    groups = {each.inputs.get("dbParameterGroupName", "default.") for each in members(new, standing)}
    custom = sorted(group for group in groups if not group.startswith("default."))
    return CUSTOM(group=custom[0]) if custom and not new.inputs.get("dbInstanceParameterGroupName") else None


def members(cluster: Held, standing: Iterable[Held]) -> list[Held]:
    """Return the instances of a cluster."""
    return [each for each in standing if each.type == INSTANCE and each.inputs["clusterIdentifier"] == cluster.id]


def taken_along(cluster: Held, standing: Iterable[Held]) -> list[Held]:
    """Return the instances as they are once their cluster runs another major version.

    ModifyDBCluster, DBInstanceParameterGroupName: "The name of the DB parameter group to apply to all instances of the
    DB cluster", valid "for a major version upgrade only".
    """
    group = cluster.inputs.get("dbInstanceParameterGroupName")
    if cluster.type != CLUSTER or not group or cluster.pending:
        return []
    return [
        dataclasses.replace(
            each,
            inputs={**each.inputs, "dbParameterGroupName": group},
            outputs={**each.outputs, "dbParameterGroupName": group},
        )
        for each in members(cluster, standing)
    ]


def _of_other_family(resource: Held, version: str | None, standing: Iterable[Held]) -> str | None:
    """Tell of a parameter group that is not for the version's family."""
    key, type_ = _GROUPS[resource.type]
    group = next(
        (each for each in standing if each.type == type_ and each.answer("name") == resource.inputs.get(key)), None
    )
    if group is None or version is None:
        return None
    family, wanted = group.inputs["family"], f"aurora-postgresql{_major(version)}"
    return None if family == wanted else FAMILY(group=group.answer("name"), family=family, wanted=wanted)


def _cache_of_other_family(before: Held, new: Held) -> str | None:
    """Tell of a parameter group of AWS's that is for another major version; it stays where none is named."""
    version = new.inputs.get("engineVersion")
    if version is None:
        return None
    wanted, old = f"valkey{_major(version)}", f"valkey{_major(str(running(before, 'engineVersion')))}"
    family = str(new.inputs.get("parameterGroupName", f"default.{old}")).removeprefix("default.")
    return None if family == wanted else CACHE_FAMILY(wanted=wanted, family=family)


def _major(version: str) -> str:
    return version.partition(".")[0]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
