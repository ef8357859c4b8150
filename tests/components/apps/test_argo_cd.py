"""Argo CD: who may do what in it, what it may do, when, and with which secrets."""

import csv
import dataclasses
import functools
import json
from typing import Any

import pytest
from alone import CONTEXT
from alone_in_cluster import (
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    namespace,
    of_kind,
    origin,
    release,
    spread_over,
    values,
    waits_for,
)

from components.apps.argo_cd import ArgoCd, ArgoCdArgs
from recording.graph import Graph
from settings.delivery import Gitops, SingleSignOn

NAME = "argo-cd"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
REPOSITORY = "https://git.example.com/company/platform"
KINDS = [
    {"group": "", "kind": "ConfigMap"},
    {"group": "", "kind": "Service"},
    {"group": "", "kind": "ServiceAccount"},
    {"group": "apps", "kind": "Deployment"},
    {"group": "autoscaling", "kind": "HorizontalPodAutoscaler"},
    {"group": "external-secrets.io", "kind": "ExternalSecret"},
    {"group": "flagger.app", "kind": "Canary"},
    {"group": "flagger.app", "kind": "MetricTemplate"},
    {"group": "monitoring.coreos.com", "kind": "PrometheusRule"},
    {"group": "monitoring.coreos.com", "kind": "ServiceMonitor"},
    {"group": "networking.istio.io", "kind": "Gateway"},
    {"group": "networking.k8s.io", "kind": "NetworkPolicy"},
    {"group": "policy", "kind": "PodDisruptionBudget"},
    {"group": "security.istio.io", "kind": "PeerAuthentication"},
]
"""Of what the application consists: nothing that gives rights, and nothing outside of its namespace."""
MONITORED = {"metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "honorLabels": True}}}


@functools.cache
def argo_cd(*, environment: str = "prod", private: bool = True, login: bool = True, replicas: int = 2) -> Graph:
    chosen = Gitops(
        repository=REPOSITORY,
        revision="v1.2.3",
        private=private,
        url="https://cd.example.com",
        time_zone="Europe/Berlin",
        single_sign_on=SingleSignOn(issuer="https://login.example.com", client_id="cd", admins='the "platform", team')
        if login
        else None,
    )
    return in_cluster(
        lambda installer, role, opts: ArgoCd(
            NAME,
            ArgoCdArgs(
                installer=installer,
                context=dataclasses.replace(CONTEXT, environment=environment),
                settings=chosen,
                secret_arn="arn:argo-cd",  # noqa: S106
                secret_store=[role],
            ),
            opts,
        ),
        replicas=replicas,
    )


def project(**kind: Any) -> dict[str, Any]:
    return of_kind(argo_cd(**kind), "AppProject", "ai-prism")["spec"]


def chart(**kind: Any) -> dict[str, Any]:
    return values(argo_cd(**kind), NAME)


def secret(name: str) -> dict[str, Any]:
    return of_kind(argo_cd(), "ExternalSecret", name)["spec"]


def rights(account: str) -> dict[tuple[str, ...], list[str]]:
    role = argo_cd().named(f"{RBAC}:Role", account)
    return {(*each["apiGroups"], *each["resources"]): each["verbs"] for each in role["rules"]}


def test_it_runs_in_a_namespace_of_its_own() -> None:
    assert origin(argo_cd(), NAME) == (NAME, "argocd", NAME)


def test_the_local_administrator_may_log_in_in_dev_alone() -> None:
    assert chart(environment="dev")["configs"]["cm"]["admin.enabled"] is True
    assert [chart(environment=each)["configs"]["cm"]["admin.enabled"] for each in ("integration", "prod")] == [
        False
    ] * 2


def test_people_log_in_at_the_companys_provider_with_a_secret_that_is_only_named() -> None:
    configuration = chart()["configs"]["cm"]
    assert configuration["url"] == "https://cd.example.com"
    assert json.loads(configuration["oidc.config"]) == {
        "name": "single sign-on",
        "issuer": "https://login.example.com",
        "clientID": "cd",
        "clientSecret": "$argocd-oidc:clientSecret",
        "requestedScopes": ["openid", "profile", "email", "groups"],
    }
    assert chart()["dex"] == {"enabled": False}
    assert "oidc.config" not in chart(login=False)["configs"]["cm"]


def test_one_group_releases_whatever_its_name_and_everybody_else_looks_on() -> None:
    found = chart()["configs"]["rbac"]
    rules = list(csv.reader(found["policy.csv"].splitlines(), skipinitialspace=True))
    assert found["policy.default"] == "role:readonly"
    assert rules == [
        *(
            ["p", "role:releaser", "applications", action, "ai-prism/*", "allow"]
            for action in ("sync", "override", "action/*")
        ),
        ["g", 'the "platform", team', "role:releaser"],
    ]
    assert chart(login=False)["configs"]["rbac"] == {"policy.default": "role:readonly", "policy.csv": ""}


def test_the_project_is_one_repository_one_namespace_and_the_kinds_of_the_application() -> None:
    found = project()
    assert found["sourceRepos"] == [REPOSITORY]
    assert found["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "ai-prism"}]
    assert found["clusterResourceWhitelist"] == []
    assert found["namespaceResourceWhitelist"] == KINDS
    assert of_kind(argo_cd(), "AppProject", "ai-prism")["apiVersion"] == "argoproj.io/v1alpha1"


def test_what_is_left_over_in_the_namespace_is_reported_but_for_what_others_put_there() -> None:
    assert project()["orphanedResources"] == {
        "warn": True,
        "ignore": [
            {"group": "networking.k8s.io", "kind": "NetworkPolicy", "name": "default-deny"},
            {"group": "networking.k8s.io", "kind": "NetworkPolicy", "name": "needed-flows"},
            {"group": "", "kind": "ConfigMap", "name": "istio-ca-root-cert"},
        ],
    }


def test_prod_changes_by_itself_in_working_hours_and_by_hand_at_any_time() -> None:
    assert project()["syncWindows"] == [
        {
            "kind": "allow",
            "schedule": "0 8 * * 1-5",
            "duration": "9h",
            "timeZone": "Europe/Berlin",
            "applications": ["*"],
            "manualSync": True,
        }
    ]
    assert "syncWindows" not in project(environment="staging")


def test_the_project_comes_after_its_kind_and_goes_with_it() -> None:
    found = of_kind(argo_cd(), "AppProject", "ai-prism")
    assert found["metadata"] == {"name": "ai-prism", "namespace": "argocd"}
    assert waits_for(argo_cd(), found) == {NAME}
    assert argo_cd().by_urn[found.parent or ""].type == "ai-prism:cluster:ArgoCd"
    assert found.deleted_with == release(argo_cd(), NAME).urn


def test_it_sees_one_namespace_and_by_its_chart_has_no_rights_elsewhere() -> None:
    assert chart()["createClusterRoles"] is False
    assert chart()["configs"]["clusterCredentials"] == {
        "in-cluster": {
            "server": "https://kubernetes.default.svc",
            "namespaces": "ai-prism",
            "config": {"tlsClientConfig": {"insecure": False}},
        }
    }


def test_it_lists_the_kinds_that_it_may_and_no_others_since_one_refusal_would_blind_it() -> None:
    assert json.loads(chart()["configs"]["cm"]["resource.inclusions"]) == [
        {"apiGroups": [group], "kinds": kinds}
        for group, kinds in (
            ("", ["ConfigMap", "Service", "ServiceAccount", "Pod"]),
            ("apps", ["Deployment", "ReplicaSet"]),
            ("autoscaling", ["HorizontalPodAutoscaler"]),
            ("external-secrets.io", ["ExternalSecret"]),
            ("flagger.app", ["Canary", "MetricTemplate"]),
            ("monitoring.coreos.com", ["PrometheusRule", "ServiceMonitor"]),
            ("networking.istio.io", ["Gateway", "DestinationRule", "VirtualService"]),
            ("networking.k8s.io", ["NetworkPolicy"]),
            ("policy", ["PodDisruptionBudget"]),
            ("security.istio.io", ["PeerAuthentication"]),
        )
    ]


def test_its_controller_keeps_what_the_application_consists_of_and_looks_at_what_grows_of_it() -> None:
    keep = ["get", "list", "watch", "create", "patch", "delete"]
    assert rights("argocd-application-controller") == {
        ("", "configmaps", "services", "serviceaccounts"): keep,
        ("apps", "deployments"): keep,
        ("autoscaling", "horizontalpodautoscalers"): keep,
        ("external-secrets.io", "externalsecrets"): keep,
        ("flagger.app", "canaries", "metrictemplates"): keep,
        ("monitoring.coreos.com", "prometheusrules", "servicemonitors"): keep,
        ("networking.istio.io", "gateways"): keep,
        ("networking.k8s.io", "networkpolicies"): keep,
        ("policy", "poddisruptionbudgets"): keep,
        ("security.istio.io", "peerauthentications"): keep,
        ("", "pods"): ["list", "watch"],
        ("apps", "replicasets"): ["list", "watch"],
        ("networking.istio.io", "destinationrules", "virtualservices"): ["list", "watch"],
    }


def test_its_page_shows_objects_events_and_logs_and_offers_restarts_alone() -> None:
    role = argo_cd().named(f"{RBAC}:Role", "argocd-server")["rules"]
    rules = [((*each["apiGroups"], *each["resources"]), tuple(each["verbs"])) for each in role]
    writing = [(what, verbs) for what, verbs in rules if not set(verbs) <= {"get", "list"}]
    assert writing == [(("apps", "deployments"), ("patch",)), (("external-secrets.io", "externalsecrets"), ("patch",))]
    assert (("", "pods/log"), ("get",)) in rules
    assert (("", "events"), ("list",)) in rules
    shown = {what for what, verbs in rules if verbs == ("get",)} - {("", "pods/log")}
    assert shown == set(rights("argocd-application-controller"))


def test_its_rights_are_there_before_it_and_go_with_the_applications_namespace() -> None:
    for account in ("argocd-application-controller", "argocd-server"):
        binding = argo_cd().named(f"{RBAC}:RoleBinding", account)
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "argocd"}]
        assert account in waits_for(argo_cd(), release(argo_cd(), NAME))
        assert binding.deleted_with == namespace(argo_cd(), "ai-prism")


