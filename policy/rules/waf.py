"""Web ACLs: rules, rate limits, logs and metrics."""

from policy import resource_types as types
from policy.properties import MISSING, Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource

_MANAGED = "statement.managedRuleGroupStatement"


def _rules(acl: Resource) -> tuple[Properties, ...]:
    """Return the rules; raises Undetermined where they are given as JSON, which is not parsed."""
    if acl.peek("ruleJson") is not MISSING:
        raise Undetermined("ruleJson", "is not parsed")
    return acl.nodes("rules")


@rule(
    "waf-rules",
    "Web ACLs have rules",
    types=types.WEB_ACL,
    severity=MEDIUM,
    controls=("CKV_AWS_175",),
    paths=("rules[]", "ruleJson"),
    why="A web ACL without rules blocks nothing.",
    fix="Add rules to the web ACL.",
)
def has_rules(acl: Resource, _: Context) -> Findings:
    if not acl.has("ruleJson") and not acl.count("rules"):
        yield "rules", "no rules"


_GROUPS = [
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesAmazonIpReputationList",
]
_LOG4J = "log4jrce"


@rule(
    "waf-managed",
    "Web ACLs block known attacks, known bad inputs and addresses with a bad reputation",
    types=types.WEB_ACL,
    severity=HIGH,
    controls=("CKV_AWS_192", "CKV2_AWS_76"),
    paths=(
        "rules[].statement.managedRuleGroupStatement.name",
        "rules[].statement.managedRuleGroupStatement.vendorName",
        "rules[].statement.managedRuleGroupStatement.ruleActionOverrides[].name",
        "rules[].statement.managedRuleGroupStatement.ruleActionOverrides[].actionToUse",
        "rules[].overrideAction.count",
        "ruleJson",
    ),
    why="These rule groups cover common attacks, including Log4Shell; in count mode they block nothing.",
    fix=f"Add AWS's {', '.join(_GROUPS)}, in prod with override_action none.",
    config={"groups": {"type": "array", "items": {"type": "string"}, "default": _GROUPS}},
)
def managed(acl: Resource, context: Context) -> Findings:
    names: set[str] = set()
    unsure = None
    for each in _rules(acl):
        try:
            if each.text(f"{_MANAGED}.vendorName").upper() == "AWS":
                names.add(each.text(f"{_MANAGED}.name"))
        except Undetermined as unknown:
            unsure = unknown
            continue
        yield from attempt(_blocks, each, context)
    lacking = [group for group in context.config["groups"] if group not in names]
    if lacking and unsure:
        yield unsure
    elif lacking:
        yield "rules", f"lacks {', '.join(lacking)}"


def _blocks(each: Properties, context: Context) -> Findings:
    if not context.is_prod or each.text(f"{_MANAGED}.name") not in context.config["groups"]:
        return
    if each.get_part("overrideAction.count") is not MISSING:
        yield each.at("overrideAction"), "only counts in prod"
    yield from each.each(f"{_MANAGED}.ruleActionOverrides", _keeps_log4j)


def _keeps_log4j(override: Properties) -> Findings:
    if override.text("name").lower().startswith(_LOG4J) and not _stops(override, "actionToUse"):
        yield override.at("actionToUse"), "Log4Shell is not blocked"


def _stops(each: Properties, path: str) -> bool:
    """Whether an action blocks requests, at least those of bots."""
    return any(each.has(f"{path}.{action}") for action in ("block", "captcha", "challenge"))


@rule(
    "waf-rate",
    "Web ACLs limit the request rate per address",
    types=types.WEB_ACL,
    severity=MEDIUM,
    paths=("rules[].statement.rateBasedStatement", "rules[].action", "ruleJson"),
    why="Without a limit, passwords can be guessed by brute force, and one client can overload the application.",
    fix='Add a rule with a rate_based_statement and action {"block": {}}.',
)
def rate(acl: Resource, _: Context) -> Findings:
    limits: list[Properties] = []
    unsure = None
    for each in _rules(acl):
        try:
            if each.has("statement.rateBasedStatement") and _by_address(each):
                limits.append(each)
        except Undetermined as unknown:
            unsure = unknown
    if any(_stops(each, "action") for each in limits):
        return
    if unsure:
        raise unsure
    if limits:
        yield limits[0].at("action"), "the limit is only counted"
    else:
        yield "rules", "no rule limits the requests of an address"


def _by_address(each: Properties) -> bool:
    """Whether a limit counts per address; a limit by another key does not restrict a single address."""
    of = "statement.rateBasedStatement"
    return each.text(f"{of}.aggregateKeyType") != "CUSTOM_KEYS" or any(
        key.has("ip") or key.has("forwardedIp") for key in each.nodes(f"{of}.customKeys")
    )


@rule(
    "waf-log",
    "Web ACLs log requests without credentials",
    types=(*types.WEB_ACL, *types.WEB_ACL_LOGGING),
    kind="stack",
    severity=MEDIUM,
    controls=("CKV2_AWS_31",),
    paths=("redactedFields[].singleHeader.name", "dataProtectionConfig.dataProtections[].field.fieldKeys[]"),
    why="Without logs, attacks cannot be analyzed; with tokens in them, the logs can be used to log in.",
    fix="Add aws.wafv2.WebAclLoggingConfiguration with redacted_fields for the headers authorization and cookie.",
    config={"headers": {"type": "array", "items": {"type": "string"}, "default": ["authorization", "cookie"]}},
)
def logged(resource: Resource, context: Context) -> Findings:
    stack = context.stack
    if resource.type in types.WEB_ACL:
        if not stack.referrers(resource, "resourceArn", *types.WEB_ACL_LOGGING):
            yield "", "has no logging configuration"
        return
    lacking = set(context.config["headers"]) - {
        field.text("singleHeader.name").lower() for field in resource.nodes("redactedFields")
    }
    if not lacking:
        return
    # Or the web ACL masks them in all logs:
    # https://docs.aws.amazon.com/waf/latest/developerguide/data-protection-masking.html
    acls = stack.targets(resource, "resourceArn", *types.WEB_ACL)
    if not acls or any(lacking - _protected(acl) for acl in acls):
        yield "redactedFields", f"{', '.join(sorted(lacking))} would be logged"


def _protected(acl: Resource) -> set[str]:
    fields = [each.nodes("field") for each in acl.nodes("dataProtectionConfig.dataProtections")]
    return {
        key.lower()
        for field in (one for several in fields for one in several)
        if field.text("fieldType").upper() == "SINGLE_HEADER"
        for key in field.texts("fieldKeys")
    }


@rule(
    "waf-metrics",
    "Web ACLs and their rules have metrics",
    types=types.WEB_ACL,
    severity=LOW,
    paths=(
        "visibilityConfig.cloudwatchMetricsEnabled",
        "rules[].visibilityConfig.cloudwatchMetricsEnabled",
    ),
    why="Metrics show attacks that a rule blocks, and rules that block legitimate users.",
    fix="Set cloudwatch_metrics_enabled=True in each visibility_config.",
)
def metrics(acl: Resource, _: Context) -> Findings:
    yield from attempt(_counted, acl.inputs)
    yield from acl.each("rules", _counted)


def _counted(each: Properties) -> Findings:
    if not each.flag("visibilityConfig.cloudwatchMetricsEnabled"):
        yield each.at("visibilityConfig.cloudwatchMetricsEnabled"), "metrics are off"
