"""Web ACLs: rules, rate limits, logs and metrics."""

from collections.abc import Iterable

from policy import resource_types as types
from policy.properties import MISSING, Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource
from policy.wants import as_inputs

_MANAGED = "statement.managedRuleGroupStatement"


def _rules(acl: Resource) -> tuple[Properties, ...]:
    """Return the rules, also of those that are given as JSON in the words of AWS's API."""
    if acl.peek("ruleJson") is MISSING:
        return acl.nodes("rules")
    document = acl.document("ruleJson")
    return Properties(as_inputs(document.value), document.path).nodes("")


_EVERYTHING = {"", "/", "^/", ".*", "^.*", "^.*$", ".+", "^.+$", "/.*", "^/.*", "^/.*$"}
"""Texts and expressions that each path has in it."""


def _is_broad(statement: Properties) -> bool:
    """Whether a statement is true of all requests, of all but some, or of whole countries."""
    for key, combine in (("andStatement", all), ("orStatement", any), ("notStatement", _none)):
        within = _nested(statement, key)
        if within:
            return combine(map(_is_broad, within))
    text, size = "byteMatchStatement", "sizeConstraintStatement"
    if statement.text(f"{text}.positionalConstraint").upper() in ("STARTS_WITH", "CONTAINS"):
        return statement.text(f"{text}.searchString") in _EVERYTHING
    if statement.text(f"{size}.comparisonOperator").upper() == "GE":
        return statement.number(f"{size}.size") == 0
    expression = statement.has("regexMatchStatement") and statement.text("regexMatchStatement.regexString")
    return expression in _EVERYTHING or statement.has("geoMatchStatement")


def _none(given: Iterable[bool]) -> bool:
    return not any(given)


def _nested(statement: Properties, key: str) -> tuple[Properties, ...]:
    return (*statement.nodes(f"{key}.statements"), *statement.nodes(f"{key}.statement"))


def _is_narrowed(each: Properties, of: str) -> bool:
    """Whether a statement is only about some requests, such as those of one path."""
    path = f"{of}.scopeDownStatement"
    return each.has(path) and not any(map(_is_broad, each.nodes(path)))


@rule(
    "waf-rules",
    "Web ACLs have rules",
    types=types.WEB_ACL,
    severity=MEDIUM,
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


@rule(
    "waf-managed",
    "Web ACLs block known attacks, known bad inputs and addresses with a bad reputation",
    types=types.WEB_ACL,
    severity=HIGH,
    controls=("CKV_AWS_192",),
    paths=(
        "rules[].statement.managedRuleGroupStatement.name",
        "rules[].statement.managedRuleGroupStatement.vendorName",
        "rules[].statement.managedRuleGroupStatement.ruleActionOverrides[].name",
        "rules[].statement.managedRuleGroupStatement.ruleActionOverrides[].actionToUse",
        "rules[].statement.managedRuleGroupStatement.scopeDownStatement",
        "rules[].overrideAction.count",
        "rules[].action.allow",
        "rules[].priority",
        "ruleJson",
    ),
    why="These rule groups cover common attacks, including Log4Shell; in count mode they block nothing.",
    fix=f"Add AWS's {', '.join(_GROUPS)}, in prod with override_action none.",
    config={"groups": {"type": "array", "items": {"type": "string"}, "default": _GROUPS}},
)
def managed(acl: Resource, context: Context) -> Findings:
    names: set[str] = set()
    unsure = None
    yield from attempt(_lets_past, acl, context)
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
    yield from attempt(_looks_at_all, each)
    yield from each.each(f"{_MANAGED}.ruleActionOverrides", _keeps_blocking)


def _looks_at_all(each: Properties) -> Findings:
    if _is_narrowed(each, _MANAGED):
        yield each.at(f"{_MANAGED}.scopeDownStatement"), "looks only at some requests"


def _keeps_blocking(override: Properties) -> Findings:
    if not override.text("name").lower().startswith(_OFTEN_WRONG) and not _stops(override, "actionToUse"):
        yield override.at("actionToUse"), "a rule of the group does not block"


_OFTEN_WRONG = (
    "sizerestrictions_",
    "nouseragent_",
    "useragent_",
    "restrictedextensions_",
    "hostingprovideriplist",
    "host_localhost_",
)
"""Beginnings of the names of rules that block legitimate requests of many applications, and no attack by themselves."""


def _lets_past(acl: Resource, context: Context) -> Findings:
    """Yield rules that allow most requests before the groups look at them: nothing looks at what is allowed."""
    rules = _rules(acl)
    last = max((_priority(each) for each in rules if _is_wanted_group(each, context)), default=0)
    for each in rules:
        if each.has("action.allow") and _priority(each) < last and any(map(_is_broad, each.nodes("statement"))):
            yield each.at("action"), "lets requests past the rules behind it"


def _priority(each: Properties) -> float:
    return each.number("priority") or 0


def _is_wanted_group(each: Properties, context: Context) -> bool:
    """Whether a rule is one of the groups; one whose statement is unknown may be, and is then found elsewhere."""
    name = each.peek(f"{_MANAGED}.name")
    return isinstance(name, str) and name in context.config["groups"]


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
    config={"most": {"type": "integer", "minimum": 10, "default": 100_000}},
)
def rate(acl: Resource, context: Context) -> Findings:
    limits: list[Properties] = []
    unsure = None
    for each in _rules(acl):
        try:
            if each.has("statement.rateBasedStatement") and _by_address(each):
                limits.append(each)
        except Undetermined as unknown:
            unsure = unknown
    faults = []
    for each in limits:
        try:
            fault = _fault_of_limit(each, context.config["most"])
        except Undetermined as unknown:
            unsure = unknown
            continue
        if not fault:
            return
        faults.append(fault)
    if unsure:
        raise unsure
    yield from faults[:1] or [("rules", "no rule limits the requests of an address")]


_WINDOW = 300
"""Seconds in which requests are counted if nothing is set."""


def _fault_of_limit(each: Properties, most: int) -> tuple[str, str] | None:
    of = "statement.rateBasedStatement"
    if not _stops(each, "action"):
        return each.at("action"), "the limit is only counted"
    if _is_narrowed(each, of):
        return each.at(f"{of}.scopeDownStatement"), "the limit is only for some requests"
    window = each.number(f"{of}.evaluationWindowSec") or _WINDOW
    if (each.number(f"{of}.limit") or 0) * _WINDOW / window > most:
        return each.at(f"{of}.limit"), f"nobody reaches this limit: it is above {most} requests in five minutes"
    return None


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
    paths=(
        "redactedFields[].singleHeader.name",
        "loggingFilter",
        "dataProtectionConfig.dataProtections[].field.fieldKeys[]",
    ),
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
    yield from attempt(_drops, resource)
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


def _drops(logging: Resource) -> Findings:
    """Yield a filter that leaves out what is blocked."""
    if not logging.has("loggingFilter"):
        return
    kept = logging.text("loggingFilter.defaultBehavior").upper() != "DROP"
    for each in logging.nodes("loggingFilter.filters"):
        blocked = any(one.text("actionCondition.action").upper() == "BLOCK" for one in each.nodes("conditions"))
        drops = each.text("behavior").upper() == "DROP"
        if blocked and drops:
            yield each.at("behavior"), "blocked requests are not logged"
        kept = kept or (blocked and not drops)
    if not kept:
        yield "loggingFilter.defaultBehavior", "blocked requests are not logged"


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
