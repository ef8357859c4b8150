"""The mesh: mutual TLS, pods without rights, and one gateway behind the load balancer that the program owns."""

import functools
import json
from typing import Any

from alone_in_cluster import (
    ONE_AT_A_TIME,
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    namespace,
    of_kind,
    origin,
    release,
    spread_over,
    values,
    waits_for,
)

from components.apps.istio import Istio, IstioArgs
from recording.graph import Graph
from settings import versions

BASE, ISTIOD, CNI, GATEWAY = "istio-base", "istiod", "istio-cni", "istio-ingressgateway"
SECCOMP = {"type": "RuntimeDefault"}


@functools.cache
def istio(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, _, opts: Istio(
            "istio", IstioArgs(installer=installer, target_group_arn="arn:target-group"), opts
        ),
        replicas=replicas,
    )


def gateway(*, replicas: int = 2) -> dict[str, Any]:
    return values(istio(replicas=replicas), GATEWAY)


def test_the_control_plane_has_a_namespace_apart_from_the_gateway_and_the_privileged_agent_from_both() -> None:
    assert origin(istio(), BASE) == (BASE, "istio-system", "base")
    assert origin(istio(), ISTIOD) == (ISTIOD, "istio-system", "istiod")
    assert origin(istio(), CNI) == (CNI, "kube-system", "cni")
    assert origin(istio(), GATEWAY) == (GATEWAY, "istio-ingress", "gateway")


def test_the_gateways_pod_comes_after_the_webhook_that_completes_it_and_the_agent_that_redirects_for_it() -> None:
    assert waits_for(istio(), release(istio(), GATEWAY)) >= {ISTIOD, CNI}
    for name in (ISTIOD, CNI):
        assert BASE in waits_for(istio(), release(istio(), name))


def test_pods_of_all_namespaces_accept_mutual_tls_alone() -> None:
    policy = of_kind(istio(), "PeerAuthentication", "mesh")
    # In the control plane's namespace, and of no pods in particular: for all.
    assert policy["apiVersion"] == "security.istio.io/v1"
    assert policy["metadata"] == {"name": "mesh", "namespace": "istio-system"}
    assert policy["spec"] == {"mtls": {"mode": "STRICT"}}


def test_no_pod_of_the_mesh_has_to_redirect_its_own_traffic() -> None:
    assert values(istio(), ISTIOD)["cni"] == {"enabled": True}


def test_a_sidecar_starts_before_what_it_serves_and_ends_after_it() -> None:
    assert values(istio(), ISTIOD)["env"] == {"ENABLE_NATIVE_SIDECARS": "true"}


def test_no_account_for_other_clusters_reads_all_secrets() -> None:
    for name in (BASE, ISTIOD):
        assert values(istio(), name)["global"]["enableReaderRBAC"] is False, name


def test_images_are_releases_of_the_charts_own_version_pulled_through_the_cache() -> None:
    for name in (ISTIOD, CNI):
        found = values(istio(), name)["global"]
        assert (found["hub"], found["tag"]) == (cached("docker.io/istio"), versions.load().charts["istio"].version)
        assert found["logAsJson"] is True


def test_control_plane_and_proxies_are_let_into_a_restricted_namespace() -> None:
    istiod = values(istio(), ISTIOD)
    assert istiod["seccompProfile"] == istiod["global"]["proxy"]["seccompProfile"] == SECCOMP
    assert values(istio(), CNI)["seccompProfile"] == SECCOMP
    assert gateway()["securityContext"] == {"seccompProfile": SECCOMP}
    # Images of Istio run as this user: https://istio.io/latest/docs/ops/deployment/application-requirements/
    assert gateway()["containerSecurityContext"] == {**RESTRICTED, "runAsUser": 1337, "runAsGroup": 1337}


def test_both_scale_from_what_the_stack_has_of_each_controller() -> None:
    for replicas in (1, 2):
        istiod = values(istio(replicas=replicas), ISTIOD)
        assert (istiod["autoscaleMin"], istiod["autoscaleMax"]) == (replicas, replicas + 3)
        assert gateway(replicas=replicas)["autoscaling"] == {
            "enabled": True,
            "minReplicas": replicas,
            "maxReplicas": replicas + 4,
        }


def test_a_drain_never_waits_for_either_of_them() -> None:
    for replicas in (1, 2):
        # The chart's budget keeps one pod, so a single one could never go.
        found = values(istio(replicas=replicas), ISTIOD)["global"]["defaultPodDisruptionBudget"]
        assert found == {"enabled": replicas > 1}
    assert values(istio(), ISTIOD)["pdb"] == {"unhealthyPodEvictionPolicy": "AlwaysAllow"}
    assert gateway()["podDisruptionBudget"] == ONE_AT_A_TIME


def test_both_run_on_different_on_demand_nodes_and_are_evicted_last() -> None:
    istiod = values(istio(), ISTIOD)
    assert istiod["nodeSelector"] == gateway()["nodeSelector"] == WEB_TIER
    assert istiod["topologySpreadConstraints"] == spread_over(app="istiod")
    assert gateway()["topologySpreadConstraints"] == spread_over(istio="ingressgateway")
    assert istiod["global"]["priorityClassName"] == gateway()["priorityClassName"] == "system-cluster-critical"


