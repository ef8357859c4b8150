"""The load balancer controller: it puts pods into the program's target group, and makes nothing of its own in AWS."""

import functools

from alone import CONTEXT
from alone_in_cluster import (
    ONE_AT_A_TIME,
    RESTRICTED,
    WEB_TIER,
    asks,
    cached,
    in_cluster,
    origin,
    release,
    values,
    waits_for,
)

from components.apps.load_balancer_controller import LoadBalancerController, LoadBalancerControllerArgs
from recording.graph import Graph

NAME = "aws-load-balancer-controller"


@functools.cache
def controller(*, replicas: int = 2) -> Graph:
    return in_cluster(
        lambda installer, role, opts: LoadBalancerController(
            "load-balancer-controller",
            LoadBalancerControllerArgs(
                installer=installer,
                context=CONTEXT,
                cluster_name="the-cluster",
                vpc_id="vpc-1",
                service_account="balancing",
                after=[role],
            ),
            opts,
        ),
        replicas=replicas,
    )


def test_it_runs_in_kube_system_where_it_has_the_role_of_its_service_account() -> None:
    graph = controller()
    assert origin(graph, NAME) == (NAME, "kube-system", NAME)
    assert values(graph, NAME)["serviceAccount"] == {"name": "balancing"}
    # Pods that start before the role is associated have no credentials.
    assert "role" in waits_for(graph, release(graph, NAME))


def test_it_knows_its_cluster_region_and_network_without_asking_the_nodes_metadata_which_pods_cannot_reach() -> None:
    found = values(controller(), NAME)
    assert (found["clusterName"], found["region"], found["vpcId"]) == ("the-cluster", "us-east-1", "vpc-1")


def test_it_makes_neither_balancers_nor_firewalls_nor_security_groups() -> None:
    found = values(controller(), NAME)
    for switch in (
        "enableServiceMutatorWebhook",
        "enableShield",
        "enableWaf",
        "enableWafv2",
        "createIngressClassResource",
        "enableBackendSecurityGroup",
    ):
        assert found[switch] is False, switch


def test_what_it_makes_all_the_same_carries_the_stacks_tags() -> None:
    assert values(controller(), NAME)["defaultTags"] == CONTEXT.tags


def test_its_image_is_pulled_through_the_cache() -> None:
    repository = cached("public.ecr.aws/eks/aws-load-balancer-controller")
    assert values(controller(), NAME)["image"] == {"repository": repository}


def test_it_runs_unprivileged_on_demand_nodes_and_is_evicted_last() -> None:
    found = values(controller(), NAME)
    assert found["securityContext"] == RESTRICTED
    assert found["nodeSelector"] == WEB_TIER
    assert found["priorityClassName"] == "system-cluster-critical"
    assert found["resources"] == asks("100m", "128Mi", limit="256Mi")


def test_it_runs_as_often_as_controllers_of_the_stack_do_and_holds_up_no_drain() -> None:
    assert [values(controller(replicas=each), NAME)["replicaCount"] for each in (1, 2)] == [1, 2]
    assert values(controller(), NAME)["podDisruptionBudget"] == ONE_AT_A_TIME
