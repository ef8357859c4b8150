"""What the controllers may do in the cluster, as the API server would answer `kubectl auth can-i`."""

import json

import pytest
from rights import Rights
from support import STACKS, recorded
from third_party import RELEASE, definitions, everything, needs_charts

from components.apps.argo_cd_rights import KINDS, plural
from components.namespaces import (
    APPLICATION,
    ARGO_CD,
    DATABASE_ACCESS,
    EXTERNAL_SECRETS,
    FLAGGER,
    GATEWAY,
    KUBE_SYSTEM,
    LOGGING,
    MESH,
    MONITORING,
)

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
}
"""Service accounts that read the Secrets of all namespaces, and why."""


CONTROLLER, SERVER = "argocd/argocd-application-controller", "argocd/argocd-server"
KEPT = {(group, plural(kind)) for group, kinds in KINDS.items() for kind in kinds}
"""What the application consists of, which a test of its chart holds against what that renders."""
OTHERS = (DATABASE_ACCESS, EXTERNAL_SECRETS, FLAGGER, GATEWAY, KUBE_SYSTEM, LOGGING, MESH, MONITORING, "default")
"""Namespaces besides Argo CD's and the application's."""
TOUCHED = (("", "secrets"), ("", "configmaps"), ("", "services"), ("apps", "deployments"))


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

    # A controller that no longer does is taken off the list.
    assert readers == ALL_SECRETS


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "patch", "delete"])
def test_flagger_touches_nothing_outside_the_applications_namespace(rights: Rights, verb: str) -> None:
    for namespace in (ARGO_CD, *OTHERS):
        for group, resource in TOUCHED:
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


def of_argo_cd(rights: Rights) -> set[str]:
    accounts = {account for account in rights.accounts() if account.startswith(f"{ARGO_CD}/")}
    assert {CONTROLLER, SERVER} < accounts
    return accounts


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "patch", "delete"])
def test_argo_cd_touches_nothing_outside_its_own_and_the_applications_namespace(rights: Rights, verb: str) -> None:
    for account in of_argo_cd(rights):
        for namespace in (*OTHERS, ""):
            for group, resource in (*TOUCHED, ("argoproj.io", "applications"), ("", "namespaces")):
                assert not rights.can(account, verb, group, resource, namespace), (account, resource, namespace)


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "update", "patch", "delete", "*"])
def test_argo_cd_reads_no_secret_of_the_application_and_gives_nobody_rights(rights: Rights, verb: str) -> None:
    for account in of_argo_cd(rights):
        for group, resource in (
            ("", "secrets"),
            ("", "pods/exec"),
            ("rbac.authorization.k8s.io", "roles"),
            ("rbac.authorization.k8s.io", "rolebindings"),
            ("*", "*"),
        ):
            assert not rights.can(account, verb, group, resource, APPLICATION), (account, resource)


def test_kinds_are_called_in_roles_as_their_definitions_call_them() -> None:
    defined = definitions("prod")
    custom = [(group, kind) for group, kinds in KINDS.items() for kind in kinds if (group, kind) in defined]
    assert len(custom) > 5
    for group, kind in custom:
        assert defined[group, kind]["spec"]["names"]["plural"] == plural(kind)


def test_argo_cd_keeps_each_kind_of_the_application_and_changes_nothing_else_there(rights: Rights) -> None:
    for verb in ("get", "list", "watch", "create", "patch", "delete"):
        assert {which for which in KEPT if rights.can(CONTROLLER, verb, *which, APPLICATION)} == KEPT, verb
    changed = {
        (group, resource)
        for rule in rights.rules(CONTROLLER, APPLICATION)
        if {"create", "update", "patch", "delete", "deletecollection", "*"} & set(rule["verbs"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert changed == KEPT


def test_argo_cd_watches_the_kinds_that_it_may_list_and_no_others(rights: Rights) -> None:
    # A kind that it watches and may not list keeps it from seeing the cluster at all.
    argo_cd = recorded(rights.stack, known=True).named(RELEASE, "argo-cd")["values"]["configs"]
    watched = {
        (group, plural(kind))
        for each in json.loads(argo_cd["cm"]["resource.inclusions"])
        for group in each["apiGroups"]
        for kind in each["kinds"]
    }
    listed = {
        (group, resource)
        for rule in rights.rules(CONTROLLER, APPLICATION)
        if {"list", "watch"} <= set(rule["verbs"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert watched == listed
    (cluster,) = argo_cd["clusterCredentials"].values()
    assert (cluster["namespaces"], "clusterResources" in cluster) == (APPLICATION, False)


def test_argo_cds_page_shows_the_application_and_offers_its_actions(rights: Rights) -> None:
    for which in (*KEPT, ("", "pods"), ("", "pods/log"), ("apps", "replicasets")):
        assert rights.can(SERVER, "get", *which, APPLICATION), which
    assert rights.can(SERVER, "list", "", "events", APPLICATION)
    assert rights.can(SERVER, "patch", "apps", "deployments", APPLICATION)
    for which in KEPT:
        assert not rights.can(SERVER, "delete", *which, APPLICATION), which


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
