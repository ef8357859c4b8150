"""What the platform's namespaces allow: who may speak to whom, on which port."""

import ipaddress
from collections.abc import Iterable

from components import namespace_specs, namespaces
from components.namespaces import APPLICATION, FLAGGER, GATEWAY, LOGGING, MESH, MONITORING
from components.network_policies import Flow

VPC = ipaddress.IPv4Network("10.9.0.0/16")
BALANCER = [ipaddress.IPv4Network("10.9.0.0/20"), ipaddress.IPv4Network("10.9.32.0/20")]
SPECS = namespace_specs.namespace_specs(VPC, BALANCER)
API_SERVER = (str(VPC), "10.100.0.0/16", "172.20.0.0/16")
"""Its interfaces, and the addresses from which EKS takes that of its Service
(https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html)."""
CREDENTIALS = ("169.254.170.23/32",)
WORLD = ("0.0.0.0/0",)
SELF = ("own pods",)
DNS = (("kube-system",), (53,))


def peers(flow: Flow) -> tuple[str, ...]:
    """Return whom a flow names: namespaces, addresses, or the pods of its own namespace."""
    found = []
    for peer in flow.peers:
        if "ipBlock" in peer:
            found.append(peer["ipBlock"]["cidr"])
        elif "namespaceSelector" in peer:
            found.append(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
        else:
            assert peer == {"podSelector": {}}
            found.append(SELF[0])
    return tuple(found)


def listed(flows: Iterable[Flow], direction: str) -> set[tuple[tuple[str, ...], tuple[int, ...]]]:
    return {(peers(each), tuple(each.ports)) for each in flows if each.direction == direction}


def incoming(name: str) -> set[tuple[tuple[str, ...], tuple[int, ...]]]:
    return listed(SPECS[name].flows, "Ingress")


def outgoing(name: str) -> set[tuple[tuple[str, ...], tuple[int, ...]]]:
    return listed(SPECS[name].flows, "Egress")


def test_the_applications_pods_have_nothing_in_common_but_the_mesh_and_names() -> None:
    assert incoming(APPLICATION) == {((MONITORING,), (15090,))}
    assert outgoing(APPLICATION) == {((MESH,), (15012,)), DNS}


def test_the_load_balancer_alone_comes_in_at_the_gateway_and_goes_on_to_the_application() -> None:
    assert incoming(GATEWAY) == {((MONITORING,), (15090,)), (tuple(map(str, BALANCER)), (8080, 15021))}
    assert outgoing(GATEWAY) == {
        ((MESH,), (15012,)),
        DNS,
        ((APPLICATION,), (8080,)),
        ((MONITORING,), (4317,)),
    }


def test_the_control_plane_of_the_mesh_serves_its_proxies_and_the_api_server_that_asks_its_webhook() -> None:
    assert incoming(MESH) == {
        ((str(VPC),), (15017,)),
        ((APPLICATION, FLAGGER, GATEWAY), (15012,)),
        ((MONITORING,), (15014,)),
    }
    assert outgoing(MESH) == {DNS, (API_SERVER, (443,))}


def test_external_secrets_asks_aws_and_the_api_server_and_answers_its_webhook() -> None:
    assert incoming(namespaces.EXTERNAL_SECRETS) == {((str(VPC),), (10250,)), ((MONITORING,), (8080,))}
    assert outgoing(namespaces.EXTERNAL_SECRETS) == {DNS, (CREDENTIALS, (80,)), (API_SERVER, (443,))}


def test_flagger_judges_by_prometheus_and_its_load_tester_asks_the_application() -> None:
    assert incoming(FLAGGER) == {((MONITORING,), (15090,)), (SELF, ()), ((MONITORING,), (8080,))}
    assert outgoing(FLAGGER) == {
        ((MESH,), (15012,)),
        (SELF, ()),
        DNS,
        ((APPLICATION,), (8080,)),
        ((MONITORING,), (4317, 9090)),
        (API_SERVER, (443,)),
    }


def test_argo_cd_fetches_git_from_anywhere_and_nobody_but_prometheus_comes_in() -> None:
    assert incoming(namespaces.ARGO_CD) == {(SELF, ()), ((MONITORING,), (8082, 8083, 8084, 9001))}
    assert outgoing(namespaces.ARGO_CD) == {(SELF, ()), DNS, (API_SERVER, (443,)), (WORLD, (443,))}


def test_where_the_owner_of_the_database_logs_in_only_names_are_common() -> None:
    assert incoming(namespaces.DATABASE_ACCESS) == set()
    assert outgoing(namespaces.DATABASE_ACCESS) == {DNS}


def test_prometheus_scrapes_the_whole_vpc_and_traces_come_from_the_mesh() -> None:
    assert incoming(MONITORING) == {
        (SELF, ()),
        ((str(VPC),), (10250, 6443)),
        ((APPLICATION, FLAGGER, GATEWAY), (4317,)),
        ((FLAGGER,), (9090,)),
    }
    assert outgoing(MONITORING) == {(SELF, ()), DNS, ((str(VPC),), ()), (CREDENTIALS, (80,)), (WORLD, (443,))}


def test_the_collector_of_logs_reaches_what_aws_has_in_the_vpc_and_only_prometheus_reaches_it() -> None:
    assert incoming(LOGGING) == {((MONITORING,), (2020,))}
    assert outgoing(LOGGING) == {DNS, (CREDENTIALS, (80,)), (API_SERVER, (443,))}


def test_the_collector_of_logs_is_the_only_one_that_sees_its_node_and_says_why() -> None:
    assert {name for name, spec in SPECS.items() if spec.level != "restricted"} == {LOGGING}
    assert {name for name, spec in SPECS.items() if spec.reason} == {LOGGING}


def test_the_application_its_gateway_and_the_load_tester_are_of_the_mesh() -> None:
    assert {name for name, spec in SPECS.items() if spec.injected} == {APPLICATION, GATEWAY, FLAGGER}


def test_a_gateways_pod_is_ready_when_the_load_balancer_finds_it_so() -> None:
    assert {name for name, spec in SPECS.items() if spec.balanced} == {GATEWAY}


def test_what_one_namespace_sends_to_another_is_let_in_there() -> None:
    checked = 0
    for name, spec in SPECS.items():
        for flow in spec.flows:
            for target in peers(flow) if flow.direction == "Egress" else ():
                # What comes to the application's pods is let in by its chart, pod by pod.
                if target in SPECS and target != APPLICATION:
                    ports = {port for who, some in incoming(target) if name in who for port in some}
                    assert set(flow.ports) <= ports, f"{name} to {target}"
                    checked += 1
    assert checked


def test_no_namespace_as_a_whole_reaches_database_or_cache() -> None:
    for name in SPECS:
        for _, ports in outgoing(name):
            assert not {5432, 6379} & set(ports), name


def test_names_are_those_by_which_accounts_and_roles_are_associated() -> None:
    assert list(SPECS) == [
        *("ai-prism", "istio-ingress", "istio-system", "external-secrets", "flagger-system", "argocd"),
        *("database-access", "monitoring", "logging"),
    ]
    assert namespaces.KUBE_SYSTEM == "kube-system"
