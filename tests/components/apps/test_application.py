"""The Application alone: what it runs, how it is kept, what its chart is handed, and when it goes."""

import functools
import ipaddress
from typing import Any

from alone_in_cluster import in_cluster, of_kind, waits_for

from components.apps.application import Application, ApplicationArgs, Handover, ignored_differences
from recording.graph import Graph


@functools.cache
def application() -> Graph:
    return in_cluster(
        lambda _, role, opts: Application(
            "application",
            ApplicationArgs(
                environment="staging",
                repository="https://git.example.com/platform",
                revision="v1.2.3",
                region="eu-west-1",
                vpc_cidr=ipaddress.IPv4Network("10.9.0.0/16"),
                service_accounts={"api": "serving", "worker": "working", "other": "-"},
                handover=Handover(
                    host="api.example.com",
                    images={"api": "registry/api", "web": "registry/web", "worker": "registry/worker"},
                    database_host="writer",
                    database_reader_host="reader",
                    database_secret_arn="arn:database",  # noqa: S106
                    api_keys_secret_arn="arn:api-keys",  # noqa: S106
                    cache_host="cache",
                    cache_reader_host="cache-reader",
                    cache_replication_group="group",
                    cache_user="cache-user",
                    documents_bucket="documents",
                ),
                after=[role],
            ),
            opts,
        )
    )


def spec() -> dict[str, Any]:
    return of_kind(application(), "Application", "ai-prism")["spec"]


def test_it_runs_the_chart_of_the_repository_at_the_revision_with_the_values_of_the_environment() -> None:
    found = of_kind(application(), "Application", "ai-prism")
    assert found["apiVersion"] == "argoproj.io/v1alpha1"
    source = spec()["source"]
    assert (source["repoURL"], source["targetRevision"]) == ("https://git.example.com/platform", "v1.2.3")
    assert source["path"] == "charts/ai-prism"
    assert (source["helm"]["releaseName"], source["helm"]["valueFiles"]) == ("ai-prism", ["values-staging.yaml"])


def test_it_lies_in_argo_cds_namespace_within_its_project_and_makes_objects_in_the_applications() -> None:
    assert of_kind(application(), "Application", "ai-prism")["metadata"]["namespace"] == "argocd"
    assert spec()["project"] == "ai-prism"
    assert spec()["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "ai-prism"}


def test_the_chart_is_handed_what_only_the_program_knows_as_text() -> None:
    parameters = spec()["source"]["helm"]["parameters"]
    assert all(each["forceString"] is True for each in parameters)
    assert {each["name"].removeprefix("handover."): each["value"] for each in parameters} == {
        "region": "eu-west-1",
        "vpcCidr": "10.9.0.0/16",
        "host": "api.example.com",
        "images.api": "registry/api",
        "images.web": "registry/web",
        "images.worker": "registry/worker",
        "serviceAccounts.api": "serving",
        "serviceAccounts.worker": "working",
        "database.host": "writer",
        "database.readerHost": "reader",
        "database.name": "ai_prism",
        "database.user": "prism_app",
        "database.secretArn": "arn:database",
        "apiKeysSecretArn": "arn:api-keys",
        "cache.host": "cache",
        "cache.readerHost": "cache-reader",
        "cache.replicationGroup": "group",
        "cache.user": "cache-user",
        "documentsBucket": "documents",
        "secretStore": "aws-secrets-manager",
        "gateway": "ingressgateway",
        "prometheusUrl": "http://prometheus-operated.monitoring:9090",
        "loadTesterUrl": "http://flagger-loadtester.flagger-system/",
        "collectorUrl": "http://opentelemetry-collector.monitoring:4317",
    }


def test_what_was_changed_by_hand_is_healed_and_nothing_left_over_is_kept() -> None:
    policy = spec()["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True, "allowEmpty": False}
    assert policy["retry"] == {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}}


def test_the_namespace_stays_the_programs_and_objects_are_applied_on_the_server() -> None:
    assert spec()["syncPolicy"]["syncOptions"] == [
        "CreateNamespace=false",
        "PrunePropagationPolicy=foreground",
        "ServerSideApply=true",
        # Or the number of pods that an autoscaler has chosen would be set back at each synchronisation.
        "RespectIgnoreDifferences=true",
    ]


def test_the_number_of_pods_is_left_to_flagger_and_the_autoscalers() -> None:
    assert spec()["ignoreDifferences"] == [
        {
            "group": "apps",
            "kind": "Deployment",
            "namespace": "ai-prism",
            "name": f"ai-prism-{workload}",
            "jsonPointers": ["/spec/replicas"],
        }
        for workload in ("api", "web", "worker")
    ]


def test_its_objects_are_deleted_first_and_have_twenty_minutes_for_it() -> None:
    found = of_kind(application(), "Application", "ai-prism")
    assert found["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]
    assert found.custom_timeouts == {"delete": "20m"}
    # With a controller alone it is not deleted: its finalizer has to be worked off.
    assert found.deleted_with is None
    assert waits_for(application(), found) == {"role"}


def test_an_update_does_not_wait_for_images_that_nobody_has_pushed_yet() -> None:
    annotations = of_kind(application(), "Application", "ai-prism")["metadata"].get("annotations", {})
    assert not [key for key in annotations if key.startswith("pulumi.com/")]


def test_nothing_is_left_alone_of_a_workload_that_is_not_named() -> None:
    assert ignored_differences([]) == []
