"""Jaeger: traces for three days on an encrypted volume where controllers run twice, and in memory elsewhere."""

import functools
from typing import Any

from alone_in_cluster import (
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    namespace,
    origin,
    release,
    values,
    waits_for,
)

from components.apps.jaeger import Jaeger, JaegerArgs
from recording.graph import Graph

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"


@functools.cache
def jaeger(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, _, opts: Jaeger("jaeger", JaegerArgs(installer=installer), opts), replicas=replicas
    )


def pod(*, replicas: int = 2) -> dict[str, Any]:
    return values(jaeger(replicas=replicas), "jaeger")["jaeger"]


def config(*, replicas: int = 2) -> dict[str, Any]:
    return values(jaeger(replicas=replicas), "jaeger")["userconfig"]


def test_the_collector_and_grafana_find_it_by_its_name_in_monitoring() -> None:
    assert origin(jaeger(), "jaeger") == ("jaeger", "monitoring", "jaeger")


def test_traces_are_kept_for_three_days_on_a_volume_that_outlives_the_pod() -> None:
    (claim,) = jaeger().of_type(CLAIM)
    assert claim["metadata"]["name"] == "jaeger-traces"
    assert claim["metadata"]["namespace"] == "monitoring"
    assert claim["spec"]["resources"] == {"requests": {"storage": "50Gi"}}
    assert claim["spec"]["storageClassName"] == "gp3-encrypted"
    assert pod()["extraVolumes"] == [{"name": "traces", "persistentVolumeClaim": {"claimName": "jaeger-traces"}}]
    assert pod()["extraVolumeMounts"] == [{"name": "traces", "mountPath": "/badger"}]
    assert config()["extensions"]["jaeger_storage"] == {
        "backends": {
            "traces": {
                "badger": {
                    "directories": {"keys": "/badger/keys", "values": "/badger/values"},
                    "ephemeral": False,
                    "ttl": {"spans": "72h"},
                }
            }
        }
    }


def test_an_update_does_not_wait_for_a_volume_that_is_made_with_the_first_pod() -> None:
    (claim,) = jaeger().of_type(CLAIM)
    assert claim["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert "jaeger-traces" in waits_for(jaeger(), release(jaeger(), "jaeger"))


def test_the_volume_goes_with_its_namespace() -> None:
    (claim,) = jaeger().of_type(CLAIM)
    assert claim.deleted_with == namespace(jaeger(), "monitoring")


def test_where_controllers_run_once_the_newest_traces_are_in_memory_and_there_is_no_volume() -> None:
    assert not jaeger(replicas=1).of_type(CLAIM)
    assert "extraVolumes" not in pod(replicas=1)
    storage = config(replicas=1)["extensions"]["jaeger_storage"]
    assert storage == {"backends": {"traces": {"memory": {"max_traces": 20_000}}}}


def test_there_is_one_pod_since_badger_has_one_writer() -> None:
    assert [pod(replicas=each)["replicas"] for each in (1, 2)] == [1, 1]


def test_traces_come_in_otlp_and_go_to_the_store() -> None:
    """Jaeger's own configuration for all in one, with OTLP alone: cmd/jaeger/internal/all-in-one.yaml."""
    assert config()["service"] == {
        "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
        "pipelines": {
            "traces": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["jaeger_storage_exporter"]}
        },
        "telemetry": {
            "resource": {"service.name": "jaeger"},
            "metrics": {"readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": 8888}}}}]},  # noqa: S104
        },
    }
    endpoints = {"grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}}
    assert config()["receivers"] == {"otlp": {"protocols": endpoints}}
    assert config()["processors"] == {"batch": {}}
    assert config()["exporters"] == {"jaeger_storage_exporter": {"trace_storage": "traces"}}


def test_people_and_grafana_ask_the_same_store() -> None:
    assert config()["extensions"]["jaeger_query"] == {
        "storage": {"traces": "traces"},
        "http": {"endpoint": "0.0.0.0:16686"},
        "grpc": {"endpoint": "0.0.0.0:16685"},
    }


def test_the_charts_probes_find_it_healthy() -> None:
    probe = {"use_v2": True, "http": {"endpoint": "0.0.0.0:13133"}}
    assert config()["extensions"]["healthcheckv2"] == probe


def test_another_configuration_makes_another_pod_although_the_chart_mounts_it_as_a_file() -> None:
    labels = [pod(replicas=each)["podLabels"]["ai-prism.com/userconfig"] for each in (1, 2)]
    assert labels[0] != labels[1]
    # Kubernetes takes no longer label; as short as this, two are never the same by chance.
    assert {len(each) for each in labels} == {12}


def test_its_image_comes_from_quay_since_ecr_takes_nothing_from_docker_hub_without_a_login() -> None:
    assert pod()["image"] == {"registry": cached("quay.io")}


def test_it_runs_unprivileged_on_demand_nodes_and_without_rights_in_the_cluster() -> None:
    assert pod()["securityContext"] == RESTRICTED
    assert pod()["podSecurityContext"] == {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    assert pod()["serviceAccount"] == {"automountServiceAccountToken": False}
    assert pod()["nodeSelector"] == WEB_TIER
    assert pod()["resources"] == asks("100m", "512Mi", limit="1Gi")
