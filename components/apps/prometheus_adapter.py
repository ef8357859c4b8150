"""Prometheus Adapter: lets autoscalers ask for `active_requests` of a pod."""

from dataclasses import dataclass

import pulumi

from components.apps.installer import WEB_TIER, Chart, Installer, resources, spread
from components.namespaces import MONITORING, PROMETHEUS_PORT

CHART = Chart("prometheus-adapter", MONITORING)
METRIC = "active_requests"


@dataclass(frozen=True, kw_only=True)
class PrometheusAdapterArgs:
    """Arguments of PrometheusAdapter."""

    installer: Installer


class PrometheusAdapter(pulumi.ComponentResource):
    """One metric, and no other, for autoscalers; gone before the namespaces, whose deletion its API would hold up."""

    def __init__(self, name: str, args: PrometheusAdapterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:PrometheusAdapter", name, None, opts)
        installer = args.installer

        installer.install(
            CHART,
            {
                "image": {"repository": installer.place_of("registry.k8s.io/prometheus-adapter/prometheus-adapter")},
                "replicas": installer.replicas,
                "podDisruptionBudget": {"enabled": installer.replicas > 1, **installer.disruption_budget},
                "topologySpreadConstraints": spread({"app.kubernetes.io/name": "prometheus-adapter"}),
                "nodeSelector": WEB_TIER,
                "resources": resources("50m", "128Mi", memory_limit="256Mi"),
                "prometheus": {"url": f"http://prometheus-operated.{MONITORING}", "port": PROMETHEUS_PORT},
                # CPU and memory are metrics-server's to answer.
                "rules": {"default": False, "custom": [_RULE]},
            },
            parent=self,
        )
        self.register_outputs({})


# https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md
_RULE = {
    "seriesQuery": f'{METRIC}{{namespace!="",pod!=""}}',
    "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
    "name": {"matches": METRIC, "as": METRIC},
    "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)",
}
