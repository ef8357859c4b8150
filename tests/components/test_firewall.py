"""What the firewall lets through, from one address and from many that are one client."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support import record_with, recorded

from components.firewall import BY_FINGERPRINT, BY_NETWORK
from recording.graph import Graph

MANAGED = {
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
}
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""


def rules(graph: Graph) -> dict[str, Mapping[str, Any]]:
    (acl,) = graph.of_type("aws:wafv2/webAcl:WebAcl")
    return {rule["name"]: rule for rule in acl["rules"]}


def statements(statement: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind, body in statement.items():
        yield kind, body
        for nested in (body.get("statement"), body.get("scopeDownStatement"), *body.get("statements", ())):
            yield from statements(nested or {})


def capacity(kind: str, body: Mapping[str, Any]) -> int:
    """Return the capacity units of a statement without those within it, as the page of its kind has them.

    Source: https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statements-list.html
    """
    match kind:
        case "andStatement" | "notStatement":
            return 0
        case "managedRuleGroupStatement":
            return MANAGED[body["name"]]
        case "labelMatchStatement":
            return 1
        case "regexMatchStatement":
            return 3 + 10 * len(body["textTransformations"])
        case "rateBasedStatement":
            return 2 + 30 * len(body.get("customKeys", ()))
    raise AssertionError(f"nobody has looked up the capacity of {kind}")


@pytest.mark.parametrize("stack", ["dev", "integration", "staging", "prod"])
def test_the_rules_fit_into_a_web_acl_at_the_basic_price(stack: str) -> None:
    """1,500 units: https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html."""
    found = rules(recorded(stack, known=True)).values()
    used = sum(capacity(*each) for rule in found for each in statements(rule["statement"]))
    assert 900 < used <= 1500


def test_one_address_is_blocked_beyond_its_limit_and_many_of_one_client_are_counted() -> None:
    graph = record_with("dev", firewall=json.dumps({"requests_per_address": 50, "requests_per_network": 70}))
    found = rules(graph)

    address, network = found["RateLimit"], found[BY_NETWORK]
    assert address["action"] == {"block": {}}
    assert address["statement"] == {
        "rateBasedStatement": {"limit": 50, "evaluationWindowSec": 300, "aggregateKeyType": "IP"}
    }
    assert network["action"] == {"count": {}}
    assert network["statement"]["rateBasedStatement"]["limit"] == 70
    assert network["statement"]["rateBasedStatement"]["customKeys"] == [{"asn": {}}]


def test_what_comes_from_many_addresses_is_blocked_where_the_stack_says_so() -> None:
    found = rules(record_with("dev", firewall=json.dumps({"many_addresses": "block"})))
    assert [found[name]["action"] for name in (BY_FINGERPRINT, BY_NETWORK)] == [{"block": {}}] * 2


def test_a_client_whose_tls_tells_nothing_is_not_counted_with_others() -> None:
    (key,) = rules(recorded("dev", known=True))[BY_FINGERPRINT]["statement"]["rateBasedStatement"]["customKeys"]
    assert key == {"ja4Fingerprint": {"fallbackBehavior": "NO_MATCH"}}


def test_nothing_passes_a_limit_that_another_rule_has_let_through() -> None:
    """Only a rule that allows would end the evaluation early."""
    assert not [name for name, rule in rules(recorded("dev", known=True)).items() if "allow" in rule.get("action", {})]
