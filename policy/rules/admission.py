"""Admission: webhooks and policies that everything passes on its way into the cluster."""

from policy import resource_types as types
from policy.objects import name_of, objects
from policy.permissions import ALL
from policy.pods import kind
from policy.properties import Findings, Properties, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource

_SYSTEM = {"kube-system", "kube-public", "kube-node-lease"}
_NAMESPACE = "kubernetes.io/metadata.name"
_LONGEST = 15


@rule(
    "adm-hook",
    "Admission webhooks refuse what they cannot check, and leave no namespace out",
    types=types.WEBHOOKS,
    severity=HIGH,
    paths=(
        "webhooks[].failurePolicy",
        "webhooks[].namespaceSelector",
        "webhooks[].objectSelector",
        "webhooks[].matchPolicy",
        "webhooks[].clientConfig.url",
    ),
    why="Whoever stops the webhook, or picks a namespace or a label that it leaves out, creates what it would refuse.",
    fix="Set failurePolicy Fail and matchPolicy Equivalent; exempt only kube-system and its own namespace.",
)
def webhooks(resource: Resource, _: Context) -> Findings:
    yield from resource.each("webhooks", _hook)
    if kind(resource) == "MutatingWebhookConfiguration":
        yield from resource.each("webhooks", _is_in_the_way)


def _is_in_the_way(node: Properties) -> Findings:
    """Find a webhook that every pod waits for: while it is down, neither it nor the cluster's own pods start again.

    https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/
    """
    if node.text("failurePolicy") == "Ignore" or any(
        node.get(f"{each}Selector.{how}")
        for each in ("namespace", "object")
        for how in ("matchLabels", "matchExpressions")
    ):
        return
    if node.count("matchConditions") == 0 and any(map(_is_about_pods, node.nodes("rules"))):
        yield node.at("namespaceSelector"), "while it is down no pod starts, not even in kube-system"


def _is_about_pods(node: Properties) -> bool:
    of = set(node.texts("resources")) & {"pods", "*", "*/*", "pods/*"}
    return bool(of) and bool({"", "*"} & set(node.texts("apiGroups")))


def _hook(node: Properties) -> Findings:
    for check in (_ignores, _leaves_out, _is_exact, _calls):
        yield from attempt(check, node)


def _ignores(node: Properties) -> Findings:
    if node.text("failurePolicy") == "Ignore":
        yield node.at("failurePolicy"), "admits what cannot be checked"


def _leaves_out(node: Properties) -> Findings:
    own = {*_SYSTEM, node.text("clientConfig.service.namespace")}
    for each in node.nodes("namespaceSelector.matchExpressions"):
        if each.text("key") == _NAMESPACE and each.text("operator") == "NotIn" and set(each.texts("values")) - own:
            yield each.at("values"), "leaves out namespaces that are not the cluster's own"
    for each in node.nodes("objectSelector.matchExpressions"):
        if each.text("operator") in ("NotIn", "DoesNotExist"):
            yield each.at("key"), "whoever sets the label on an object goes past it"


def _is_exact(node: Properties) -> Findings:
    if node.text("matchPolicy") == "Exact":
        yield node.at("matchPolicy"), "another version of the API goes past it"


def _calls(node: Properties) -> Findings:
    if node.text("clientConfig.url").startswith("http://"):
        yield node.at("clientConfig.url"), "is called over plain HTTP"