def test_a_failed_synchronisation_is_reported_by_a_webhook_whose_address_is_secret() -> None:
    found = chart()["notifications"]
    assert found["enabled"] is True
    assert found["argocdUrl"] == "https://cd.example.com"
    assert found["secret"] == {"create": False, "name": "argocd-notifications-secret"}
    assert {name: json.loads(text) for name, text in found["notifiers"].items()} == {
        "service.webhook.operators": {
            "url": "$webhook-url",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
        }
    }
    template = json.loads(found["templates"]["template.sync-failed"])["webhook"]["operators"]
    assert template["method"] == "POST"
    assert json.loads(template["body"]) == {
        "text": "test: {{.app.metadata.name}}: synchronisation {{.app.status.operationState.phase}}: "
        "{{.context.argocdUrl}}/applications/{{.app.metadata.name}}"
    }
    assert json.loads(found["triggers"]["trigger.on-sync-failed"]) == [
        {"when": "app.status.operationState.phase in ['Error', 'Failed']", "send": ["sync-failed"]}
    ]
    assert found["subscriptions"] == [{"recipients": ["operators"], "triggers": ["on-sync-failed"]}]


def test_nobody_is_called_for_dev() -> None:
    assert chart(environment="dev")["notifications"] == {"enabled": False}
    names = {each.name for each in argo_cd(environment="dev").resources if each.get("kind") == "ExternalSecret"}
    assert names == {"argocd-oidc", "argocd-repository"}


