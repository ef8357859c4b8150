"""The web application firewall in front of the load balancer."""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.log_groups import LogGroupFactory
from components.stack_context import StackContext
from settings import network as settings
from settings.naming import physical_name

UPLOAD_PATH = "/api/v2/documents"
"""The only path that takes bodies larger than the firewall inspects."""
BY_FINGERPRINT, BY_NETWORK = "RateLimitFingerprint", "RateLimitNetwork"
"""Rules against crawlers that come from many addresses, as CloudWatch names them."""


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """Arguments of Firewall."""

    context: StackContext
    settings: settings.Firewall
    load_balancer_arn: pulumi.Input[str]
    """What the firewall is put in front of."""
    log_groups: LogGroupFactory


class Firewall(pulumi.ComponentResource):
    """A web ACL that limits each address, counts or limits what comes from many addresses alike, blocks known attacks,
    and logs every request without its credentials."""

    metric: str
    """Under which name CloudWatch counts its requests."""

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Firewall", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)

        # CloudWatch tells web ACLs of one account apart by nothing else.
        self.metric = f"ai-prism-{args.context.stack}"
        acl = self._make_acl()
        aws.wafv2.WebAclAssociation(
            f"{name}-association", resource_arn=args.load_balancer_arn, web_acl_arn=acl.arn, opts=self._child
        )
        self._make_logging(acl)
        self.register_outputs({"arn": acl.arn})

    def _make_acl(self) -> aws.wafv2.WebAcl:
        limits = self._args.settings
        return aws.wafv2.WebAcl(
            f"{self._name}-acl",
            scope="REGIONAL",
            description=f"AI-Prism {self._args.context.stack}",
            default_action={"allow": {}},
            visibility_config=_visible(self.metric),
            rules=[
                _managed(0, "AWSManagedRulesAmazonIpReputationList"),
                _rate_limit(1, "RateLimit", limits.requests_per_address, "block"),
                _managed(2, "AWSManagedRulesKnownBadInputsRuleSet"),
                # Documents are larger than the 8 KB that this set would allow; rule 4 blocks other large bodies.
                _managed(3, "AWSManagedRulesCommonRuleSet", counted=["SizeRestrictions_BODY"]),
                _large_bodies_only_as_uploads(4),
                _rate_limit(5, BY_FINGERPRINT, limits.requests_per_fingerprint, limits.many_addresses, _FINGERPRINT),
                _rate_limit(6, BY_NETWORK, limits.requests_per_network, limits.many_addresses, _NETWORK),
            ],
            opts=self._child,
        )

    def _make_logging(self, acl: aws.wafv2.WebAcl) -> None:
        group = self._args.log_groups.make(
            f"{self._name}-logs",
            parent=self,
            physical_name=physical_name("firewall-logs", self._args.context.stack),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self._name}-logging",
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[{"single_header": {"name": "authorization"}}, {"single_header": {"name": "cookie"}}],
            opts=self._child,
        )


_Key = aws.wafv2.WebAclRuleStatementRateBasedStatementCustomKeyArgsDict
_FINGERPRINT: _Key = {"ja4_fingerprint": {"fallback_behavior": "NO_MATCH"}}
"""How a client opens TLS: the same program has the same one behind every address."""
_NETWORK: _Key = {"asn": {}}
"""Whose address it is; those of nobody known count as one."""


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "sampled_requests_enabled": True, "metric_name": metric}


def _managed(priority: int, name: str, counted: list[str] | None = None) -> aws.wafv2.WebAclRuleArgsDict:
    """Return AWS's rule group `name`, of which the rules in `counted` label requests instead of blocking them."""
    return {
        "name": name,
        "priority": priority,
        "override_action": {"none": {}},
        "statement": {
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": name,
                "rule_action_overrides": [{"name": rule, "action_to_use": {"count": {}}} for rule in counted or []],
            }
        },
        "visibility_config": _visible(name),
    }


def _rate_limit(
    priority: int, name: str, limit: int, action: Literal["count", "block"], key: _Key | None = None
) -> aws.wafv2.WebAclRuleArgsDict:
    """Return a rule on more than `limit` requests in five minutes, counted for each value of the key, or each address.

    Source: https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based.html
    """
    counted: aws.wafv2.WebAclRuleStatementRateBasedStatementArgsDict = {
        "limit": limit,
        "evaluation_window_sec": 300,
        "aggregate_key_type": "CUSTOM_KEYS" if key else "IP",
    }
    if key:
        counted["custom_keys"] = [key]
    return {
        "name": name,
        "priority": priority,
        "action": {"block": {}} if action == "block" else {"count": {}},
        "statement": {"rate_based_statement": counted},
        "visibility_config": _visible(name),
    }


def _large_bodies_only_as_uploads(priority: int) -> aws.wafv2.WebAclRuleArgsDict:
    """Block what the common rule set labelled as too large, anywhere but on the upload path.

    Source: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
    """
    return {
        "name": "LargeBodiesOnlyAsUploads",
        "priority": priority,
        "action": {"block": {}},
        "statement": {
            "and_statement": {
                "statements": [
                    {
                        "label_match_statement": {
                            "scope": "LABEL",
                            "key": "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body",
                        }
                    },
                    {
                        "not_statement": {
                            "statement": {
                                "regex_match_statement": {
                                    "regex_string": f"^{UPLOAD_PATH}(/|$)",
                                    "field_to_match": {"uri_path": {}},
                                    "text_transformations": [
                                        {"priority": 0, "type": "URL_DECODE"},
                                        {"priority": 1, "type": "NORMALIZE_PATH"},
                                    ],
                                }
                            }
                        }
                    },
                ]
            }
        },
        "visibility_config": _visible("LargeBodiesOnlyAsUploads"),
    }
