"""How the apps fit each other, the platform's other parts, and the application's chart, on the whole program."""

import json
from typing import Any

import pytest
from support import STACKS, application, configured, record_with, recorded

from components.apps.application import WORKLOADS
from components.namespaces import APPLICATION
from recording.graph import Graph, Resource
from settings.chart_values import api_max_replicas

RELEASE = "kubernetes:helm.sh/v3:Release"
JOB = "kubernetes:batch/v1:Job"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"


def values(graph: Graph, release: str) -> dict[str, Any]:
    return graph.named(RELEASE, release)["values"]


def of_kind(graph: Graph, kind: str) -> dict[str, Resource]:
    return {resource.name: resource for resource in graph.resources if resource.get("kind") == kind}


def project(graph: Graph) -> dict[str, Any]:
    return of_kind(graph, "AppProject")["ai-prism"]["spec"]


def test_the_gateways_pods_join_the_load_balancers_one_target_group(known: Graph) -> None:
    (binding,), (group,) = (
        of_kind(known, "TargetGroupBinding").values(),
        known.of_type("aws:lb/targetGroup:TargetGroup"),
    )
    release = known.named(RELEASE, "istio-ingressgateway")
    assert binding["spec"] == {
        "serviceRef": {"name": release["name"], "port": group["port"]},
        "targetGroupARN": group.outputs["arn"],
        "targetType": group["targetType"],
    }
    assert binding["metadata"]["namespace"] == release["namespace"]


def test_a_gateway_pod_serves_for_as_long_as_the_load_balancer_sends_to_it(known: Graph) -> None:
    (group,) = known.of_type("aws:lb/targetGroup:TargetGroup")
    gateway = values(known, "istio-ingressgateway")
    drain = json.loads(gateway["podAnnotations"]["proxy.istio.io/config"])["terminationDrainDuration"]
    assert group["deregistrationDelay"] < int(drain.removesuffix("s")) < gateway["terminationGracePeriodSeconds"]


def test_the_proxies_of_every_namespace_in_the_mesh_are_monitored(known: Graph) -> None:
    monitor = of_kind(known, "PodMonitor")["istio-proxies"]
    injected = {
        each["metadata"]["name"]
        for each in known.of_type("kubernetes:core/v1:Namespace")
        if each["metadata"]["labels"].get("istio-injection") == "enabled"
    }
    assert set(monitor["spec"]["namespaceSelector"]["matchNames"]) == injected


def test_the_project_is_the_applications_repository_and_namespace(known: Graph) -> None:
    spec = project(known)
    assert spec["sourceRepos"] == [application(known)["spec"]["source"]["repoURL"]]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": APPLICATION}]


def test_argo_cd_may_keep_the_application_until_that_is_gone(known: Graph) -> None:
    release = known.named(RELEASE, "argo-cd")
    for account in ("argocd-application-controller", "argocd-server"):
        binding = known.named(f"{RBAC}:RoleBinding", account)
        role = known.named(f"{RBAC}:Role", account)
        # Deleted in the opposite order: the controller's rights last, since the application's finalizer wants them.
        assert {role.urn, binding.urn} <= known.needs(release)
        assert release.urn in known.needs(application(known))


