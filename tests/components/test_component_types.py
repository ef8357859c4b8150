"""The types under which states know the components."""

import re

from prismctl.project import ROOT

AWS = """
    Cache Cluster Database DeliveryAccess Encryption Events Firewall Identity ImageCache Liveness LoadBalancer Network
    NodeAddons NodeGroup Nodes Observability Registry Roles Search Secrets Storage
"""
CLUSTER = """
    Application Apps ArgoCd ClusterAutoscaler DatabaseAccess EncryptedVolumes ExternalSecrets Flagger FluentBit Istio
    Jaeger KubePrometheusStack LoadBalancerController Namespaces NvidiaDevicePlugin OpenTelemetryCollector
    PrometheusAdapter SearchAccess
"""


def test_no_component_has_another_type_than_states_know() -> None:
    """The type is part of the URN of all that lies in the component: with another one, an update replaces all of it.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns. A component that is renamed on purpose has
    an alias, until each stack was updated.
    """
    found = [
        token
        for file in sorted((ROOT / "components").rglob("*.py"))
        for token in re.findall(r'super\(\).__init__\(\s*"([^"]+)"', file.read_text())
    ]
    assert sorted(found) == sorted(
        [*(f"ai-prism:aws:{name}" for name in AWS.split()), *(f"ai-prism:cluster:{name}" for name in CLUSTER.split())]
    )
