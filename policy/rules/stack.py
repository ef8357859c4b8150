"""Rules for a stack as a whole: tags, region, account, protection, cost, waivers."""

import fnmatch
import re
from typing import Any

from policy import types
from policy.databases import is_replica
from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt, parse
from policy.registry import HIGH, MEDIUM, Context, Rule, rule, rules_for, waivable_rules
from policy.view import Resource, Stack

_REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"]

_TAGS = ["Project", "Stack", "Environment", "ManagedBy"]


def _given(provider: Resource, path: str) -> Properties:
    """Return an input of a provider, which has all values but strings as JSON."""
    value = provider.inputs.get_part(path)
    return provider.document(path) if isinstance(value, str) else Properties(value, path)


_TAGGABLE = {
    *types.VPC,
    *types.SUBNET,
    *types.SECURITY_GROUP,
    *types.INSTANCE,
    *types.LAUNCH_TEMPLATE,
    *types.EKS_CLUSTER,
    *types.NODE_GROUP,
    *types.RDS_CLUSTER,
    *types.RDS_CLUSTER_INSTANCE,
    *types.RDS_INSTANCE,
    *types.REPLICATION_GROUP,
    *types.CACHE_CLUSTER,
    *types.LOAD_BALANCER,
    *types.BUCKET,
    *types.KEY,
    *types.SECRET,
    *types.REPOSITORY,
    *types.LOG_GROUP,
    *types.ROLE,
    *types.FUNCTION,
}
"""Types that can have tags even if they have none; of other types, resources with tags count."""


def _tag_themselves(provider: Resource, wanted: list[str], stack: Stack) -> bool:
    """Whether all taggable resources of a provider have these tags themselves."""
    own = [each for each in stack.resources if each.provider_urn == provider.urn and _can_have_tags(each)]
    keys = [each.peek("tags") if each.peek("tags") is UNKNOWN else each.keys("tags") for each in own]
    if any(not set(wanted) <= set(each) for each in keys if each is not UNKNOWN):
        return False
    if UNKNOWN in keys:
        raise Undetermined("defaultTags", "lacks tags that resources may have themselves, which are unknown")
    return bool(keys)


def _can_have_tags(resource: Resource) -> bool:
    return resource.type in _TAGGABLE or resource.has("tags") or resource.outputs.has("tagsAll")


@rule(
    "stk-tags",
    "Resources have the required tags",
    types=types.AWS_PROVIDER,
    kind="stack",
    severity=MEDIUM,
    paths=("defaultTags.tags.*",),
    why="Costs and owners are found by tags: resources without them are in no budget and have no known owner.",
    fix="Set default_tags on the provider, or tags on every resource: Project, Stack, Environment and ManagedBy.",
    strict=True,
    config={"tags": {"type": "array", "items": {"type": "string"}, "default": _TAGS}},
)
def tags(provider: Resource, context: Context) -> Findings:
    given = _given(provider, "defaultTags")
    lacking = [tag for tag in context.config["tags"] if given.value is MISSING or not given.has(f'tags["{tag}"]')]
    if lacking and not _tag_themselves(provider, lacking, context.stack):
        yield "defaultTags", f"lacks {', '.join(lacking)}; expected are {', '.join(context.config['tags'])}"


_OF_A_REGION = (
    *types.BUCKET,
    *types.RDS_CLUSTER,
    *types.RDS_INSTANCE,
    *types.REPLICATION_GROUP,
    *types.EKS_CLUSTER,
    *types.VPC,
    *types.INSTANCE,
    *types.KEY,
    *types.SECRET,
    *types.REPOSITORY,
    *types.LOG_GROUP,
    "aws:opensearch/domain:Domain",
    "aws:dynamodb/table:Table",
    "aws:sqs/queue:Queue",
    "aws:sns/topic:Topic",
    "aws:lambda/function:Function",
)
"""Types whose `region` may be another one than the provider's."""


@rule(
    "stk-region",
    "Resources are in an approved region",
    types=(*types.AWS_PROVIDER, *_OF_A_REGION),
    severity=HIGH,
    paths=("region",),
    why="Audits, guardrails and data residency rules cover only approved regions.",
    fix="Set region on the AWS provider to an approved one.",
    strict=True,
    config={"regions": {"type": "array", "items": {"type": "string"}, "default": _REGIONS}},
)
def region(provider: Resource, context: Context) -> Findings:
    if not provider.has("region"):
        approved = ", ".join(context.config["regions"])
        if provider.type in types.AWS_PROVIDER:
            yield "region", f"not set, so AWS_REGION or a profile decides at each update; approved are {approved}"
    elif provider.text("region") not in context.config["regions"]:
        approved = ", ".join(context.config["regions"])
        found = _shown(provider.text("region"), _REGION)
        yield "region", f"{found} is not an approved region ({approved}); `regions` of this rule approves others"


