"""Namespaces: unprivileged pods, no traffic but named flows, and room for others."""

import functools
import ipaddress

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from alone import build

from components.namespaces import Namespaces, NamespacesArgs, NamespaceSpec
from components.network_policies import to_dns, to_network
from recording.graph import Graph, Resource

NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
QUOTA, LIMITS = "kubernetes:core/v1:ResourceQuota", "kubernetes:core/v1:LimitRange"
FLOWS = [to_dns(), to_network(ipaddress.IPv4Network("10.9.0.0/16"), ports=[443])]


@functools.cache
def made(*, api_max_replicas: int = 10) -> Graph:
    specs = {
        "ai-prism": NamespaceSpec(flows=FLOWS, injected=True),
        "gateway": NamespaceSpec(flows=[], balanced=True),
        "open": NamespaceSpec(flows=[], level="privileged", reason="reads files of the node"),
    }

    def make(_: pulumi.ResourceOptions) -> None:
        opts = pulumi.ResourceOptions(provider=kubernetes.Provider("kubernetes", kubeconfig="{}"))
        addon = kubernetes.core.v1.ConfigMap("addon", opts=opts)
        Namespaces("namespaces", NamespacesArgs(specs=specs, api_max_replicas=api_max_replicas, after=[addon]), opts)

    return build(make)


def labels(name: str) -> dict[str, str]:
    return made().named(NAMESPACE, name)["metadata"]["labels"]


def policy(name: str) -> Resource:
    return made().named(POLICY, name)


@pytest.mark.parametrize("mode", ["enforce", "audit", "warn"])
def test_pods_are_restricted_wherever_no_reason_is_given(mode: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    label = f"pod-security.kubernetes.io/{mode}"
    assert [labels(name)[label] for name in ("ai-prism", "gateway", "open")] == [
        "restricted",
        "restricted",
        "privileged",
    ]


def test_who_looks_at_an_exception_finds_its_reason() -> None:
    found = {each.name: each["metadata"].get("annotations") for each in made().of_type(NAMESPACE)}
    assert found["open"] == {"ai-prism.com/pod-security-reason": "reads files of the node"}
    assert not found["ai-prism"]
    assert not found["gateway"]


def test_pods_get_sidecars_where_they_are_of_the_mesh_and_nowhere_else() -> None:
    """https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"""
    assert {name: labels(name).get("istio-injection") for name in ("ai-prism", "gateway", "open")} == {
        "ai-prism": "enabled",
        "gateway": None,
        "open": None,
    }


def test_a_rollout_waits_for_the_load_balancer_where_that_sends_to_the_pods() -> None:
    """https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/"""
    gate = "elbv2.k8s.aws/pod-readiness-gate-inject"
    assert {name: labels(name).get(gate) for name in ("ai-prism", "gateway", "open")} == {
        "ai-prism": None,
        "gateway": "enabled",
        "open": None,
    }


def test_every_namespace_refuses_what_no_flow_needs() -> None:
    for name in ("ai-prism", "gateway", "open"):
        denied = policy(f"{name}-default-deny")
        assert denied["metadata"] == {"name": "default-deny", "namespace": name}
        assert denied["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_namespace_lets_its_own_flows_through() -> None:
    needed = policy("ai-prism-needed-flows")
    assert needed["metadata"] == {"name": "needed-flows", "namespace": "ai-prism"}
    assert needed["spec"]["egress"] == [flow.rule for flow in FLOWS]
    assert policy("open-needed-flows")["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_namespace_is_called_as_others_call_it() -> None:
    assert {each["metadata"]["name"] for each in made().of_type(NAMESPACE)} == {"ai-prism", "gateway", "open"}


def test_namespaces_wait_for_nodes_and_have_time_to_delete_their_volumes() -> None:
    addon = made().named("kubernetes:core/v1:ConfigMap", "addon").urn
    for each in made().of_type(NAMESPACE):
        assert addon in each.dependencies
        assert each.custom_timeouts == {"delete": "20m"}


def test_what_lies_in_a_namespace_comes_after_it_and_goes_with_it() -> None:
    spaces = {each.name: each.urn for each in made().of_type(NAMESPACE)}
    inside = made().of_type(POLICY, QUOTA, LIMITS)
    assert len(inside) == 8
    for each in inside:
        assert each.deleted_with == spaces[each["metadata"]["namespace"]], each.urn
        assert each.deleted_with in each.dependencies, each.urn


@pytest.mark.parametrize(("replicas", "pods"), [(10, 80), (100, 260)])
def test_the_application_has_room_for_two_versions_and_cannot_take_the_cluster(replicas: int, pods: int) -> None:
    (quota,) = made(api_max_replicas=replicas).of_type(QUOTA)
    assert quota["metadata"] == {"name": "quota", "namespace": "ai-prism"}
    assert quota["spec"]["hard"] == {
        "pods": str(pods),
        "requests.cpu": str(pods),
        "requests.memory": f"{2 * pods}Gi",
        "limits.memory": f"{4 * pods}Gi",
        # It is reached by the program's load balancer alone.
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }


def test_a_container_that_asks_for_nothing_gets_little_and_counts() -> None:
    (limits,) = made().of_type(LIMITS)
    assert limits["metadata"] == {"name": "limits", "namespace": "ai-prism"}
    assert limits["spec"]["limits"] == [
        {
            "type": "Container",
            "defaultRequest": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "100Mi"},
            "default": {"memory": "256Mi", "ephemeral-storage": "1Gi"},
        }
    ]
