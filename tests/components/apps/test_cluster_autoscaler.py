"""The cluster autoscaler: spot before on demand, zones kept level, and no node held up by what can move."""

import functools

from alone_in_cluster import (
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    origin,
    release,
    spread_over,
    values,
    waits_for,
)

from components.apps.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from recording.graph import Graph
from settings import versions

NAME = "cluster-autoscaler"
IMAGES = versions.load().images[NAME].versions


@functools.cache
def autoscaler(*, replicas: int = 2, kubernetes_version: str = "1.36") -> Graph:
    return in_cluster(
        lambda installer, role, opts: ClusterAutoscaler(
            NAME,
            ClusterAutoscalerArgs(
                installer=installer,
                region="eu-west-1",
                cluster_name="the-cluster",
                kubernetes_version=kubernetes_version,
                service_account="scaling",
                after=[role],
            ),
            opts,
        ),
        replicas=replicas,
    )


def test_it_runs_in_kube_system_where_it_has_the_role_of_its_service_account() -> None:
    graph = autoscaler()
    assert origin(graph, NAME) == (NAME, "kube-system", NAME)
    assert values(graph, NAME)["rbac"] == {"serviceAccount": {"name": "scaling"}}
    assert "role" in waits_for(graph, release(graph, NAME))


def test_it_finds_the_groups_of_its_own_cluster() -> None:
    found = values(autoscaler(), NAME)
    assert found["autoDiscovery"] == {"clusterName": "the-cluster"}
    assert found["awsRegion"] == "eu-west-1"


def test_it_is_of_the_clusters_minor_version_whose_scheduler_it_simulates() -> None:
    for version, tag in IMAGES.items():
        image = values(autoscaler(kubernetes_version=version), NAME)["image"]
        assert image == {"repository": cached("registry.k8s.io/autoscaling/cluster-autoscaler"), "tag": tag}
        assert str(tag).startswith(f"v{version}.")


def test_spot_is_asked_first_and_on_demand_while_there_is_none() -> None:
    found = values(autoscaler(), NAME)
    assert found["extraArgs"]["expander"] == "priority,least-waste"
    # EKS calls an Auto Scaling group eks-GROUP-ID; the highest number wins.
    assert found["expanderPriorities"] == {
        "50": ["^eks-web-.*", "^eks-(api|gpu)-nodes-.*"],
        "10": ["^eks-api-fallback-nodes-.*"],
    }


def test_spot_that_does_not_come_within_ten_minutes_is_given_up_for_the_fallback() -> None:
    assert values(autoscaler(), NAME)["extraArgs"]["max-node-provision-time"] == "10m"


def test_groups_of_one_tier_that_are_bought_in_one_way_are_kept_level() -> None:
    arguments = values(autoscaler(), NAME)["extraArgs"]
    assert arguments["balance-similar-node-groups"] is True
    assert arguments["balancing-label_0"] == "tier"
    assert arguments["balancing-label_1"] == "eks.amazonaws.com/capacityType"


def test_controllers_and_caches_hold_no_node_that_could_go() -> None:
    arguments = values(autoscaler(), NAME)["extraArgs"]
    assert arguments["skip-nodes-with-system-pods"] is False
    assert arguments["skip-nodes-with-local-storage"] is False


def test_one_budget_alone_guards_its_two_pods() -> None:
    graph = autoscaler()
    # The chart's own is taken away.
    assert values(graph, NAME)["podDisruptionBudget"] is None
    assert release(graph, NAME)["allowNullValues"] is True
    (budget,) = graph.of_type("kubernetes:policy/v1:PodDisruptionBudget")
    assert budget["spec"]["selector"] == {"matchLabels": {"app.kubernetes.io/name": "aws-cluster-autoscaler"}}


def test_it_runs_unprivileged_on_demand_nodes_and_is_evicted_last() -> None:
    found = values(autoscaler(), NAME)
    assert found["containerSecurityContext"] == RESTRICTED
    assert found["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found["nodeSelector"] == WEB_TIER
    assert found["priorityClassName"] == "system-cluster-critical"
    assert found["resources"] == asks("100m", "256Mi", limit="512Mi")


def test_it_runs_as_often_as_controllers_of_the_stack_do_on_different_nodes() -> None:
    assert [values(autoscaler(replicas=each), NAME)["replicaCount"] for each in (1, 2)] == [1, 2]
    labels = {"app.kubernetes.io__instance": NAME}
    assert values(autoscaler(), NAME)["topologySpreadConstraints"] == spread_over(**labels)


def test_prometheus_finds_it_by_a_name_that_stays() -> None:
    found = values(autoscaler(), NAME)
    assert found["fullnameOverride"] == NAME
    assert found["serviceMonitor"] == {"enabled": True, "namespace": "monitoring"}
