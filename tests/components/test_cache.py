"""The cache: what changes when, which group serves, and what the application needs to log in."""

import json
from typing import Any

import pytest
from support import record_with

from prismctl.project import ROOT, Project
from recording.graph import Graph

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
UNTIL = {"until": "2026-11-30", "reason": "memory is used up", "owner": "on-call"}


def program(**cache: Any) -> Graph:
    given = json.loads(Project(ROOT).config("dev")["ai-prism:cache"])
    environment = json.dumps({"kind": "dev", "protect": True})
    return record_with("dev", cache=json.dumps({**given, "version": "8.1", **cache}), environment=environment)


@pytest.fixture(scope="module")
def plain() -> Graph:
    return program()


def handed_over(graph: Graph) -> dict[str, Any]:
    application = graph.named("kubernetes:argoproj.io/v1alpha1:Application", "ai-prism")
    parameters = application["spec"]["source"]["helm"]["parameters"]
    return {each["name"].removeprefix("handover."): each["value"] for each in parameters}


def test_a_version_that_aws_brings_neither_replaces_the_cache_nor_is_taken_back(plain: Graph) -> None:
    (group,) = plain.of_type(GROUP)
    assert group["autoMinorVersionUpgrade"]
    assert "engineVersion" in group.ignore_changes
    assert group["applyImmediately"] is False


def test_in_an_incident_nodes_are_changed_at_once_and_everybody_sees_until_when() -> None:
    (group,) = program(apply_immediately=UNTIL).of_type(GROUP)
    assert group["applyImmediately"] is True
    assert group["tags"] == {"ApplyImmediatelyUntil": "2026-11-30"}


def test_an_upgrade_brings_its_version_with_the_parameters_of_its_family() -> None:
    (group,) = program(upgrade={**UNTIL, "to": "9.1"}).of_type(GROUP)
    assert (group["engineVersion"], group["parameterGroupName"]) == ("9.1", "default.valkey9")
    assert "engineVersion" not in group.ignore_changes
    assert group["applyImmediately"] is True


def test_the_application_is_handed_all_that_a_login_is_signed_with_and_a_way_to_read(plain: Graph) -> None:
    (group,), told = plain.of_type(GROUP), handed_over(plain)
    (user,) = plain.of_type("aws:elasticache/user:User")
    assert told["cache.replicationGroup"] == group.id
    assert told["cache.user"] == user["userId"] == user["userName"]
    assert told["cache.host"] == group.outputs["primaryEndpointAddress"]
    assert told["cache.readerHost"] == group.outputs["readerEndpointAddress"]


@pytest.mark.parametrize(
    ("stage", "serving", "protected"), [("beside", 0, True), ("serving", 1, True), ("released", 1, False)]
)
def test_a_restored_cache_stands_beside_the_other_one_until_it_serves(
    stage: str, serving: int, protected: bool
) -> None:
    graph = program(restore_from={"snapshot": "before-it", "stage": stage})
    groups = graph.of_type(GROUP)
    assert groups[1]["snapshotName"] == "before-it"
    assert handed_over(graph)["cache.host"] == groups[serving].outputs["primaryEndpointAddress"]
    assert [group.protect for group in groups] == [protected, True]
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", "identity-api-grants")["policy"]
    granted = {resource for each in json.loads(policy)["Statement"] for resource in each["Resource"]}
    assert {group.outputs["arn"] for group in groups} <= granted


def test_a_cache_that_was_taken_over_is_the_same_resource_without_the_snapshot() -> None:
    restored = program(restore_from={"snapshot": "before-it"}).of_type(GROUP)[1]
    (later,) = program(generation=2).of_type(GROUP)
    assert later.urn == restored.urn
    # A snapshot that the stack file no longer names would replace the cache.
    assert "snapshotName" in later.ignore_changes
