"""OpenTelemetry Collector: takes traces from pods, in OTLP, and hands them to Jaeger."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.installer import RESTRICTED, WEB_TIER, Chart, Installer, resources, spread
from components.namespaces import MONITORING

CHART = Chart("opentelemetry-collector", MONITORING)


@dataclass(frozen=True, kw_only=True)
class OpenTelemetryCollectorArgs:
    """Arguments of OpenTelemetryCollector."""

    installer: Installer


class OpenTelemetryCollector(pulumi.ComponentResource):
    """One address for all traces, on which pods neither wait for the storage behind it nor depend."""

    def __init__(self, name: str, args: OpenTelemetryCollectorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:OpenTelemetryCollector", name, None, opts)
        installer = args.installer

        installer.install(
            CHART,
            {
                "mode": "deployment",
                "replicaCount": installer.replicas,
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": CHART.name}),
                # The distribution for Kubernetes has all that is used here, and less than the one with everything.
                "image": {
                    "repository": installer.place_of(
                        "ghcr.io/open-telemetry/opentelemetry-collector-releases/opentelemetry-collector-k8s"
                    )
                },
                "command": {"name": "otelcol-k8s"},
                "nodeSelector": WEB_TIER,
                "securityContext": {**RESTRICTED, "runAsUser": 10001},
                "resources": resources("100m", "256Mi", memory_limit="512Mi"),
                "ports": {
                    "metrics": {"enabled": True},
                    **{
                        port: {"enabled": False}
                        for port in ("jaeger-compact", "jaeger-thrift", "jaeger-grpc", "zipkin")
                    },
                },
                "serviceMonitor": {"enabled": True},
                # Instead of the chart's, whose other receivers could not be taken away.
                "alternateConfig": _CONFIG,
            },
            parent=self,
            budgets=[CHART.name],
        )
        self.register_outputs({})


_CONFIG: Mapping[str, Any] = {
    "receivers": {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": "${env:MY_POD_IP}:4317"},
                "http": {"endpoint": "${env:MY_POD_IP}:4318"},
            }
        }
    },
    "processors": {
        # First in the pipeline: it refuses what would not fit, and clients try again.
        # https://github.com/open-telemetry/opentelemetry-collector/blob/main/processor/memorylimiterprocessor/README.md
        "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 25},
        "batch": {},
    },
    # Within the namespace, in plain text as Jaeger listens; no network policy lets anybody else in there.
    "exporters": {"otlp": {"endpoint": f"jaeger.{MONITORING}:4317", "tls": {"insecure": True}}},
    # What the chart's probes ask.
    "extensions": {"health_check": {"endpoint": "${env:MY_POD_IP}:13133"}},
    "service": {
        "extensions": ["health_check"],
        "telemetry": {
            "metrics": {"readers": [{"pull": {"exporter": {"prometheus": {"host": "${env:MY_POD_IP}", "port": 8888}}}}]}
        },
        "pipelines": {
            "traces": {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": ["otlp"]}
        },
    },
}
