"""Argo CD: keeps the application as the repository says, within what its project allows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.apps.argo_cd_rights import CONTROLLER, KINDS, SERVER, rights_of_controller, rights_of_server, watched
from components.apps.external_secrets import ARGO_CD_STORE, ExternalSecrets
from components.apps.installer import WEB_TIER, Base, Chart, make_object, resources, spread
from components.apps.rights import grant
from components.namespaces import APPLICATION, ARGO_CD
from components.secrets import Secrets
from settings import stack as settings

CHART = Chart("argo-cd", ARGO_CD)
PROJECT = "ai-prism"
CLUSTER = "https://kubernetes.default.svc"
"""The cluster that Argo CD itself is in."""

_NOT_ITS_OWN = (
    ("networking.k8s.io", "NetworkPolicy", "default-deny"),
    ("networking.k8s.io", "NetworkPolicy", "needed-flows"),
    ("", "ConfigMap", "istio-ca-root-cert"),
)
"""Of the kinds that Argo CD looks at, what the program and the mesh put into the application's namespace."""

_SINGLE_SIGN_ON, _NOTIFICATIONS, _REPOSITORY = "argocd-oidc", "argocd-notifications-secret", "argocd-repository"
_WEBHOOK = "operators"


@dataclass(frozen=True)
class ArgoCdArgs:
    """What Argo CD rests on and is told."""

    base: Base
    settings: settings.Gitops
    secrets: Secrets
    external_secrets: ExternalSecrets


