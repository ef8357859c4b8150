"""How charts are installed: as a whole or not at all, in order, from the stack's own place, with what they define."""

import functools

import pulumi
from alone_in_cluster import (
    CHARTS,
    NAMESPACE,
    NAMESPACES,
    ONE_AT_A_TIME,
    RELEASE,
    RESTRICTED,
    asks,
    cached,
    in_cluster,
    namespace,
    release,
    spread_over,
    waits_for,
)

from components.apps import installer
from components.apps.installer import MARK, Chart, Installer
from recording.graph import Graph
from settings import versions

PINS = versions.load().charts
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"


@functools.cache
def installed(*, replicas: int = 2) -> Graph:
    def make(given: Installer, role: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        parent = pulumi.ComponentResource("test:index:App", "app", None, opts)
        # Of this chart the definitions are in its folder `crds`.
        given.install(
            Chart("argo-cd", "argocd"), {"fromChart": None}, parent=parent, after=[role], budgets=["server", "repo"]
        )
        given.install(Chart("flagger", "flagger-system"), {"replicas": 1}, parent=parent)
        given.install(Chart("istio-cni", "kube-system", chart="cni", pin="istio"), {}, parent=parent, budgets=["cni"])

    return in_cluster(make, replicas=replicas)


def test_a_release_comes_as_a_whole_or_not_at_all_and_cleans_up_after_itself() -> None:
    for each in installed().of_type(RELEASE):
        assert (each["atomic"], each["cleanupOnFail"]) == (True, True), each.name


def test_nodes_have_ten_minutes_to_come_up_and_helm_as_long_again_to_roll_back() -> None:
    for each in installed().of_type(RELEASE):
        assert each["timeout"] == 600
        assert each.custom_timeouts == {"create": "22m", "update": "22m", "delete": "22m"}


def test_the_last_five_revisions_are_kept_so_that_secrets_of_releases_do_not_pile_up() -> None:
    assert {each["maxHistory"] for each in installed().of_type(RELEASE)} == {5}


def test_a_chart_comes_from_the_stacks_own_registry_in_the_version_that_is_pinned() -> None:
    found = {each.name: (each["chart"], each["version"]) for each in installed().of_type(RELEASE)}
    assert found["argo-cd"] == (f"{CHARTS}/argo-cd", PINS["argo-cd"].version)
    assert found["istio-cni"] == (f"{CHARTS}/cni", PINS["istio"].version)


def test_each_release_lies_in_its_namespace_under_its_own_name() -> None:
    assert {each["name"]: each["namespace"] for each in installed().of_type(RELEASE)} == {
        "argo-cd": "argocd",
        "flagger": "flagger-system",
        "flagger-crds": "flagger-system",
        "istio-cni": "kube-system",
    }


def test_an_app_waits_for_all_namespaces_for_what_every_app_waits_for_and_for_what_it_alone_needs() -> None:
    graph = installed()
    assert waits_for(graph, release(graph, "argo-cd")) == {"earlier", "role"}
    assert waits_for(graph, release(graph, "istio-cni")) == {"earlier"}
    spaces = {each.urn for each in graph.of_type(NAMESPACE)}
    assert len(spaces) == len(NAMESPACES)
    for each in graph.of_type(RELEASE):
        assert spaces <= set(each.dependencies), each.name


def test_a_release_belongs_to_its_app() -> None:
    graph = installed()
    assert {graph.by_urn[each.parent or ""].name for each in graph.of_type(RELEASE, BUDGET)} == {"app"}


def test_definitions_that_helm_would_never_upgrade_are_a_release_of_their_own_before_their_chart() -> None:
    graph = installed()
    definitions, chart = release(graph, "flagger-crds"), release(graph, "flagger")
    assert definitions["chart"] == f"{CHARTS}/flagger-crds"
    assert definitions["version"] == PINS["flagger"].version
    # They may be there already, by an earlier version of the program.
    assert definitions["takeOwnership"] is True
    assert "flagger-crds" in waits_for(graph, chart)
    assert chart["skipCrds"] is True
    assert MARK in definitions["values"]["global"]


def test_definitions_wait_for_no_webhook_since_they_make_no_pods() -> None:
    graph = installed()
    assert waits_for(graph, release(graph, "flagger-crds")) == set()


def test_a_chart_without_such_definitions_has_no_second_release() -> None:
    assert "skipCrds" not in release(installed(), "argo-cd")
    assert not [each for each in installed().of_type(RELEASE) if each.name == "argo-cd-crds"]


def test_a_default_of_a_chart_can_be_taken_away() -> None:
    assert release(installed(), "argo-cd")["allowNullValues"] is True
    assert "allowNullValues" not in release(installed(), "flagger")


def test_a_drain_takes_one_pod_of_a_controller_at_a_time_and_each_that_is_not_ready() -> None:
    graph = installed()
    budgets = {each.name: each for each in graph.of_type(BUDGET)}
    assert budgets.keys() == {"server-budget", "repo-budget", "cni-budget"}
    budget = budgets["server-budget"]
    assert budget["metadata"] == {"name": "server-budget", "namespace": "argocd"}
    assert budget["spec"] == {**ONE_AT_A_TIME, "selector": {"matchLabels": {"app.kubernetes.io/name": "server"}}}
    # The chart may have had one of its own, and a pod under two budgets cannot be evicted.
    assert waits_for(graph, budget) == {"argo-cd"}


def test_a_budget_goes_with_its_namespace_unless_that_is_not_the_programs() -> None:
    graph = installed()
    budgets = {each.name: each.deleted_with for each in graph.of_type(BUDGET)}
    assert budgets["server-budget"] == namespace(graph, "argocd")
    assert budgets["cni-budget"] is None


def test_a_single_pod_has_no_budget_which_could_only_hold_up_drains() -> None:
    assert not installed(replicas=1).of_type(BUDGET)


def test_an_object_in_a_namespace_is_deleted_with_it_and_comes_after_what_is_named() -> None:
    found: list[pulumi.ResourceOptions] = []

    def make(given: Installer, role: pulumi.Resource, opts: pulumi.ResourceOptions) -> None:
        parent = pulumi.ComponentResource("test:index:App", "app", None, opts)
        options = given.waiting_for(role).inside("logging", parent)
        found.append(options)
        installer.make_object("thing", "example.com/v1", "Thing", {"size": 1}, namespace="logging", opts=options)
        installer.make_object(
            "wide", "example.com/v1", "Thing", {}, metadata={"labels": {"a": "b"}}, opts=given.inside("argocd", parent)
        )

    graph = in_cluster(make)
    thing, wide = (graph.named("kubernetes:example.com/v1:Thing", name) for name in ("thing", "wide"))
    assert thing.deleted_with == namespace(graph, "logging")
    assert waits_for(graph, thing) == {"earlier", "role"}
    assert {each.urn for each in graph.of_type(NAMESPACE)} <= set(thing.dependencies)
    assert (thing["apiVersion"], thing["kind"], thing["spec"]) == ("example.com/v1", "Thing", {"size": 1})
    assert thing["metadata"] == {"name": "thing", "namespace": "logging"}
    assert wide["metadata"] == {"name": "wide", "labels": {"a": "b"}}


def test_an_image_of_a_cached_registry_is_pulled_from_the_cache() -> None:
    places: list[object] = []

    def make(given: Installer, _role: pulumi.Resource, _opts: pulumi.ResourceOptions) -> None:
        places.extend([given.place_of("quay.io/team/tool"), given.place_of("example.com/x"), given.registry("ghcr.io")])

    in_cluster(make)
    assert places == [cached("quay.io/team/tool"), "example.com/x", {"registry": cached("ghcr.io")}]


def test_replicas_are_spread_over_zones_and_nodes_as_far_as_there_are_any() -> None:
    assert installer.spread({"app": "server"}) == spread_over(app="server")
    assert installer.spread() == spread_over()


def test_a_container_may_use_spare_cpu_and_no_memory_beyond_its_limit() -> None:
    assert installer.resources("100m", "1Gi") == asks("100m", "1Gi")
    assert installer.resources("100m", "1Gi", memory_limit="2Gi") == asks("100m", "1Gi", limit="2Gi")
    assert "cpu" not in installer.resources("100m", "1Gi")["limits"]


def test_what_other_pods_cannot_start_without_is_the_last_to_be_evicted() -> None:
    """https://kubernetes.io/docs/tasks/administer-cluster/guaranteed-scheduling-critical-addon-pods/"""
    assert installer.CRITICAL == "system-cluster-critical"


def test_a_pod_of_the_platform_is_let_into_a_restricted_namespace_and_cannot_write_to_its_image() -> None:
    assert installer.RESTRICTED == RESTRICTED


def test_the_mark_of_what_is_set_is_short_and_lies_where_every_chart_allows_values() -> None:
    (value,) = installer.marked({})["global"].values()
    assert len(value) == 12
    assert installer.marked({"global": {"hub": "docker.io"}})["global"]["hub"] == "docker.io"
