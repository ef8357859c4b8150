"""What holds for the releases of all charts, and for what the program makes beside them in the cluster."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.apps.installer import MARK, marked
from recording.graph import Graph

RELEASE = "kubernetes:helm.sh/v3:Release"


def mark(values: Mapping[str, Any]) -> str:
    return marked(values)["global"][MARK]


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 2, "resources": {"requests": {"cpu": "1"}}},
        {"replicas": 2, "resources": {"requests": {}, "limits": {}}},
        {"resources": {"requests": {"cpu": "1"}, "limits": {}}},
        {"replicas": 2, "resources": {"requests": {"cpu": "1"}, "limits": {}}, "debug": None},
    ],
)
def test_a_value_that_is_added_or_removed_changes_the_mark(values: dict[str, Any]) -> None:
    assert mark(values) != mark({"replicas": 2, "resources": {"requests": {"cpu": "1"}, "limits": {}}})


def test_a_value_that_changes_leaves_the_mark_and_the_order_does_not_matter() -> None:
    assert mark({"replicas": 3, "tier": "api"}) == mark({"tier": "web", "replicas": 2})


def test_the_mark_lies_beside_what_a_chart_is_told_for_all_its_charts() -> None:
    assert marked({"global": {"hub": "docker.io"}, "replicas": 2}).keys() == {"global", "replicas"}
    assert marked({"global": {"hub": "docker.io"}})["global"].keys() == {"hub", MARK}


def test_every_release_carries_the_mark_so_that_a_removal_that_was_rolled_back_is_repeated(known: Graph) -> None:
    releases = list(known.of_type(RELEASE))
    assert releases
    assert all(MARK in release["values"]["global"] for release in releases)


def test_a_field_that_somebody_else_has_set_does_not_stop_every_later_update(unknown: Graph) -> None:
    used = {each.provider_urn for each in unknown.resources if each.custom and each.type.startswith("kubernetes:")}
    own = used - {each.urn for each in unknown.of_type("pulumi:providers:kubernetes") if each.name != "kubernetes"}
    assert {provider["enablePatchForce"] for provider in unknown.resources if provider.urn in own} == {"true"}


def test_a_job_that_has_failed_is_made_again_by_the_next_update(unknown: Graph) -> None:
    jobs = list(unknown.of_type("kubernetes:batch/v1:Job"))
    assert jobs
    assert all(job["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true" for job in jobs)
