"""Jobs that set up what no API of AWS can: without rights, once, and again when they change or have failed."""

import functools

import pulumi
import pulumi_kubernetes as kubernetes
from alone_in_cluster import WEB_TIER, in_cluster, waits_for

from components.apps.installer import Installer
from components.apps.jobs import CURL, CURL_USER, FETCH_CREDENTIALS, SIGN, container, make_job
from recording.graph import Graph, Resource


@functools.cache
def made() -> Graph:
    def make(installer: Installer, role: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        parent = pulumi.ComponentResource("test:index:App", "app", None, opts)
        before = kubernetes.core.v1.ConfigMap("before", opts=opts)
        make_job(
            "work",
            {"containers": [container("curl", CURL, "echo $WORD", {"WORD": "hello"}, user=CURL_USER)]},
            namespace="logging",
            service_account="worker",
            after=[before],
            opts=installer.inside("logging", parent, role),
        )

    return in_cluster(make)


def job() -> Resource:
    return made().named("kubernetes:batch/v1:Job", "work")


def test_a_job_that_has_failed_is_made_again_by_the_next_update() -> None:
    assert job()["metadata"] == {"namespace": "logging", "annotations": {"pulumi.com/replaceUnready": "true"}}
    assert job()["spec"]["backoffLimit"] == 5


def test_an_update_long_after_the_job_still_finds_it_so_that_it_has_nothing_to_do() -> None:
    assert "ttlSecondsAfterFinished" not in job()["spec"]


def test_its_pod_has_the_role_of_its_account_and_no_rights_in_the_cluster() -> None:
    pod = job()["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("worker", False)
    account = made().named("kubernetes:core/v1:ServiceAccount", "worker")
    assert account["metadata"] == {"name": "worker", "namespace": "logging"}
    assert waits_for(made(), job()) == {"earlier", "role", "before", "worker"}


def test_its_pod_runs_once_on_nodes_that_are_always_there() -> None:
    pod = job()["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["nodeSelector"]) == ("Never", WEB_TIER)


def test_a_container_runs_a_script_as_a_user_without_any_rights() -> None:
    (found,) = job()["spec"]["template"]["spec"]["containers"]
    assert (found["name"], found["image"]) == ("curl", "quay.io/curl/curl:8.17.0")
    assert found["command"] == ["sh", "-c", "echo $WORD"]
    assert found["env"] == [{"name": "WORD", "value": "hello"}]
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsUser": 100,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found["resources"] == {
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"cpu": "200m", "memory": "64Mi"},
    }


def test_credentials_are_asked_for_where_pod_identity_says_and_passed_on_in_a_pipe() -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html"""
    for variable in ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        assert f'"${variable}"' in FETCH_CREDENTIALS
    # An argument would be seen by all who may list processes; printf is the shell's own.
    assert SIGN.startswith("printf ")
    assert SIGN.rstrip().endswith("|")