class ArgoCd(pulumi.ComponentResource):
    """Argo CD that everybody may look at and one group may use, for one project: one repository, one namespace.

    Kubernetes refuses it all other namespaces, whatever its project says.
    """

    project: pulumi.Resource

    def __init__(self, name: str, args: ArgoCdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ArgoCd", name, None, opts)
        self._args, self._settings = args, args.settings
        self._environment = args.base.foundation.location.environment
        self._told = self._environment != "dev"

        rights = [
            grant(account, ARGO_CD, rules, base=args.base, parent=self)
            for account, rules in ((CONTROLLER, rights_of_controller()), (SERVER, rights_of_server()))
        ]
        release = args.base.install(
            CHART,
            self._values(),
            parent=self,
            after=[*rights, *self._make_secrets()],
            budgets=("argocd-server", "argocd-repo-server"),
        )
        self.project = self._make_project(release)
        self.register_outputs({})

    def _values(self) -> dict[str, Any]:
        base = self._args.base
        twice = {"replicas": base.replicas}
        return {
            "global": {
                "image": {"repository": base.place_of("quay.io/argoproj/argocd")},
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
                "cm": self._configuration(),
                "rbac": self._roles(),
                "clusterCredentials": {"in-cluster": _ONE_NAMESPACE},
            },
            # A second one would take other clusters, and there are none.
            "controller": {**_WATCHED, "resources": resources("250m", "512Mi", memory_limit="1Gi")},
            "server": {**_WATCHED, **twice, "resources": resources("50m", "128Mi", memory_limit="256Mi")},
            "repoServer": {**_WATCHED, **twice, "resources": resources("100m", "256Mi", memory_limit="512Mi")},
            "notifications": {"enabled": self._told, **(self._notifications() if self._told else {})},
            # A cache: what is lost with it is computed again.
            "redis": {
                "image": {"repository": base.place_of("public.ecr.aws/docker/library/redis")},
                "resources": resources("50m", "64Mi", memory_limit="128Mi"),
            },
            "redisSecretInit": {"resources": resources("20m", "64Mi", memory_limit="128Mi")},
            # One application, made by the program.
            "applicationSet": {"replicas": 0},
            # People log in at the company's own provider.
            "dex": {"enabled": False},
        }

    def _configuration(self) -> dict[str, Any]:
        """Return argocd-cm (https://argo-cd.readthedocs.io/en/stable/operator-manual/argocd-cm-yaml/).

        Argo CD itself knows when a Canary or an ExternalSecret is healthy, so nothing is said of it here
        (https://github.com/argoproj/argo-cd/tree/master/resource_customizations).
        """
        chosen = self._settings.single_sign_on
        single_sign_on = chosen and {
            "name": "single sign-on",
            "issuer": chosen.issuer,
            "clientID": chosen.client_id,
            "clientSecret": f"${_SINGLE_SIGN_ON}:clientSecret",
            "requestedScopes": ["openid", "profile", "email", "groups"],
        }
        return {
            "url": self._settings.url,
            "admin.enabled": self._environment == "dev",
            "resource.inclusions": watched(),
            **({"oidc.config": json.dumps(single_sign_on)} if single_sign_on else {}),
        }

    def _roles(self) -> dict[str, str]:
        """Return who may do what (https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/)."""
        chosen = self._settings.single_sign_on
        # Quoted, since a group's name may have a comma in it.
        group = (chosen.admins if chosen else "").replace('"', '""')
        rules = [f"p, role:releaser, applications, {action}, {PROJECT}/*, allow" for action in _RELEASING]
        return {
            "policy.default": "role:readonly",
            "policy.csv": "\n".join([*rules, f'g, "{group}", role:releaser']) if chosen else "",
        }

    def _notifications(self) -> dict[str, Any]:
        """Tell of failed synchronisations, by a webhook that takes a text, such as a chat's.

        Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/
        """
        text = "{{.app.metadata.name}}: synchronisation {{.app.status.operationState.phase}}"
        stack = self._args.base.foundation.location.stack
        body = {"text": f"{stack}: {text}: {{{{.context.argocdUrl}}}}/applications/{{{{.app.metadata.name}}}}"}
        return {
            **_WATCHED,
            "resources": resources("20m", "64Mi", memory_limit="128Mi"),
            "argocdUrl": self._settings.url,
            # Made by an ExternalSecret.
            "secret": {"create": False, "name": _NOTIFICATIONS},
            "notifiers": {
                f"service.webhook.{_WEBHOOK}": json.dumps(
                    {"url": "$webhook-url", "headers": [{"name": "Content-Type", "value": "application/json"}]}
                )
            },
            "templates": {
                "template.sync-failed": json.dumps(
                    {"webhook": {_WEBHOOK: {"method": "POST", "body": json.dumps(body)}}}
                )
            },
            "triggers": {
                "trigger.on-sync-failed": json.dumps(
                    [{"when": "app.status.operationState.phase in ['Error', 'Failed']", "send": ["sync-failed"]}]
                )
            },
            "subscriptions": [{"recipients": [_WEBHOOK], "triggers": ["on-sync-failed"]}],
        }

    def _make_secrets(self) -> list[pulumi.Resource]:
        """Make what Argo CD finds by name or label; each holds no more of the secret than its reader needs."""
        made: list[pulumi.Resource] = []
        if self._settings.single_sign_on:
            made.append(
                self._make_secret(
                    _SINGLE_SIGN_ON,
                    {"clientSecret": "oidcClientSecret"},
                    # https://argo-cd.readthedocs.io/en/stable/operator-manual/user-management/#sensitive-data-and-sso-client-secrets
                    labels={"app.kubernetes.io/part-of": "argocd"},
                )
            )
        if self._told:
            made.append(self._make_secret(_NOTIFICATIONS, {"webhook-url": "webhookUrl"}))
        if self._settings.private:
            made.append(
                self._make_secret(
                    _REPOSITORY,
                    {"username": "repositoryUsername", "password": "repositoryPassword"},
                    labels={"argocd.argoproj.io/secret-type": "repository"},
                    data={"type": "git", "url": self._settings.repository},
                )
            )
        return made

    def _make_secret(
        self,
        name: str,
        keys: Mapping[str, str],
        *,
        labels: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
    ) -> pulumi.Resource:
        """Make an ExternalSecret: keys of the Secret by property, labels, and data that are no secret.

        Deleted for real, while its controller is there to do what its deletion asks for.
        """
        arn = self._args.secrets.argo_cd_arn
        return make_object(
            name,
            "external-secrets.io/v1",
            "ExternalSecret",
            {
                "refreshInterval": "1h",
                "secretStoreRef": {"kind": "ClusterSecretStore", "name": ARGO_CD_STORE},
                "target": {
                    "name": name,
                    "creationPolicy": "Owner",
                    # What is gone in Secrets Manager is an error, and Argo CD keeps what it has. With Delete it would
                    # lose its log-in and its repository, and nothing would tell.
                    # https://external-secrets.io/latest/guides/ownership-deletion-policy/
                    "deletionPolicy": "Retain",
                    "template": {
                        "mergePolicy": "Merge",
                        "metadata": {"labels": dict(labels or {})},
                        "data": dict(data or {}),
                    },
                },
                "data": [{"secretKey": key, "remoteRef": {"key": arn, "property": prop}} for key, prop in keys.items()],
            },
            namespace=ARGO_CD,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    self._args.external_secrets,
                    self._args.external_secrets.stores[ARGO_CD],
                    *self._args.base.behind,
                ],
            ),
        )

    def _make_project(self, release: kubernetes.helm.v3.Release) -> pulumi.Resource:
        return make_object(
            PROJECT,
            "argoproj.io/v1alpha1",
            "AppProject",
            {
                "description": "The application, in its namespace, from its repository",
                "sourceRepos": [self._settings.repository],
                "destinations": [{"server": CLUSTER, "namespace": APPLICATION}],
                "clusterResourceWhitelist": [],
                "namespaceResourceWhitelist": [
                    {"group": group, "kind": kind} for group, kinds in KINDS.items() for kind in kinds
                ],
                "orphanedResources": {
                    "warn": True,
                    "ignore": [{"group": group, "kind": kind, "name": name} for group, kind, name in _NOT_ITS_OWN],
                },
                **({"syncWindows": [_working_hours(self._settings.time_zone)]} if self._environment == "prod" else {}),
            },
            namespace=ARGO_CD,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release], deleted_with=release),
        )


_ONE_NAMESPACE: Mapping[str, Any] = {
    "server": CLUSTER,
    "namespaces": APPLICATION,
    # Without credentials, Argo CD uses those of its service accounts (RawRestConfig in
    # https://github.com/argoproj/argo-cd/blob/v3.4.4/pkg/apis/application/v1alpha1/types.go).
    "config": {"tlsClientConfig": {"insecure": False}},
}
"""The cluster as Argo CD is to see it: one namespace, and nothing that lies outside of namespaces.

https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
"""

_RELEASING = ("sync", "override", "action/*")
_WATCHED = {"metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "honorLabels": True}}}
"""Series of an application name its namespace, which the monitor's own must not hide."""


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
