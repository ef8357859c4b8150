"""All apps together: each gets its own values, and waits for those whose kinds, webhooks or services it needs."""

import functools
import ipaddress
from typing import Any

import pytest
from alone import CONTEXT, KEY_ARN
from alone_in_cluster import RELEASE, in_cluster, of_kind, release, values

from components.apps.alertmanager import AlertTopics
from components.apps.application import Handover
from components.apps.apps import Apps, AppsArgs, ClusterFacts, WorkloadRoles
from components.apps.fluent_bit import LogGroup
from components.apps.search_access import SearchDomain
from recording.graph import Graph, Resource
from settings.delivery import Gitops

WORKLOADS = (
    *("api", "worker", "alertmanager", "cluster-autoscaler", "database-access", "external-secrets", "fluent-bit"),
    *("load-balancer-controller", "search-access"),
)
ACCOUNTS = {workload: f"account-of-{workload}" for workload in WORKLOADS}
DOMAIN = SearchDomain(endpoint="search.example.com", gib_for_logs=10, retention_days=30, reader_arns=["arn:anna"])
JOB = "kubernetes:batch/v1:Job"


@functools.cache
def apps(*, search: bool = True) -> Graph:
    return in_cluster(
        lambda installer, role, opts: Apps(
            "apps",
            AppsArgs(
                installer=installer,
                context=CONTEXT,
                cluster=ClusterFacts(
                    name="cluster",
                    version="1.36",
                    vpc_id="vpc-1",
                    vpc_cidr=ipaddress.IPv4Network("10.9.0.0/16"),
                    volume_key_arn=KEY_ARN,
                ),
                roles=WorkloadRoles(
                    service_accounts=ACCOUNTS,
                    log_writer_arn="arn:collector",
                    store_role_arns={"ai-prism": "arn:application", "argocd": "arn:argo-cd"},
                    ready=[role],
                ),
                topics=AlertTopics(
                    by_severity={"critical": "arn:alerts", "warning": "arn:warnings"}, heartbeat_arn="arn:heartbeat"
                ),
                logs=DOMAIN if search else LogGroup(name="pods"),
                target_group_arn="arn:target-group",
                gitops=Gitops(repository="https://git.example.com/platform", revision="v1.2.3", private=True),
                argo_cd_secret_arn="arn:argo-cd-secret",  # noqa: S106
                owner_secret_arn="arn:owner",  # noqa: S106
                handover=Handover(
                    host="api.example.com",
                    images={"api": "a", "web": "b", "worker": "c"},
                    database_host="database.example.com",
                    database_reader_host="reader",
                    database_secret_arn="arn:database",  # noqa: S106
                    api_keys_secret_arn="arn:api-keys",  # noqa: S106
                    cache_host="cache",
                    cache_reader_host="cache-reader",
                    cache_replication_group="group",
                    cache_user="cache-user",
                    documents_bucket="documents",
                ),
            ),
            opts,
        )
    )


def needs(resource: Resource) -> set[str]:
    """Return the names of all releases, jobs and objects that must exist before."""
    return {apps().by_urn[urn].name for urn in apps().needs(resource)}


def job(name: str) -> dict[str, Any]:
    return apps().named(JOB, name)["spec"]["template"]["spec"]


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


@pytest.mark.parametrize(
    ("chart", "path", "workload"),
    [
        ("aws-load-balancer-controller", "serviceAccount", "load-balancer-controller"),
        ("kube-prometheus-stack", "alertmanager.serviceAccount", "alertmanager"),
        ("cluster-autoscaler", "rbac.serviceAccount", "cluster-autoscaler"),
        ("fluent-bit", "serviceAccount", "fluent-bit"),
        ("external-secrets", "serviceAccount", "external-secrets"),
    ],
)
def test_pods_of_a_chart_have_their_own_role_once_it_is_associated(chart: str, path: str, workload: str) -> None:
    found: Any = values(apps(), chart)
    for key in path.split("."):
        found = found[key]
    assert found == {"name": ACCOUNTS[workload]}
    assert "role" in needs(release(apps(), chart))