def test_they_request_what_the_web_tier_has_room_for() -> None:
    assert values(istio(), ISTIOD)["resources"] == asks("200m", "512Mi", limit="1Gi")
    assert values(istio(), CNI)["resources"] == asks("20m", "64Mi", limit="128Mi")
    assert gateway()["resources"] == asks("200m", "128Mi", limit="512Mi")


def test_a_gateway_of_the_application_finds_the_pods_by_their_label() -> None:
    assert gateway()["labels"] == {"istio": "ingressgateway"}


def test_the_gateway_makes_no_load_balancer_and_listens_where_the_programs_sends() -> None:
    assert gateway()["service"] == {
        "type": "ClusterIP",
        "ports": [
            {"name": "http2", "port": 8080, "targetPort": 8080, "protocol": "TCP"},
            {"name": "status-port", "port": 15021, "targetPort": 15021, "protocol": "TCP"},
        ],
    }


def test_the_gateways_pods_are_the_targets_of_the_programs_load_balancer() -> None:
    binding = of_kind(istio(), "TargetGroupBinding", GATEWAY)
    assert binding["apiVersion"] == "elbv2.k8s.aws/v1beta1"
    assert binding["metadata"] == {"name": GATEWAY, "namespace": "istio-ingress"}
    assert binding["spec"] == {
        "serviceRef": {"name": GATEWAY, "port": 8080},
        "targetGroupARN": "arn:target-group",
        "targetType": "ip",
    }


def test_pods_leave_the_target_group_before_they_go() -> None:
    binding = of_kind(istio(), "TargetGroupBinding", GATEWAY)
    # Deleted for real, while the controller is there that deregisters them.
    assert binding.deleted_with is None
    assert waits_for(istio(), binding) == {GATEWAY, "earlier"}


def test_a_pod_serves_for_longer_than_the_load_balancer_sends_to_it() -> None:
    """The target group deregisters within 30 seconds, see tests/components/test_load_balancer.py."""
    config = json.loads(gateway()["podAnnotations"]["proxy.istio.io/config"])
    assert config["terminationDrainDuration"] == "45s"
    assert gateway()["terminationGracePeriodSeconds"] == 60


def test_the_client_is_who_the_load_balancer_says() -> None:
    """https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/"""
    config = json.loads(gateway()["podAnnotations"]["proxy.istio.io/config"])
    assert config["gatewayTopology"] == {"numTrustedProxies": 1}


def test_five_of_a_hundred_requests_are_traced_and_of_requests_only_failures_are_logged() -> None:
    telemetry = of_kind(istio(), "Telemetry", "mesh")
    assert telemetry["apiVersion"] == "telemetry.istio.io/v1"
    assert telemetry["metadata"]["namespace"] == "istio-system"
    assert telemetry["spec"] == {
        "tracing": [{"providers": [{"name": "traces"}], "randomSamplingPercentage": 5.0}],
        "accessLogging": [
            {"providers": [{"name": "failures"}], "filter": {"expression": "response.code >= 500"}},
        ],
    }
    assert values(istio(), ISTIOD)["meshConfig"]["extensionProviders"] == [
        {
            "name": "traces",
            "opentelemetry": {"service": "opentelemetry-collector.monitoring.svc.cluster.local", "port": 4317},
        },
        {"name": "failures", "envoyFileAccessLog": {"path": "/dev/stdout", "logFormat": {"labels": {}}}},
    ]


def test_network_policies_alone_say_where_pods_may_go() -> None:
    """A pod can get round its own sidecar: https://istio.io/latest/docs/ops/best-practices/security/."""
    assert values(istio(), ISTIOD)["meshConfig"]["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}


def test_flagger_judges_by_what_every_proxy_reports_each_quarter_of_a_minute() -> None:
    monitor = of_kind(istio(), "PodMonitor", "istio-proxies")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"] == {
        "namespaceSelector": {"matchNames": ["ai-prism", "flagger-system", "istio-ingress"]},
        "selector": {"matchExpressions": [{"key": "service.istio.io/canonical-name", "operator": "Exists"}]},
        "podMetricsEndpoints": [{"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": "15s"}],
    }


def test_the_control_plane_is_monitored() -> None:
    monitor = of_kind(istio(), "ServiceMonitor", "istiod")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"] == {
        "selector": {"matchLabels": {"istio": "pilot"}},
        "endpoints": [{"port": "http-monitoring"}],
    }


def test_rules_and_monitors_come_after_the_kinds_and_go_with_the_namespace() -> None:
    for kind, name in (
        ("PeerAuthentication", "mesh"),
        ("Telemetry", "mesh"),
        ("PodMonitor", "istio-proxies"),
        ("ServiceMonitor", "istiod"),
    ):
        each = of_kind(istio(), kind, name)
        assert each["metadata"]["namespace"] == "istio-system"
        assert waits_for(istio(), each) == {ISTIOD, "earlier"}
        assert each.deleted_with == namespace(istio(), "istio-system")
