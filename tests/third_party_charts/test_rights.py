"""What the controllers may do in the cluster, as the API server would answer `kubectl auth can-i`."""

import pytest
from rights import Rights
from support import STACKS, recorded
from third_party import everything, needs_charts

from components.namespaces import APPLICATION, ARGO_CD, EXTERNAL_SECRETS, FLAGGER, KUBE_SYSTEM, MONITORING

pytestmark = needs_charts

ALL_SECRETS = {
    # Its own work: it makes Secrets in whatever namespace asks for one.
    "external-secrets/external-secrets",
    # Its cache; the chart has no narrower role for it.
    "external-secrets/external-secrets-cert-controller",
    # Certificates that a Gateway names, from the Gateway's namespace.
    "istio-system/istiod",
    # Configurations of Prometheus and Alertmanager, which may be in any namespace.
    "monitoring/kube-prometheus-stack-operator",
    # They may do everything, or read everything: Argo CD's project, not Kubernetes, binds them to one namespace.
    "argocd/argocd-application-controller",
    "argocd/argocd-server",
    "argocd/argocd-notifications-controller",
}
"""Service accounts that read the Secrets of all namespaces, and why."""


@pytest.fixture(scope="module", params=STACKS)
def rights(request: pytest.FixtureRequest) -> Rights:
    return Rights(request.param)


def test_only_listed_controllers_read_the_secrets_of_all_namespaces(rights: Rights) -> None:
    everywhere = (APPLICATION, ARGO_CD, KUBE_SYSTEM, "default")
    readers = {
        account
        for account in rights.accounts()
        if all(
            any(rights.can(account, verb, "", "secrets", namespace) for verb in ("get", "list", "watch"))
            for namespace in everywhere
        )
    }

    assert readers <= ALL_SECRETS
    # A controller that no longer does is taken off the list.
    assert ALL_SECRETS - readers <= {"argocd/argocd-notifications-controller"}


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "patch", "delete"])
def test_flagger_touches_nothing_outside_the_applications_namespace(rights: Rights, verb: str) -> None:
    for namespace in (ARGO_CD, EXTERNAL_SECRETS, FLAGGER, KUBE_SYSTEM, MONITORING, "default"):
        for group, resource in (("", "secrets"), ("", "configmaps"), ("", "services"), ("apps", "deployments")):
            assert not rights.can("flagger-system/flagger", verb, group, resource, namespace), (resource, namespace)


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("list", "flagger.app", "canaries"),
        ("list", "flagger.app", "metrictemplates"),
        ("list", "flagger.app", "alertproviders"),
        ("update", "flagger.app", "canaries/status"),
        ("create", "apps", "deployments"),
        ("update", "autoscaling", "horizontalpodautoscalers"),
        ("create", "", "services"),
        ("create", "", "secrets"),
        ("create", "", "events"),
        ("update", "coordination.k8s.io", "leases"),
        ("update", "networking.istio.io", "virtualservices"),
        ("create", "networking.istio.io", "destinationrules"),
    ],
)
def test_flagger_can_do_its_work_there(rights: Rights, verb: str, group: str, resource: str) -> None:
    assert rights.can("flagger-system/flagger", verb, group, resource, APPLICATION)


def test_flagger_deletes_nothing(rights: Rights) -> None:
    for group, resource in (("", "secrets"), ("", "services"), ("apps", "deployments"), ("flagger.app", "canaries")):
        assert not rights.can("flagger-system/flagger", "delete", group, resource, APPLICATION)


def test_grafana_shows_the_applications_dashboards_and_reads_none_of_its_secrets(rights: Rights) -> None:
    grafana = f"{MONITORING}/kube-prometheus-stack-grafana"
    assert rights.can(grafana, "list", "", "configmaps", APPLICATION)
    assert not rights.can(grafana, "list", "", "secrets", APPLICATION)


def test_metrics_of_the_clusters_state_are_made_without_reading_a_secret(rights: Rights) -> None:
    state = f"{MONITORING}/kube-prometheus-stack-kube-state-metrics"
    assert rights.can(state, "list", "apps", "deployments", APPLICATION)
    assert not rights.can(state, "list", "", "secrets", APPLICATION)


def test_service_accounts_with_a_role_in_aws_are_those_that_charts_make() -> None:
    for stack in STACKS:
        graph = recorded(stack, known=True)
        made = {
            f"{manifest['metadata'].get('namespace') or release['namespace']}/{manifest['metadata']['name']}"
            for release, manifest in everything(stack)
            if manifest["kind"] == "ServiceAccount"
        } | {
            f"{account['metadata']['namespace']}/{account['metadata']['name']}"
            for account in graph.of_type("kubernetes:core/v1:ServiceAccount")
        }
        for wearer in graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
            # Argo CD makes the application's, and EKS those of its add-ons.
            if wearer["namespace"] != APPLICATION and wearer.name.startswith("identity-"):
                assert f"{wearer['namespace']}/{wearer['serviceAccount']}" in made, wearer.name
