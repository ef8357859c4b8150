"""Alertmanager, as a part of kube-prometheus-stack: which alert reaches which of the stack's topics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.installer import WEB_TIER, Installer, resources, spread
from components.apps.storage_class import claim
from components.platform_alarms.alarm import Severity


@dataclass(frozen=True, kw_only=True)
class AlertTopics:
    """SNS topics to which alerts are published."""

    by_severity: Mapping[Severity, pulumi.Input[str]]
    """ARN by the label `severity` of the alerts that reach it."""
    heartbeat_arn: pulumi.Input[str]
    """Receives the alert that always fires, every few minutes."""


def values(installer: Installer, *, service_account: str, topics: AlertTopics, region: str) -> dict[str, Any]:
    """Return the values of the chart's part `alertmanager`."""
    return {
        "serviceAccount": {"name": service_account},
        # It keeps one pod, so a single one could never be evicted.
        "podDisruptionBudget": {"enabled": installer.replicas > 1},
        "config": _configuration(topics, region),
        "alertmanagerSpec": {
            "image": installer.registry("quay.io"),
            "replicas": installer.replicas,
            # Silences outlive a restart.
            "storage": {"volumeClaimTemplate": {"spec": claim(1)}},
            "resources": resources("20m", "64Mi", memory_limit="128Mi"),
            "nodeSelector": WEB_TIER,
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": "alertmanager"}),
        },
    }


def _configuration(topics: AlertTopics, region: str) -> dict[str, Any]:
    """Return Alertmanager's configuration: alerts of another severity reach no topic, and are seen in Grafana alone.

    Watchdog always fires. While it is published, Prometheus and Alertmanager work; where it is not, an alarm in
    CloudWatch fires. Requests to SNS are signed with the pod's credentials: `sns_configs` and `sigv4_config` of https://prometheus.io/docs/alerting/latest/configuration/.
    """

    def publish(topic_arn: pulumi.Input[str], *, resolved: bool) -> dict[str, Any]:
        return {
            "topic_arn": topic_arn,
            "sigv4": {"region": region},
            # SNS takes a hundred characters, and the default names every label.
            "subject": "{{ .Status | toUpper }} {{ .GroupLabels.severity }}: {{ .GroupLabels.alertname }}",
            "send_resolved": resolved,
        }

    return {
        "route": {
            "receiver": "nobody",
            "group_by": ["namespace", "alertname", "severity"],
            "routes": [
                {
                    "receiver": "heartbeat",
                    "matchers": ['alertname = "Watchdog"'],
                    "group_wait": "0s",
                    "group_interval": "1m",
                    "repeat_interval": "4m",
                },
                *({"receiver": severity, "matchers": [f'severity = "{severity}"']} for severity in topics.by_severity),
            ],
        },
        "receivers": [
            {"name": "nobody"},
            {
                "name": "heartbeat",
                "sns_configs": [publish(topics.heartbeat_arn, resolved=False)],
            },
            *(
                {"name": severity, "sns_configs": [publish(arn, resolved=True)]}
                for severity, arn in topics.by_severity.items()
            ),
        ],
    }
