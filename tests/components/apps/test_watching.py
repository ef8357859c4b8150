"""Metrics, traces and alerts: kept where, for how long, and who is told."""

import json
import re
from typing import Any

import pytest
from support import STACKS, recorded

from components.namespaces import KUBE_SYSTEM, MONITORING
from recording.graph import Resource

RELEASE = "kubernetes:helm.sh/v3:Release"
CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"


def release(stack: str, name: str) -> Resource:
    return recorded(stack, known=True).named(RELEASE, name)


def values(stack: str, name: str) -> dict[str, Any]:
    return release(stack, name)["values"]


@pytest.mark.parametrize("stack", STACKS)
def test_volumes_are_encrypted_by_the_clusters_key_and_go_with_their_claim(stack: str) -> None:
    graph = recorded(stack, known=True)
    (kind,) = graph.of_type(CLASS)
    key = graph.named("aws:kms/key:Key", "encryption-cluster")
    assert kind["parameters"]["encrypted"] == "true"
    assert kind["parameters"]["kmsKeyId"] == key.outputs["arn"]
    assert kind["reclaimPolicy"] == "Delete"
    assert kind["volumeBindingMode"] == "WaitForFirstConsumer"


@pytest.mark.parametrize("stack", STACKS)
def test_every_volume_is_of_the_encrypted_kind(stack: str) -> None:
    graph = recorded(stack, known=True)
    text = json.dumps([item["values"] for item in graph.of_type(RELEASE)], default=str)
    claims = [item["spec"] for item in graph.of_type("kubernetes:core/v1:PersistentVolumeClaim")]
    named = re.findall(r'"storageClassName": "([^"]+)"', text) + [claim["storageClassName"] for claim in claims]
    assert named
    assert set(named) == {"gp3-encrypted"}


@pytest.mark.parametrize("stack", STACKS)
def test_alerts_that_ask_for_somebody_reach_the_topics_that_alarms_of_their_severity_reach(stack: str) -> None:
    graph = recorded(stack, known=True)
    config = values(stack, "kube-prometheus-stack")["alertmanager"]["config"]
    told = {receiver["name"]: receiver.get("sns_configs", []) for receiver in config["receivers"]}
    routes = {route["matchers"][0]: told[route["receiver"]] for route in config["route"]["routes"]}
    assert routes['severity = "critical"'][0]["topic_arn"] == graph.outputs["alertsTopicArn"]
    assert routes['severity = "warning"'][0]["topic_arn"] == graph.outputs["warningsTopicArn"]
    assert "severity" in config["route"]["group_by"]
    assert not told[config["route"]["receiver"]]
    sent = [config for configs in told.values() for config in configs]
    assert not any("access_key" in config["sigv4"] for config in sent)
    policy = graph.named("aws:iam/rolePolicy:RolePolicy", "identity-alertmanager-grants")["policy"]
    publish, _ = json.loads(policy)["Statement"]
    assert publish["Action"] == ["sns:Publish"]
    assert sorted(publish["Resource"]) == sorted(config["topic_arn"] for config in sent)


@pytest.mark.parametrize("stack", STACKS)
def test_the_pods_that_wear_a_role_have_the_service_account_that_it_is_given_to(stack: str) -> None:
    graph = recorded(stack, known=True)
    worn = {
        (item["namespace"], item["serviceAccount"])
        for item in graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    }
    metrics = values(stack, "kube-prometheus-stack")
    assert (MONITORING, metrics["alertmanager"]["serviceAccount"]["name"]) in worn
    assert ("logging", values(stack, "fluent-bit")["serviceAccount"]["name"]) in worn
    assert (KUBE_SYSTEM, values(stack, "cluster-autoscaler")["rbac"]["serviceAccount"]["name"]) in worn


@pytest.mark.parametrize("stack", STACKS)
def test_nobody_looks_at_grafana_without_a_name_and_no_password_is_given(stack: str) -> None:
    grafana = values(stack, "kube-prometheus-stack")["grafana"]
    assert grafana["grafana.ini"]["auth.anonymous"]["enabled"] is False
    assert "ingress" not in grafana
    assert not re.search("password", json.dumps(grafana, default=str), re.IGNORECASE)


@pytest.mark.parametrize("stack", STACKS)
def test_charts_that_say_what_is_to_be_watched_come_after_the_kinds_for_it(stack: str) -> None:
    graph = recorded(stack, known=True)
    kinds = release(stack, "kube-prometheus-stack")
    watched = [
        item
        for item in graph.of_type(RELEASE)
        if re.search(r"'(service|pod)Monitor': ", repr(item["values"])) and item != kinds
    ]
    assert len(watched) > 3
    for item in watched:
        assert kinds.urn in graph.needs(item), item.urn
