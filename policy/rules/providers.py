"""Providers: whom they talk to, as whom, and what they do not check."""

import re

from policy import resource_types as types
from policy.accounts import account_of
from policy.properties import MISSING, Findings, Properties, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource


def _given(provider: Resource, path: str) -> Properties:
    """Return an input of a provider, which has all values but strings as JSON."""
    value = provider.inputs.get_part(path)
    if isinstance(value, str) and value:
        return provider.document(path)
    return Properties({} if value is MISSING or value == "" else value, path)


_UNCHECKED = {
    "insecure": "certificates are not checked",
    "skipCredentialsValidation": "credentials are not checked before they are used",
    "skipRequestingAccountId": "the account is not asked for, so allowed_account_ids has no effect",
}
_NO_CHECK = re.compile(r"insecure-skip-tls-verify[\"']?\s*:\s*[\"']?true", re.IGNORECASE)


@rule(
    "stk-provider-tls",
    "Providers check whom they talk to",
    types=(*types.AWS_PROVIDER, *types.KUBERNETES_PROVIDER),
    severity=HIGH,
    paths=(*_UNCHECKED, "endpoints", "kubeconfig"),
    why="Whoever is in between gets the credentials, or the update goes to another account or cluster than intended.",
    fix="Leave the switch out, use https in endpoints, and name the cluster's certificate authority in the kubeconfig.",
)
def checked(provider: Resource, _: Context) -> Findings:
    if provider.type in types.KUBERNETES_PROVIDER:
        yield from _kubeconfig(provider)
        return
    for path, message in _UNCHECKED.items():
        yield from attempt(_is_off, provider, path, message)
    yield from attempt(_endpoints, provider)


def _is_off(provider: Resource, path: str, message: str) -> Findings:
    if provider.flag(path):
        yield path, message


def _endpoints(provider: Resource) -> Findings:
    for each in _given(provider, "endpoints").nodes(""):
        for service in each.keys(""):
            if each.text(service).startswith("http://"):
                yield "endpoints", f"{service} is asked without TLS"


def _kubeconfig(provider: Resource) -> Findings:
    value = provider.inputs.get_part("kubeconfig")
    if isinstance(value, str):
        skipped = bool(_NO_CHECK.search(value))
    else:
        clusters = provider.inputs.nodes("kubeconfig.clusters")
        skipped = any(each.flag('cluster["insecure-skip-tls-verify"]') for each in clusters)
    if skipped:
        yield "kubeconfig", "the certificate of the API server is not checked"


@rule(
    "stk-assume",
    "Roles of other accounts are assumed with an external id",
    types=types.AWS_PROVIDER,
    severity=MEDIUM,
    paths=("assumeRoles", "allowedAccountIds", "forbiddenAccountIds"),
    why="Without one, whoever can have this program name a role gets it to act in accounts of others.",
    fix="Name a role of an allowed account; for a role of others, set external_id, and require it in its trust policy.",
)
def assumed(provider: Resource, _: Context) -> Findings:
    roles = [each for each in _given(provider, "assumeRoles").nodes("") if each.has("roleArn")]
    allowed, forbidden = (_listed(provider, f"{each}AccountIds") for each in ("allowed", "forbidden"))
    for each in roles:
        own = allowed and account_of(each.text("roleArn")) in allowed
        if not own and not each.has("externalId"):
            yield "assumeRoles", "a role is assumed without an external id"
    # Roles are assumed in turn: the last one does the work.
    if roles and (allowed or forbidden):
        last = account_of(roles[-1].text("roleArn"))
        if last and ((allowed and last not in allowed) or last in forbidden):
            yield "assumeRoles", "the role is of an account that is not allowed"


def _listed(provider: Resource, path: str) -> tuple[str, ...]:
    return _given(provider, path).texts("") if provider.has(path) else ()


@rule(
    "stk-zone",
    "Resources are in the provider's region, and in its zones",
    types=(*types.SUBNET, *types.INSTANCE, *types.RDS_INSTANCE, *types.RDS_CLUSTER_INSTANCE, *types.NAT_GATEWAY),
    kind="stack",
    severity=MEDIUM,
    paths=("availabilityZone", "region"),
    why="A zone of another region fails the update, and a resource of another region is outside of what is audited.",
    fix="Make the zone's name from the provider's region, and leave region out.",
)
def zone(resource: Resource, context: Context) -> Findings:
    provider = context.stack.provider(resource)
    region = resource.text("region") or (provider.text("region") if provider else "")
    chosen = resource.text("availabilityZone")
    if region and chosen and not chosen.startswith(region):
        yield "availabilityZone", "is no zone of the region"
