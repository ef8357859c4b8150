"""External Secrets: brings secrets from Secrets Manager into the cluster, and keeps them fresh."""

from dataclasses import dataclass

import pulumi

from components.apps.base import RESTRICTED, WEB_TIER, Base, Chart, make_object, resources
from components.identity import Identity
from components.namespaces import APPLICATION, ARGO_CD, EXTERNAL_SECRETS

CHART = Chart("external-secrets", EXTERNAL_SECRETS)
STORE = "aws-secrets-manager"


@dataclass(frozen=True)
class ExternalSecretsArgs:
    """What External Secrets rests on."""

    base: Base
    identity: Identity


class ExternalSecrets(pulumi.ComponentResource):
    """A store of this stack's secrets, opened by the controller's role and by no key; two namespaces may read it."""

    store: pulumi.Resource
    """What an ExternalSecret needs to be fulfilled."""

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:ExternalSecrets", name, None, opts)
        base = args.base

        pod = {
            "replicaCount": base.replicas,
            "nodeSelector": WEB_TIER,
            "securityContext": {**RESTRICTED, "enabled": True, "runAsUser": 1000},
            "resources": resources("50m", "128Mi", memory_limit="256Mi"),
            "podDisruptionBudget": {"enabled": base.replicas > 1, "minAvailable": 1},
        }
        release = base.install(
            CHART,
            {
                **pod,
                "serviceAccount": {"name": args.identity.service_accounts["external-secrets"]},
                "leaderElect": base.replicas > 1,
                "webhook": pod,
                "certController": pod,
                # Neither writes secrets back nor makes stores of the namespaces' own: one store, one role.
                "processPushSecret": False,
                "processClusterExternalSecret": False,
                # Its series name the namespace of each secret, which its own must not hide.
                "serviceMonitor": {"enabled": True, "honorLabels": True},
            },
            parent=self,
            after=[args.identity],
        )
        self.store = make_object(
            STORE,
            "external-secrets.io/v1",
            "ClusterSecretStore",
            {
                "provider": {"aws": {"service": "SecretsManager", "region": base.foundation.location.region}},
                "conditions": [{"namespaces": [APPLICATION, ARGO_CD]}],
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release], deleted_with=release),
        )
        self.register_outputs({})
