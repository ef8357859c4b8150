"""The mesh: mutual TLS, pods without rights, and one gateway behind the load balancer that the program owns."""

import json
from typing import Any

from components.load_balancer import HEALTH_PORT, TARGET_PORT
from recording.graph import Graph, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"


def values(graph: Graph, release: str) -> dict[str, Any]:
    return graph.named(RELEASE, release)["values"]


def of_kind(graph: Graph, kind: str) -> Resource:
    (found,) = [resource for resource in graph.resources if resource.get("kind") == kind]
    return found


def test_all_pods_of_the_mesh_accept_mutual_tls_alone(known: Graph) -> None:
    policy = of_kind(known, "PeerAuthentication")
    # In the control plane's namespace, and of no pods in particular: for all.
    assert policy["metadata"]["namespace"] == "istio-system"
    assert policy["spec"] == {"mtls": {"mode": "STRICT"}}


def test_no_pod_of_the_mesh_has_to_redirect_its_own_traffic(known: Graph) -> None:
    assert values(known, "istiod")["cni"]["enabled"] is True
    assert known.named(RELEASE, "istio-cni")["namespace"] == "kube-system"


def test_every_proxy_is_one_that_a_restricted_namespace_lets_in(known: Graph) -> None:
    gateway = values(known, "istio-ingressgateway")
    container = gateway["containerSecurityContext"]
    assert container["allowPrivilegeEscalation"] is False
    assert container["runAsNonRoot"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "sysctls" not in gateway["securityContext"]
    for profile in (
        values(known, "istiod")["seccompProfile"],
        values(known, "istiod")["global"]["proxy"]["seccompProfile"],
    ):
        assert profile == {"type": "RuntimeDefault"}


def test_the_gateway_makes_no_load_balancer_and_listens_where_the_programs_sends(known: Graph) -> None:
    service = values(known, "istio-ingressgateway")["service"]
    assert service["type"] == "ClusterIP"
    assert {port["targetPort"] for port in service["ports"]} == {TARGET_PORT, HEALTH_PORT}


def test_the_gateways_pods_join_the_load_balancers_one_target_group(known: Graph) -> None:
    binding, (group,) = of_kind(known, "TargetGroupBinding"), known.of_type("aws:lb/targetGroup:TargetGroup")
    release = known.named(RELEASE, "istio-ingressgateway")
    assert binding["spec"] == {
        "serviceRef": {"name": release["name"], "port": group["port"]},
        "targetGroupARN": group.outputs["arn"],
        "targetType": group["targetType"],
    }
    assert binding["metadata"]["namespace"] == release["namespace"]


def test_a_gateway_pod_serves_for_as_long_as_the_load_balancer_sends_to_it(known: Graph) -> None:
    (group,) = known.of_type("aws:lb/targetGroup:TargetGroup")
    gateway = values(known, "istio-ingressgateway")
    drain = json.loads(gateway["podAnnotations"]["proxy.istio.io/config"])["terminationDrainDuration"]
    assert group["deregistrationDelay"] < int(drain.removesuffix("s")) < gateway["terminationGracePeriodSeconds"]


def test_control_plane_and_gateway_may_always_lose_one_pod(known: Graph) -> None:
    istiod, gateway = values(known, "istiod"), values(known, "istio-ingressgateway")
    # The chart keeps one pod.
    assert istiod["global"]["defaultPodDisruptionBudget"]["enabled"] is (istiod["autoscaleMin"] > 1)
    twice = gateway["autoscaling"]["minReplicas"] > 1
    budget = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    assert gateway["podDisruptionBudget"] == budget
    assert twice is (known.stack in ("staging", "prod"))


def test_traces_go_to_the_collector_and_of_requests_only_failures_are_logged(known: Graph) -> None:
    providers = {each["name"]: each for each in values(known, "istiod")["meshConfig"]["extensionProviders"]}
    spec = of_kind(known, "Telemetry")["spec"]
    ((traced,), (logged,)) = (
        [each["providers"][0]["name"] for each in spec[key]] for key in ("tracing", "accessLogging")
    )
    assert providers[traced]["opentelemetry"] == {
        "service": "opentelemetry-collector.monitoring.svc.cluster.local",
        "port": 4317,
    }
    assert providers[logged]["envoyFileAccessLog"] == {"path": "/dev/stdout", "logFormat": {"labels": {}}}
    assert spec["accessLogging"][0]["filter"]["expression"] == "response.code >= 500"


def test_the_proxies_of_every_namespace_in_the_mesh_are_watched(known: Graph) -> None:
    (monitor,) = [each for each in known.resources if each.get("kind") == "PodMonitor" and each.name == "istio-proxies"]
    injected = {
        each["metadata"]["name"]
        for each in known.of_type("kubernetes:core/v1:Namespace")
        if each["metadata"]["labels"].get("istio-injection") == "enabled"
    }
    assert set(monitor["spec"]["namespaceSelector"]["matchNames"]) == injected


def test_images_are_releases_of_the_chart_s_own_version(known: Graph) -> None:
    for name in ("istiod", "istio-cni"):
        release = known.named(RELEASE, name)
        assert release["values"]["global"]["tag"] == release["version"]
        assert release["values"]["global"]["hub"] == "docker.io/istio"