@rule(
    "stk-account",
    "The provider accepts only named accounts",
    types=types.AWS_PROVIDER,
    severity=HIGH,
    prod_only=True,
    paths=("allowedAccountIds",),
    why="With the wrong AWS profile, an update would create or destroy resources in another account.",
    fix="Set allowed_account_ids on the AWS provider.",
    strict=True,
    config={"accounts": {"type": "array", "items": {"type": "string"}, "default": []}},
)
def account(provider: Resource, context: Context) -> Findings:
    given = _given(provider, "allowedAccountIds")
    if not given.count(""):
        yield "allowedAccountIds", "any account is accepted"
    approved = context.config["accounts"]
    if approved and given.value is not MISSING and not set(given.texts("")) <= set(approved):
        yield "allowedAccountIds", "names an account that is not approved"


@rule(
    "stk-protect",
    "Stateful resources are protected in Pulumi",
    types=(
        *types.RDS_CLUSTER,
        *types.RDS_INSTANCE,
        *types.KEY,
        *types.BUCKET,
        *types.EKS_CLUSTER,
        *types.REPLICATION_GROUP,
        "aws:opensearch/domain:Domain",
        "aws:dynamodb/table:Table",
        "aws:efs/fileSystem:FileSystem",
        "aws:docdb/cluster:Cluster",
        "aws:neptune/cluster:Cluster",
        "aws:redshift/cluster:Cluster",
    ),
    severity=HIGH,
    prod_only=True,
    why="Renaming a resource deletes it; `protect` prevents the loss of its data.",
    fix="Set ResourceOptions(protect=True) on the resource itself: components do not pass it on.",
)
def protect(resource: Resource, _: Context) -> Findings:
    # A replica's data also exists elsewhere.
    if not resource.protect and not (resource.type in types.RDS_INSTANCE and is_replica(resource)):
        yield "", "protect is off"


@rule(
    "stk-ignore",
    "Changes to security properties are not ignored",
    types=("aws:*", "kubernetes:*"),
    severity=HIGH,
    why="An ignored property drifts: a port that was opened by hand stays open, and no preview shows it.",
    fix="Remove the property from ignore_changes.",
    looks_at=lambda resource: bool(resource.ignore_changes),
)
def ignored(resource: Resource, _: Context) -> Findings:
    for path in resource.ignore_changes:
        masked = next((each for each in rules_for(resource.type) if _masks(path, each)), None)
        if masked:
            yield path, f"ignored, although {masked.id} depends on it"


_HARMLESS = {
    # The autoscaler sets it, and ng-scaling requires that it is ignored.
    "scalingConfig.desiredSize",
    # The same for pods: wl-hpa accepts it.
    "spec.replicas",
    # Used only at creation and never returned: pulumi-eks itself ignores it.
    # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessConfigRequest.html
    "accessConfig.bootstrapClusterCreatorAdminPermissions",
    # AWS upgrades minor versions by itself. The rules still check the version that runs: the engine replaces the
    # program's value with it before it runs the policies.
    "engineVersion",
}


def _masks(path: str, each: Rule) -> bool:
    """Whether ignoring `path` hides a property on which a rule depends, or a part of it."""
    if path in _HARMLESS:
        return False
    given = [str(step) for step in parse(path.replace("[*]", "[0]"))]
    for read in each.paths:
        steps = [str(step) for step in parse(read.replace("[]", "[0]"))]
        if all(one == other or "*" in (one, other) for one, other in zip(given, steps, strict=False)):
            return True
    return False


_SMALL = ["t3.*", "t3a.*", "t4g.*", "c5.large", "c5a.large", "c6i.large", "c6a.large", "g4dn.xlarge", "g5.xlarge"]
_LARGE = [*_SMALL, "c5.*", "c5a.*", "c6i.*", "c6a.*", "m6i.*", "m6a.*", "r6g.*", "r7g.*"]
_SIZES = {"dev": _SMALL, "integration": _SMALL, "staging": _LARGE, "prod": _LARGE}
_CEILINGS = {"dev": 600, "integration": 900, "staging": 5000, "prod": 12000}
"""USD per month, as in the stacks' own budgets; configure them for your organization."""


@rule(
    "stk-cost",
    "Instance sizes are approved, and the stack has a budget",
    types=(
        *types.STACK,
        *types.BUDGET,
        *types.NODE_GROUP,
        *types.LAUNCH_TEMPLATE,
        *types.INSTANCE,
        *types.RDS_CLUSTER_INSTANCE,
        *types.RDS_INSTANCE,
        *types.REPLICATION_GROUP,
        *types.CACHE_CLUSTER,
    ),
    kind="stack",
    severity=MEDIUM,
    paths=("limitAmount", "instanceTypes[]", "instanceType", "instanceClass", "nodeType"),
    why="One oversized instance can cost more than the rest of the environment, and the bill comes a month later.",
    fix="Choose an approved size, and give the stack a monthly budget within its environment's ceiling.",
    config={
        "sizes": {"type": "object", "additionalProperties": {"type": "array"}, "default": _SIZES},
        "ceilings": {"type": "object", "additionalProperties": {"type": "number"}, "default": _CEILINGS},
    },
)
def cost(resource: Resource, context: Context) -> Findings:
    if resource.type in types.STACK:
        if context.stack.of_type(*types.AWS_PROVIDER) and not context.stack.of_type(*types.BUDGET):
            ceiling = _of(context, "ceilings")
            most = "" if ceiling is None else f" of at most {ceiling} USD a month"
            yield "", f"the stack has no budget; expected is an aws.budgets.Budget{most}"
    elif resource.type in types.BUDGET:
        limit, ceiling = resource.number("limitAmount"), _of(context, "ceilings")
        if ceiling is not None and (limit is None or limit > ceiling):
            found = "an unknown amount" if limit is None else f"{limit:g} USD"
            yield (
                "limitAmount",
                f"the budget of {found} is above the ceiling of {ceiling} USD; `ceilings` of this rule sets it",
            )
    else:
        for path in ("instanceTypes", "instanceType", "instanceClass", "nodeType"):
            yield from attempt(_size, resource, path, _of(context, "sizes") or ["*"])


