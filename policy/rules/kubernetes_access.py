"""Service account tokens."""

from functools import partial

from policy import resource_types as types
from policy.objects import name_of, objects
from policy.pods import pod, pod_paths
from policy.properties import Findings, Properties, Undetermined, attempt
from policy.registry import MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "k8s-sa",
    "Pods mount a service account token only where it is needed",
    types=(*types.WORKLOADS, *types.SERVICE_ACCOUNT),
    kind="stack",
    severity=MEDIUM,
    controls=("CKV_K8S_38", "CKV_K8S_41"),
    paths=(
        *pod_paths(
            "serviceAccountName",
            "serviceAccount",
            "automountServiceAccountToken",
            "volumes[].projected.sources[].serviceAccountToken.audience",
        ),
        "automountServiceAccountToken",
    ),
    why="Intruders use mounted tokens, and all pods of a namespace share its default service account.",
    fix="Set automount_service_account_token=False; where the token is needed, True and a dedicated service account.",
)
def service_account(resource: Resource, context: Context) -> Findings:
    if resource.type in types.SERVICE_ACCOUNT:
        if name_of(resource) == "default" and resource.flag("automountServiceAccountToken", default=True):
            yield (
                "automountServiceAccountToken",
                "every pod of the namespace without a service account of its own gets its token",
            )
        return
    yield from attempt(_automatic, resource, context)
    spec = pod(resource)
    yield from attempt(spec.each, "volumes", partial(_projections, spec))


def _projections(spec: Properties, volume: Properties) -> Findings:
    yield from volume.each("projected.sources", partial(_projected, spec))


def _projected(spec: Properties, source: Properties) -> Findings:
    path = "serviceAccountToken"
    # Whoever asks for the token openly is asked for a dedicated account only.
    asked = "automountServiceAccountToken"
    if source.has(path) and not source.text(f"{path}.audience") and not spec.flag(asked):
        yield source.at(f"{path}.audience"), "mounts a token for the API server, although none is mounted by itself"


def _automatic(resource: Resource, context: Context) -> Findings:
    spec = pod(resource)
    name = "serviceAccountName" if spec.has("serviceAccountName") else "serviceAccount"
    if spec.has("automountServiceAccountToken"):
        if spec.flag("automountServiceAccountToken") and (not spec.has(name) or _is_default(spec, name)):
            yield spec.at(name), "mounts the token of the default service account"
    elif not spec.has(name) or _is_default(spec, name):
        accounts = _accounts(resource, "default", context)
        if not any(not account.flag("automountServiceAccountToken", default=True) for account in accounts):
            yield spec.at("automountServiceAccountToken"), "mounts the token of the default service account"
    else:
        accounts = objects(context.stack).referred(resource, spec.at(name), *types.SERVICE_ACCOUNT)
        if not accounts:
            raise Undetermined(spec.at(name), "names a service account that is not in this stack")
        if not any(account.has("automountServiceAccountToken") for account in accounts):
            yield (
                spec.at("automountServiceAccountToken"),
                "mounts a token, although automountServiceAccountToken is not set",
            )


def _is_default(spec: Properties, name: str) -> bool:
    # An unknown name refers to a service account of the program.
    return isinstance(spec.peek(name), str) and spec.text(name) in ("", "default")


def _accounts(resource: Resource, name: str, context: Context) -> tuple[Resource, ...]:
    return objects(context.stack).named(objects(context.stack).place(resource), name, *types.SERVICE_ACCOUNT)
