"""The checks of custom resources find what an API server would not take as it is meant."""

import custom_resources
import pytest
import third_party

SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 1},
                "mode": {"type": "string", "default": "Plain"},
                "free": {"type": "object", "additionalProperties": {"type": "string"}},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {}},
                "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "items": {"type": "array", "items": {"type": "object", "properties": {"policy": {"default": "None"}}}},
            },
        }
    },
}


@pytest.fixture(autouse=True)
def _schema(monkeypatch):
    monkeypatch.setattr(custom_resources, "_schema", lambda *_: SCHEMA)


def _resource(**spec):
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": spec}


def test_what_follows_the_definition_is_no_problem():
    spec = {"size": 1, "free": {"any": "text"}, "open": {"any": 1}, "port": "http", "items": [{"policy": "None"}]}
    assert list(custom_resources.problems(_resource(**spec))) == []


@pytest.mark.parametrize(
    "spec",
    [{}, {"size": 0}, {"size": "1"}, {"size": 1, "sise": 2}, {"size": 1, "free": {"a": 1}}, {"size": 1, "port": []},
     {"size": 1, "items": [{"polcy": "None"}]}],
    ids=str,
)  # fmt: skip
def test_what_does_not_is_one(spec):
    assert len(list(custom_resources.problems(_resource(**spec)))) == 1


def test_defaults_that_are_left_to_the_server_are_found():
    assert list(custom_resources.unsaid_defaults(_resource(size=1, items=[{}]))) == [
        "Thing.spec.mode",
        "Thing.spec.items[0].policy",
    ]
    assert not list(custom_resources.unsaid_defaults(_resource(mode="Plain")))


def test_kinds_of_kubernetes_are_not_custom():
    kubernetes = ("v1", "apps/v1", "networking.k8s.io/v1", "policy/v1", "autoscaling/v2")
    assert not any(custom_resources.is_custom({"apiVersion": each}) for each in kubernetes)
    custom = ("flagger.app/v1beta1", "networking.istio.io/v1", "external-secrets.io/v1", "monitoring.coreos.com/v1")
    assert all(custom_resources.is_custom({"apiVersion": each}) for each in custom)


def test_without_the_charts_the_reason_of_the_skip_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("AI_PRISM_CHARTS", raising=False)
    monkeypatch.setattr(third_party, "binary", lambda _: tmp_path)
    monkeypatch.setattr(third_party, "missing", third_party.missing.__wrapped__)
    with pytest.raises(pytest.skip.Exception, match=r"^third-party charts: .* is not there; make charts$"):
        custom_resources._definition("example.com", "Thing")
