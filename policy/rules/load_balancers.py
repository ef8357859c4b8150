"""Load balancers and their listeners, of the provider's modules `lb` and `alb`."""

import re

from policy import resource_types as types
from policy.properties import Findings, Properties, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_WEB_ACL_ASSOCIATION = (*types.WEB_ACL_ASSOCIATION, "aws:wafregional/webAclAssociation:WebAclAssociation")


def _is_application(balancer: Resource) -> bool:
    return balancer.text("loadBalancerType").lower() in ("", "application")


@rule(
    "waf-assoc",
    "Public load balancers have a web ACL",
    types=types.LOAD_BALANCER,
    kind="stack",
    severity=HIGH,
    controls=("ELB.16", "CKV2_AWS_28"),
    paths=("internal", "loadBalancerType"),
    why="Without a WAF, known attacks reach the application, and request rates are not limited.",
    fix="Add aws.wafv2.WebAclAssociation(resource_arn=load_balancer.arn, web_acl_arn=…).",
)
def firewall(balancer: Resource, context: Context) -> Findings:
    # Only application load balancers support a web ACL.
    if not _is_application(balancer) or balancer.flag("internal"):
        return
    if not context.stack.is_used(balancer, ("resourceArn", _WEB_ACL_ASSOCIATION)):
        yield "", "public, without a web ACL"


@rule(
    "alb-https",
    "HTTP listeners only redirect to HTTPS",
    types=(*types.LISTENER, *types.LISTENER_RULE),
    kind="stack",
    severity=HIGH,
    controls=("ELB.1", "CKV_AWS_2", "CKV_AWS_103", "CKV2_AWS_20"),
    paths=(
        "protocol",
        "port",
        "defaultActions[].type",
        "defaultActions[].redirect.protocol",
        "actions[].type",
        "actions[].redirect.protocol",
        "listenerArn",
    ),
    why="Without TLS, anyone on the network path can read sessions and passwords, and change pages.",
    fix='Give the listener one default action: type="redirect" to protocol="HTTPS", status_code="HTTP_301".',
)
def https(resource: Resource, context: Context) -> Findings:
    if resource.type in types.LISTENER:
        if _is_plain(resource):
            yield from resource.each("defaultActions", _passes_on)
    else:
        yield from _rule_of_plain_listener(resource, context)


def _is_plain(listener: Resource) -> bool:
    protocol = listener.text("protocol").upper()
    # Listeners of gateway load balancers have neither protocol nor port; for others the default is HTTP.
    return protocol == "HTTP" or (not protocol and listener.has("port"))


def _rule_of_plain_listener(resource: Resource, context: Context) -> Findings:
    actions = [found for action in resource.nodes("actions") for found in attempt(_passes_on, action)]
    if actions and any(_is_plain(each) for each in context.stack.targets(resource, "listenerArn", *types.LISTENER)):
        yield from actions


def _passes_on(action: Properties) -> Findings:
    kind = action.text("type").lower()
    if kind == "fixed-response":  # nothing is forwarded
        return
    if kind != "redirect":
        yield action.at("type"), "requests without TLS are forwarded"
    elif action.text("redirect.protocol").upper() != "HTTPS":
        yield action.at("redirect.protocol"), "redirects to a target without TLS"


_MODERN = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)\b")


@rule(
    "alb-tls",
    "Listeners require TLS 1.2 or newer",
    types=types.LISTENER,
    severity=HIGH,
    controls=("CKV_AWS_103", "CKV2_AWS_74"),
    paths=("protocol", "sslPolicy"),
    why="TLS 1.0 and 1.1 are insecure, and AWS allows them where no policy is set.",
    fix='Set ssl_policy="ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09" or another that starts at TLS 1.2.',
    strict=True,
)
def tls(listener: Resource, _: Context) -> Findings:
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
    if listener.text("protocol").upper() in ("HTTPS", "TLS") and not _MODERN.match(listener.text("sslPolicy")):
        yield "sslPolicy", "allows TLS older than 1.2"


@rule(
    "alb-headers",
    "Load balancers drop invalid headers",
    types=types.LOAD_BALANCER,
    severity=MEDIUM,
    controls=("CKV_AWS_131",),
    paths=("dropInvalidHeaderFields", "loadBalancerType"),
    why="If load balancer and application parse a header differently, requests can be smuggled past the WAF.",
    fix="Set drop_invalid_header_fields=True.",
    strict=True,
    remedy={"dropInvalidHeaderFields": True},
)
def headers(balancer: Resource, _: Context) -> Findings:
    if _is_application(balancer) and not balancer.flag("dropInvalidHeaderFields"):
        yield "dropInvalidHeaderFields", "invalid headers are forwarded"


@rule(
    "alb-desync",
    "Load balancers mitigate request smuggling",
    types=types.LOAD_BALANCER,
    severity=MEDIUM,
    controls=("CKV_AWS_328",),
    paths=("desyncMitigationMode", "loadBalancerType"),
    why="If load balancer and application split a request differently, it can poison another user's request.",
    fix='Set desync_mitigation_mode to "defensive" (the default) or "strictest".',
    strict=True,
    remedy={"desyncMitigationMode": "defensive"},
)
def desync(balancer: Resource, _: Context) -> Findings:
    mode = balancer.text("desyncMitigationMode").lower()
    if _is_application(balancer) and mode not in ("", "defensive", "strictest"):
        yield "desyncMitigationMode", "ambiguous requests are only monitored"


@rule(
    "alb-delprot",
    "Load balancers have deletion protection",
    types=types.LOAD_BALANCER,
    severity=MEDIUM,
    prod_only=True,
    controls=("CKV_AWS_150",),
    paths=("enableDeletionProtection",),
    why="Deleting a load balancer loses its address, on which DNS records and clients depend.",
    fix="Set enable_deletion_protection=True.",
    strict=True,
    remedy={"enableDeletionProtection": True},
)
def deletion_protection(balancer: Resource, _: Context) -> Findings:
    if not balancer.flag("enableDeletionProtection"):
        yield "enableDeletionProtection", "deletion protection is off"


@rule(
    "alb-logs",
    "Load balancers have access logs",
    types=types.LOAD_BALANCER,
    severity=MEDIUM,
    controls=("CKV_AWS_91",),
    paths=("accessLogs.enabled", "loadBalancerType"),
    why="Access logs show what an attacker requested, and what was answered.",
    fix='Set access_logs={"enabled": True, "bucket": …}.',
    strict=True,
)
def logs(balancer: Resource, _: Context) -> Findings:
    # Those of network load balancers have only the connections with TLS; gateway load balancers have none.
    if balancer.text("loadBalancerType").lower() != "gateway" and not balancer.flag("accessLogs.enabled"):
        yield "accessLogs.enabled", "access logs are off"


@rule(
    "alb-waf-open",
    "Requests are refused while the web ACL cannot be asked",
    types=types.LOAD_BALANCER,
    severity=MEDIUM,
    paths=("enableWafFailOpen",),
    why="Whoever makes the firewall slow or unreachable gets past it.",
    fix="Leave out enable_waf_fail_open.",
)
def fails_closed(balancer: Resource, _: Context) -> Findings:
    if balancer.flag("enableWafFailOpen"):
        yield "enableWafFailOpen", "requests pass if the web ACL cannot be asked"
