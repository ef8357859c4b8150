"""All apps of the cluster, in stages: each waits for those whose kinds, webhooks or services it needs."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.apps.alertmanager import AlertTopics
from components.apps.application import Application, ApplicationArgs, Handover
from components.apps.argo_cd import ArgoCd, ArgoCdArgs
from components.apps.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.apps.database_access import DatabaseAccess, DatabaseAccessArgs
from components.apps.external_secrets import ExternalSecrets, ExternalSecretsArgs
from components.apps.flagger import Flagger, FlaggerArgs
from components.apps.fluent_bit import FluentBit, FluentBitArgs, LogGroup
from components.apps.installer import Installer
from components.apps.istio import Istio, IstioArgs
from components.apps.jaeger import Jaeger, JaegerArgs
from components.apps.kube_prometheus_stack import KubePrometheusStack, KubePrometheusStackArgs
from components.apps.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from components.apps.nvidia_device_plugin import NvidiaDevicePlugin, NvidiaDevicePluginArgs
from components.apps.opentelemetry_collector import OpenTelemetryCollector, OpenTelemetryCollectorArgs
from components.apps.prometheus_adapter import PrometheusAdapter, PrometheusAdapterArgs
from components.apps.search_access import SearchAccess, SearchAccessArgs, SearchDomain
from components.apps.storage_class import EncryptedVolumes, EncryptedVolumesArgs
from components.namespaces import APPLICATION, ARGO_CD
from components.stack_context import StackContext
from settings.delivery import Gitops


@dataclass(frozen=True, kw_only=True)
class ClusterFacts:
    """The cluster, as controllers in it need to know it."""

    name: str
    version: str
    """Minor version of Kubernetes."""
    vpc_id: pulumi.Input[str]
    vpc_cidr: ipaddress.IPv4Network
    volume_key_arn: pulumi.Input[str]
    """KMS key that encrypts the pods' volumes."""


@dataclass(frozen=True, kw_only=True)
class WorkloadRoles:
    """AWS roles of pods: a pod has the role that is associated with its service account."""

    service_accounts: Mapping[str, str]
    """By workload."""
    log_writer_arn: pulumi.Input[str]
    """Role of the log collector."""
    store_role_arns: Mapping[str, pulumi.Input[str]]
    """Roles that External Secrets assumes to read the secrets of a namespace, by namespace."""
    ready: Sequence[pulumi.Resource]
    """The associations: pods that start earlier have no credentials."""


@dataclass(frozen=True, kw_only=True)
class AppsArgs:
    """Arguments of Apps."""

    installer: Installer
    context: StackContext
    cluster: ClusterFacts
    roles: WorkloadRoles
    topics: AlertTopics
    logs: SearchDomain | LogGroup
    """Where the pods' logs are kept."""
    target_group_arn: pulumi.Input[str]
    """Of the load balancer."""
    gitops: Gitops
    argo_cd_secret_arn: pulumi.Input[str]
    owner_secret_arn: pulumi.Input[str]
    """Secret with the password of the database's owner."""
    handover: Handover


