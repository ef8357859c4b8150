"""Jaeger: keeps and shows traces.

Not in OpenSearch: whoever writes there has to be mapped to a role within it, and traces would share their disk with the
logs. One Jaeger writes to a volume of its own instead (Badger, https://www.jaegertracing.io/docs/latest/storage/badger/).
The price: Badger has one writer, so there is one pod, in the zone of its volume; while it restarts, the collector
retries for a few minutes and then drops spans, and nobody can look at traces. Dev and integration keep the newest
traces in memory, until the next restart.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import RESTRICTED, WEB_TIER, Chart, Installer, resources
from components.apps.storage_class import claim
from components.namespaces import MONITORING

CHART = Chart("jaeger", MONITORING)
_CLAIM = "jaeger-traces"
_FOLDER = "/badger"
_VOLUME_GIB = 50
_KEPT = "72h"
_TRACES_IN_MEMORY = 20_000


@dataclass(frozen=True, kw_only=True)
class JaegerArgs:
    """Arguments of Jaeger."""

    installer: Installer
    """Where controllers run twice, traces are kept on a volume."""


class Jaeger(pulumi.ComponentResource):
    """Traces for three days on an encrypted volume where they matter; the newest in memory where they do not."""

    def __init__(self, name: str, args: JaegerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Jaeger", name, None, opts)
        installer = args.installer

        kept = installer.replicas > 1
        traces = [self._make_volume(installer)] if kept else []
        config = _config(_badger() if kept else {"memory": {"max_traces": _TRACES_IN_MEMORY}})
        installer.install(
            CHART,
            {
                "userconfig": config,
                "jaeger": {
                    # The chart's registry is Docker Hub, from which ECR takes nothing without a login; it is the same.
                    "image": {"registry": installer.place_of("quay.io")},
                    # Mounted as a single file, which is never renewed in a running pod
                    # (https://kubernetes.io/docs/concepts/storage/volumes/#using-subpath): a change makes a new pod.
                    "podLabels": {"ai-prism.com/userconfig": _fingerprint(config)},
                    "replicas": 1,
                    "nodeSelector": WEB_TIER,
                    "podSecurityContext": {"runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001},
                    "securityContext": RESTRICTED,
                    "resources": resources("100m", "512Mi", memory_limit="1Gi"),
                    "serviceAccount": {"automountServiceAccountToken": False},
                    **(_mounted() if kept else {}),
                },
            },
            parent=self,
            after=traces,
        )
        self.register_outputs({})

    def _make_volume(self, installer: Installer) -> kubernetes.core.v1.PersistentVolumeClaim:
        return kubernetes.core.v1.PersistentVolumeClaim(
            _CLAIM,
            metadata={
                "name": _CLAIM,
                "namespace": MONITORING,
                # It is bound once the first pod asks for it, which comes later.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=claim(_VOLUME_GIB),
            opts=installer.inside(MONITORING, self),
        )


def _fingerprint(config: Mapping[str, Any]) -> str:
    """Return what changes with the configuration, short enough for a label: the chart offers no annotations of pods."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def _badger() -> dict[str, Any]:
    folders = {"keys": f"{_FOLDER}/keys", "values": f"{_FOLDER}/values"}
    return {"badger": {"directories": folders, "ephemeral": False, "ttl": {"spans": _KEPT}}}


def _mounted() -> dict[str, Any]:
    return {
        "extraVolumes": [{"name": "traces", "persistentVolumeClaim": {"claimName": _CLAIM}}],
        "extraVolumeMounts": [{"name": "traces", "mountPath": _FOLDER}],
    }


def _config(store: Mapping[str, Any]) -> dict[str, Any]:
    """Return Jaeger's own configuration for all in one (cmd/jaeger/internal/all-in-one.yaml), but with OTLP alone."""
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
            "telemetry": {
                "resource": {"service.name": "jaeger"},
                "metrics": {
                    "readers": [{"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": 8888}}}}]  # noqa: S104
                },
            },
        },
        "extensions": {
            "jaeger_query": {
                "storage": {"traces": "traces"},
                "http": {"endpoint": "0.0.0.0:16686"},
                "grpc": {"endpoint": "0.0.0.0:16685"},
            },
            "jaeger_storage": {"backends": {"traces": dict(store)}},
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": "0.0.0.0:13133"}},
        },
        "receivers": {
            "otlp": {
                "protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}},
            }
        },
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "traces"}},
    }
