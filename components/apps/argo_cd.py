"""Argo CD: keeps the application as the repository says, within what its project allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.argo_cd_configuration import METRICS, PROJECT, configuration, notifications, roles
from components.apps.argo_cd_rights import CONTROLLER, KINDS, SERVER, rights_of_controller, rights_of_server
from components.apps.argo_cd_secrets import make_secret, secret_specs
from components.apps.installer import WEB_TIER, Chart, Installer, make_object, resources, spread
from components.apps.rights import grant
from components.namespaces import APPLICATION, ARGO_CD
from components.stack_context import StackContext
from settings.delivery import Gitops

CHART = Chart("argo-cd", ARGO_CD)
CLUSTER = "https://kubernetes.default.svc"
"""The cluster that Argo CD itself is in."""

_NOT_ITS_OWN = (
    ("networking.k8s.io", "NetworkPolicy", "default-deny"),
    ("networking.k8s.io", "NetworkPolicy", "needed-flows"),
    ("", "ConfigMap", "istio-ca-root-cert"),
)
"""Of the kinds that Argo CD looks at, what the program and the mesh put into the application's namespace."""


@dataclass(frozen=True, kw_only=True)
class ArgoCdArgs:
    """Arguments of ArgoCd."""

    installer: Installer
    context: StackContext
    settings: Gitops
    secret_arn: pulumi.Input[str]
    """Secret with the credentials of the login, of a private repository, and of notifications."""
    secret_store: Sequence[pulumi.Resource]
    """External Secrets and the store of the namespace: there before the first of Argo CD's secrets, and until the last
    one is gone."""


class ArgoCd(pulumi.ComponentResource):
    """Argo CD that everybody may look at and one group may use, for one project: one repository, one namespace.

    Kubernetes refuses it all other namespaces, whatever its project says.
    """

    project: pulumi.Resource

    def __init__(self, name: str, args: ArgoCdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ArgoCd", name, None, opts)
        installer = args.installer

        rights = [
            grant(account, ARGO_CD, rules, installer=installer, parent=self)
            for account, rules in ((CONTROLLER, rights_of_controller()), (SERVER, rights_of_server()))
        ]
        opts_of_secrets = pulumi.ResourceOptions(parent=self, depends_on=[*args.secret_store, *installer.after])
        secrets = [
            make_secret(spec, args.secret_arn, opts_of_secrets)
            for spec in secret_specs(args.settings, notified=_notified(args.context))
        ]
        release = installer.install(
            CHART,
            _values(args),
            parent=self,
            after=[*rights, *secrets],
            budgets=("argocd-server", "argocd-repo-server"),
        )
        self.project = make_object(
            PROJECT,
            "argoproj.io/v1alpha1",
            "AppProject",
            _project(args.settings, args.context),
            namespace=ARGO_CD,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release], deleted_with=release),
        )
        self.register_outputs({})


def _notified(context: StackContext) -> bool:
    """Return whether failed synchronisations are reported; the ones of dev are seen on Argo CD's page alone."""
    return context.environment != "dev"


def _values(args: ArgoCdArgs) -> dict[str, Any]:
    """Return the chart's values."""
    installer = args.installer
    replicas = {"replicas": installer.replicas}
    return {
        "global": {
            "image": {"repository": installer.place_of("quay.io/argoproj/argocd")},
            "nodeSelector": WEB_TIER,
            # The chart puts in the labels of each of its components.
            "topologySpreadConstraints": spread(),
            # The namespace has its own, and policies add up: the chart's would let everybody in.
            "networkPolicy": {"create": False},
            "logging": {"format": "json"},
        },
        # Those of its own namespace are left; the program grants the rest.
        "createClusterRoles": False,
        "configs": {
            "cm": configuration(args.settings, administrator=args.context.environment == "dev"),
            "rbac": roles(args.settings.single_sign_on),
            "clusterCredentials": {"in-cluster": _ONE_NAMESPACE},
        },
        # A second one would take other clusters, and there are none.
        "controller": {**METRICS, "resources": resources("250m", "512Mi", memory_limit="1Gi")},
        "server": {**METRICS, **replicas, "resources": resources("50m", "128Mi", memory_limit="256Mi")},
        "repoServer": {**METRICS, **replicas, "resources": resources("100m", "256Mi", memory_limit="512Mi")},
        "notifications": _notifications(args),
        # A cache: what is lost with it is computed again.
        "redis": {
            "image": {"repository": installer.place_of("public.ecr.aws/docker/library/redis")},
            "resources": resources("50m", "64Mi", memory_limit="128Mi"),
        },
        "redisSecretInit": {"resources": resources("20m", "64Mi", memory_limit="128Mi")},
        # One application, made by the program.
        "applicationSet": {"replicas": 0},
        # People log in at the company's own provider.
        "dex": {"enabled": False},
    }


def _notifications(args: ArgoCdArgs) -> dict[str, Any]:
    if not _notified(args.context):
        return {"enabled": False}
    return {
        "enabled": True,
        **METRICS,
        "resources": resources("20m", "64Mi", memory_limit="128Mi"),
        **notifications(args.context.stack, args.settings.url),
    }


def _project(chosen: Gitops, context: StackContext) -> dict[str, Any]:
    return {
        "description": "The application, in its namespace, from its repository",
        "sourceRepos": [chosen.repository],
        "destinations": [{"server": CLUSTER, "namespace": APPLICATION}],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [
            {"group": group, "kind": kind} for group, kinds in KINDS.items() for kind in kinds
        ],
        "orphanedResources": {
            "warn": True,
            "ignore": [{"group": group, "kind": kind, "name": name} for group, kind, name in _NOT_ITS_OWN],
        },
        **({"syncWindows": [_working_hours(chosen.time_zone)]} if context.environment == "prod" else {}),
    }


_ONE_NAMESPACE: Mapping[str, Any] = {
    "server": CLUSTER,
    "namespaces": APPLICATION,
    # Without credentials, Argo CD uses those of its service accounts (RawRestConfig in
    # https://github.com/argoproj/argo-cd/blob/v3.4.4/pkg/apis/application/v1alpha1/types.go).
    "config": {"tlsClientConfig": {"insecure": False}},
}
"""The cluster as Argo CD sees it: one namespace, and nothing that lies outside of namespaces.

https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
"""


def _working_hours(time_zone: str) -> dict[str, Any]:
    """Return when Argo CD may change anything by itself: while people are there to look.

    Outside of it, the group of administrators may still start a synchronisation by hand: that is the override.
    Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync_windows/
    """
    return {
        "kind": "allow",
        "schedule": "0 8 * * 1-5",
        "duration": "9h",
        "timeZone": time_zone,
        "applications": ["*"],
        "manualSync": True,
    }
