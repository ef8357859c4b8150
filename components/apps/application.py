"""The application: its Argo CD Application, and the values that the program hands over to its chart."""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.argo_cd import CLUSTER
from components.apps.argo_cd_configuration import PROJECT
from components.apps.external_secrets import STORE
from components.apps.flagger import LOAD_TESTER_URL, PROMETHEUS_URL
from components.apps.installer import make_object
from components.apps.istio import GATEWAY_LABEL
from components.database import DATABASE
from components.identity import DATABASE_USER
from components.namespaces import APPLICATION, ARGO_CD, MONITORING

NAME = "ai-prism"
CHART_PATH = "charts/ai-prism"
WORKLOADS = ("api", "web", "worker")
"""Of the chart; each has an image, and a Deployment called after it."""
_COLLECTOR_URL = f"http://opentelemetry-collector.{MONITORING}:4317"


@dataclass(frozen=True, kw_only=True)
class Handover:
    """The addresses and names of what the program makes for the application."""

    host: str
    """Under which clients reach the API."""
    images: Mapping[str, pulumi.Input[str]]
    """Repositories, by workload."""
    database_host: pulumi.Input[str]
    database_reader_host: pulumi.Input[str]
    database_secret_arn: pulumi.Input[str]
    api_keys_secret_arn: pulumi.Input[str]
    cache_host: pulumi.Input[str]
    cache_reader_host: pulumi.Input[str]
    cache_replication_group: pulumi.Input[str]
    cache_user: str
    documents_bucket: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ApplicationArgs:
    """Arguments of Application."""

    environment: str
    """Kind of the environment, whose file of values the chart takes."""
    repository: str
    """Address of the git repository with the chart."""
    revision: str
    """Branch, tag or commit."""
    region: str
    vpc_cidr: ipaddress.IPv4Network
    service_accounts: Mapping[str, str]
    """By workload; pods have the role that is associated with theirs."""
    handover: Handover
    after: Sequence[pulumi.Resource]
    """Argo CD with its project, and the controllers of the kinds that the chart makes: there before the application,
    and until it is gone, since deleting each of its objects takes its controller."""


class Application(pulumi.ComponentResource):
    """The application as its repository has it: healed, pruned, and gone before whatever made it or runs it.

    An update does not wait for it to be healthy: on the first one there are neither images nor values of secrets yet.
    """

    def __init__(self, name: str, args: ApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:Application", name, None, opts)

        make_object(
            NAME,
            "argoproj.io/v1alpha1",
            "Application",
            {
                "project": PROJECT,
                "destination": {"server": CLUSTER, "namespace": APPLICATION},
                "source": {
                    "repoURL": args.repository,
                    "targetRevision": args.revision,
                    "path": CHART_PATH,
                    "helm": {
                        "releaseName": NAME,
                        "valueFiles": [f"values-{args.environment}.yaml"],
                        "parameters": [
                            {"name": f"handover.{key}", "value": value, "forceString": True}
                            for key, value in handover(args).items()
                        ],
                    },
                },
                "syncPolicy": _SYNC_POLICY,
                "ignoreDifferences": ignored_differences(WORKLOADS),
            },
            namespace=ARGO_CD,
            # The objects that it made are deleted first, while their controllers are there.
            metadata={"finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.after,
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


def handover(args: ApplicationArgs) -> Mapping[str, pulumi.Input[str]]:
    """Return the values under `handover` that the chart requires, by path."""
    made = args.handover
    return {
        "region": args.region,
        "vpcCidr": str(args.vpc_cidr),
        "host": made.host,
        **{f"images.{workload}": made.images[workload] for workload in WORKLOADS},
        "serviceAccounts.api": args.service_accounts["api"],
        "serviceAccounts.worker": args.service_accounts["worker"],
        "database.host": made.database_host,
        "database.readerHost": made.database_reader_host,
        "database.name": DATABASE,
        "database.user": DATABASE_USER,
        "database.secretArn": made.database_secret_arn,
        "apiKeysSecretArn": made.api_keys_secret_arn,
        "cache.host": made.cache_host,
        "cache.readerHost": made.cache_reader_host,
        "cache.replicationGroup": made.cache_replication_group,
        "cache.user": made.cache_user,
        "documentsBucket": made.documents_bucket,
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
