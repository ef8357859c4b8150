"""Values that cannot be meant are refused, with the key in the message."""

import functools

import jsonschema
import pytest
from chart import (
    ENVIRONMENTS,
    at,
    default_values,
    environment_values,
    handover,
    helm,
    leaves,
    refusal,
    render,
    value_schema,
)
from support import recorded

from tools import build

HANDED_OVER = list(leaves(handover()))


def _values(environment="prod"):
    return _merged(_merged(default_values(), environment_values(environment)), handover())


def _merged(base, over):
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    return base | {key: _merged(base[key], value) if key in base else value for key, value in over.items()}


def _mistakes(values):
    return list(jsonschema.Draft202012Validator(value_schema()).iter_errors(values))


def _scaled(least, most):
    return {"workloads": {"api": {"autoscaling": {"minReplicas": least, "maxReplicas": most}}}}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (_scaled(-1, 3), "'/workloads/api/autoscaling/minReplicas': minimum: got -1, want 1"),
        (_scaled(0, 3), "'/workloads/api/autoscaling/minReplicas'"),
        (_scaled("2", 3), "'/workloads/api/autoscaling/minReplicas': got string, want integer"),
        (_scaled(7, 3), "workloads.api.autoscaling.minReplicas is 7, and more than workloads.api.autoscaling.maxRepl"),
        ({"workloads": {"api": {"replicas": 3}}}, "'/workloads/api/replicas'"),
        ({"workloads": {"api": {"autoscaling": {"enabled": False}}}}, "'/workloads/api': missing property 'replicas'"),
        (
            {"workloads": {"api": {"autoscaling": {"enabled": False}, "replicas": -2}}},
            "'/workloads/api/replicas': minimum: got -2, want 1",
        ),
        ({"workloads": {"api": {"enabled": False}}}, "'/workloads/api/enabled'"),
        ({"workloads": {"api": {"disruption": {"maxUnavailable": 0}}}}, "'/workloads/api/disruption/maxUnavailable'"),
        ({"workloads": {"api": {"disruption": {"maxUnavailable": "0%"}}}}, "'/workloads/api/disruption/maxUnavailab"),
        ({"defaults": {"disruption": {"minAvailable": 1}}}, "'/defaults/disruption': additional properties 'minAvail"),
        (
            {"defaults": {"rollout": {"maxSurge": 0, "maxUnavailable": 0}}},
            "rollout.maxSurge and rollout.maxUnavailable",
        ),
        ({"workloads": {"batch": {}}}, "'/workloads': additional properties 'batch' not allowed"),
        # A step that would take pods or a route away, at once or while two versions run side by side.
        ({"workloads": {"api": {"traffic": False}}}, "'/workloads/api/traffic': value must be true"),
        ({"workloads": {"web": {"traffic": False}}}, "'/workloads/web/traffic': value must be true"),
        ({"workloads": {"worker": {"traffic": True}}}, "'/workloads/worker/traffic': value must be false"),
        ({"ports": {"http": 8090}}, "'/ports/http': value must be 8080"),
        ({"ports": {"metrics": 8091}}, "'/ports/metrics': value must be 8081"),
        ({"delivery": {"strategy": "bigBang"}}, "'/delivery/strategy': value must be one of 'canary', 'blueGreen'"),
        ({"delivery": {"interval": "1h"}}, "'/delivery/interval'"),
        ({"delivery": {"progressDeadlineSeconds": 310}}, "delivery.progressDeadlineSeconds is 310, but the probes.sta"),
        ({"delivery": {"canary": {"stepWeight": 60}}}, "delivery.canary.stepWeight is 60, and more than delivery.can"),
        ({"delivery": {"blueGreen": {"stepWeights": [10, 50, 25]}}}, "delivery.blueGreen.stepWeights must rise"),
        ({"delivery": {"blueGreen": {"stepWeights": [10, 101]}}}, "'/delivery/blueGreen/stepWeights/1'"),
        ({"delivery": {"abTest": {"match": []}}}, "'/delivery/abTest/match'"),
        ({"delivery": {"acceptance": {"path": "/health; reboot"}}}, "'/delivery/acceptance/path'"),
        ({"image": {"tag": "latest"}}, "'/image/tag'"),
        ({"image": {"tag": ""}}, "'/image/tag'"),
        ({"environment": "production"}, "'/environment'"),
        ({"handover": {"vpcCidr": "everywhere"}}, "'/handover/vpcCidr'"),
        (
            {"delivery": {"interval": "9s"}},
            "delivery.interval or delivery.blueGreen.interval is 9s, but Flagger takes 10s",
        ),
        (
            {"workloads": {"web": {"access": ["mail"]}}},
            "'/workloads/web/access/0': value must be one of 'database', 'cac",
        ),
        ({"workloads": {"web": {"access": ["cache", "cache"]}}}, "'/workloads/web/access'"),
        ({"workloads": {"web": {"access": None}}}, "'/workloads/web': missing property 'access'"),
        ({"replicaCount": 10}, "additional properties 'replicaCount' not allowed"),
    ],
    ids=str,
)
def test_a_bad_value_is_refused_by_its_key(values, named):
    assert named in refusal(values)


