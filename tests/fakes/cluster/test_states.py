"""An object in Pulumi's state."""

from fakes.cluster import states
from fakes.cluster.ownership import leave_out_ignored
from recording.graph import UNKNOWN, Secret


def test_a_state_is_the_live_object_with_what_was_given_beside_it():
    given = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"}}
    live = {**given, "metadata": {"name": "config", "uid": "1"}}

    state = states.join(live, given, "somebody", "v1")

    assert states.split(state) == (given, live)
    assert states.manager_of(state, given) == "somebody"
    assert state["metadata"]["uid"] == "1"


def test_what_came_as_a_secret_stays_one_and_nothing_else_becomes_one():
    given = {"spec": {"password": Secret("hush"), "size": 1}, "list": [Secret("hush"), "open"]}
    live = {"spec": {"password": "hush", "size": 1}, "list": ["hush", "open"]}

    assert states.hide_like(given, live) == {
        "spec": {"password": Secret("hush"), "size": 1},
        "list": Secret(["hush", "open"]),
    }


def test_the_contents_of_a_secret_are_hidden_even_if_given_openly():
    state = states.join({"kind": "Secret", "data": {"a": "YQ=="}}, {"kind": "Secret", "data": {"a": "YQ=="}}, "m", "v1")

    assert state["data"] == Secret({"a": "YQ=="})
    assert state["__inputs"]["data"] == Secret({"a": "YQ=="})


def test_keys_that_python_cannot_write_reach_the_server_with_dashes():
    schema = {"items": [{"x_kubernetes_preserve_unknown_fields": True}]}

    assert states.plain(schema) == {"items": [{"x-kubernetes-preserve-unknown-fields": True}]}


def test_a_value_that_is_to_come_is_found_wherever_it_is():
    assert states.has_unknown(states.plain({"spec": [{"secret": Secret(UNKNOWN)}]}))
    assert not states.has_unknown({"spec": [{"secret": "known"}]})


def test_each_resource_has_a_field_manager_of_its_own():
    assert states.manager_of({}, {}) != states.manager_of({}, {})
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "mine"}}}
    assert states.manager_of({"__fieldManager": "earlier"}, annotated) == "mine"


def test_a_name_is_the_same_for_the_same_seed():
    assert states.random_name("shop", b"seed") == states.random_name("shop", b"seed")
    assert states.random_name("shop", b"seed") != states.random_name("shop", b"other")


def test_an_ignored_field_is_left_to_whoever_manages_it():
    fields = {"f:spec": {"f:replicas": {}}}
    live = {"metadata": {"managedFields": [{"manager": "autoscaler", "fieldsV1": fields}]}, "spec": {"replicas": 5}}
    inputs = {"spec": {"replicas": 1, "paused": True}}

    assert leave_out_ignored(inputs, live, "mine", ["spec.replicas"]) == {"spec": {"paused": True}}
    assert leave_out_ignored(inputs, live, "autoscaler", ["spec.replicas"])["spec"]["replicas"] == 5
    assert inputs == {"spec": {"replicas": 1, "paused": True}}