@pytest.mark.parametrize(
    ("name", "keys", "labels", "data"),
    [
        # Without the label, Argo CD looks at no Secret but its own.
        (
            "argocd-oidc",
            {"clientSecret": "oidcClientSecret"},
            {"app.kubernetes.io/part-of": "argocd"},
            {},
        ),
        ("argocd-notifications-secret", {"webhook-url": "webhookUrl"}, {}, {}),
        (
            "argocd-repository",
            {"username": "repositoryUsername", "password": "repositoryPassword"},
            {"argocd.argoproj.io/secret-type": "repository"},
            {"type": "git", "url": REPOSITORY},
        ),
    ],
)
def test_each_secret_is_found_by_name_or_label_and_holds_what_its_reader_needs(
    name: str, keys: dict[str, str], labels: dict[str, str], data: dict[str, str]
) -> None:
    found = secret(name)
    assert {each["secretKey"]: each["remoteRef"] for each in found["data"]} == {
        key: {"key": "arn:argo-cd", "property": value} for key, value in keys.items()
    }
    assert found["target"]["name"] == name
    assert found["target"]["template"] == {"mergePolicy": "Merge", "metadata": {"labels": labels}, "data": data}


def test_a_secret_follows_its_source_within_the_hour_and_stays_when_that_is_gone() -> None:
    """https://external-secrets.io/latest/guides/ownership-deletion-policy/"""
    for name in ("argocd-oidc", "argocd-notifications-secret", "argocd-repository"):
        found = secret(name)
        assert found["refreshInterval"] == "1h"
        assert (found["target"]["creationPolicy"], found["target"]["deletionPolicy"]) == ("Owner", "Retain")
        assert found["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "aws-secrets-manager-argo-cd"}


def test_secrets_come_after_their_store_and_before_argo_cd_and_go_while_the_store_is_there() -> None:
    for name in ("argocd-oidc", "argocd-notifications-secret", "argocd-repository"):
        found = of_kind(argo_cd(), "ExternalSecret", name)
        assert found["apiVersion"] == "external-secrets.io/v1"
        assert found["metadata"] == {"name": name, "namespace": "argocd"}
        assert waits_for(argo_cd(), found) == {"role", "earlier"}
        assert found.deleted_with is None
        assert name in waits_for(argo_cd(), release(argo_cd(), NAME))
        assert argo_cd().by_urn[found.parent or ""].type == "ai-prism:cluster:ArgoCd"


def test_a_public_repository_and_a_stack_without_login_have_no_credentials() -> None:
    graph = argo_cd(environment="dev", private=False, login=False)
    assert not [each for each in graph.resources if each.get("kind") == "ExternalSecret"]


def test_server_and_repository_server_run_as_often_as_controllers_of_the_stack_do() -> None:
    for replicas in (1, 2):
        found = chart(replicas=replicas)
        assert (found["server"]["replicas"], found["repoServer"]["replicas"]) == (replicas, replicas)
    budgets = argo_cd().of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert {each["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for each in budgets} == {
        "argocd-server",
        "argocd-repo-server",
    }
    # No generator of applications: there is one, the program's.
    assert chart()["applicationSet"] == {"replicas": 0}


def test_all_parts_run_spread_over_on_demand_nodes_and_log_as_json() -> None:
    found = chart()["global"]
    assert found["nodeSelector"] == WEB_TIER
    assert found["topologySpreadConstraints"] == spread_over()
    assert found["logging"] == {"format": "json"}


def test_the_charts_policies_do_not_open_what_the_namespaces_close() -> None:
    assert chart()["global"]["networkPolicy"] == {"create": False}


def test_images_are_pulled_through_the_cache() -> None:
    assert chart()["global"]["image"] == {"repository": cached("quay.io/argoproj/argocd")}
    assert chart()["redis"]["image"] == {"repository": cached("public.ecr.aws/docker/library/redis")}


def test_alerts_know_the_application_that_is_out_of_step() -> None:
    for part in ("controller", "server", "repoServer", "notifications"):
        assert chart()[part]["metrics"] == MONITORED["metrics"], part


@pytest.mark.parametrize(
    ("part", "needs"),
    [
        ("controller", asks("250m", "512Mi", limit="1Gi")),
        ("server", asks("50m", "128Mi", limit="256Mi")),
        ("repoServer", asks("100m", "256Mi", limit="512Mi")),
        ("notifications", asks("20m", "64Mi", limit="128Mi")),
        ("redis", asks("50m", "64Mi", limit="128Mi")),
        ("redisSecretInit", asks("20m", "64Mi", limit="128Mi")),
    ],
)
def test_each_part_requests_what_the_web_tier_has_room_for(part: str, needs: object) -> None:
    assert chart()[part]["resources"] == needs
