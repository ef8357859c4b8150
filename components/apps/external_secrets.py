"""External Secrets: brings secrets from Secrets Manager into the cluster, and keeps them fresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.installer import RESTRICTED, WEB_TIER, Chart, Installer, make_object, resources, spread
from components.namespaces import APPLICATION, ARGO_CD, EXTERNAL_SECRETS

CHART = Chart("external-secrets", EXTERNAL_SECRETS)
STORE = "aws-secrets-manager"
ARGO_CD_STORE = f"{STORE}-argo-cd"
_WEBHOOK, _CERT_CONTROLLER = f"{CHART.name}-webhook", f"{CHART.name}-cert-controller"


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsArgs:
    """Arguments of ExternalSecrets."""

    installer: Installer
    region: str
    service_account: str
    """Its pods have the role that is associated with this one, which may assume those of the stores."""
    store_role_arns: Mapping[str, pulumi.Input[str]]
    """By namespace, APPLICATION and ARGO_CD: the role that reads its secrets."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role: pods that start earlier have no credentials."""


class ExternalSecrets(pulumi.ComponentResource):
    """A store for each namespace that has secrets, opened by a role for just these secrets and by no key."""

    stores: Mapping[str, pulumi.Resource]
    """By namespace; an ExternalSecret there is synchronised through it."""

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ExternalSecrets", name, None, opts)
        installer = args.installer

        release = installer.install(
            CHART,
            {
                **self._pod(installer, CHART.name),
                "serviceAccount": {"name": args.service_account},
                "leaderElect": installer.replicas > 1,
                "webhook": {
                    **self._pod(installer, _WEBHOOK),
                    # The controller reports the same mistakes in the object's status. An update does not fail while no
                    # pod of the webhook is ready.
                    "failurePolicy": "Ignore",
                },
                "certController": self._pod(installer, _CERT_CONTROLLER),
                # Writes no secrets back; the chart refuses one of the two without the other.
                "processPushSecret": False,
                "processClusterPushSecret": False,
                "processClusterExternalSecret": False,
                # Keeps the label `namespace` of the series, which names the namespace of each secret.
                "serviceMonitor": {"enabled": True, "honorLabels": True},
            },
            parent=self,
            after=args.after,
            budgets=(CHART.name, _WEBHOOK, _CERT_CONTROLLER),
        )
        self.stores = {
            namespace: make_object(
                store,
                "external-secrets.io/v1",
                "ClusterSecretStore",
                {
                    "provider": {
                        "aws": {
                            "service": "SecretsManager",
                            "region": args.region,
                            # https://external-secrets.io/latest/provider/aws-access/
                            "role": args.store_role_arns[namespace],
                        }
                    },
                    "conditions": [{"namespaces": [namespace]}],
                },
                opts=pulumi.ResourceOptions(parent=self, depends_on=[release], deleted_with=release),
            )
            for namespace, store in {APPLICATION: STORE, ARGO_CD: ARGO_CD_STORE}.items()
        }
        self.register_outputs({})

    @staticmethod
    def _pod(installer: Installer, part: str) -> dict[str, Any]:
        """Return the values of the pods of one of the three controllers."""
        return {
            "image": {"repository": installer.place_of("ghcr.io/external-secrets/external-secrets")},
            "replicaCount": installer.replicas,
            "nodeSelector": WEB_TIER,
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": part}),
            "securityContext": {**RESTRICTED, "enabled": True, "runAsUser": 1000},
            "resources": resources("50m", "128Mi", memory_limit="256Mi"),
        }
