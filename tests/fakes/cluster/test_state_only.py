"""Objects of a cluster without an API server."""

from typing import Any

from fakes.cluster.state_only import StateOnlyObjects
from recording.graph import UNKNOWN, Secret

URN = "urn:pulumi:dev::ai-prism::kubernetes:core/v1:ConfigMap::config"
CONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "config", "namespace": "shop"},
    "data": {"level": "info"},
}
CLUSTER = StateOnlyObjects()


def changes(state: Any, news: Any, ignored: tuple[str, ...] = ()) -> dict[str, bool]:
    return {change.name: change.replace for change in CLUSTER.diff(state, news, ignored).changes}


def test_an_object_is_kept_as_it_was_given():
    id_, state = CLUSTER.create(URN, CONFIG, 0)

    assert id_ == "shop/config"
    assert changes(state, CONFIG) == {}
    assert CLUSTER.read(id_, ("v1", "ConfigMap"), CONFIG, state) == (CONFIG, state)
    assert CLUSTER.read(id_, ("v1", "ConfigMap"), {}, {}) is None


def test_it_is_changed_and_replaced_as_on_a_server():
    _, state = CLUSTER.create(URN, CONFIG, 0)

    assert changes(state, {**CONFIG, "data": {"level": "debug"}}) == {"data.level": True}
    assert changes(state, {**CONFIG, "data": {"level": "debug"}}, ("data",)) == {}
    assert changes(state, {**CONFIG, "metadata": {"name": "other", "namespace": "shop"}}) == {"metadata.name": True}
    labelled = {**CONFIG, "metadata": {**CONFIG["metadata"], "labels": {"a": "b"}}}
    assert changes(state, labelled) == {"metadata.labels": False}
    assert changes(CLUSTER.update(state, labelled, (), 0, dry=False), labelled) == {}


def test_an_object_without_a_name_gets_one_and_keeps_it():
    nameless = {**CONFIG, "metadata": {}}

    named = CLUSTER.check("config", {}, nameless, b"seed")
    again = CLUSTER.check("config", named, nameless, b"other")

    assert named["metadata"]["name"].startswith("config-")
    assert again["metadata"]["name"] == named["metadata"]["name"]


def test_what_is_to_come_is_planned_and_what_is_secret_stays_hidden():
    assert CLUSTER.plan_creation(URN, {**CONFIG, "data": UNKNOWN})["data"] is UNKNOWN
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": "hush"}}

    checked = CLUSTER.check("key", {}, {**secret, "stringData": Secret(secret["stringData"])}, b"")

    assert isinstance(checked["stringData"], Secret)
    assert "hush" not in str(CLUSTER.create(URN, checked, 0)[1])
