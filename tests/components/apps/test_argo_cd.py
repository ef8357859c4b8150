"""Argo CD: who may do what in it, what it may do, and when."""

import csv
import json
from typing import Any

import pytest
import yaml
from support import record_with

from components.namespaces import APPLICATION
from recording.graph import Graph, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
SINGLE_SIGN_ON = {"issuer": "https://login.example.com", "client_id": "argo-cd", "admins": "platform team"}


def values(graph: Graph) -> dict[str, Any]:
    return graph.named(RELEASE, "argo-cd")["values"]


def of_kind(graph: Graph, kind: str) -> dict[str, Resource]:
    return {resource.name: resource for resource in graph.resources if resource.get("kind") == kind}


def project(graph: Graph) -> dict[str, Any]:
    return of_kind(graph, "AppProject")["ai-prism"]["spec"]


def gitops(**more: Any) -> str:
    return json.dumps(
        {"repository": "https://git.example.com/company/ai-prism", "revision": "v1.2.3"}
        | {"single_sign_on": SINGLE_SIGN_ON}
        | more
    )


def test_the_local_administrator_is_off_outside_dev(known: Graph) -> None:
    assert values(known)["configs"]["cm"]["admin.enabled"] is (known.stack == "dev")


def test_everybody_else_logs_in_with_a_secret_that_is_only_named(known: Graph) -> None:
    configuration = values(known)["configs"]["cm"]
    if known.stack == "dev":
        assert "oidc.config" not in configuration
        return
    name, _, key = yaml.safe_load(configuration["oidc.config"])["clientSecret"].removeprefix("$").partition(":")
    target = of_kind(known, "ExternalSecret")[name]["spec"]
    assert [entry["secretKey"] for entry in target["data"]] == [key]
    # Without the label, Argo CD looks at no Secret but its own.
    assert target["target"]["template"]["metadata"]["labels"] == {"app.kubernetes.io/part-of": "argocd"}


def test_one_group_releases_and_everybody_else_looks_on() -> None:
    roles = values(record_with("staging", gitops=gitops()))["configs"]["rbac"]
    rules = list(csv.reader(roles["policy.csv"].splitlines(), skipinitialspace=True))
    assert roles["policy.default"] == "role:readonly"
    assert [rule for rule in rules if rule[0] == "g"] == [["g", "platform team", "role:releaser"]]
    granted = [rule[1:] for rule in rules if rule[0] == "p"]
    assert {action for _, _, action, _, _ in granted} == {"sync", "override", "action/*"}
    assert {(who, what, which) for who, what, _, which, _ in granted} == {
        ("role:releaser", "applications", "ai-prism/*")
    }


def test_the_project_is_one_repository_one_cluster_and_one_namespace(known: Graph) -> None:
    spec = project(known)
    (application,) = of_kind(known, "Application").values()
    assert spec["sourceRepos"] == [application["spec"]["source"]["repoURL"]]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": APPLICATION}]


def test_the_project_lets_nothing_in_that_gives_rights_or_lies_outside_the_namespace(known: Graph) -> None:
    spec = project(known)
    assert spec["clusterResourceWhitelist"] == []
    allowed = {(each["group"], each["kind"]) for each in spec["namespaceResourceWhitelist"]}
    assert allowed
    assert not [(group, kind) for group, kind in allowed if "*" in (group, kind)]
    assert not {"Secret", "Role", "RoleBinding", "Ingress", "Namespace", "ResourceQuota"} & {
        kind for _, kind in allowed
    }


def test_argo_cd_has_no_rights_by_its_chart_outside_of_its_namespace(known: Graph) -> None:
    assert values(known)["createClusterRoles"] is False


def test_argo_cd_may_keep_the_application_until_that_is_gone(known: Graph) -> None:
    (application,) = of_kind(known, "Application").values()
    release = known.named(RELEASE, "argo-cd")
    for account in ("argocd-application-controller", "argocd-server"):
        binding = known.named("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", account)
        role = known.named("kubernetes:rbac.authorization.k8s.io/v1:Role", account)
        # Deleted in the opposite order: the controller's rights last, since the application's finalizer wants them.
        assert {role.urn, binding.urn} <= known.needs(release)
        assert release.urn in known.needs(application)


def test_what_others_put_into_the_namespace_is_not_called_an_orphan(known: Graph) -> None:
    looked_at = {
        kind for each in json.loads(values(known)["configs"]["cm"]["resource.inclusions"]) for kind in each["kinds"]
    }
    ignored = {(each["kind"], each["name"]) for each in project(known)["orphanedResources"]["ignore"]}
    made = {
        (resource.type.rpartition(":")[2], resource["metadata"]["name"])
        for resource in known.resources
        if resource.custom
        and resource.type.startswith("kubernetes:")
        and resource.get("metadata", {}).get("namespace") == APPLICATION
        and resource.type.rpartition(":")[2] in looked_at
    }
    assert made
    # The mesh puts this one into each namespace.
    assert ignored == made | {("ConfigMap", "istio-ca-root-cert")}


def test_prod_changes_by_itself_in_working_hours_and_by_hand_at_any_time(known: Graph) -> None:
    windows = project(known).get("syncWindows", [])
    assert bool(windows) is (known.stack == "prod")
    for window in windows:
        assert (window["kind"], window["manualSync"]) == ("allow", True)
        assert (window["schedule"], window["duration"], window["timeZone"]) == ("0 8 * * 1-5", "9h", "America/New_York")


def test_a_failed_synchronisation_is_told_by_a_webhook_whose_address_is_secret(known: Graph) -> None:
    told = values(known)["notifications"]
    assert told["enabled"] is (known.stack != "dev")
    if not told["enabled"]:
        return
    service, template = told["notifiers"]["service.webhook.operators"], told["templates"]["template.sync-failed"]
    assert json.loads(service)["url"] == "$webhook-url"
    body = json.loads(json.loads(template)["webhook"]["operators"]["body"])
    assert known.stack in body["text"]
    assert json.loads(told["triggers"]["trigger.on-sync-failed"])[0]["send"] == ["sync-failed"]
    made = of_kind(known, "ExternalSecret")[told["secret"]["name"]]["spec"]
    assert [entry["secretKey"] for entry in made["data"]] == ["webhook-url"]


@pytest.mark.parametrize("private", [False, True])
def test_credentials_of_the_repository_are_there_only_where_it_is_private(private: bool) -> None:
    made = of_kind(record_with("dev", gitops=gitops(private=private)), "ExternalSecret")
    assert ("argocd-repository" in made) is private
    if private:
        spec = made["argocd-repository"]["spec"]
        template = spec["target"]["template"]
        assert template["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
        assert template["data"] == {"type": "git", "url": "https://git.example.com/company/ai-prism"}
        assert {entry["secretKey"] for entry in spec["data"]} == {"username", "password"}


def test_every_secret_comes_from_argo_cds_own_place_and_follows_it(known: Graph) -> None:
    place = known.named("aws:secretsmanager/secret:Secret", "secrets-argo-cd").outputs["arn"]
    for secret in of_kind(known, "ExternalSecret").values():
        spec = secret["spec"]
        assert {entry["remoteRef"]["key"] for entry in spec["data"]} == {place}
        assert (spec["target"]["creationPolicy"], spec["refreshInterval"]) == ("Owner", "1h")
        # A Secret whose source is gone stays, and External Secrets tells of it.
        assert spec["target"]["deletionPolicy"] == "Retain"


def test_the_namespaces_flows_are_not_opened_by_the_charts(known: Graph) -> None:
    assert values(known)["global"]["networkPolicy"] == {"create": False}
