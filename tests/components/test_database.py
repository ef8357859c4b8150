"""The database: what changes when, which cluster serves, and what of it outlives the stack."""

import json
from typing import Any

import pytest
from support import record_with

from prismctl.project import ROOT, Project
from recording.graph import Graph, Resource

CLUSTER, INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance"
GROUP, INSTANCE_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup"
UNTIL = {"until": "2026-11-30", "reason": "the writer is too small", "owner": "on-call"}


def program(**database: Any) -> Graph:
    """Return the whole program with another database: three instances in one maintenance window."""
    given = json.loads(Project(ROOT).config("dev")["ai-prism:database"])
    chosen = {"version": "17.10", "instances": 3, "maintenance_window": "mon:01:00-mon:02:00", **database}
    environment = json.dumps({"kind": "dev", "protect": True})
    return record_with("dev", database=json.dumps({**given, **chosen}), environment=environment)


@pytest.fixture(scope="module")
def plain() -> Graph:
    return program()


@pytest.fixture(scope="module")
def restored() -> dict[str, Graph]:
    stages = ("beside", "serving", "released")
    return {stage: program(restore_from={"snapshot": "before-it", "stage": stage}) for stage in stages}


def handed_over(graph: Graph) -> dict[str, Any]:
    """Return what the application is told."""
    application = graph.named("kubernetes:argoproj.io/v1alpha1:Application", "ai-prism")
    parameters = application["spec"]["source"]["helm"]["parameters"]
    return {each["name"].removeprefix("handover."): each["value"] for each in parameters}


def test_changes_that_restart_the_database_wait_for_one_maintenance_window(plain: Graph) -> None:
    for resource in plain.of_type(CLUSTER, INSTANCE):
        assert resource["applyImmediately"] is False
        assert resource["preferredMaintenanceWindow"] == "mon:01:00-mon:02:00"
        assert "tags" not in resource.inputs


def test_in_an_incident_changes_are_made_at_once_and_everybody_sees_until_when() -> None:
    for resource in program(apply_immediately=UNTIL).of_type(CLUSTER, INSTANCE):
        assert resource["applyImmediately"] is True
        assert resource["tags"] == {"ApplyImmediatelyUntil": "2026-11-30"}


def test_no_two_readers_are_equally_next_in_line(plain: Graph) -> None:
    assert [resource["promotionTier"] for resource in plain.of_type(INSTANCE)] == [0, 1, 2]


def test_versions_that_aws_brings_are_not_taken_back(plain: Graph) -> None:
    (cluster,) = plain.of_type(CLUSTER)
    assert "engineVersion" in cluster.ignore_changes
    assert all("engineVersion" not in resource.inputs for resource in plain.of_type(INSTANCE))
    assert all(resource["autoMinorVersionUpgrade"] for resource in plain.of_type(INSTANCE))


def test_an_upgrade_brings_its_version_at_once_with_groups_of_its_family() -> None:
    graph = program(upgrade={**UNTIL, "to": "18.6"})
    (cluster,) = graph.of_type(CLUSTER)
    assert cluster["engineVersion"] == "18.6"
    assert "engineVersion" not in cluster.ignore_changes
    assert (cluster["allowMajorVersionUpgrade"], cluster["applyImmediately"]) == (True, True)
    assert cluster["tags"] == {"UpgradeUntil": "2026-11-30"}
    assert {each["family"] for each in graph.of_type(GROUP, INSTANCE_GROUP)} == {"aurora-postgresql18"}
    (of_instances,) = graph.of_type(INSTANCE_GROUP)
    assert of_instances.urn in cluster.property_dependencies["dbInstanceParameterGroupName"]


def test_without_an_upgrade_a_new_major_version_is_not_allowed(plain: Graph) -> None:
    (cluster,) = plain.of_type(CLUSTER)
    assert not {"allowMajorVersionUpgrade", "dbInstanceParameterGroupName"} & cluster.inputs.keys()


def clusters(graph: Graph) -> tuple[Resource, Resource]:
    first, second = graph.of_type(CLUSTER)
    return first, second


