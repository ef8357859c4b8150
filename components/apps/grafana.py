"""Grafana, as a part of kube-prometheus-stack: dashboards, and no secret of any other namespace."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.installer import WEB_TIER, Installer, resources
from components.apps.rights import WATCH, grant
from components.namespaces import APPLICATION, MONITORING

_ACCOUNT = "kube-prometheus-stack-grafana"


def let_read_dashboards(installer: Installer, parent: pulumi.Resource) -> kubernetes.rbac.v1.RoleBinding:
    """Let Grafana read the application's ConfigMaps; the Role that the chart would make there reads Secrets as well."""
    rules = [("", ["configmaps"], WATCH)]
    return grant(_ACCOUNT, MONITORING, rules, installer=installer, parent=parent, name="grafana-dashboards")


def values(installer: Installer) -> dict[str, Any]:
    """Return the values of the chart's part `grafana`."""
    return {
        # What it shows lies in ConfigMaps and in git, so it keeps nothing. Two would know each other's sessions
        # only by a database.
        "replicas": 1,
        "image": installer.registry("docker.io"),
        "persistence": {"enabled": False},
        "testFramework": {"enabled": False},
        "nodeSelector": WEB_TIER,
        "resources": resources("100m", "256Mi", memory_limit="512Mi"),
        # A Role where it runs. By default it may read the Secrets of all namespaces:
        # https://github.com/grafana-community/helm-charts/blob/main/charts/grafana/templates/clusterrole.yaml
        "rbac": {"namespaced": True},
        "serviceAccount": {"name": _ACCOUNT},
        "sidecar": {
            "image": installer.registry("quay.io"),
            "resources": resources("10m", "96Mi", memory_limit="128Mi"),
            "dashboards": {
                "searchNamespace": [MONITORING, APPLICATION],
                "resource": "configmap",
                "label": "grafana_dashboard",
                "labelValue": "1",
            },
            "datasources": {"resource": "configmap"},
        },
        "additionalDataSources": [
            {"name": "Jaeger", "uid": "jaeger", "type": "jaeger", "url": f"http://jaeger.{MONITORING}:16686"}
        ],
        # The administrator's password is made in the cluster by the chart. People come through kubectl's
        # port-forward; there is no way in from outside.
        "grafana.ini": {
            "auth.anonymous": {"enabled": False},
            "users": {"allow_sign_up": False},
            "analytics": {"reporting_enabled": False, "check_for_updates": False},
        },
    }
