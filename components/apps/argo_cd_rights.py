"""What Argo CD may do in the application's namespace; it has no rights anywhere else but in its own."""

import json
import re
from collections.abc import Mapping

from components.apps.rights import WATCH, Rule

KINDS: Mapping[str, tuple[str, ...]] = {
    "": ("ConfigMap", "Service", "ServiceAccount"),
    "apps": ("Deployment",),
    "autoscaling": ("HorizontalPodAutoscaler",),
    "external-secrets.io": ("ExternalSecret",),
    "flagger.app": ("Canary", "MetricTemplate"),
    "monitoring.coreos.com": ("PrometheusRule", "ServiceMonitor"),
    "networking.istio.io": ("Gateway",),
    "networking.k8s.io": ("NetworkPolicy",),
    "policy": ("PodDisruptionBudget",),
    "security.istio.io": ("PeerAuthentication",),
}
"""What the application may consist of, by API group: all of it in its namespace, and no Secret, Role or Ingress."""

_GROWN: Mapping[str, tuple[str, ...]] = {
    "": ("Pod",),
    "apps": ("ReplicaSet",),
    "networking.istio.io": ("DestinationRule", "VirtualService"),
}
"""What others make of it, which Argo CD's page shows below it; the Secrets among them it does not see."""

_WITH_ACTIONS: Mapping[str, tuple[str, ...]] = {"apps": ("Deployment",), "external-secrets.io": ("ExternalSecret",)}
"""Of KINDS, those for which Argo CD has actions that people start on its page, such as a restart.

https://github.com/argoproj/argo-cd/tree/v3.4.4/resource_customizations
"""

CONTROLLER, SERVER = "argocd-application-controller", "argocd-server"
"""Service accounts, as the chart calls them."""


def plural(kind: str) -> str:
    """Return what the API calls objects of a kind."""
    return re.sub(r"([^aeiou])y$", r"\1ie", kind.lower()) + "s"


def rights_of_controller() -> list[Rule]:
    """Return what keeping the application takes: each of its kinds, applied on the server and pruned.

    Hooks would take `update` besides: https://github.com/argoproj/argo-cd/blob/v3.4.4/gitops-engine/pkg/sync/sync_context.go
    """
    return [*_rules(KINDS, (*WATCH, "create", "patch", "delete")), *_rules(_GROWN, ("list", "watch"))]


def rights_of_server() -> list[Rule]:
    """Return what the page shows and offers: each object, its events, logs of pods, and actions.

    https://github.com/argoproj/argo-cd/blob/v3.4.4/server/application/application.go
    """
    return [
        *_rules(KINDS, ("get",)),
        *_rules(_GROWN, ("get",)),
        ("", ("pods/log",), ("get",)),
        ("", ("events",), ("list",)),
        *_rules(_WITH_ACTIONS, ("patch",)),
    ]


def watched() -> str:
    """Return the kinds that the controller may list, for `resource.inclusions`.

    Without it, Argo CD lists every kind that the API server has; where one is refused, it sees nothing of the cluster.
    https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#resource-exclusioninclusion
    """
    kinds = ((group, kind) for table in (KINDS, _GROWN) for group, some in table.items() for kind in some)
    by_group: dict[str, list[str]] = {}
    for group, kind in kinds:
        by_group.setdefault(group, []).append(kind)
    return json.dumps([{"apiGroups": [group], "kinds": some} for group, some in sorted(by_group.items())])


def _rules(kinds: Mapping[str, tuple[str, ...]], verbs: tuple[str, ...]) -> list[Rule]:
    return [(group, tuple(map(plural, some)), verbs) for group, some in kinds.items()]
