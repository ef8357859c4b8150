"""Flagger and its load tester: for one namespace, in the mesh, and seen by Prometheus."""

import functools

import pytest
from alone_in_cluster import (
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    namespace,
    origin,
    release,
    values,
    waits_for,
)

from components.apps.flagger import LOAD_TESTER_URL, PROMETHEUS_URL, Flagger, FlaggerArgs
from recording.graph import Graph

NAME, LOAD_TESTER = "flagger", "flagger-loadtester"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


@functools.cache
def flagger(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, role, opts: Flagger(NAME, FlaggerArgs(installer=installer.waiting_for(role)), opts),
        replicas=replicas,
    )


def test_both_run_in_a_namespace_of_their_own_after_the_mesh_whose_sidecars_they_get() -> None:
    assert origin(flagger(), NAME) == (NAME, "flagger-system", NAME)
    assert origin(flagger(), LOAD_TESTER) == (LOAD_TESTER, "flagger-system", "loadtester")
    for name in (NAME, LOAD_TESTER):
        assert "role" in waits_for(flagger(), release(flagger(), name))


def test_it_judges_by_prometheus_and_moves_the_meshs_traffic_of_one_namespace() -> None:
    found = values(flagger(), NAME)
    assert (found["meshProvider"], found["metricsServer"]) == ("istio", PROMETHEUS_URL)
    assert PROMETHEUS_URL == "http://prometheus-operated.monitoring:9090"
    assert (found["namespace"], found["noCrossNamespaceRefs"]) == ("ai-prism", True)


def test_its_chart_gives_it_no_rights_which_would_read_and_delete_the_secrets_of_all_namespaces() -> None:
    assert values(flagger(), NAME)["rbac"] == {"create": False}


def test_it_keeps_what_a_canary_owns_and_deletes_nothing() -> None:
    keep = ["get", "list", "watch", "create", "update", "patch"]
    role = flagger().named(f"{RBAC}:Role", NAME)
    assert {(*each["apiGroups"], *each["resources"]): each["verbs"] for each in role["rules"]} == {
        ("", "configmaps", "services"): keep,
        ("", "secrets"): ["get"],
        ("", "events"): ["create", "patch"],
        ("coordination.k8s.io", "leases"): ["get", "create", "update"],
        ("apps", "deployments"): keep,
        ("autoscaling", "horizontalpodautoscalers"): keep,
        ("flagger.app", "canaries", "canaries/status", "canaries/finalizers"): keep,
        ("flagger.app", "metrictemplates", "alertproviders"): ["get", "list", "watch"],
        ("networking.istio.io", "virtualservices", "destinationrules"): keep,
    }
    assert not [each for each in role["rules"] if "delete" in each["verbs"]]


def test_it_reads_no_secret_but_those_that_the_application_mounts_and_tells_it_not_to_copy() -> None:
    (rule,) = (each for each in flagger().named(f"{RBAC}:Role", NAME)["rules"] if "secrets" in each["resources"])
    assert rule["resourceNames"] == ["api-keys", "postgres-credentials"]


def test_it_has_these_rights_in_the_applications_namespace_before_it_starts() -> None:
    binding = flagger().named(f"{RBAC}:RoleBinding", NAME)
    assert binding["metadata"] == {"name": NAME, "namespace": "ai-prism"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": "flagger-system"}]
    assert binding.urn in flagger().needs(release(flagger(), NAME))
    assert binding.deleted_with == namespace(flagger(), "ai-prism")


def test_two_of_it_never_steer_at_once() -> None:
    assert values(flagger(), NAME)["leaderElection"] == {"enabled": True, "replicaCount": 2}
    assert values(flagger(replicas=1), NAME)["leaderElection"] == {"enabled": False, "replicaCount": 1}


def test_a_drain_takes_one_of_its_pods_at_a_time() -> None:
    (budget,) = flagger().of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert budget["spec"]["selector"] == {"matchLabels": {"app.kubernetes.io/name": NAME}}


def test_prometheus_reaches_it_although_strict_mutual_tls_would_refuse_it() -> None:
    found = values(flagger(), NAME)
    assert found["podMonitor"] == {"enabled": True, "honorLabels": True}
    assert found["podAnnotations"] == {"traffic.sidecar.istio.io/excludeInboundPorts": "8080"}


def test_load_tests_run_for_the_application_alone() -> None:
    assert values(flagger(), LOAD_TESTER)["cmd"] == {"namespaceRegexp": "^ai-prism$"}


def test_the_load_tester_is_where_canaries_look_for_it() -> None:
    found = release(flagger(), LOAD_TESTER)
    assert (
        f"http://{found['name']}.{found['namespace']}/"
        == LOAD_TESTER_URL
        == "http://flagger-loadtester.flagger-system/"
    )


def test_the_load_tester_writes_to_a_bounded_folder_and_nowhere_else() -> None:
    found = values(flagger(), LOAD_TESTER)
    assert found["volumes"] == [{"name": "tmp", "emptyDir": {"sizeLimit": "100Mi"}}]
    assert found["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108


@pytest.mark.parametrize(
    ("name", "security", "needs", "image"),
    [
        (NAME, {"context": {**RESTRICTED, "runAsUser": 10001}}, asks("50m", "64Mi", limit="256Mi"), "flagger"),
        (
            LOAD_TESTER,
            {"enabled": True, "context": {**RESTRICTED, "runAsUser": 100, "runAsGroup": 101}},
            asks("100m", "64Mi", limit="256Mi"),
            "flagger-loadtester",
        ),
    ],
)
def test_both_run_unprivileged_on_demand_nodes_from_images_of_the_cache(
    name: str, security: object, needs: object, image: str
) -> None:
    found = values(flagger(), name)
    assert found["securityContext"] == security
    assert found["resources"] == needs
    assert found["nodeSelector"] == WEB_TIER
    assert found["image"] == {"repository": cached(f"ghcr.io/fluxcd/{image}")}