class Apps(pulumi.ComponentResource):
    """Charts and jobs in the order of their dependencies: webhooks before what they see, kinds before their objects."""

    def __init__(self, name: str, args: AppsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Apps", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        installer = args.installer
        # Its webhooks see every Service, and every pod that the load balancer has to find ready.
        installer = installer.waiting_for(self._balance(installer))
        installer = installer.waiting_for(self._make_storage_class(installer))
        # Its kinds say what is monitored.
        installer = installer.waiting_for(self._monitor(installer))
        self._scale(installer)
        self._trace(installer)
        self._collect_logs(installer)
        self._deliver(installer)
        self.register_outputs({})

    def _balance(self, installer: Installer) -> pulumi.Resource:
        args = self._args
        return LoadBalancerController(
            "load-balancer-controller",
            LoadBalancerControllerArgs(
                installer=installer,
                context=args.context,
                cluster_name=args.cluster.name,
                vpc_id=args.cluster.vpc_id,
                service_account=args.roles.service_accounts["load-balancer-controller"],
                after=args.roles.ready,
            ),
            self._child,
        )

    def _make_storage_class(self, installer: Installer) -> pulumi.Resource:
        args = self._args
        return EncryptedVolumes(
            "volumes",
            EncryptedVolumesArgs(context=args.context, key_arn=args.cluster.volume_key_arn, after=installer.ready),
            self._child,
        )

    def _monitor(self, installer: Installer) -> pulumi.Resource:
        args = self._args
        return KubePrometheusStack(
            "kube-prometheus-stack",
            KubePrometheusStackArgs(
                installer=installer,
                context=args.context,
                topics=args.topics,
                alertmanager_account=args.roles.service_accounts["alertmanager"],
                after=args.roles.ready,
            ),
            self._child,
        )

    def _scale(self, installer: Installer) -> None:
        """Install what finds room and GPUs for pods, and tells autoscalers how many there should be."""
        args = self._args
        PrometheusAdapter("prometheus-adapter", PrometheusAdapterArgs(installer=installer), self._child)
        ClusterAutoscaler(
            "cluster-autoscaler",
            ClusterAutoscalerArgs(
                installer=installer,
                region=args.context.region,
                cluster_name=args.cluster.name,
                kubernetes_version=args.cluster.version,
                service_account=args.roles.service_accounts["cluster-autoscaler"],
                after=args.roles.ready,
            ),
            self._child,
        )
        NvidiaDevicePlugin("nvidia-device-plugin", NvidiaDevicePluginArgs(installer=installer), self._child)

    def _trace(self, installer: Installer) -> None:
        jaeger = Jaeger("jaeger", JaegerArgs(installer=installer), self._child)
        OpenTelemetryCollector(
            "opentelemetry-collector",
            OpenTelemetryCollectorArgs(installer=installer.waiting_for(jaeger)),
            self._child,
        )

    def _collect_logs(self, installer: Installer) -> None:
        args, roles = self._args, self._args.roles
        ready = [*roles.ready]
        if isinstance(args.logs, SearchDomain):
            access = SearchAccess(
                "search-access",
                SearchAccessArgs(
                    installer=installer,
                    region=args.context.region,
                    domain=args.logs,
                    service_account=roles.service_accounts["search-access"],
                    writer_arn=roles.log_writer_arn,
                    after=roles.ready,
                ),
                self._child,
            )
            # The domain refuses the collector before.
            ready.append(access.granted)
        FluentBit(
            "fluent-bit",
            FluentBitArgs(
                installer=installer,
                region=args.context.region,
                destination=args.logs,
                service_account=roles.service_accounts["fluent-bit"],
                after=ready,
            ),
            self._child,
        )

    def _deliver(self, installer: Installer) -> None:
        """Install what runs the application, and last the application itself."""
        args = self._args
        secrets = ExternalSecrets(
            "external-secrets",
            ExternalSecretsArgs(
                installer=installer,
                region=args.context.region,
                service_account=args.roles.service_accounts["external-secrets"],
                store_role_arns=args.roles.store_role_arns,
                after=args.roles.ready,
            ),
            self._child,
        )
        mesh = Istio("istio", IstioArgs(installer=installer, target_group_arn=args.target_group_arn), self._child)
        flagger = Flagger("flagger", FlaggerArgs(installer=installer.waiting_for(mesh)), self._child)
        argo_cd = ArgoCd(
            "argo-cd",
            ArgoCdArgs(
                installer=installer,
                context=args.context,
                settings=args.gitops,
                secret_arn=args.argo_cd_secret_arn,
                secret_store=[secrets, secrets.stores[ARGO_CD]],
            ),
            self._child,
        )
        access = DatabaseAccess(
            "database-access",
            DatabaseAccessArgs(
                installer=installer,
                region=args.context.region,
                vpc_cidr=args.cluster.vpc_cidr,
                endpoint=args.handover.database_host,
                secret_arn=args.owner_secret_arn,
                service_account=args.roles.service_accounts["database-access"],
                after=args.roles.ready,
            ),
            self._child,
        )
        needed = [argo_cd, argo_cd.project, access.granted, secrets, secrets.stores[APPLICATION], mesh, flagger]
        Application(
            "application",
            ApplicationArgs(
                environment=args.context.environment,
                repository=args.gitops.repository,
                revision=args.gitops.revision,
                region=args.context.region,
                vpc_cidr=args.cluster.vpc_cidr,
                service_accounts=args.roles.service_accounts,
                handover=args.handover,
                after=[*installer.ready, *installer.after, *args.roles.ready, *needed],
            ),
            self._child,
        )