def test_what_others_put_into_the_namespace_is_not_called_an_orphan(known: Graph) -> None:
    looked_at = {
        kind
        for each in json.loads(values(known, "argo-cd")["configs"]["cm"]["resource.inclusions"])
        for kind in each["kinds"]
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


def test_every_secret_comes_from_argo_cds_own_place(known: Graph) -> None:
    place = known.named("aws:secretsmanager/secret:Secret", "secrets-argo-cd").outputs["arn"]
    for secret in of_kind(known, "ExternalSecret").values():
        spec = secret["spec"]
        assert {entry["remoteRef"]["key"] for entry in spec["data"]} == {place}


def test_the_applications_namespace_is_one_that_the_program_makes(known: Graph) -> None:
    assert application(known)["spec"]["destination"]["namespace"] in {
        each["metadata"]["name"] for each in known.of_type("kubernetes:core/v1:Namespace")
    }


def test_the_application_is_read_at_the_revision_that_is_configured(known: Graph) -> None:
    revision = application(known)["spec"]["source"]["targetRevision"]
    assert revision == configured(known.stack, "gitops")["revision"]


@pytest.mark.parametrize("images", [["api"], ["api", "web", "worker", "tools"]])
def test_images_that_a_stack_does_not_keep_are_named_all_the_same(images: list[str]) -> None:
    graph = record_with("dev", registry=json.dumps({"images": images}))
    parameters = {each["name"]: each["value"] for each in application(graph)["spec"]["source"]["helm"]["parameters"]}
    aws = configured("dev", "aws")
    host = f"{aws['account_id']}.dkr.ecr.{aws['region']}.amazonaws.com"
    for workload in WORKLOADS:
        assert parameters[f"handover.images.{workload}"] == f"{host}/ai-prism-dev/{workload}"


@pytest.mark.parametrize("stack", STACKS)
def test_logs_go_to_where_the_stack_keeps_them_and_nobody_makes_another_place(stack: str) -> None:
    graph = recorded(stack, known=True)
    lines = [line.strip() for line in values(graph, "fluent-bit")["config"]["outputs"].splitlines()]
    output = dict(line.split(" ", 1) for line in lines if line and line[0] not in "[#")
    if configured(stack, "observability").get("search"):
        (domain,) = graph.of_type("aws:opensearch/domain:Domain")
        assert (output["Name"], output["Host"], output["Port"]) == ("opensearch", domain.outputs["endpoint"], "443")
        assert (output["tls"], output["AWS_Auth"]) == ("On", "On")
    else:
        group = graph.named("aws:cloudwatch/logGroup:LogGroup", "observability-pods")
        assert (output["Name"], output["log_group_name"]) == ("cloudwatch_logs", group.outputs["name"])
        assert output["auto_create_group"] == "Off"


@pytest.mark.parametrize("stack", [each for each in STACKS if configured(each, "observability").get("search")])
def test_the_collector_starts_when_it_may_write(stack: str) -> None:
    graph = recorded(stack, known=True)
    job = graph.named(JOB, "search-access")
    assert job.urn in graph.needs(graph.named(RELEASE, "fluent-bit"))


def test_only_the_job_may_read_the_owners_password() -> None:
    graph = recorded("prod", known=True)
    (cluster,) = graph.of_type("aws:rds/cluster:Cluster")
    arn = cluster.outputs["masterUserSecrets"][0]["secretArn"]
    readers = [each.name for each in graph.of_type("aws:iam/rolePolicy:RolePolicy") if arn in each["policy"]]
    assert readers == ["identity-database-access-grants"]


def test_nobody_else_runs_pods_where_the_owners_password_may_be_read(known: Graph) -> None:
    job = known.named(JOB, "database-access")
    place = job["metadata"]["namespace"]
    inside = [
        each.name
        for each in known.resources
        if (each.get("metadata") or {}).get("namespace") == place or each.get("namespace") == place
    ]
    assert sorted(inside) == [
        "database-access",
        "database-access",
        "database-access-default-deny",
        "database-access-flows",
        "database-access-needed-flows",
        "identity-database-access",
    ]
    assert place not in {destination["namespace"] for destination in project(known)["destinations"]}
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "database-access"


def test_the_application_comes_when_it_may_log_in_and_goes_before_that_ends(known: Graph) -> None:
    assert known.named(JOB, "database-access").urn in known.needs(application(known))


def test_only_the_load_balancers_subnets_come_in_at_the_gateway(unknown: Graph) -> None:
    public = {
        each["cidrBlock"] for each in unknown.of_type("aws:ec2/subnet:Subnet") if each["tags"]["Tier"] == "public"
    }
    flows = unknown.named("kubernetes:networking.k8s.io/v1:NetworkPolicy", "istio-ingress-needed-flows")["spec"]
    (rule,) = (rule for rule in flows["ingress"] if "ipBlock" in rule["from"][0])
    assert {peer["ipBlock"]["cidr"] for peer in rule["from"]} == public


def test_the_application_has_room_for_all_its_pods_twice(unknown: Graph) -> None:
    (quota,) = unknown.of_type("kubernetes:core/v1:ResourceQuota")
    assert int(quota["spec"]["hard"]["pods"]) >= 2 * api_max_replicas(configured(unknown.stack, "environment")["kind"])


def test_whoever_asks_the_api_server_reaches_it_in_the_vpc_and_nothing_else_outside_of_it(unknown: Graph) -> None:
    (vpc,) = (each["cidrBlock"] for each in unknown.of_type("aws:ec2/vpc:Vpc"))
    for each in unknown.of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy"):
        for rule in each["spec"].get("egress", []):
            blocks = {peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer}
            assert not blocks or vpc in blocks or blocks <= {"0.0.0.0/0", "169.254.170.23/32"}, each.urn