def test_what_is_handed_over_empty_is_asked_for_by_its_key():
    empty = {"handover": default_values()["handover"]}
    message = refusal(empty)
    assert [path for path in HANDED_OVER if f"'/{'/'.join(path)}': minLength: got 0, want 1" not in message] == []


def test_what_is_not_handed_over_is_asked_for_by_its_key():
    # null takes a key away.
    nothing = functools.reduce(_merged, (at(path, None) for path in HANDED_OVER))
    lines = refusal(nothing).splitlines()
    for path in HANDED_OVER:
        (line,) = (each for each in lines if f"'/{'/'.join(path[:-1])}': missing propert" in each)
        assert f"'{path[-1]}'" in line


def test_what_is_handed_over_reaches_an_object():
    everything = {"workloads": {"web": {"enabled": True}, "worker": {"enabled": True}}}
    others = {path: _other(path, _at(handover(), path)) for path in HANDED_OVER}
    rendering = render("dev", everything | functools.reduce(_merged, (at(*each) for each in others.items())))
    before = render("dev", everything)
    assert [path for path, other in others.items() if other in before.text or other not in rendering.text] == []


def _other(path, value):
    match path[-1]:
        case "host" | "readerHost":
            return f"other-{'-'.join(path[1:]).lower()}-{value}"
        case "region":
            return "eu-west-1"
        case "vpcCidr":
            return "10.99.0.0/16"
        case _ if value.startswith("http://"):
            return value.replace("http://", f"http://other-{path[-1].lower()}-")
        case _:
            return f"{value}-{'-'.join(path[1:]).lower()}"


def test_nothing_of_the_handover_has_a_default():
    empty = default_values()["handover"]
    assert set(leaves({"handover": empty})) == set(HANDED_OVER)
    assert all(_at(empty, path[1:]) == "" for path in HANDED_OVER)


def _at(value, path):
    for key in path:
        value = value[key]
    return value


def _objects(value, path=()):
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from _objects(inner, (*path, key))


CLOSED = [each for each in _objects(_values()) if not {"monitoring", "settings", "nodeSelector"} & set(each)]


@pytest.mark.parametrize("path", CLOSED, ids=".".join)
def test_an_unknown_key_is_refused_wherever_it_stands(path):
    values = _merged(_values(), at((*path, "unknown"), "value"))
    assert any("'unknown'" in each.message for each in _all(_mistakes(values)))


def _all(errors):
    for error in errors:
        yield error
        yield from _all(error.context)


@pytest.mark.parametrize("path", [each for each in leaves(default_values()) if each[0] != "monitoring"], ids=".".join)
def test_no_value_may_be_of_another_type(path):
    wrong = True if isinstance(_at(_values(), path), str) else "nonsense"
    assert _mistakes(_merged(_values(), at(path, wrong)))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_sets_nothing_that_values_yaml_does_not_know(environment):
    own = environment_values(environment)
    known = default_values()
    for path in leaves(own):
        # What a workload may say otherwise is known by the defaults.
        inside = path[2:] if path[0] == "workloads" and path[2] in known["defaults"] else path
        _at(known["defaults"] if inside != path else known, inside)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_pods_of_an_environment_fit_its_quota_and_those_that_are_enabled_do_while_versions_change(environment):
    quota = _quota(environment)
    workloads = _values(environment)["workloads"]
    pods = {name: each["autoscaling"]["maxReplicas"] for name, each in workloads.items()}
    assert sum(pods.values()) <= quota
    # Beside the primary, the new version has an autoscaler with the same range.
    changing = {name: 2 * each if workloads[name]["traffic"] else each for name, each in pods.items()}
    assert sum(each for name, each in changing.items() if workloads[name]["enabled"]) <= quota


def _quota(environment):
    (quota,) = recorded(environment, known=True).of_type("kubernetes:core/v1:ResourceQuota")
    return int(quota["spec"]["hard"]["pods"])


def test_without_helm_and_go_the_tests_of_the_chart_are_skipped_by_that_name(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(build.EngineError):
        build.locate("helm")
    with pytest.raises(pytest.skip.Exception, match="neither Helm nor Go is there"):
        helm.__wrapped__()