@rule(
    "adm-care",
    "Admission webhooks are short, free of side effects, and identified by a certificate",
    types=types.WEBHOOKS,
    severity=LOW,
    paths=(
        "webhooks[].timeoutSeconds",
        "webhooks[].sideEffects",
        "webhooks[].clientConfig.caBundle",
        "webhooks[].rules[].resources[]",
        "metadata.annotations.*",
    ),
    why="A slow webhook stops every change of what it looks at, and one for all kinds sees every Secret.",
    fix="Set timeoutSeconds to 10 or less, sideEffects None, a caBundle, and rules that name the resources.",
)
def careful_webhooks(resource: Resource, _: Context) -> Findings:
    def check(node: Properties) -> Findings:
        if (node.number("timeoutSeconds") or 0) > _LONGEST:
            yield node.at("timeoutSeconds"), f"waits for more than {_LONGEST} seconds"
        if node.text("sideEffects") in ("Some", "Unknown"):
            yield node.at("sideEffects"), "changes something even in a dry run"
        if node.has("clientConfig.service") and not node.has("clientConfig.caBundle") and not _is_injected(resource):
            yield node.at("clientConfig.caBundle"), "the API server cannot tell the webhook from another"
        for each in node.nodes("rules"):
            if ALL & set(each.texts("resources")) and "*" in each.texts("apiGroups"):
                yield each.at("resources"), "looks at all kinds, Secrets among them"

    yield from resource.each("webhooks", check)


def _is_injected(resource: Resource) -> bool:
    keys = resource.keys("metadata.annotations")
    return any("inject-ca" in key or "inject-apiserver-ca" in key for key in keys)


@rule(
    "adm-policy",
    "Admission policies are bound, and deny",
    types=(*types.ADMISSION_POLICY, *types.ADMISSION_BINDING),
    kind="stack",
    severity=HIGH,
    paths=(
        "spec.failurePolicy",
        "spec.validationActions[]",
        "spec.policyName",
        "spec.paramRef.parameterNotFoundAction",
    ),
    why="A policy without a binding checks nothing, and one that only warns or audits admits everything.",
    fix="Add a ValidatingAdmissionPolicyBinding with validationActions [Deny], and set failurePolicy Fail.",
)
def policies(resource: Resource, context: Context) -> Findings:
    if resource.type in types.ADMISSION_BINDING:
        yield from attempt(_denies, resource)
        return
    if resource.text("spec.failurePolicy") == "Ignore":
        yield "spec.failurePolicy", "admits what cannot be checked"
    yield from attempt(_is_bound, resource, context)


def _denies(binding: Resource) -> Findings:
    if "Deny" not in binding.texts("spec.validationActions"):
        yield "spec.validationActions", "denies nothing"
    if binding.text("spec.paramRef.parameterNotFoundAction") == "Allow":
        yield "spec.paramRef.parameterNotFoundAction", "admits everything once its parameter is deleted"


def _is_bound(policy: Resource, context: Context) -> Findings:
    if not any(objects(context.stack).bound(name_of(policy))):
        yield "", "no binding puts it in force"


_ENFORCING = ("enforce", "deny")


@rule(
    "adm-engine",
    "Policies of Kyverno and Gatekeeper are enforced",
    types=(*types.KYVERNO_POLICY, *types.GATEKEEPER_CONSTRAINT),
    severity=MEDIUM,
    paths=(
        "spec.validationFailureAction",
        "spec.rules[].validate.failureAction",
        "spec.failurePolicy",
        "spec.enforcementAction",
    ),
    why="A policy that audits or warns only reports what it lets through, and nobody has to read it.",
    fix="Set failureAction Enforce (Kyverno) or enforcementAction deny (Gatekeeper).",
)
def engines(policy: Resource, _: Context) -> Findings:
    if "gatekeeper" in policy.type:
        if policy.text("spec.enforcementAction").lower() not in ("", "deny", "scoped"):
            yield "spec.enforcementAction", "is not enforced"
        return
    if policy.text("spec.failurePolicy") == "Ignore":
        yield "spec.failurePolicy", "admits what cannot be checked"
    whole = policy.text("spec.validationFailureAction").lower()

    def check(node: Properties) -> Findings:
        own = node.text("validate.failureAction").lower() or whole
        if node.has("validate") and own not in _ENFORCING:
            path = "validate.failureAction" if node.has("validate.failureAction") else "validate"
            yield node.at(path), "only audits"

    yield from policy.each("spec.rules", check)
