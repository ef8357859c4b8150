"""All apps of the cluster, in the order in which they rest on each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.apps.application import Application, ApplicationArgs, HandoverArgs
from components.apps.argo_cd import ArgoCd, ArgoCdArgs
from components.apps.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.apps.database_access import DatabaseAccess, DatabaseAccessArgs
from components.apps.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.apps.flagger import Flagger, FlaggerArgs
from components.apps.fluent_bit import FluentBit, FluentBitArgs
from components.apps.installer import Base
from components.apps.istio import Istio, IstioArgs
from components.apps.jaeger import Jaeger, JaegerArgs
from components.apps.kube_prometheus_stack import KubePrometheusStack, KubePrometheusStackArgs
from components.apps.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.apps.nvidia_device_plugin import NvidiaDevicePlugin, NvidiaDevicePluginArgs
from components.apps.opentelemetry_collector import OpenTelemetryCollector, OpenTelemetryCollectorArgs
from components.apps.prometheus_adapter import PrometheusAdapter, PrometheusAdapterArgs
from components.apps.search_access import SearchAccess, SearchAccessArgs
from components.apps.storage_class import EncryptedVolumes, EncryptedVolumesArgs
from components.cluster import Cluster
from components.foundation import Foundation
from components.identity import Identity
from components.image_cache import ImageCache
from components.namespaces import APPLICATION, Namespaces
from components.network import Network
from components.observability import Observability
from components.search import Search
from settings import stack as settings


@dataclass(frozen=True)
class AppsArgs:
    """What Apps rests on."""

    foundation: Foundation
    namespaces: Namespaces
    cluster: Cluster
    network: Network
    identity: Identity
    observability: Observability
    search: Search | None
    """Where logs go; CloudWatch takes them where there is none."""
    log_reader_arns: Sequence[str]
    """IAM roles that may search the logs."""
    charts: settings.Charts
    image_cache: ImageCache
    gitops: settings.Gitops
    handover: HandoverArgs
    """What the application's chart is told."""


class Apps(pulumi.ComponentResource):
    """Charts installed one behind the other: webhooks before what they look at, kinds before objects of them."""

    def __init__(self, name: str, args: AppsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Apps", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        twice = args.foundation.location.environment in {"staging", "prod"}
        base = Base(
            args.foundation,
            args.namespaces,
            args.charts.source,
            images=args.image_cache.places,
            replicas=2 if twice else 1,
            # No pod asks for an image of the cache before there is one.
            behind=(args.image_cache,),
        )

        balancing = LoadBalancerController(
            "load-balancer-controller",
            LoadBalancerControllerArgs(base, args.cluster, args.network, args.identity),
            child,
        )
        # Its webhooks look at bindings, and at pods that the balancer has to find ready: none comes before it.
        base = base.after(balancing)
        base = self._watch(base, args)
        self._deliver(base, args)
        self.register_outputs({})

    def _watch(self, base: Base, args: AppsArgs) -> Base:
        """Install what sees and keeps metrics, traces and logs; return a base whose charts can be watched."""
        child = pulumi.ResourceOptions(parent=self)
        volumes = EncryptedVolumes("volumes", EncryptedVolumesArgs(base), child)
        base = base.after(volumes)
        metrics = KubePrometheusStack(
            "kube-prometheus-stack", KubePrometheusStackArgs(base, args.identity, args.observability), child
        )
        # Its kinds say what is to be watched.
        base = base.after(metrics)
        PrometheusAdapter("prometheus-adapter", PrometheusAdapterArgs(base), child)
        ClusterAutoscaler("cluster-autoscaler", ClusterAutoscalerArgs(base, args.cluster, args.identity), child)
        NvidiaDevicePlugin("nvidia-device-plugin", NvidiaDevicePluginArgs(base), child)
        jaeger = Jaeger("jaeger", JaegerArgs(base), child)
        OpenTelemetryCollector("opentelemetry-collector", OpenTelemetryCollectorArgs(base.after(jaeger)), child)
        access = args.search and SearchAccess(
            "search-access", SearchAccessArgs(base, args.identity, args.search, args.log_reader_arns), child
        )
        FluentBit("fluent-bit", FluentBitArgs(base, args.identity, args.observability, args.search, access), child)
        return base

    def _deliver(self, base: Base, args: AppsArgs) -> None:
        """Install what runs the application, and last the application itself."""
        child = pulumi.ResourceOptions(parent=self)
        given = args.handover
        secrets = ExternalSecrets("external-secrets", ExternalSecretsArgs(base, args.identity), child)
        mesh = Istio("istio", IstioArgs(base, given.entrance), child)
        flagger = Flagger("flagger", FlaggerArgs(base.after(mesh)), child)
        argo_cd = ArgoCd("argo-cd", ArgoCdArgs(base, args.gitops, given.secrets, secrets), child)
        access = DatabaseAccess(
            "database-access",
            DatabaseAccessArgs(base=base, identity=args.identity, database=given.database, vpc_cidr=given.vpc_cidr),
            child,
        )
        Application(
            "application",
            ApplicationArgs(
                base,
                args.gitops,
                argo_cd,
                given,
                [*base.behind, access.granted, secrets, secrets.stores[APPLICATION], mesh, flagger],
            ),
            child,
        )
