"""Kubernetes objects through the real CLI, on a real API server: previewed, made, kept, changed, and gone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.kubernetes_world import KubernetesWorld, eventually

from fakes.cluster.api import Object
from fakes.cluster.cluster import Cluster
from fakes.cluster.processes import ClusterError, alive

NAMESPACE = """
namespace = k8s.core.v1.Namespace(
    "shop",
    metadata={"name": "shop", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    opts=on_cluster,
)
"""

RESTRICTED = """
restricted = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""

SHOP = f"""
{NAMESPACE}
{RESTRICTED}
labels = {{"app": "shop"}}
in_namespace = {{"namespace": namespace.metadata["name"]}}
config = k8s.core.v1.ConfigMap("config", metadata=in_namespace, data={{"level": "info"}}, opts=on_cluster)
secret = k8s.core.v1.Secret(
    "password", metadata=in_namespace, string_data={{"password": pulumi.Output.secret("hush-hush")}}, opts=on_cluster
)
deployment = k8s.apps.v1.Deployment(
    "shop",
    metadata=in_namespace,
    spec={{
        "replicas": 2,
        "selector": {{"matchLabels": labels}},
        "template": {{
            "metadata": {{"labels": labels}},
            "spec": {{
                "containers": [
                    {{
                        "name": "shop",
                        "image": "shop:1",
                        "securityContext": restricted,
                        "resources": {{"requests": {{"cpu": "1000m", "memory": "1024Mi"}}}},
                        "env": [{{"name": "CONFIG", "value": config.metadata["name"]}}],
                    }}
                ]
            }},
        }},
    }},
    opts=on_cluster,
)
service = k8s.core.v1.Service(
    "shop", metadata=in_namespace, spec={{"selector": labels, "ports": [{{"port": 80}}]}}, opts=on_cluster
)
pulumi.export("deployment", deployment.metadata["name"])
pulumi.export("address", service.spec.apply(lambda spec: spec.cluster_ip))
"""

DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "stores.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Cluster",
        "names": {"kind": "Store", "plural": "stores", "singular": "store", "listKind": "StoreList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["region"],
                                "properties": {"region": {"type": "string"}},
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def store(cluster: Cluster) -> Iterator[None]:
    """The definition of a custom resource, as an operator installs it."""
    cluster.api.apply(DEFINITION, "operator", force=False, dry=False)
    yield
    cluster.api.delete(DEFINITION, "Foreground")
    eventually(lambda: not cluster.api.find(DEFINITION))


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[None]:
    """The restricted namespace, as an earlier update made it."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    shop = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}
    cluster.api.apply(shop, "earlier", force=False, dry=False)
    eventually(lambda: cluster.api.find(account))
    yield
    cluster.api.delete(shop, "Foreground")
    eventually(lambda: not cluster.api.find(shop))


def test_a_stack_lives_from_preview_to_nothing(program: KubernetesWorld, cluster: Cluster):
    program.write(SHOP)

    assert set(program.steps().values()) == {"create"}
    assert cluster.api.find({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}) is None

    program.up().must()
    outputs = program.state()["resources"][0]["outputs"]
    deployment = {"name": outputs["deployment"], "namespace": "shop"}
    live = cluster.api.get({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": deployment})
    assert live["status"]["availableReplicas"] == 2
    assert outputs["deployment"].startswith("shop-")
    assert live["metadata"]["annotations"]["pulumi.com/autonamed"] == "true"
    assert outputs["address"].startswith("10.100.")
    assert "hush-hush" not in str(program.state())

    program.up("--expect-no-changes").must()
    program.refresh("--expect-no-changes").must()
    program.destroy().must()
    assert "resources" not in program.state()
    assert cluster.api.find({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}) is None


def test_an_address_that_the_cluster_gives_survives_an_update(program: KubernetesWorld):
    program.write(NAMESPACE + service("80"))
    program.up().must()
    before = named(program, "v1", "Service")["spec"]["clusterIP"]

    program.write(NAMESPACE + service("81"))
    # The preview does not take over the fields of the creation, so that both ports stand beside each other in it.
    assert "spec.ports[0].name: Required value" in program.refused_preview()
    program.up().must()

    live = named(program, "v1", "Service")["spec"]
    assert (live["clusterIP"], live["ports"][0]["port"]) == (before, 81)


@pytest.mark.usefixtures("namespace")
def test_a_deployment_whose_selector_changes_is_replaced(program: KubernetesWorld):
    program.write(deployment(labels="shop"))
    program.up().must()

    program.write(deployment(labels="market"))

    assert program.steps() == {"kubernetes:apps/v1:Deployment::shop": "replace"}
    program.up().must()
    assert named(program, "apps/v1", "Deployment")["spec"]["selector"] == {"matchLabels": {"app": "market"}}


@pytest.mark.usefixtures("namespace")
def test_a_config_map_with_a_name_of_its_own_is_deleted_before_it_is_replaced(program: KubernetesWorld):
    program.write(config_map("info"))
    program.up().must()

    program.write(config_map("debug"))
    said = program.up().must().out

    assert said.index("deleted original") < said.index("creating replacement")
    assert named(program, "v1", "ConfigMap")["data"] == {"level": "debug"}


@pytest.mark.usefixtures("namespace")
def test_what_somebody_else_changed_is_put_right(program: KubernetesWorld, cluster: Cluster):
    program.write(deployment(labels="shop"))
    program.up().must()
    live = named(program, "apps/v1", "Deployment")
    live["spec"]["replicas"] = 0
    cluster.api.replace(live, "somebody", dry=False)

    done = program.up("--refresh")

    # The field is the other's now, and the API server names them.
    assert not done
    assert 'conflict with "somebody"' in done.output
    assert "Server-Side Apply field conflict detected" in done.output


@pytest.mark.usefixtures("namespace")
def test_what_somebody_changed_or_added_by_kubectl_is_taken_back_without_a_conflict(
    program: KubernetesWorld, cluster: Cluster
):
    program.write(deployment(labels="shop"))
    program.up().must()
    live = named(program, "apps/v1", "Deployment")
    live["spec"]["replicas"] = 0
    live["metadata"]["annotations"]["example.org/by-hand"] = "yes"
    cluster.api.replace(live, "kubectl-edit", dry=False)

    program.up("--refresh").must()

    after = named(program, "apps/v1", "Deployment")
    assert after["spec"]["replicas"] == 1
    assert "example.org/by-hand" not in after["metadata"]["annotations"]


@pytest.mark.usefixtures("namespace")
def test_what_somebody_has_made_already_is_not_taken_over_unless_that_is_asked_for(
    program: KubernetesWorld, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", "namespace": "shop"}}
    cluster.api.apply({**made, "data": {"other": "theirs"}}, "somebody", force=False, dry=False)
    program.write(config_map("info"))

    # The preview does not tell: it may be about to be deleted first.
    assert set(program.steps().values()) == {"create"}
    done = program.up()

    assert not done
    assert 'configmaps "config" already exists' in done.output
    assert "The resource already exists in the cluster." in done.output
    assert cluster.api.get(made)["data"] == {"other": "theirs"}

    monkeypatch.setattr(program, "_cluster", {**program._cluster, "PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"})
    program.up().must()
    assert cluster.api.get(made)["data"] == {"other": "theirs", "level": "info"}


@pytest.mark.usefixtures("namespace")
def test_what_the_program_leaves_to_others_is_left_to_them(program: KubernetesWorld, cluster: Cluster):
    program.write(deployment(labels="shop", ignored="spec.replicas"))
    program.up().must()
    live = named(program, "apps/v1", "Deployment")
    live["spec"]["replicas"] = 2
    cluster.api.replace(live, "autoscaler", dry=False)

    program.write(deployment(labels="shop", ignored="spec.replicas", image="shop:2"))
    program.up().must()

    spec = named(program, "apps/v1", "Deployment")["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (2, "shop:2")


@pytest.mark.usefixtures("namespace")
def test_a_privileged_pod_is_refused_at_preview(program: KubernetesWorld):
    program.write(pod('{"privileged": True}'))

    said = program.refused_preview()

    assert 'violates PodSecurity "restricted:latest": privileged' in said


@pytest.mark.usefixtures("namespace")
def test_a_pod_that_keeps_to_the_rules_runs(program: KubernetesWorld):
    program.write(RESTRICTED + pod("restricted"))

    program.up().must()

    assert named(program, "v1", "Pod")["status"]["phase"] == "Running"


@pytest.mark.usefixtures("store")
def test_a_bad_custom_resource_is_refused_by_its_definition_at_preview(program: KubernetesWorld):
    program.write(custom_resource('{"region": 1}'))
    assert "spec.region: Invalid value" in program.refused_preview()

    program.write(custom_resource("{}"))
    assert "spec.region: Required value" in program.refused_preview()


@pytest.mark.usefixtures("store")
def test_a_field_that_nobody_knows_is_refused_at_preview(program: KubernetesWorld):
    program.write(custom_resource('{"region": "us-east-1", "regoin": "us-east-1"}'))

    assert 'unknown field "spec.regoin"' in program.refused_preview()


def test_a_custom_resource_whose_definition_is_to_come_is_previewed_unchecked(program: KubernetesWorld):
    program.write(custom_resource('{"region": 1}'))

    assert program.steps() == {"kubernetes:example.org/v1:Store::store": "create"}


def test_what_a_namespace_to_come_would_refuse_is_refused_by_the_update(program: KubernetesWorld):
    program.write(NAMESPACE + pod('{"privileged": True}', after="namespace"))
    assert set(program.steps().values()) == {"create"}

    done = program.up()

    assert not done
    assert "was not successfully created by the Kubernetes API server" in done.output
    assert "violates PodSecurity" in done.output


@pytest.mark.usefixtures("store")
def test_a_deletion_waits_for_finalizers(program: KubernetesWorld, cluster: Cluster):
    program.write(custom_resource('{"region": "us-east-1"}', finalizer="example.org/guard"))
    program.up().must()
    live = named(program, "example.org/v1", "Store")

    destroying = program.start("destroy", "--stack", program.stack, "--yes")
    eventually(lambda: "deletionTimestamp" in cluster.api.get(live)["metadata"])
    assert destroying.poll() is None
    release(cluster, live)

    assert program.finish(destroying).must()
    assert cluster.api.find(live) is None


@pytest.mark.usefixtures("store")
def test_a_deletion_that_finalizers_hold_up_fails_in_time_and_is_kept_in_the_state(
    program: KubernetesWorld, cluster: Cluster
):
    program.write(custom_resource('{"region": "us-east-1"}', finalizer="example.org/guard", timeout="1s"))
    program.up().must()

    done = program.destroy()

    assert not done
    assert "finalizers might be preventing deletion (example.org/guard" in done.output
    release(cluster, named(program, "example.org/v1", "Store"))


@pytest.mark.usefixtures("namespace")
def test_a_deployment_that_never_becomes_available_fails_in_time_and_is_kept_in_the_state(program: KubernetesWorld):
    # Pod security refuses its pods, and not the Deployment.
    program.write(deployment(labels="shop", security='{"privileged": True}', timeout="2s"))

    done = program.up()

    assert not done
    assert "timed out waiting to be Ready" in done.output
    assert "violates PodSecurity" in done.output
    assert named(program, "apps/v1", "Deployment")


JOB = """
k8s.batch.v1.Job(
    "grant",
    metadata={{"namespace": "default", "annotations": {annotations}}},
    spec={{
        "active_deadline_seconds": 10,
        "template": {{
            "spec": {{
                "restart_policy": "Never",
                "node_selector": {{"ready": "yes"}},
                "containers": [{{"name": "grant", "image": "grant:1"}}],
            }}
        }},
    }},
    opts=pulumi.ResourceOptions.merge(
        on_cluster, pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="60s", update="60s"))
    ),
)
"""


@pytest.mark.parametrize("annotations", [{}, {"pulumi.com/replaceUnready": "true"}])
def test_a_job_that_has_failed_stays_so_unless_it_is_to_be_replaced(
    program: KubernetesWorld, cluster: Cluster, annotations: dict[str, str]
):
    program.write(JOB.format(annotations=annotations))
    assert not program.up()
    label_node(cluster, "yes")

    again = program.up("--refresh")

    label_node(cluster, "no")
    assert bool(again) is bool(annotations), again.output


RELEASE = """
release = k8s.helm.v3.Release(
    "stores", name="stores", chart="stores", version="{version}", namespace="default",
    repository_opts={{"repo": "https://charts.example.org"}}, opts=on_cluster,
)
k8s.apiextensions.CustomResource(
    "east", api_version="example.org/v1", kind="Store", metadata={{"name": "east"}}, spec={{"region": "us-east-1"}},
    opts=pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[release])),
)
"""


def test_a_helm_release_brings_its_definitions_which_outlive_it(
    program: KubernetesWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "stores.yaml").write_text(json.dumps(DEFINITION), encoding="utf-8")
    monkeypatch.setattr(program, "_cluster", {**program._cluster, "AI_PRISM_DEFINITIONS": str(tmp_path)})

    program.write(RELEASE.format(version="1.0.0"))
    program.up().must()
    program.write(RELEASE.format(version="1.1.0"))
    assert program.steps() == {"kubernetes:helm.sh/v3:Release::stores": "update"}
    program.up().must()
    program.up("--expect-no-changes").must()
    program.refresh("--expect-no-changes").must()
    program.write("")
    program.up().must()

    assert program.cluster
    assert program.cluster.api.find(DEFINITION)
    assert program.cluster.api.request("GET", "/apis/example.org/v1/stores")["items"] == []


def test_what_the_double_does_not_do_is_refused_by_name(program: KubernetesWorld):
    program.write('k8s.helm.v4.Chart("ingress", chart="ingress-nginx", opts=on_cluster)')

    assert "does not do" in program.refused_preview()


def test_an_unreachable_cluster_is_previewed_unchecked_and_refused_by_the_update(tmp_path: Path):
    with KubernetesWorld(tmp_path / "world", None, tmp_path) as program:
        program.write(pod('{"privileged": True}'))
        assert set(program.steps().values()) == {"create"}

        done = program.up()

        assert not done
        assert "configured Kubernetes cluster is unreachable: unable to load schema information" in done.output


def test_two_clusters_at_once_know_nothing_of_each_other(cluster: Cluster, tmp_path: Path):
    only_here = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "here"}}
    with Cluster(tmp_path / "other") as other:
        other.api.apply(only_here, "test", force=False, dry=False)

        assert other.api.find(only_here)
        assert not cluster.api.find(only_here)
        assert not set(cluster.pids.values()) & set(other.pids.values())


def test_a_cluster_leaves_no_process_and_no_file(tmp_path: Path):
    with Cluster(tmp_path / "cluster") as cluster:
        assert all(map(alive, cluster.pids.values()))

    assert not any(map(alive, cluster.pids.values()))
    assert not (tmp_path / "cluster").exists()


def test_a_cluster_that_does_not_come_up_says_which_part_and_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("fakes.cluster.cluster.private_key", lambda: "no key")

    with pytest.raises(ClusterError, match=r"(?s)kube-apiserver ended with exit code 1:.*service-account"):
        Cluster(tmp_path / "cluster").__enter__()

    assert not (tmp_path / "cluster").exists()


def named(program: KubernetesWorld, api_version: str, kind: str) -> Object:
    """Return the one object of a kind that the stack has, as it is now."""
    found = [
        each["outputs"]["metadata"]
        for each in program.state()["resources"]
        if each["custom"] and each.get("outputs", {}).get("kind") == kind
    ]
    assert len(found) == 1
    return program.cluster.api.get({"apiVersion": api_version, "kind": kind, "metadata": found[0]})


def label_node(cluster: Cluster, ready: str) -> None:
    node = cluster.api.get({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "fake"}})
    node["metadata"]["labels"]["ready"] = ready
    cluster.api.replace(node, "test", dry=False)


def release(cluster: Cluster, object_: Object) -> None:
    """Take an object's finalizers away, as their controller does."""
    live = cluster.api.get(object_)
    live["metadata"]["finalizers"] = []
    cluster.api.replace(live, "controller", dry=False)


