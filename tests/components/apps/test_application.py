"""The application as Argo CD is told of it."""

import json
from typing import Any

import pytest
from support import record_with

from components.apps.application import WORKLOADS, ignored_differences
from recording.graph import Graph, Resource


def application(graph: Graph) -> Resource:
    (found,) = [resource for resource in graph.resources if resource.get("kind") == "Application"]
    return found


def spec(graph: Graph) -> dict[str, Any]:
    return application(graph)["spec"]


def test_what_was_changed_by_hand_is_healed_and_nothing_left_over_is_kept(known: Graph) -> None:
    policy = spec(known)["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert policy["retry"] == {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}


def test_the_namespace_stays_the_programs(known: Graph) -> None:
    given = spec(known)
    assert "CreateNamespace=false" in given["syncPolicy"]["syncOptions"]
    assert given["destination"]["namespace"] in {
        each["metadata"]["name"] for each in known.of_type("kubernetes:core/v1:Namespace")
    }


def test_what_flagger_and_the_autoscalers_own_is_neither_compared_nor_applied(known: Graph) -> None:
    given = spec(known)
    assert "RespectIgnoreDifferences=true" in given["syncPolicy"]["syncOptions"]
    assert {each["name"]: each["jsonPointers"] for each in given["ignoreDifferences"]} == {
        f"ai-prism-{workload}": ["/spec/replicas"] for workload in WORKLOADS
    }


def test_nothing_is_left_alone_of_a_workload_that_is_not_named() -> None:
    assert ignored_differences([]) == []


def test_the_number_of_pods_is_all_that_is_left_alone() -> None:
    (ignored,) = ignored_differences(["api"])
    assert (ignored["group"], ignored["kind"], ignored["namespace"]) == ("apps", "Deployment", "ai-prism")
    assert ignored["jsonPointers"] == ["/spec/replicas"]


def test_prod_runs_a_tag_and_the_others_a_branch(known: Graph) -> None:
    revision = spec(known)["source"]["targetRevision"]
    assert revision == ("v2.1.0" if known.stack == "prod" else "main")


@pytest.mark.parametrize("images", [["api"], ["api", "web", "worker", "tools"]])
def test_images_that_a_stack_does_not_keep_are_named_all_the_same(images: list[str]) -> None:
    graph = record_with("dev", registry=json.dumps({"images": images}))
    parameters = {each["name"]: each["value"] for each in spec(graph)["source"]["helm"]["parameters"]}
    host = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    for workload in WORKLOADS:
        assert parameters[f"handover.images.{workload}"] == f"{host}/ai-prism-dev/{workload}"


def test_a_deletion_has_time_for_what_the_finalizer_asks_for(known: Graph) -> None:
    assert application(known).custom_timeouts["delete"] == "20m"


def test_an_update_does_not_wait_for_images_that_nobody_has_pushed_yet(known: Graph) -> None:
    assert not [key for key in application(known)["metadata"].get("annotations", {}) if key.startswith("pulumi.com/")]
