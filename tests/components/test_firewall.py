"""What the firewall lets through, from one address and from many that are one client, and what it keeps of it."""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pulumi
import pytest
from alone import CONTEXT, LOG_GROUPS, build

from components.firewall import BY_FINGERPRINT, BY_NETWORK, Firewall, FirewallArgs
from recording.graph import Graph
from settings import network as settings

MANAGED = {
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
}
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""


BALANCER_ARN = CONTEXT.arn("elasticloadbalancing", "loadbalancer/app/entrance/1")


@functools.cache
def firewall(many_addresses: Literal["count", "block"] = "count") -> Graph:
    section = settings.Firewall(
        requests_per_address=50,
        requests_per_fingerprint=60,
        requests_per_network=70,
        many_addresses=many_addresses,
    )
    args = FirewallArgs(context=CONTEXT, settings=section, load_balancer_arn=BALANCER_ARN, log_groups=LOG_GROUPS)
    return build(lambda opts: pulumi.export("metric", Firewall("firewall", args, opts).metric))


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
        case _:
            raise AssertionError(f"nobody has looked up the capacity of {kind}")


def test_the_rules_fit_into_a_web_acl_at_the_basic_price() -> None:
    """1,500 units: https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html."""
    found = rules(firewall()).values()
    used = sum(capacity(*each) for rule in found for each in statements(rule["statement"]))
    assert 900 < used <= 1500


def test_every_request_to_the_load_balancer_passes_it() -> None:
    (acl,) = firewall().of_type("aws:wafv2/webAcl:WebAcl")
    (association,) = firewall().of_type("aws:wafv2/webAclAssociation:WebAclAssociation")
    assert (association["resourceArn"], association["webAclArn"]) == (BALANCER_ARN, acl.outputs["arn"])
    # A load balancer takes a regional one alone.
    assert acl["scope"] == "REGIONAL"


def test_a_request_that_no_rule_blocks_reaches_the_application() -> None:
    (acl,) = firewall().of_type("aws:wafv2/webAcl:WebAcl")
    assert acl["defaultAction"] == {"allow": {}}


def test_known_attacks_are_blocked_by_aws_rule_sets_whole_but_for_large_bodies() -> None:
    found = {name: rule for name, rule in rules(firewall()).items() if "managedRuleGroupStatement" in rule["statement"]}
    assert found.keys() == MANAGED.keys()
    for name, rule in found.items():
        group = rule["statement"]["managedRuleGroupStatement"]
        # An override to count would only watch the attack.
        assert rule["overrideAction"] == {"none": {}}, name
        assert (group["vendorName"], group["name"]) == ("AWS", name)
        assert "scopeDownStatement" not in group, name
        counted = [each["name"] for each in group.get("ruleActionOverrides", ())]
        assert counted == (["SizeRestrictions_BODY"] if name == "AWSManagedRulesCommonRuleSet" else []), name
        for each in group.get("ruleActionOverrides", ()):
            assert each["actionToUse"] == {"count": {}}


def test_large_bodies_are_documents_and_anything_else_that_is_large_is_blocked() -> None:
    """The label: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html."""
    rule = rules(firewall())["LargeBodiesOnlyAsUploads"]
    assert rule["action"] == {"block": {}}
    large, elsewhere = rule["statement"]["andStatement"]["statements"]
    assert large == {
        "labelMatchStatement": {
            "scope": "LABEL",
            "key": "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body",
        }
    }
    path = elsewhere["notStatement"]["statement"]["regexMatchStatement"]
    assert path["fieldToMatch"] == {"uriPath": {}}
    # A path in disguise is read as the application reads it: decoded first, then without detours.
    transformations = sorted(path["textTransformations"], key=lambda each: each["priority"])
    assert [each["type"] for each in transformations] == ["URL_DECODE", "NORMALIZE_PATH"]
    for upload in ("/api/v2/documents", "/api/v2/documents/", "/api/v2/documents/1/pages"):
        assert re.search(path["regexString"], upload), upload
    for other in ("/api/v2/documentsx", "/x/api/v2/documents", "/api/v2", "/login", "/api/v3/documents"):
        assert not re.search(path["regexString"], other), other


