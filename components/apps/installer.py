"""How third-party charts are installed, and what their pods have in common."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps import archives
from components.apps.charts import location
from components.image_places import place_of
from settings import versions

_MINUTES = 10
"""How long a release may take: nodes may have to come up for it."""
CRITICAL = "system-cluster-critical"
"""Priority of what other pods cannot start without (https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/)."""


@dataclass(frozen=True)
class Chart:
    """A third-party chart. Its exact version and its repository stand in `versions.yaml`, under `pin`."""

    name: str
    """Of the release, and of what it makes: others find its services by it."""
    namespace: str
    chart: str = ""
    """What the repository calls it, where that is not the release's name."""
    pin: str = ""
    """Its entry in `versions.yaml`, where that is not the release's name."""


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Installs charts into the stack's cluster, each after what has to be there first."""

    namespaces: Mapping[str, kubernetes.core.v1.Namespace]
    """By name: what is in one of them goes with it."""
    ready: Sequence[pulumi.Resource]
    """What everything in the cluster waits for: the namespaces, with their network policies and quotas."""
    charts: str
    """Where third-party charts come from: `charts.source` of the settings."""
    images: Mapping[str, str]
    """Where the stack pulls the images of registries that it caches, by the registry's host."""
    replicas: int
    """Of every controller: two run on different nodes, as far as there are several."""
    after: Sequence[pulumi.Resource] = ()
    """What else has to be there first, such as a webhook that every new object has to pass."""

    def waiting_for(self, *resources: pulumi.Resource) -> "Installer":
        """Return an installer whose charts are installed after `resources` as well, and deleted before them."""
        return dataclasses.replace(self, after=(*self.after, *resources))

    def inside(self, namespace: str, parent: pulumi.Resource, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return the options of an object in a namespace, with which it is deleted."""
        return pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*self.ready, *self.after, *after],
            deleted_with=self.namespaces[namespace],
        )

    def place_of(self, image: str) -> str:
        """Return where nodes pull an image, or all whose names begin like it, such as a registry's."""
        return place_of(image, self.images)

    def registry(self, host: str) -> dict[str, str]:
        """Return the values of an image that is published in a registry, for charts that have them apart."""
        return {"registry": self.place_of(host)}

    def install(
        self,
        chart: Chart,
        values: Mapping[str, Any],
        *,
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource] = (),
        budgets: Sequence[str] = (),
    ) -> kubernetes.helm.v3.Release:
        """Install a chart: as a whole or not at all, within its time; what a failed attempt left is cleaned up.

        A value of None takes a default of the chart away. `budgets` names the controllers, by their label
        `app.kubernetes.io/name`, whose chart has no value by which pods that are not ready may be evicted.
        """
        pin = versions.load().charts[chart.pin or chart.name]
        published = chart.chart or chart.name
        defines = published in pin.crds
        definitions = [self._define(chart, pin.version, parent)] if defines else []
        release = kubernetes.helm.v3.Release(
            chart.name,
            name=chart.name,
            chart=location(self.charts, published, pin.version),
            version=pin.version,
            namespace=chart.namespace,
            values=marked(values),
            # Otherwise the provider drops them, and the chart's default stays.
            allow_null_values=True if None in values.values() else None,
            skip_crds=True if defines else None,
            **_CAREFULLY,
            opts=pulumi.ResourceOptions(
                parent=parent,
                depends_on=[*self.ready, *self.after, *after, *definitions],
                custom_timeouts=_timeouts(),
            ),
        )
        for app in budgets if self.replicas > 1 else ():
            self._make_budget(app, chart, release, parent)
        return release

    def _define(self, chart: Chart, version: str, parent: pulumi.Resource) -> kubernetes.helm.v3.Release:
        """Install the definitions of a chart that has them in its folder `crds`, which Helm installs once and never
        upgrades (https://helm.sh/docs/chart_best_practices/custom_resource_definitions/).

        What Helm has installed before is taken over. The chart marks all of them to be kept when the release goes.
        """
        name = archives.of_definitions(chart.name)
        return kubernetes.helm.v3.Release(
            name,
            name=name,
            chart=location(self.charts, archives.of_definitions(chart.chart or chart.name), version),
            version=version,
            namespace=chart.namespace,
            take_ownership=True,
            values=marked({}),
            **_CAREFULLY,
            opts=pulumi.ResourceOptions(
                parent=parent,
                # No pods, so no webhook has to be there first.
                depends_on=self.ready,
                custom_timeouts=_timeouts(),
            ),
        )

    @property
    def disruption_budget(self) -> dict[str, Any]:
        """Return a chart's values of a disruption budget: one pod at a time may be evicted, and any that is not ready.

        By default, a pod that is not ready may not be evicted while too few others are: a controller that fails on
        every node would keep all of them from being drained
        (https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy).
        """
        return {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}

    def _make_budget(self, app: str, chart: Chart, release: pulumi.Resource, parent: pulumi.Resource) -> None:
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{app}-budget",
            metadata={"name": f"{app}-budget", "namespace": chart.namespace},
            spec={
                "max_unavailable": self.disruption_budget["maxUnavailable"],
                "unhealthy_pod_eviction_policy": self.disruption_budget["unhealthyPodEvictionPolicy"],
                "selector": {"match_labels": {"app.kubernetes.io/name": app}},
            },
            opts=pulumi.ResourceOptions(
                parent=parent,
                # A pod that two budgets select cannot be evicted at all: the chart's own is gone by then.
                depends_on=[release],
                deleted_with=self.namespaces.get(chart.namespace),
            ),
        )


