"""What differs between what is and what is wanted."""

import pytest

from fakes.cluster.differences import Change, differences, normalize, prune
from fakes.cluster.replacements import patterns_of

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment"}


def told(old: dict, new: dict) -> dict[str, str]:
    """Return verbs by place; what replaces is in capitals."""
    new = {**DEPLOYMENT, **new}
    changes = differences({**DEPLOYMENT, **old}, new, patterns_of(new, frozenset()))
    return {change.name: change.verb if change.replace else change.verb.lower() for change in changes}


def test_what_the_cluster_filled_in_is_no_difference():
    live = {"spec": {"replicas": 1, "strategy": {"type": "RollingUpdate"}, "ports": [{"port": 80, "protocol": "TCP"}]}}
    given = {"spec": {"replicas": 1, "ports": [{"port": 80}]}}

    assert told(prune(live, given), given) == {}


def test_what_somebody_changed_is_a_difference():
    given = {"spec": {"replicas": 1}}

    assert told(prune({"spec": {"replicas": 5}}, given), given) == {"spec.replicas": "update"}


def test_what_is_given_no_longer_is_deleted_and_what_is_new_is_added():
    old = {"spec": {"paused": True, "ports": [{"port": 80}, {"port": 81}]}}
    new = {"spec": {"replicas": 2, "ports": [{"port": 80, "name": "http"}]}}

    assert told(old, new) == {
        "spec.paused": "delete",
        "spec.replicas": "add",
        "spec.ports[0].name": "add",
        "spec.ports[1]": "delete",
    }


def test_a_selector_replaces_a_deployment_wherever_in_it_the_change_is():
    old, new = ({"spec": {"selector": {"matchLabels": {"app": app}}}} for app in ("shop", "market"))

    assert told(old, new) == {"spec.selector.matchLabels.app": "UPDATE"}
    assert told({}, new) == {"spec": "ADD"}


def test_a_name_and_a_namespace_replace_everything():
    old = {"metadata": {"name": "shop", "namespace": "default"}}
    new = {"metadata": {"name": "market", "namespace": "shop"}}

    assert told(old, new) == {"metadata.name": "UPDATE", "metadata.namespace": "UPDATE"}


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_data_replaces_unless_the_provider_is_told_that_it_is_mutable(kind: str):
    old, new = ({"apiVersion": "v1", "kind": kind, "data": {"key": value}} for value in ("old", "new"))

    def change(mutable: frozenset[str]) -> Change:
        (change,) = differences(old, new, patterns_of(new, mutable))
        return change

    assert change(frozenset()).replace
    assert not change(frozenset({kind})).replace


def test_a_container_of_a_pod_replaces_it():
    old, new = ({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": tag}]}} for tag in "ab")

    (change,) = differences(old, new, patterns_of(new, frozenset()))

    assert (change.name, change.replace) == ("spec.containers[0].image", True)


@pytest.mark.parametrize(
    ("given", "kept"), [("1000m", "1"), (2, "2"), ("1024Mi", "1Gi"), ("0.5", "500m"), ("1e3", "1k"), ("1000000", "1M")]
)
def test_a_quantity_is_the_same_however_it_is_written(given: object, kept: str):
    old, new = ({"resources": {"limits": {"cpu": each}}} for each in (kept, given))

    assert told(old, new) == {}


def test_what_only_looks_like_a_quantity_is_compared_as_it_is():
    assert told({"metadata": {"labels": {"size": "1"}}}, {"metadata": {"labels": {"size": "1000m"}}}) == {
        "metadata.labels.size": "update"
    }
    assert told({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "2"}}}) == {
        "resources.limits.cpu": "update"
    }


def test_keys_with_dots_are_told_in_brackets():
    assert told({"metadata": {"labels": {}}}, {"metadata": {"labels": {"a.b/c": "d"}}}) == {
        'metadata.labels["a.b/c"]': "add"
    }


def test_true_is_not_one():
    assert told({"spec": {"paused": 1}}, {"spec": {"paused": True}}) == {"spec.paused": "update"}


def test_what_is_empty_matters_in_a_custom_resource_alone():
    custom = {"apiVersion": "example.org/v1", "kind": "Store"}

    assert told({"metadata": {}}, {"metadata": {"labels": {}}}) == {}
    assert [change.name for change in differences(custom, {**custom, "spec": {}}, ())] == ["spec"]


def test_a_secrets_text_is_kept_as_data():
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}

    assert normalize(secret) == {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ==", "b": "Yg=="}}