def _size(resource: Resource, path: str, approved: list[str]) -> Findings:
    for size in resource.texts(path):
        # db.r6g.large and cache.r6g.large have the same size as r6g.large.
        bare = size.removeprefix("db.").removeprefix("cache.")
        if not any(fnmatch.fnmatchcase(bare, pattern) for pattern in approved):
            yield (
                path,
                f"{_shown(size, _SIZE)} is not an approved size ({', '.join(approved)}); `sizes` approves others",
            )


_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d")
_SIZE = re.compile(r"([a-z]{2,5}\.)?[a-z0-9-]{2,12}\.[a-z0-9]{4,10}")


def _shown(text: str, form: re.Pattern[str]) -> str:
    """Return `text` if it has the expected form; otherwise it may be a secret in the wrong place, and is not shown."""
    return text if form.fullmatch(text) else "the value"


def _of(context: Context, key: str) -> Any:
    """Return what is configured for the environment; an unknown one counts as prod."""
    configured = context.config[key]
    return configured.get(context.settings.environment, configured.get("prod"))


@rule(
    "stk-waiver",
    "Waivers have an owner, a ticket, a reason and an expiry in the future",
    types=types.STACK,
    severity=HIGH,
    waivable=False,
    why="Without an owner nobody reviews the waiver, and the finding stays open.",
    fix="Give the waiver an owner, a ticket, a reason and a day in the future, or remove it and fix the finding.",
)
def waiver(stack: Resource, context: Context) -> Findings:
    project = stack.urn.split("::")[1]
    name = stack.urn.split("::")[0].removeprefix("urn:pulumi:")
    waivable = waivable_rules()
    for each in context.settings.waivers:
        if each.concerns(project, name):
            for fault in each.faults(context.settings.today, waivable):
                yield "", f"the waiver of {each.rule or 'no rule'} in line {each.line} of waivers.yaml {fault}"


@rule(
    "stk-whole",
    "A plan shows the whole stack",
    types=types.STACK,
    kind="stack",
    severity=HIGH,
    why="Whether a bucket has a public access block, or a workload a disruption budget, is told by other resources. A"
    " plan leaves out those that it does not change, unless it is asked to show them.",
    fix="Make the plan with pulumi preview --json --show-sames.",
    waivable=False,
)
def whole(_: Resource, context: Context) -> Findings:
    stack = context.stack
    if not stack.left_out:
        return
    resources = (
        f"{stack.left_out} unchanged {'resource is' if stack.left_out == 1 else 'resources are'} not in the plan"
    )
    untold = f"{resources}, so rules that compare several resources were not run"
    if stack.removed:
        count = len(stack.removed)
        names = ", ".join(f"{each.type} {each.name}" for each in stack.removed[:_NAMED])
        more = f" and {count - _NAMED} more" if count > _NAMED else ""
        yield "", f"{untold}, although the plan deletes {names}{more}, on which what remains may depend"
    else:
        yield Undetermined("", untold)


_NAMED = 3
"""How many resources a message names."""


def _is_remote(resource: Resource) -> bool:
    """Whether a plugin creates the resource's children. States do not record it; these packages have only such."""
    return resource.remote or (not resource.custom and resource.type.split(":")[0] in ("awsx", "eks"))


@rule(
    "stk-opaque",
    "Rules can inspect all resources",
    types=("*",),
    kind="stack",
    severity=MEDIUM,
    why="A chart, or a remote component without visible children, may create resources that no rule checked.",
    fix="Check what it makes by other means (prismctl policies --manifests for a rendered chart), then waive this.",
    config={"types": {"type": "array", "items": {"type": "string"}, "default": []}},
    looks_at=lambda resource: resource.type in (*types.HELM_RELEASE, *types.HELM_CHART) or _is_remote(resource),
)
def opaque(resource: Resource, context: Context) -> Findings:
    if resource.type in context.config["types"]:
        return
    if resource.type in (*types.HELM_RELEASE, *types.HELM_CHART) and not context.stack.children(resource):
        # A waiver for this version does not cover the next one.
        yield "version", "a chart whose resources are not visible"
    elif _is_remote(resource) and not context.stack.children(resource):
        yield "", "a remote component whose resources are not visible"
