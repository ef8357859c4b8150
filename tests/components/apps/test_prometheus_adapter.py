"""Prometheus Adapter: autoscalers may ask for one metric of pods, and for no other."""

import functools

from alone_in_cluster import (
    NAMESPACE,
    ONE_AT_A_TIME,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    origin,
    release,
    spread_over,
    values,
)

from components.apps.prometheus_adapter import PrometheusAdapter, PrometheusAdapterArgs
from recording.graph import Graph

NAME = "prometheus-adapter"


@functools.cache
def adapter(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, _, opts: PrometheusAdapter(NAME, PrometheusAdapterArgs(installer=installer), opts),
        replicas=replicas,
    )


def test_it_lies_beside_prometheus_and_asks_it() -> None:
    assert origin(adapter(), NAME) == (NAME, "monitoring", NAME)
    assert values(adapter(), NAME)["prometheus"] == {"url": "http://prometheus-operated.monitoring", "port": 9090}


def test_autoscalers_ask_for_active_requests_of_a_pod_and_for_nothing_else() -> None:
    """CPU and memory are metrics-server's."""
    assert values(adapter(), NAME)["rules"] == {
        "default": False,
        "custom": [
            {
                "seriesQuery": 'active_requests{namespace!="",pod!=""}',
                "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
                "name": {"matches": "active_requests", "as": "active_requests"},
                "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
            }
        ],
    }


def test_it_goes_before_the_namespaces_whose_deletion_its_api_would_hold_up() -> None:
    graph = adapter()
    assert release(graph, NAME).deleted_with is None
    assert {each.urn for each in graph.of_type(NAMESPACE)} <= graph.needs(release(graph, NAME))


def test_it_runs_as_often_as_controllers_of_the_stack_do_on_different_nodes() -> None:
    assert [values(adapter(replicas=each), NAME)["replicas"] for each in (1, 2)] == [1, 2]
    labels = {"app.kubernetes.io__name": NAME}
    assert values(adapter(), NAME)["topologySpreadConstraints"] == spread_over(**labels)


def test_a_drain_takes_one_of_two_pods_and_a_single_one_has_no_budget() -> None:
    assert values(adapter(), NAME)["podDisruptionBudget"] == {"enabled": True, **ONE_AT_A_TIME}
    assert values(adapter(replicas=1), NAME)["podDisruptionBudget"]["enabled"] is False


def test_it_runs_on_demand_nodes_from_an_image_of_the_cache() -> None:
    found = values(adapter(), NAME)
    assert found["nodeSelector"] == WEB_TIER
    assert found["resources"] == asks("50m", "128Mi", limit="256Mi")
    assert found["image"] == {"repository": cached("registry.k8s.io/prometheus-adapter/prometheus-adapter")}