def service(port: str) -> str:
    return f"""
k8s.core.v1.Service(
    "shop",
    metadata={{"namespace": namespace.metadata["name"]}},
    spec={{"selector": {{"app": "shop"}}, "ports": [{{"port": {port}}}]}},
    opts=on_cluster,
)
"""


def config_map(level: str) -> str:
    return f"""
k8s.core.v1.ConfigMap(
    "config", metadata={{"name": "config", "namespace": "shop"}}, data={{"level": "{level}"}}, opts=on_cluster
)
"""


def pod(security: str, after: str = "") -> str:
    return f"""
k8s.core.v1.Pod(
    "shop",
    metadata={{"namespace": "shop"}},
    spec={{"containers": [{{"name": "shop", "image": "shop:1", "securityContext": {security}}}]}},
    opts=pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[{after}])),
)
"""


def deployment(*, labels: str, security: str = "restricted", image: str = "shop:1", ignored: str = "", timeout="30s"):
    options = (
        f'ignore_changes={[ignored] if ignored else []}, custom_timeouts=pulumi.CustomTimeouts(create="{timeout}")'
    )
    return f"""
{RESTRICTED}
labels = {{"app": "{labels}"}}
k8s.apps.v1.Deployment(
    "shop",
    metadata={{"namespace": "shop"}},
    spec={{
        "replicas": 1,
        "selector": {{"matchLabels": labels}},
        "template": {{
            "metadata": {{"labels": labels}},
            "spec": {{"containers": [{{"name": "shop", "image": "{image}", "securityContext": {security}}}]}},
        }},
    }},
    opts=pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions({options})),
)
"""


def custom_resource(spec: str, finalizer: str = "", timeout: str = "60s") -> str:
    return f"""
k8s.apiextensions.CustomResource(
    "store",
    api_version="example.org/v1",
    kind="Store",
    metadata={{"name": "store", "finalizers": {[finalizer] if finalizer else []}}},
    spec={spec},
    opts=pulumi.ResourceOptions.merge(
        on_cluster, pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete="{timeout}"))
    ),
)
"""
