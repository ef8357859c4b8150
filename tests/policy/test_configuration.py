"""What can be configured by rule."""

import json

import pytest

from policy.adapter import initial_config
from policy.configuration import OWN, ConfigurationError, parse
from policy.environment import environment
from policy.registry import rules


def test_values_and_levels_are_taken_by_rule() -> None:
    given = {"kms-window": {"enforcementLevel": "advisory", "days": 20}, "kms-rotate": "disabled"}
    assert parse(json.dumps(given), "file") == {
        "kms-window": {"enforcementLevel": "advisory", "days": 20, "level": "advisory"},
        "kms-rotate": {"enforcementLevel": "disabled", "level": "disabled"},
    }


def test_all_is_what_no_rule_says_otherwise() -> None:
    found = parse('{"all": "advisory", "kms-window": "mandatory"}', "file")
    assert found["kms-window"]["level"] == "mandatory"
    assert {found[rule.id]["level"] for rule in rules() if rule.id != "kms-window"} == {"advisory"}


def test_every_mistake_is_told_at_once() -> None:
    given = {
        "all": "strict",
        "kms-windows": {},
        "kms-window": {"days": 3, "hours": 1},
        "kms-rotate": 5,
        "stk-tags": {"tags": "Owner"},
        "stk-region": {"regions": [1]},
        "stk-cost": {"ceilings": {"dev": "much"}},
    }
    with pytest.raises(ConfigurationError) as raised:
        parse(json.dumps(given), "pack.json")
    assert str(raised.value).splitlines() == [
        "pack.json: all: enforcementLevel must be one of mandatory, advisory, disabled, remediate",
        "pack.json: kms-windows: no such rule; did you mean kms-window?",
        "pack.json: kms-window: unknown key hours; known are days, enforcementLevel",
        "pack.json: kms-window: days must be at least 7",
        "pack.json: kms-rotate: must be a level or an object",
        "pack.json: stk-tags: tags must be of type array",
        "pack.json: stk-region: regions must be of type string",
        "pack.json: stk-cost: ceilings must be of type number",
    ]


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"a": ', "[" * 100_000])
def test_what_is_no_configuration_is_told_as_such(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"pack\.json: (is not valid JSON|must be an object of rules)"):
        parse(text, "pack.json")


def test_the_defaults_of_every_rule_satisfy_its_own_schema() -> None:
    given = {rule.id: {key: schema["default"] for key, schema in rule.config.items()} for rule in rules()}
    parse(json.dumps(given), "defaults")


def test_the_pack_starts_with_what_the_platform_configures() -> None:
    assert initial_config() == json.loads(OWN.read_text())


@pytest.mark.parametrize(
    ("stack", "config", "wanted"),
    [
        ("prod", {}, "prod"),
        ("eu-prod-2", {}, "prod"),
        ("payments_staging", {}, "staging"),
        ("acme-prod/feature-dev", {}, "dev"),
        ("reproduction", {}, "unknown"),
        ("prod", {"shop:environment": '{"kind": "dev"}'}, "dev"),
        ("x", {"shop:environment": "production"}, "prod"),
        ("x", {"shop:environment": "5"}, "unknown"),
        # Never laxer than any word of the name, or by a key of somebody else's.
        ("prod-int", {}, "prod"),
        ("live-test", {}, "prod"),
        ("test-sandbox", {}, "integration"),
        ("prod", {"sentry:environment": "dev"}, "prod"),
        ("x", {"sentry:environment": "dev"}, "unknown"),
        ("", {}, "unknown"),
    ],
)
def test_an_environment_is_what_the_stack_says_or_is_called(stack: str, config: dict, wanted: str) -> None:
    assert environment(stack, config, "shop").kind == wanted


@pytest.mark.parametrize(
    ("stack", "config", "doubt"),
    [
        ("shop-dev", {}, "no shop:environment says so, but the name shop-dev does"),
        ("prod", {"shop:environment": "dev"}, "shop:environment says so, but the name prod says prod"),
        ("dev", {"shop:environment": "dev"}, ""),
        ("dev", {"shop:environment": "prod"}, ""),
        ("prod", {}, ""),
        ("x", {}, ""),
    ],
)
def test_an_environment_that_may_be_stricter_in_truth_is_doubted(stack: str, config: dict, doubt: str) -> None:
    assert environment(stack, config, "shop").doubt == doubt
