"""What namespaces allow, on every stack."""

import ipaddress
from typing import Any

from support import recorded

from components import namespaces
from recording.graph import Graph, Resource

NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
LEVEL = "pod-security.kubernetes.io/enforce"


def policies(graph: Graph, name: str) -> dict[str, Resource]:
    """Return the NetworkPolicies of one name by their namespace."""
    found = [each for each in graph.of_type(POLICY) if each["metadata"]["name"] == name]
    return {each["metadata"]["namespace"]: each for each in found}


def labels(namespace: Resource) -> dict[str, Any]:
    return namespace["metadata"]["labels"]


def test_pods_are_restricted_wherever_no_reason_is_given(unknown: Graph) -> None:
    found = unknown.of_type(NAMESPACE)
    assert found
    for namespace in found:
        reason = (namespace["metadata"].get("annotations") or {}).get("ai-prism.com/pod-security-reason")
        assert labels(namespace)[LEVEL] == ("privileged" if reason else "restricted"), namespace.name


def test_the_collector_of_logs_is_the_only_exception(unknown: Graph) -> None:
    levels = {each.name: labels(each)[LEVEL] for each in unknown.of_type(NAMESPACE)}
    assert [name for name, level in levels.items() if level != "restricted"] == ["logging"]


def test_every_namespace_refuses_what_no_flow_needs(unknown: Graph) -> None:
    denied = policies(unknown, "default-deny")
    assert denied.keys() == {each.name for each in unknown.of_type(NAMESPACE)}
    for policy in denied.values():
        assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_the_world_over_tls_is_reached_outside_of_the_vpc(unknown: Graph) -> None:
    (vpc,) = (ipaddress.IPv4Network(each["cidrBlock"]) for each in unknown.of_type("aws:ec2/vpc:Vpc"))
    link_local = ipaddress.IPv4Network("169.254.0.0/16")
    for policy in policies(unknown, "needed-flows").values():
        for rule in policy["spec"].get("egress", []):
            blocks = [ipaddress.IPv4Network(peer["ipBlock"]["cidr"]) for peer in rule["to"] if "ipBlock" in peer]
            for block in blocks:
                if not block.subnet_of(vpc) and not block.subnet_of(link_local):
                    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}], policy.urn


def test_whoever_asks_the_api_server_reaches_its_service_wherever_eks_has_put_it(unknown: Graph) -> None:
    (vpc,) = (each["cidrBlock"] for each in unknown.of_type("aws:ec2/vpc:Vpc"))
    asking = 0
    for policy in policies(unknown, "needed-flows").values():
        for rule in policy["spec"].get("egress", []):
            blocks = {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer}
            if vpc in blocks and "ports" in rule:
                assert blocks == {vpc, "10.100.0.0/16", "172.20.0.0/16"}, policy.urn
                asking += 1
    assert asking


def test_nothing_outside_of_the_vpc_comes_in(unknown: Graph) -> None:
    (vpc,) = (ipaddress.IPv4Network(each["cidrBlock"]) for each in unknown.of_type("aws:ec2/vpc:Vpc"))
    for policy in policies(unknown, "needed-flows").values():
        for rule in policy["spec"].get("ingress", []):
            for peer in rule["from"]:
                block = peer.get("ipBlock")
                assert block is None or ipaddress.IPv4Network(block["cidr"]).subnet_of(vpc), policy.urn


def test_no_namespace_as_a_whole_reaches_database_or_cache(unknown: Graph) -> None:
    for policy in policies(unknown, "needed-flows").values():
        for rule in policy["spec"].get("egress", []):
            assert not {5432, 6379} & {port["port"] for port in rule.get("ports", [])}, policy.urn


def test_the_applications_pods_have_nothing_in_common_but_the_mesh_and_names(unknown: Graph) -> None:
    spec = policies(unknown, "needed-flows")[namespaces.APPLICATION]["spec"]
    assert {port["port"] for rule in spec["ingress"] for port in rule["ports"]} == {15090}
    assert {port["port"] for rule in spec["egress"] for port in rule["ports"]} == {15012, 53}


def test_only_the_load_balancers_subnets_come_in_at_the_gateway(unknown: Graph) -> None:
    public = {
        each["cidrBlock"] for each in unknown.of_type("aws:ec2/subnet:Subnet") if each["tags"]["Tier"] == "public"
    }
    spec = policies(unknown, "needed-flows")[namespaces.GATEWAY]["spec"]
    (rule,) = (rule for rule in spec["ingress"] if "ipBlock" in rule["from"][0])
    assert {peer["ipBlock"]["cidr"] for peer in rule["from"]} == public
    assert {port["port"] for port in rule["ports"]} == {8080, 15021}


def test_a_gateways_pod_is_ready_when_the_load_balancer_finds_it_so(unknown: Graph) -> None:
    waiting = [
        each.name for each in unknown.of_type(NAMESPACE) if "elbv2.k8s.aws/pod-readiness-gate-inject" in labels(each)
    ]
    assert waiting == [namespaces.GATEWAY]


def test_what_one_namespace_sends_to_another_is_let_in_there(unknown: Graph) -> None:
    needed = policies(unknown, "needed-flows")
    checked = 0
    for name, policy in needed.items():
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
                target = labels.get("kubernetes.io/metadata.name")
                # What comes to the application's pods is let in by its chart, pod by pod.
                if target in needed and target != namespaces.APPLICATION:
                    for port in rule["ports"]:
                        assert lets_in(needed[target], name, port["port"]), f"{name} to {target}:{port['port']}"
                        checked += 1
    assert checked


def lets_in(policy: Resource, namespace: str, port: int) -> bool:
    """Return whether a policy lets pods of a namespace in at a port."""
    for rule in policy["spec"]["ingress"]:
        names = {
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            for peer in rule["from"]
            if "namespaceSelector" in peer
        }
        if namespace in names and port in {each["port"] for each in rule["ports"]}:
            return True
    return False


def test_the_application_has_room_for_all_its_pods_twice() -> None:
    for stack, replicas in {"dev": 3, "prod": 100}.items():
        (quota,) = recorded(stack, known=False).of_type("kubernetes:core/v1:ResourceQuota")
        hard = quota["spec"]["hard"]
        assert int(hard["pods"]) >= 2 * replicas
        assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"


def test_what_lies_in_a_namespace_goes_with_it(unknown: Graph) -> None:
    namespaces_ = {each.name: each.urn for each in unknown.of_type(NAMESPACE)}
    inside = [*unknown.of_type(POLICY), *unknown.of_type("kubernetes:core/v1:ResourceQuota")]
    for resource in inside:
        assert resource.deleted_with == namespaces_[resource["metadata"]["namespace"]], resource.urn
        assert resource.deleted_with in resource.dependencies, resource.urn