def test_a_restored_database_stands_beside_the_other_one_under_names_of_its_own(
    plain: Graph, restored: dict[str, Graph]
) -> None:
    first, second = clusters(restored["beside"])
    (alone,) = plain.of_type(CLUSTER)
    assert first.inputs == alone.inputs
    assert second["snapshotIdentifier"] == "before-it"
    for key in ("clusterIdentifier", "finalSnapshotIdentifier"):
        assert second[key] == f"{first[key]}-g2"
    assert {
        **first.inputs,
        **dict.fromkeys(("clusterIdentifier", "finalSnapshotIdentifier", "snapshotIdentifier")),
    } == {
        **second.inputs,
        **dict.fromkeys(("clusterIdentifier", "finalSnapshotIdentifier", "snapshotIdentifier")),
    }
    assert len(restored["beside"].of_type(INSTANCE)) == 2 * len(plain.of_type(INSTANCE))


def test_the_application_is_handed_the_restored_database_once_it_serves(restored: dict[str, Graph]) -> None:
    hosts = {stage: handed_over(graph)["database.host"] for stage, graph in restored.items()}
    for stage, graph in restored.items():
        first, second = clusters(graph)
        assert first.outputs["endpoint"] != second.outputs["endpoint"]
        assert hosts[stage] == (first if stage == "beside" else second).outputs["endpoint"]


def test_pods_may_log_in_to_either_while_one_takes_over(restored: dict[str, Graph]) -> None:
    for graph in restored.values():
        policy = graph.named("aws:iam/rolePolicy:RolePolicy", "identity-api-grants")["policy"]
        granted = [each for each in json.loads(policy)["Statement"] if "rds-db:connect" in each["Action"]]
        ids = {cluster.outputs["clusterResourceId"] for cluster in clusters(graph)}
        assert {resource.split(":")[-1].split("/")[0] for each in granted for resource in each["Resource"]} == ids


def test_the_database_that_does_not_serve_loses_its_protection_by_a_step_of_its_own(
    restored: dict[str, Graph],
) -> None:
    for stage, graph in restored.items():
        first, second = clusters(graph)
        assert (second.protect, second["deletionProtection"]) == (True, True)
        kept = stage != "released"
        assert (first.protect, first["deletionProtection"]) == (kept, kept)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"time": "latest"}, {"sourceClusterIdentifier": "ai-prism-dev", "useLatestRestorableTime": True}),
        (
            {"time": "2026-11-20T04:00:00Z"},
            {"sourceClusterIdentifier": "ai-prism-dev", "restoreToTime": "2026-11-20T04:00:00Z"},
        ),
        (
            {"time": "latest", "source": "cluster-ABC123"},
            {"sourceClusterResourceId": "cluster-ABC123", "useLatestRestorableTime": True},
        ),
    ],
    ids=str,
)
def test_a_point_in_time_is_one_of_the_database_that_stands_or_of_a_deleted_one(
    given: dict[str, str], wanted: dict[str, Any]
) -> None:
    _, second = clusters(program(restore_from=given))
    assert second["restoreToPointInTime"] == wanted


def test_a_database_that_was_taken_over_is_the_same_resource_without_the_backup(restored: dict[str, Graph]) -> None:
    _, second = clusters(restored["released"])
    (later,) = program(generation=2).of_type(CLUSTER)
    assert later.urn == second.urn
    # What it was made from forces a replacement, so its loss from the stack file must not count.
    assert {"snapshotIdentifier", "restoreToPointInTime"} <= set(later.ignore_changes)


def test_backups_and_their_key_outlive_the_stack(plain: Graph) -> None:
    (cluster,) = plain.of_type(CLUSTER)
    assert cluster["deleteAutomatedBackups"] is False
    assert cluster["skipFinalSnapshot"] is False
    (key,) = [each for each in plain.of_type("aws:kms/key:Key") if each.outputs["arn"] == cluster["kmsKeyId"]]
    assert key.retain_on_delete
