"""In which order what is in the cluster comes and goes, on the recorded graph."""

from collections.abc import Iterator, Mapping

import pytest
from support import STACKS, recorded

from components.apps import archives
from recording.graph import Graph, Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
DEFINED_BY: Mapping[str, str] = {
    "argoproj.io": "argo-cd",
    "elbv2.k8s.aws": "aws-load-balancer-controller",
    "external-secrets.io": "external-secrets",
    "flagger.app": "flagger",
    "monitoring.coreos.com": "kube-prometheus-stack",
    "networking.istio.io": "istio-base",
    "security.istio.io": "istio-base",
    "telemetry.istio.io": "istio-base",
}
"""Which chart brings the definitions of a group's kinds."""
BUILT_IN = ("", "apps", "batch", "core", "helm.sh", "meta", "policy")
"""Groups that every cluster has, beside those of k8s.io."""
OBJECTS_OF_THE_APPLICATION = (
    "external-secrets",
    "flagger",
    "istio-base",
    "istiod",
    "istio-cni",
    "kube-prometheus-stack",
)
"""Charts whose kinds, webhooks or sidecars the application needs to come, and its deletion to end."""

pytestmark = pytest.mark.parametrize("stack", STACKS)


def in_cluster(graph: Graph) -> Iterator[Resource]:
    """Yield what is made in the cluster, components and providers left out."""
    return (resource for resource in graph.resources if resource.custom and resource.type.startswith("kubernetes:"))


def group(resource: Resource) -> str:
    """Return the API group of an object, as in `kubernetes:apps/v1:Deployment`."""
    return resource.type.split(":")[1].rpartition("/")[0]


def release(graph: Graph, name: str) -> Resource:
    return graph.named(RELEASE, name)


def with_objects(graph: Graph) -> list[Resource]:
    """Return the releases but those of definitions, which have no Service and outlive their release."""
    return [each for each in graph.of_type(RELEASE) if not each.name.endswith(archives.of_definitions(""))]


def custom(graph: Graph) -> list[Resource]:
    return [resource for resource in in_cluster(graph) if group(resource) in DEFINED_BY]


def of_kind(graph: Graph, kind: str) -> list[Resource]:
    return [resource for resource in in_cluster(graph) if resource.get("kind") == kind]


def test_nothing_in_the_cluster_is_without_a_path_to_nodes(stack: str) -> None:
    graph = recorded(stack, known=True)
    nodes = {resource.urn for resource in graph.of_type("aws:eks/nodeGroup:NodeGroup")}
    resources = list(in_cluster(graph))
    assert resources
    for resource in resources:
        assert nodes & graph.needs(resource), resource.urn


def test_every_group_of_kinds_is_built_in_or_brought_by_a_chart(stack: str) -> None:
    groups = {group(resource) for resource in in_cluster(recorded(stack, known=True))}
    own = {each for each in groups if each not in BUILT_IN and not each.endswith("k8s.io")} | {
        each for each in groups if each == "elbv2.k8s.aws"
    }
    assert own
    assert own <= DEFINED_BY.keys()


def test_no_custom_resource_comes_before_the_chart_that_defines_its_kind(stack: str) -> None:
    graph = recorded(stack, known=True)
    resources = custom(graph)
    assert resources
    for resource in resources:
        assert release(graph, DEFINED_BY[group(resource)]).urn in graph.needs(resource), resource.urn


def test_the_application_goes_before_its_controller_and_its_project(stack: str) -> None:
    graph = recorded(stack, known=True)
    (application,) = of_kind(graph, "Application")
    (project,) = of_kind(graph, "AppProject")
    assert {release(graph, "argo-cd").urn, project.urn} <= graph.needs(application)
    # With a controller alone it is not deleted: its finalizer has to be worked off.
    assert application.deleted_with is None
    assert application["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_the_application_goes_before_every_controller_that_its_objects_need(stack: str) -> None:
    graph = recorded(stack, known=True)
    (application,) = of_kind(graph, "Application")
    needed = {release(graph, name).urn for name in OBJECTS_OF_THE_APPLICATION}
    assert needed <= graph.needs(application)


def test_the_load_balancer_controller_outlives_every_binding_of_targets(stack: str) -> None:
    graph = recorded(stack, known=True)
    controller = release(graph, "aws-load-balancer-controller")
    bindings = of_kind(graph, "TargetGroupBinding")
    assert bindings
    for binding in bindings:
        assert controller.urn in graph.needs(binding)
        assert binding.deleted_with is None


def test_pods_leave_the_target_group_before_they_go(stack: str) -> None:
    graph = recorded(stack, known=True)
    (binding,) = of_kind(graph, "TargetGroupBinding")
    assert release(graph, "istio-ingressgateway").urn in graph.needs(binding)


def test_external_secrets_outlives_what_it_fulfils(stack: str) -> None:
    graph = recorded(stack, known=True)
    controller = release(graph, "external-secrets")
    for resource in of_kind(graph, "ExternalSecret"):
        assert controller.urn in graph.needs(resource)
        assert resource.deleted_with is None


def test_no_chart_comes_before_the_webhook_that_is_asked_about_its_services(stack: str) -> None:
    graph = recorded(stack, known=True)
    controller = release(graph, "aws-load-balancer-controller")
    others = [each for each in with_objects(graph) if each.urn != controller.urn]
    assert others
    for other in others:
        assert controller.urn in graph.needs(other), other.name


def test_pods_of_the_mesh_come_after_what_makes_them_part_of_it(stack: str) -> None:
    graph = recorded(stack, known=True)
    mesh = {release(graph, name).urn for name in ("istiod", "istio-cni")}
    for name in ("istio-ingressgateway", "flagger", "flagger-loadtester"):
        assert mesh <= graph.needs(release(graph, name)), name


def test_releases_are_deleted_for_real(stack: str) -> None:
    releases = recorded(stack, known=True).of_type(RELEASE)
    assert releases
    assert not [each.name for each in releases if each.deleted_with or each.retain_on_delete]
