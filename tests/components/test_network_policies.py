"""What a NetworkPolicy made of flows lets through."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from components import network_policies as flows

names = st.from_regex(r"[a-z]{1,9}", fullmatch=True)
ports = st.lists(st.integers(1, 65535), min_size=1, max_size=3)
networks = st.ip_addresses(v=4).map(lambda address: ipaddress.IPv4Network(f"{address}/32"))
any_flow = st.one_of(
    st.builds(lambda name, port: flows.from_namespace(name, ports=port), names, ports),
    st.builds(lambda name, port: flows.to_namespace(name, ports=port), names, ports),
    st.builds(lambda network, port: flows.from_network(network, ports=port), networks, ports),
    st.builds(lambda network, port: flows.to_network(network, ports=port), networks, ports),
    st.just(flows.to_dns()),
    st.just(flows.to_world()),
    st.just(flows.to_pod_identity()),
    st.sampled_from(flows.within()),
)


def test_a_policy_without_flows_lets_nothing_through_in_either_direction():
    assert flows.policy([]) == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@given(st.lists(any_flow, max_size=8))
def test_a_policy_lets_through_each_flow_in_its_direction_and_nothing_else(chosen):
    policy = flows.policy(chosen)

    assert policy["podSelector"] == {}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    for direction in ("Ingress", "Egress"):
        assert policy.get(direction.lower(), []) == [flow.rule for flow in chosen if flow.direction == direction]


@given(any_flow)
def test_every_flow_names_its_peers(flow):
    peers = flow.rule["from" if flow.direction == "Ingress" else "to"]
    assert peers, "a rule without peers lets everybody in"
    assert all(peer for peer in peers)


def test_nobody_reaches_the_nodes_metadata():
    (peer,) = flows.to_world().rule["to"]
    assert "169.254.169.254/32" in peer["ipBlock"]["except"]
    assert flows.to_world().rule["ports"] == [{"port": 443, "protocol": "TCP"}]


def test_names_are_asked_for_over_both_protocols():
    assert flows.to_dns().rule["ports"] == [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def test_credentials_of_a_pod_come_from_the_agent_on_its_node():
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""
    assert flows.to_pod_identity().rule == {
        "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
        "ports": [{"port": 80, "protocol": "TCP"}],
    }


def test_names_are_asked_for_of_the_clusters_own_dns_alone():
    (peer,) = flows.to_dns().rule["to"]
    assert peer == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }


def test_tls_anywhere_is_tls_to_any_address():
    (peer,) = flows.to_world().rule["to"]
    assert peer == {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}


def test_pods_of_one_namespace_speak_to_each_other_on_all_ports():
    into, out = flows.within()
    assert into.rule == {"from": [{"podSelector": {}}]}
    assert out.rule == {"to": [{"podSelector": {}}]}


def test_a_namespace_is_known_by_the_label_that_kubernetes_gives_it():
    """https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name"""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ports = [{"port": 8080, "protocol": "TCP"}]
    assert flows.from_namespace("monitoring", ports=[8080]).rule == {"from": [peer], "ports": ports}
    assert flows.to_namespace("monitoring", ports=[8080]).rule == {"to": [peer], "ports": ports}
    block = {"ipBlock": {"cidr": "10.9.0.0/16"}}
    network = ipaddress.IPv4Network("10.9.0.0/16")
    assert flows.from_network(network, ports=[8080]).rule == {"from": [block], "ports": ports}
    assert flows.to_network(network).rule == {"to": [block]}
