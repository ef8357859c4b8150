"""The platform's namespaces: what each allows. What talks to what in the cluster is here, in one place."""

import ipaddress
from collections.abc import Mapping, Sequence

from components.load_balancer import HEALTH_PORT, TARGET_PORT
from components.namespaces import (
    APPLICATION,
    ARGO_CD,
    DATABASE_ACCESS,
    EXTERNAL_SECRETS,
    FLAGGER,
    GATEWAY,
    LOGGING,
    MESH,
    MONITORING,
    PROMETHEUS_PORT,
    NamespaceSpec,
)
from components.network_policies import (
    Flow,
    from_namespace,
    from_network,
    to_dns,
    to_namespace,
    to_network,
    to_pod_identity,
    to_world,
    within,
)

_ISTIOD, _ISTIOD_WEBHOOK, _ISTIOD_METRICS = 15012, 15017, 15014
_PROXY_METRICS = 15090
"""Ports of the mesh: https://istio.io/latest/docs/ops/deployment/application-requirements/"""
_OTLP = 4317
"""By gRPC, as proxies and pods of the application send traces."""
_HTTPS = 443
_SERVICES = tuple(ipaddress.IPv4Network(block) for block in ("10.100.0.0/16", "172.20.0.0/16"))
"""Where EKS takes the addresses of Services from, the API server's among them.

A pod sends requests for the API server to the address of its Service, and the network plugin checks a packet before
that becomes the address of an interface: for peers that are selected, it looks the Services up; for blocks it cannot.
Sources: https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
https://github.com/aws/amazon-network-policy-controller-k8s/blob/main/pkg/resolvers/endpoints.go
"""


def namespace_specs(
    vpc_cidr: ipaddress.IPv4Network, load_balancer_cidrs: Sequence[ipaddress.IPv4Network]
) -> Mapping[str, NamespaceSpec]:
    """Return what each namespace allows, by its name; the load balancer's interfaces lie in `load_balancer_cidrs`."""
    api_server = _to_api_server(vpc_cidr)
    return {
        APPLICATION: _application(),
        GATEWAY: _gateway(load_balancer_cidrs),
        MESH: _mesh(vpc_cidr, api_server),
        EXTERNAL_SECRETS: _external_secrets(vpc_cidr, api_server),
        FLAGGER: _flagger(api_server),
        ARGO_CD: _argo_cd(api_server),
        # Its one job has a policy of its own.
        DATABASE_ACCESS: NamespaceSpec(flows=[to_dns()]),
        MONITORING: _monitoring(vpc_cidr),
        LOGGING: _logging(api_server),
    }


def _to_api_server(vpc_cidr: ipaddress.IPv4Network) -> Flow:
    """Let pods reach the API server, whose interfaces lie in the VPC, as those of AWS's endpoints do."""
    return to_network(vpc_cidr, *_SERVICES, ports=[_HTTPS])


def _of_the_mesh() -> tuple[Flow, Flow]:
    """Let a proxy be scraped, and reach its control plane."""
    return from_namespace(MONITORING, ports=[_PROXY_METRICS]), to_namespace(MESH, ports=[_ISTIOD])


def _application() -> NamespaceSpec:
    # Its chart adds what each pod needs. Policies add up, so a flow that all have could not be taken from one.
    return NamespaceSpec(flows=[*_of_the_mesh(), to_dns()], injected=True)


def _gateway(load_balancer_cidrs: Sequence[ipaddress.IPv4Network]) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            *_of_the_mesh(),
            # The load balancer alone, so that nobody else in the VPC gets round the firewall.
            from_network(*load_balancer_cidrs, ports=[TARGET_PORT, HEALTH_PORT]),
            to_dns(),
            to_namespace(APPLICATION, ports=[TARGET_PORT]),
            to_namespace(MONITORING, ports=[_OTLP]),
        ],
        injected=True,
        balanced=True,
    )


def _mesh(vpc_cidr: ipaddress.IPv4Network, api_server: Flow) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            from_network(vpc_cidr, ports=[_ISTIOD_WEBHOOK]),
            from_namespace(APPLICATION, FLAGGER, GATEWAY, ports=[_ISTIOD]),
            from_namespace(MONITORING, ports=[_ISTIOD_METRICS]),
            to_dns(),
            api_server,
        ]
    )


def _external_secrets(vpc_cidr: ipaddress.IPv4Network, api_server: Flow) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            from_network(vpc_cidr, ports=[10250]),
            from_namespace(MONITORING, ports=[8080]),
            to_dns(),
            to_pod_identity(),
            api_server,
        ]
    )


def _flagger(api_server: Flow) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            *_of_the_mesh(),
            *within(),
            from_namespace(MONITORING, ports=[8080]),
            to_dns(),
            to_namespace(APPLICATION, ports=[TARGET_PORT]),
            to_namespace(MONITORING, ports=[_OTLP, PROMETHEUS_PORT]),
            api_server,
        ],
        # The load tester has to use the mesh's TLS.
        injected=True,
    )


def _argo_cd(api_server: Flow) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            *within(),
            from_namespace(MONITORING, ports=[8082, 8083, 8084, 9001]),
            to_dns(),
            api_server,
            to_world(),
        ]
    )


def _monitoring(vpc_cidr: ipaddress.IPv4Network) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[
            *within(),
            from_network(vpc_cidr, ports=[10250, 6443]),
            from_namespace(APPLICATION, FLAGGER, GATEWAY, ports=[_OTLP]),
            from_namespace(FLAGGER, ports=[PROMETHEUS_PORT]),
            to_dns(),
            # All that has metrics in the VPC: nodes, pods, the API server.
            to_network(vpc_cidr),
            to_pod_identity(),
            to_world(),
        ]
    )


def _logging(api_server: Flow) -> NamespaceSpec:
    return NamespaceSpec(
        flows=[from_namespace(MONITORING, ports=[2020]), to_dns(), to_pod_identity(), api_server],
        level="privileged",
        reason="the log collector reads the containers' log files on the node",
    )
