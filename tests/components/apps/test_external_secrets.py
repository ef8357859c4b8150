"""External Secrets: a store for each namespace with secrets, opened by a role for these secrets alone."""

import functools
from collections.abc import Iterator
from typing import Any

from alone_in_cluster import (
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    of_kind,
    origin,
    release,
    spread_over,
    values,
    waits_for,
)

from components.apps.external_secrets import ExternalSecrets, ExternalSecretsArgs
from recording.graph import Graph

NAME = "external-secrets"
STORES = {"aws-secrets-manager": "ai-prism", "aws-secrets-manager-argo-cd": "argocd"}


@functools.cache
def secrets(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, role, opts: ExternalSecrets(
            NAME,
            ExternalSecretsArgs(
                installer=installer,
                region="eu-west-1",
                service_account="reading",
                store_role_arns={"ai-prism": "arn:application", "argocd": "arn:argo-cd"},
                after=[role],
            ),
            opts,
        ),
        replicas=replicas,
    )


def controllers(*, replicas: int = 2) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the three controllers by their label, with their values."""
    found = values(secrets(replicas=replicas), NAME)
    yield NAME, found
    yield f"{NAME}-webhook", found["webhook"]
    yield f"{NAME}-cert-controller", found["certController"]


def test_it_runs_in_its_own_namespace_with_the_role_of_its_service_account() -> None:
    assert origin(secrets(), NAME) == (NAME, "external-secrets", NAME)
    assert values(secrets(), NAME)["serviceAccount"] == {"name": "reading"}
    assert "role" in waits_for(secrets(), release(secrets(), NAME))


def test_a_store_serves_one_namespace_by_the_role_that_reads_its_secrets_and_no_other() -> None:
    roles = {"ai-prism": "arn:application", "argocd": "arn:argo-cd"}
    for name, namespace in STORES.items():
        store = of_kind(secrets(), "ClusterSecretStore", name)
        assert store["apiVersion"] == "external-secrets.io/v1"
        assert store["spec"] == {
            "provider": {"aws": {"service": "SecretsManager", "region": "eu-west-1", "role": roles[namespace]}},
            "conditions": [{"namespaces": [namespace]}],
        }


def test_a_store_comes_after_the_definition_of_its_kind_and_goes_with_it() -> None:
    for name in STORES:
        store = of_kind(secrets(), "ClusterSecretStore", name)
        assert waits_for(secrets(), store) >= {NAME}
        assert store.deleted_with == release(secrets(), NAME).urn


def test_no_update_of_others_fails_while_its_webhook_restarts() -> None:
    assert values(secrets(), NAME)["webhook"]["failurePolicy"] == "Ignore"


def test_it_writes_no_secret_back_and_makes_none_in_all_namespaces() -> None:
    """The chart refuses the first without the second: https://github.com/external-secrets/external-secrets/issues/4896."""
    for switch in ("processPushSecret", "processClusterPushSecret", "processClusterExternalSecret"):
        assert values(secrets(), NAME)[switch] is False, switch


def test_two_of_its_controller_never_write_at_once() -> None:
    assert values(secrets(), NAME)["leaderElect"] is True
    assert values(secrets(replicas=1), NAME)["leaderElect"] is False


def test_alerts_know_the_namespace_of_a_secret_that_fails() -> None:
    assert values(secrets(), NAME)["serviceMonitor"] == {"enabled": True, "honorLabels": True}


def test_each_controller_runs_as_often_as_those_of_the_stack_do_on_different_nodes() -> None:
    for replicas in (1, 2):
        assert [each["replicaCount"] for _, each in controllers(replicas=replicas)] == [replicas] * 3
    for label, each in controllers():
        labels = {"app.kubernetes.io__name": label}
        assert each["topologySpreadConstraints"] == spread_over(**labels)
    budgets = secrets().of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for each in budgets} == {
        label for label, _ in controllers()
    }


def test_each_controller_runs_unprivileged_on_demand_nodes_from_an_image_of_the_cache() -> None:
    for _, each in controllers():
        assert each["securityContext"] == {**RESTRICTED, "enabled": True, "runAsUser": 1000}
        assert each["nodeSelector"] == WEB_TIER
        assert each["resources"] == asks("50m", "128Mi", limit="256Mi")
        assert each["image"] == {"repository": cached("ghcr.io/external-secrets/external-secrets")}
