"""External Secrets: brings secrets from Secrets Manager into the cluster, and keeps them fresh."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.apps.installer import RESTRICTED, WEB_TIER, Base, Chart, make_object, resources, spread
from components.identity import Identity
from components.namespaces import APPLICATION, ARGO_CD, EXTERNAL_SECRETS

CHART = Chart("external-secrets", EXTERNAL_SECRETS)
STORE = "aws-secrets-manager"
ARGO_CD_STORE = f"{STORE}-argo-cd"
_WEBHOOK, _CERT_CONTROLLER = f"{CHART.name}-webhook", f"{CHART.name}-cert-controller"


@dataclass(frozen=True)
class ExternalSecretsArgs:
    """What External Secrets rests on."""

    base: Base
    identity: Identity


class ExternalSecrets(pulumi.ComponentResource):
    """A store for each namespace that has secrets, opened by a role for just these secrets and by no key."""

    stores: Mapping[str, pulumi.Resource]
    """What an ExternalSecret needs to be fulfilled, by namespace."""

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ExternalSecrets", name, None, opts)
        base = args.base

        release = base.install(
            CHART,
            {
                **self._pod(base, CHART.name),
                "serviceAccount": {"name": args.identity.service_accounts["external-secrets"]},
                "leaderElect": base.replicas > 1,
                "webhook": {
                    **self._pod(base, _WEBHOOK),
                    # It tells early of mistakes, which the controller tells of as well, in the object's status. While
                    # no pod of it is ready, nobody's update is to fail for that.
                    "failurePolicy": "Ignore",
                },
                "certController": self._pod(base, _CERT_CONTROLLER),
                # Writes no secrets back; the chart refuses one of the two without the other.
                "processPushSecret": False,
                "processClusterPushSecret": False,
                "processClusterExternalSecret": False,
                # Its series name the namespace of each secret, which its own must not hide.
                "serviceMonitor": {"enabled": True, "honorLabels": True},
            },
            parent=self,
            after=[args.identity],
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
                            "region": base.foundation.location.region,
                            # https://external-secrets.io/latest/provider/aws-access/
                            "role": args.identity.store_role_arns[namespace],
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
    def _pod(base: Base, part: str) -> dict[str, Any]:
        """Return what each of the three controllers is told of its pods."""
        return {
            "image": {"repository": base.place_of("ghcr.io/external-secrets/external-secrets")},
            "replicaCount": base.replicas,
            "nodeSelector": WEB_TIER,
            "topologySpreadConstraints": spread({"app.kubernetes.io/name": part}),
            "securityContext": {**RESTRICTED, "enabled": True, "runAsUser": 1000},
            "resources": resources("50m", "128Mi", memory_limit="256Mi"),
        }
