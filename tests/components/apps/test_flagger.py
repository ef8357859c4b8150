"""Flagger and its load tester: for one namespace, in the mesh, and seen by Prometheus."""

from typing import Any

import pytest

from components.apps.flagger import LOAD_TESTER_URL, PROMETHEUS_URL
from recording.graph import Graph

RELEASE = "kubernetes:helm.sh/v3:Release"


def values(graph: Graph, release: str) -> dict[str, Any]:
    return graph.named(RELEASE, release)["values"]


def test_flagger_judges_by_prometheus_and_moves_the_meshs_traffic_of_one_namespace(known: Graph) -> None:
    given = values(known, "flagger")
    assert (given["meshProvider"], given["metricsServer"]) == ("istio", PROMETHEUS_URL)
    assert given["namespace"] == "ai-prism"


def test_two_of_flagger_never_steer_at_once(known: Graph) -> None:
    election = values(known, "flagger")["leaderElection"]
    assert election["enabled"] is (election["replicaCount"] > 1) is (known.stack in ("staging", "prod"))


def test_prometheus_reaches_flagger_although_it_is_not_in_the_mesh(known: Graph) -> None:
    given = values(known, "flagger")
    assert given["podMonitor"]["enabled"] is True
    assert given["podAnnotations"]["traffic.sidecar.istio.io/excludeInboundPorts"] == "8080"


def test_load_tests_are_run_for_the_application_alone(known: Graph) -> None:
    assert values(known, "flagger-loadtester")["cmd"]["namespaceRegexp"] == "^ai-prism$"


def test_the_load_tester_is_where_the_chart_is_told_that_it_is(known: Graph) -> None:
    release = known.named(RELEASE, "flagger-loadtester")
    assert f"http://{release['name']}.{release['namespace']}/" == LOAD_TESTER_URL


@pytest.mark.parametrize("name", ["flagger", "flagger-loadtester"])
def test_both_are_let_into_a_restricted_namespace(known: Graph, name: str) -> None:
    context = values(known, name)["securityContext"]["context"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