_CAREFULLY: Mapping[str, Any] = {
    "atomic": True,
    "cleanup_on_fail": True,
    "timeout": _MINUTES * 60,
    "max_history": 5,
}
"""How Helm changes anything: as a whole or not at all, within its time."""


def _timeouts() -> pulumi.CustomTimeouts:
    """Return how long the engine waits: Helm gives up first, and has as long again to roll back."""
    patience = f"{2 * _MINUTES + 2}m"
    return pulumi.CustomTimeouts(create=patience, update=patience, delete=patience)


MARK = "setByProgram"
"""The value, under `global`, that changes whenever a value is added or removed. No chart reads it."""


def marked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with a mark of which of them are set.

    When an update fails, Helm rolls back, but Pulumi's state keeps the new values. The provider notices the difference
    by comparing the values of the program with those of the release, and does not look for values that only the
    release has. Without the mark, a removal that was rolled back would never be repeated
    (https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm_release.go, Diff). It lies under
    `global`, which Helm gives to every chart and which strict schemas of charts allow
    (https://helm.sh/docs/chart_template_guide/subcharts_and_globals/#global-chart-values).
    """
    mark = hashlib.sha256("\n".join(sorted(_paths(values))).encode()).hexdigest()[:12]
    return {**values, "global": {**values.get("global", {}), MARK: mark}}


def _paths(values: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield f"{within}{key}"
        if isinstance(value, Mapping):
            yield from _paths(value, f"{within}{key}/")


WEB_TIER = {"tier": "web"}
"""Where controllers run: on demand, so that no spot market moves them."""

RESTRICTED: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Security context of a container that pod security lets into a restricted namespace."""


def spread(labels: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return constraints that put the replicas of a controller, known by `labels`, on different nodes and zones.

    Without labels they are for charts that put in those of each of their controllers.
    """
    selector = {"labelSelector": {"matchLabels": dict(labels)}} if labels else {}
    return [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", **selector}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def resources(cpu: str, memory: str, *, memory_limit: str = "") -> dict[str, dict[str, str]]:
    """Return requests, and a limit of memory, that of the request by default. CPU above the request is shared."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory_limit or memory}}


def make_object(
    name: str,
    api_version: str,
    kind: str,
    spec: Mapping[str, Any],
    *,
    namespace: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    opts: pulumi.ResourceOptions,
) -> kubernetes.apiextensions.CustomResource:
    """Make a custom resource called `name`; `opts` say who its parent is, and after which chart it comes."""
    where = {"namespace": namespace} if namespace else {}
    return kubernetes.apiextensions.CustomResource(
        name,
        api_version=api_version,
        kind=kind,
        metadata={"name": name, **where, **(metadata or {})},
        spec=dict(spec),
        opts=opts,
    )
