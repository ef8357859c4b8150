"""What the controllers may do in the cluster, as the API server would answer `kubectl auth can-i`."""

from collections.abc import Iterator
from typing import Any

import pytest
from support import STACKS, recorded
from third_party import Manifest, everything, needs_charts, plain

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


class Rights:
    """Roles and their bindings: of the charts, and of the program."""

    def __init__(self, stack: str) -> None:
        own = [
            plain(dict(resource.inputs))
            for resource in recorded(stack, known=True).resources
            if resource.type.startswith("kubernetes:rbac.authorization.k8s.io/")
        ]
        self._roles: dict[tuple[str, str, str], Manifest] = {}
        self._bindings: list[tuple[str, Manifest]] = []
        charts = ((release["namespace"], manifest) for release, manifest in everything(stack))
        for namespace, manifest in [*charts, *(("", each) for each in own)]:
            where = manifest.get("metadata", {}).get("namespace") or namespace
            match manifest["kind"]:
                case "ClusterRole":
                    self._roles["ClusterRole", "", manifest["metadata"]["name"]] = manifest
                case "Role":
                    self._roles["Role", where, manifest["metadata"]["name"]] = manifest
                case "ClusterRoleBinding":
                    self._bindings.append(("", manifest))
                case "RoleBinding":
                    self._bindings.append((where, manifest))
                case _:
                    pass

    def accounts(self) -> set[str]:
        return {name for where, binding in self._bindings for name in _subjects(binding, where)}

    def can(self, account: str, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Whether a service account, as `namespace/name`, may do it to any object in a namespace."""
        return any(
            _covers(rule, verb, group, resource)
            for where, binding in self._bindings
            if where in ("", namespace) and account in _subjects(binding, where)
            for rule in self._rules(binding["roleRef"], where)
        )

    def _rules(self, reference: dict[str, str], where: str) -> list[dict[str, Any]]:
        role = self._roles.get((reference["kind"], where if reference["kind"] == "Role" else "", reference["name"]))
        # What is not there is Kubernetes' own, such as system:auth-delegator.
        return (role or {}).get("rules") or []


def _subjects(binding: Manifest, where: str) -> Iterator[str]:
    for subject in binding.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            yield f"{subject.get('namespace') or where}/{subject['name']}"


def _covers(rule: dict[str, Any], verb: str, group: str, resource: str) -> bool:
    def among(key: str, wanted: str) -> bool:
        return bool({"*", wanted} & set(rule.get(key) or []))

    named = rule.get("resourceNames")
    return not named and among("verbs", verb) and among("apiGroups", group) and among("resources", resource)


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