@pytest.mark.parametrize("name", ["search-access", "database-access"])
def test_jobs_have_their_own_role_once_it_is_associated(name: str) -> None:
    assert job(name)["serviceAccountName"] == ACCOUNTS[name]
    assert "role" in needs(apps().named(JOB, name))


def test_no_chart_comes_before_the_webhook_that_sees_its_services_or_the_storage_class_of_its_volumes() -> None:
    others = [each for each in apps().of_type(RELEASE) if not each.name.endswith("-crds")]
    assert len(others) > 10
    for each in others:
        if each.name != "aws-load-balancer-controller":
            assert {"aws-load-balancer-controller", "gp3-encrypted"} <= needs(each), each.name


def test_charts_with_monitors_come_after_the_kinds_for_them() -> None:
    before = {"aws-load-balancer-controller", "kube-prometheus-stack"}
    for each in apps().of_type(RELEASE):
        if each.name not in before and not each.name.endswith("-crds"):
            assert "kube-prometheus-stack" in needs(each), each.name


def test_the_collector_of_traces_comes_after_their_store() -> None:
    assert "jaeger" in needs(release(apps(), "opentelemetry-collector"))


def test_logs_go_to_the_domain_once_its_job_has_let_the_collector_in() -> None:
    assert "search-access" in needs(release(apps(), "fluent-bit"))
    assert "Host search.example.com" in values(apps(), "fluent-bit")["config"]["outputs"]
    (container,) = job("search-access")["containers"]
    assert variables(container)["WRITERS"] == '{"backend_roles": ["arn:collector"]}'
    assert variables(container)["REGION"] == "us-east-1"


def test_a_stack_without_a_domain_has_no_job_for_it() -> None:
    graph = apps(search=False)
    assert [each.name for each in graph.of_type(JOB)] == ["database-access"]
    assert "log_group_name pods" in graph.named(RELEASE, "fluent-bit")["values"]["config"]["outputs"]


def test_flagger_comes_after_the_mesh_whose_sidecars_it_gets() -> None:
    assert {"istiod", "istio-cni"} <= needs(release(apps(), "flagger"))


def test_argo_cds_secrets_come_after_their_store() -> None:
    secret = of_kind(apps(), "ExternalSecret", "argocd-repository")
    assert {"external-secrets", "aws-secrets-manager-argo-cd"} <= needs(secret)
    assert secret["spec"]["data"][0]["remoteRef"]["key"] == "arn:argo-cd-secret"


def test_the_owner_logs_in_to_the_database_that_the_application_is_handed() -> None:
    (fetch,), (run,) = job("database-access")["initContainers"], job("database-access")["containers"]
    assert variables(fetch) == {"REGION": "us-east-1", "SECRET": "arn:owner"}
    assert variables(run)["PGHOST"] == "database.example.com"


def test_the_application_comes_last_and_goes_first() -> None:
    application = of_kind(apps(), "Application", "ai-prism")
    assert needs(application) >= {
        *("argo-cd", "ai-prism", "database-access", "external-secrets", "aws-secrets-manager", "role", "earlier"),
        *("istio-base", "istiod", "istio-cni", "istio-ingressgateway", "flagger", "flagger-loadtester"),
        *("kube-prometheus-stack", "aws-load-balancer-controller"),
    }
    assert application["spec"]["source"]["targetRevision"] == "v1.2.3"
    assert application["spec"]["source"]["helm"]["valueFiles"] == ["values-prod.yaml"]


def test_controllers_know_their_cluster() -> None:
    balancing, scaling = (values(apps(), name) for name in ("aws-load-balancer-controller", "cluster-autoscaler"))
    assert (balancing["clusterName"], balancing["vpcId"]) == ("cluster", "vpc-1")
    assert (scaling["autoDiscovery"], scaling["awsRegion"]) == ({"clusterName": "cluster"}, "us-east-1")
    assert str(scaling["image"]["tag"]).startswith("v1.36.")
    (storage,) = apps().of_type("kubernetes:storage.k8s.io/v1:StorageClass")
    assert storage["parameters"]["kmsKeyId"] == KEY_ARN
    assert of_kind(apps(), "TargetGroupBinding", "istio-ingressgateway")["spec"]["targetGroupARN"] == "arn:target-group"