def test_a_body_is_labelled_as_large_before_the_rule_that_looks_for_the_label() -> None:
    (acl,) = firewall().of_type("aws:wafv2/webAcl:WebAcl")
    order = [rule["name"] for rule in sorted(acl["rules"], key=lambda rule: rule["priority"])]
    assert order.index("AWSManagedRulesCommonRuleSet") < order.index("LargeBodiesOnlyAsUploads")
    # Who is known as an attacker uses up nobody's limit, and an address is limited before costly rules read its body.
    assert order[:2] == ["AWSManagedRulesAmazonIpReputationList", "RateLimit"]
    priorities = [rule["priority"] for rule in acl["rules"]]
    assert len(set(priorities)) == len(priorities)


def test_one_address_is_blocked_beyond_its_limit() -> None:
    address = rules(firewall())["RateLimit"]
    assert address["action"] == {"block": {}}
    assert address["statement"] == {
        "rateBasedStatement": {"limit": 50, "evaluationWindowSec": 300, "aggregateKeyType": "IP"}
    }


@pytest.mark.parametrize("action", ["count", "block"])
def test_what_comes_from_many_addresses_is_counted_or_blocked_as_the_stack_says(
    action: Literal["count", "block"],
) -> None:
    found = rules(firewall(action))
    for name, limit in ((BY_FINGERPRINT, 60), (BY_NETWORK, 70)):
        assert found[name]["action"] == {action: {}}
        limited = found[name]["statement"]["rateBasedStatement"]
        assert (limited["limit"], limited["evaluationWindowSec"]) == (limit, 300)
        assert limited["aggregateKeyType"] == "CUSTOM_KEYS"
        assert "scopeDownStatement" not in limited
    assert found["RateLimit"]["action"] == {"block": {}}


def test_a_network_is_counted_by_its_number_and_a_client_by_how_it_opens_tls() -> None:
    (network,) = rules(firewall())[BY_NETWORK]["statement"]["rateBasedStatement"]["customKeys"]
    (client,) = rules(firewall())[BY_FINGERPRINT]["statement"]["rateBasedStatement"]["customKeys"]
    assert network == {"asn": {}}
    # A client whose TLS has no fingerprint is not counted with others.
    assert client == {"ja4Fingerprint": {"fallbackBehavior": "NO_MATCH"}}


def test_nothing_passes_a_limit_that_another_rule_has_let_through() -> None:
    """Only a rule that allows would end the evaluation early."""
    assert not [name for name, rule in rules(firewall()).items() if "allow" in rule.get("action", {})]


def test_requests_are_counted_under_the_names_that_alarms_ask_for() -> None:
    (acl,) = firewall().of_type("aws:wafv2/webAcl:WebAcl")
    assert acl["visibilityConfig"]["metricName"] == firewall().outputs["metric"] == "ai-prism-test"
    assert (BY_FINGERPRINT, BY_NETWORK) == ("RateLimitFingerprint", "RateLimitNetwork")
    for name, rule in rules(firewall()).items():
        assert rule["visibilityConfig"]["metricName"] == name
    for visible in (acl["visibilityConfig"], *(rule["visibilityConfig"] for rule in acl["rules"])):
        # Samples show, weeks before a limit blocks, who would have been blocked.
        assert (visible["cloudwatchMetricsEnabled"], visible["sampledRequestsEnabled"]) == (True, True)


def test_requests_are_logged_without_the_credentials_in_them() -> None:
    """WAF takes groups whose names begin with `aws-waf-logs-` alone (logging-cw-logs)."""
    (acl,) = firewall().of_type("aws:wafv2/webAcl:WebAcl")
    (logs,) = firewall().of_type("aws:cloudwatch/logGroup:LogGroup")
    (logging,) = firewall().of_type("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration")
    assert logs["name"] == "aws-waf-logs-ai-prism-test"
    assert (logs["kmsKeyId"], logs["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    assert (logging["resourceArn"], logging["logDestinationConfigs"]) == (acl.outputs["arn"], [logs.outputs["arn"]])
    assert "loggingFilter" not in logging
    assert [each["singleHeader"]["name"] for each in logging["redactedFields"]] == ["authorization", "cookie"]
