"""What Helm renders is accepted by the cluster, and by our own policies."""

import functools
import json

import kubernetes_validate
import pytest
from chart import NAMESPACE, Rendering, lint, pod_labels, pod_spec, render, running_labels, selects
from custom_resources import is_custom, problems, unsaid_defaults

from policy.surfaces.manifests import read_manifests
from prismctl.policies import Judge
from prismctl.project import ROOT, Project

CLUSTER = "1.36"


def test_helm_finds_nothing_to_say_about_the_chart(environment):
    done = lint(environment)
    assert not done.returncode, done.stdout + done.stderr


def test_the_objects_are_checked_for_the_version_that_the_clusters_run(environment):
    assert json.loads(Project(ROOT).config(environment)["ai-prism:cluster"])["version"] == CLUSTER


def test_kubernetes_accepts_every_object_of_its_own(rendering: Rendering):
    for each in rendering.objects:
        if not is_custom(each):
            assert _accepted_by(json.dumps(each)) == CLUSTER


@functools.cache
def _accepted_by(text):
    # Strict: what the API server would silently drop is refused.
    return kubernetes_validate.validate(json.loads(text), CLUSTER, strict=True)


def test_every_custom_resource_follows_its_definition(rendering: Rendering):
    assert [problem for each in rendering.objects if is_custom(each) for problem in problems(each)] == []


def test_custom_resources_leave_no_default_to_the_server_so_that_argo_cd_sees_no_difference(rendering: Rendering):
    assert [path for each in rendering.objects if is_custom(each) for path in unsaid_defaults(each)] == []


def test_no_policy_is_violated_or_undetermined(rendering: Rendering, tmp_path):
    file = tmp_path / "rendered.yaml"
    file.write_text(rendering.text, encoding="utf-8")
    report = Judge(environment=rendering.environment).report(read_manifests(str(file)).stack, {})
    # TLS ends at the load balancer in front of the gateway.
    plain = {("mesh-entry", "spec.servers[0].port.protocol")}
    # What it says of a roll-out without an analysis is right.
    unmeasured = {("flagger-canary", "spec.skipAnalysis")} if "skipAnalysis: true" in rendering.text else set()
    assert {(each.rule.id, each.path) for each in report.findings} == plain | unmeasured
    assert report.environment == rendering.environment


def test_every_object_is_in_the_namespace_and_none_is_there_twice(rendering: Rendering):
    names = [(each["kind"], each["metadata"]["name"]) for each in rendering.objects]
    assert len(names) == len(set(names))
    assert {each["metadata"]["namespace"] for each in rendering.objects} == {NAMESPACE}


def test_the_chart_makes_nothing_that_is_the_programs(rendering: Rendering):
    assert not list(rendering.of("Namespace", "Secret", "ResourceQuota", "LimitRange", "TargetGroupBinding"))


def test_everything_that_an_object_refers_to_is_there(rendering: Rendering):
    secrets = {each["spec"]["target"]["name"] for each in rendering.of("ExternalSecret")}
    for workload in rendering.of("Deployment"):
        spec = pod_spec(workload)
        (container,) = spec["containers"]
        assert rendering.has("ServiceAccount", spec["serviceAccountName"])
        for source in container["envFrom"]:
            assert rendering.has("ConfigMap", source["configMapRef"]["name"])
        assert {each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each} <= secrets
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}
        ports = {each["name"] for each in container["ports"]}
        assert {container[f"{each}Probe"]["httpGet"]["port"] for each in ("liveness", "readiness", "startup")} <= ports
    for scaler in rendering.of("HorizontalPodAutoscaler"):
        scaled = scaler["spec"]["scaleTargetRef"]["name"]
        assert rendering.has("Deployment", scaled) or rendering.has("Canary", scaled.removesuffix("-primary"))
    for canary in rendering.of("Canary"):
        spec = canary["spec"]
        assert rendering.has("Deployment", spec["targetRef"]["name"])
        assert rendering.has("HorizontalPodAutoscaler", spec["autoscalerRef"]["name"])
        for metric in spec["analysis"]["metrics"]:
            assert "templateRef" not in metric or rendering.has("MetricTemplate", metric["templateRef"]["name"])
        assert all(rendering.has("Gateway", name) for name in spec["service"]["gateways"] if name != "mesh")


def test_every_service_leads_to_named_ports_of_pods(rendering: Rendering):
    for service in rendering.of("Service"):
        workload = rendering.one("Deployment", service["metadata"]["name"])
        assert selects({"matchLabels": service["spec"]["selector"]}, pod_labels(workload))
        ports = {each["name"] for each in pod_spec(workload)["containers"][0]["ports"]}
        assert {each["targetPort"] for each in service["spec"]["ports"]} <= ports


def test_every_selector_matches_the_pods_it_is_for_and_no_others(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        name = workload["metadata"]["name"]
        selector = workload["spec"]["selector"]
        assert [labels["app"] for labels in running_labels(rendering) if selects(selector, labels)] == [name]
        runs = {name, f"{name}-primary"} if rendering.has("Canary", name) else {name}
        for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
            chosen = rendering.one(kind, name)["spec"][key]
            assert {labels["app"] for labels in running_labels(rendering) if selects(chosen, labels)} == runs, kind


def test_a_selector_stays_whatever_value_changes():
    workload = {
        "nodeSelector": {"tier": "other"},
        "hosts": ["other.ai-prism.com"],
        "access": ["cache"],
        "tolerations": [],
        "autoscaling": {"minReplicas": 7, "maxReplicas": 8},
    }
    change = {
        "image": {"tag": "v9.9.9"},
        "settings": {"LOG_LEVEL": "DEBUG"},
        "delivery": {"strategy": "rolling"},
        "workloads": dict.fromkeys(("api", "web", "worker"), workload),
        "handover": {"serviceAccounts": {"api": "other", "worker": "others"}},
    }
    before, after = render("prod"), render("prod", change)
    for each in before.of("Deployment"):
        selector = after.one("Deployment", each["metadata"]["name"])["spec"]["selector"]
        # Kubernetes refuses to change it; and Flagger finds the pods by `app`.
        assert selector == each["spec"]["selector"] == {"matchLabels": {"app": each["metadata"]["name"]}}


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "PodDisruptionBudget", "ConfigMap", "Canary"])
def test_labels_of_an_object_do_not_change_with_a_release(kind):
    before, after = render("prod"), render("prod", {"image": {"tag": "v9.9.9"}})
    assert [each["metadata"] for each in before.of(kind)] == [each["metadata"] for each in after.of(kind)]
