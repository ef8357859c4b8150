"""The application: what Argo CD is told to run, and what the program hands over to its chart."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.argo_cd import CLUSTER, PROJECT, ArgoCd
from components.apps.external_secrets import STORE
from components.apps.flagger import LOAD_TESTER_URL, PROMETHEUS_URL
from components.apps.installer import Base, make_object
from components.apps.istio import GATEWAY_LABEL
from components.cache import Cache
from components.database import DATABASE, Database
from components.identity import DATABASE_USER, Identity
from components.load_balancer import LoadBalancer
from components.namespaces import APPLICATION, ARGO_CD, MONITORING
from components.registry import Registry
from components.secrets import Secrets
from components.storage import Storage
from settings import stack as settings

NAME = "ai-prism"
CHART_PATH = "charts/ai-prism"
WORKLOADS = ("api", "web", "worker")
"""Of the chart; each has an image, and a Deployment called after it."""
_COLLECTOR_URL = f"http://opentelemetry-collector.{MONITORING}:4317"


@dataclass(frozen=True)
class HandoverArgs:
    """What the chart has to know, and only the program does."""

    region: str
    vpc_cidr: ipaddress.IPv4Network
    identity: Identity
    database: Database
    cache: Cache
    storage: Storage
    registry: Registry
    entrance: LoadBalancer
    secrets: Secrets


@dataclass(frozen=True)
class ApplicationArgs:
    """What the application rests on and is told."""

    base: Base
    settings: settings.Gitops
    argo_cd: ArgoCd
    handover: HandoverArgs
    controllers: Sequence[pulumi.Resource]
    """Of the kinds that its chart makes: there before it, and after it, to do what the deletion of each asks for."""


class Application(pulumi.ComponentResource):
    """The application as its repository has it: healed, pruned, and gone before whatever made it or runs it.

    An update does not wait for it to be healthy: on the first one there are neither images nor values of secrets yet.
    """

    def __init__(self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Application", name, None, opts)
        given = args.settings
        environment = args.base.foundation.location.environment

        make_object(
            NAME,
            "argoproj.io/v1alpha1",
            "Application",
            {
                "project": PROJECT,
                "destination": {"server": CLUSTER, "namespace": APPLICATION},
                "source": {
                    "repoURL": given.repository,
                    "targetRevision": given.revision,
                    "path": CHART_PATH,
                    "helm": {
                        "releaseName": NAME,
                        "valueFiles": [f"values-{environment}.yaml"],
                        "parameters": [
                            {"name": f"handover.{key}", "value": value, "forceString": True}
                            for key, value in handover(args.handover).items()
                        ],
                    },
                },
                "syncPolicy": _SYNC_POLICY,
                "ignoreDifferences": ignored_differences(WORKLOADS),
            },
            namespace=ARGO_CD,
            # What it made is deleted first, which takes its controllers.
            metadata={"finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    args.argo_cd,
                    args.argo_cd.project,
                    args.handover.identity,
                    args.base.namespaces,
                    *args.controllers,
                ],
                custom_timeouts=pulumi.CustomTimeouts(delete="20m"),
            ),
        )
        self.register_outputs({})


_SYNC_POLICY: Mapping[str, Any] = {
    "automated": {"prune": True, "selfHeal": True, "allowEmpty": False},
    "syncOptions": [
        # The program owns the namespace, its labels and its limits.
        "CreateNamespace=false",
        "PrunePropagationPolicy=foreground",
        "ServerSideApply=true",
        # What is ignored when states are compared is left alone as well when one is applied.
        "RespectIgnoreDifferences=true",
    ],
    "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
}


def handover(args: HandoverArgs) -> Mapping[str, pulumi.Input[str]]:
    """Return the values under `handover` that the chart asks for, by path."""
    accounts = args.identity.service_accounts
    return {
        "region": args.region,
        "vpcCidr": str(args.vpc_cidr),
        "host": args.entrance.host,
        **{f"images.{workload}": args.registry.url(workload) for workload in WORKLOADS},
        "serviceAccounts.api": accounts["api"],
        "serviceAccounts.worker": accounts["worker"],
        "database.host": args.database.endpoint,
        "database.readerHost": args.database.reader_endpoint,
        "database.name": DATABASE,
        "database.user": DATABASE_USER,
        "database.secretArn": args.secrets.database_arn,
        "apiKeysSecretArn": args.secrets.api_keys_arn,
        "cache.host": args.cache.endpoint,
        "cache.readerHost": args.cache.reader_endpoint,
        "cache.replicationGroup": args.cache.replication_group_id,
        "cache.user": args.cache.user,
        "documentsBucket": args.storage.documents.bucket,
        "secretStore": STORE,
        "gateway": GATEWAY_LABEL,
        "prometheusUrl": PROMETHEUS_URL,
        "loadTesterUrl": LOAD_TESTER_URL,
        "collectorUrl": _COLLECTOR_URL,
    }


def ignored_differences(workloads: Iterable[str]) -> list[dict[str, Any]]:
    """Return what of the application others own: how many pods run of each workload.

    An autoscaler decides it, and Flagger scales the Deployment to zero once its copy, the primary, has taken over
    (https://docs.flagger.app/usage/how-it-works). Nothing else that Argo CD applies is changed by either: services,
    routes, and the primary with its autoscaler are Flagger's own objects, which belong to the Canary.
    """
    return [
        {
            "group": "apps",
            "kind": "Deployment",
            "namespace": APPLICATION,
            "name": f"{NAME}-{workload}",
            "jsonPointers": ["/spec/replicas"],
        }
        for workload in workloads
    ]
