"""The OpenTelemetry Collector: one address for traces, which refuses what it could not hold."""

import functools
from typing import Any

from alone_in_cluster import RESTRICTED, WEB_TIER, asks, cached, in_cluster, origin, spread_over, values

from components.apps.opentelemetry_collector import OpenTelemetryCollector, OpenTelemetryCollectorArgs
from recording.graph import Graph

NAME = "opentelemetry-collector"


@functools.cache
def collector(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, _, opts: OpenTelemetryCollector(NAME, OpenTelemetryCollectorArgs(installer=installer), opts),
        replicas=replicas,
    )


def config() -> dict[str, Any]:
    return values(collector(), NAME)["alternateConfig"]


def test_pods_reach_it_under_the_name_that_the_application_is_handed() -> None:
    assert origin(collector(), NAME) == (NAME, "monitoring", NAME)
    assert values(collector(), NAME)["mode"] == "deployment"


def test_it_takes_traces_in_otlp_and_in_nothing_else() -> None:
    assert config()["receivers"] == {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": "${env:MY_POD_IP}:4317"},
                "http": {"endpoint": "${env:MY_POD_IP}:4318"},
            }
        }
    }
    for port in ("jaeger-compact", "jaeger-thrift", "jaeger-grpc", "zipkin"):
        assert values(collector(), NAME)["ports"][port] == {"enabled": False}


def test_a_burst_is_refused_before_it_takes_the_memory() -> None:
    """The limiter is first: https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/memorylimiterprocessor."""
    assert config()["service"]["pipelines"] == {
        "traces": {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": ["otlp"]}
    }
    limiter = {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 25}
    assert config()["processors"] == {"memory_limiter": limiter, "batch": {}}


def test_traces_end_in_jaeger_within_the_namespace() -> None:
    assert config()["exporters"] == {"otlp": {"endpoint": "jaeger.monitoring:4317", "tls": {"insecure": True}}}


def test_the_charts_probes_find_it_healthy() -> None:
    assert config()["extensions"] == {"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}}
    assert config()["service"]["extensions"] == ["health_check"]


def test_prometheus_sees_what_it_drops() -> None:
    exporter = {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}
    assert config()["service"]["telemetry"] == {"metrics": {"readers": [{"pull": {"exporter": exporter}}]}}
    assert values(collector(), NAME)["ports"]["metrics"] == {"enabled": True}
    assert values(collector(), NAME)["serviceMonitor"] == {"enabled": True}


def test_it_is_the_distribution_for_kubernetes_pulled_through_the_cache() -> None:
    repository = cached("ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s")
    assert values(collector(), NAME)["image"] == {"repository": repository}
    assert values(collector(), NAME)["command"] == {"name": "otelcol-k8s"}


def test_it_runs_unprivileged_on_demand_nodes() -> None:
    found = values(collector(), NAME)
    assert found["securityContext"] == {**RESTRICTED, "runAsUser": 10001}
    assert found["nodeSelector"] == WEB_TIER
    assert found["resources"] == asks("100m", "256Mi", limit="512Mi")


def test_it_runs_as_often_as_controllers_of_the_stack_do_on_different_nodes_and_holds_up_no_drain() -> None:
    assert [values(collector(replicas=each), NAME)["replicaCount"] for each in (1, 2)] == [1, 2]
    labels = {"app.kubernetes.io__name": NAME}
    assert values(collector(), NAME)["topologySpreadConstraints"] == spread_over(**labels)
    (budget,) = collector().of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert budget["spec"]["selector"] == {"matchLabels": {"app.kubernetes.io/name": NAME}}
