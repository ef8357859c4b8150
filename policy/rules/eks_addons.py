"""Add-ons of EKS clusters."""

from policy import resource_types as types
from policy.properties import Findings, Undetermined
from policy.registry import MEDIUM, Context, rule
from policy.view import Resource

_ADDONS = ["vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent", "aws-ebs-csi-driver"]


@rule(
    "eks-addons",
    "Core components are EKS add-ons with a pinned version",
    types=(*types.EKS_CLUSTER, *types.ADDON),
    kind="stack",
    severity=MEDIUM,
    paths=("computeConfig.enabled", "addonVersion"),
    why="Without an add-on nobody updates the component; without a version EKS installs its current default.",
    fix="Create an aws.eks.Addon for each, with addon_version.",
    config={"addons": {"type": "array", "items": {"type": "string"}, "default": _ADDONS}},
)
def addons(resource: Resource, context: Context) -> Findings:
    if resource.type in types.ADDON:
        if not resource.has("addonVersion") or resource.peek("addonVersion") == "":
            yield "addonVersion", "not set, so EKS installs its current default version"
        return
    # Auto Mode has all of them built in: https://docs.aws.amazon.com/eks/latest/userguide/automode.html
    if not resource.flag("computeConfig.enabled"):
        yield from _complete(resource, context)


def _complete(cluster: Resource, context: Context) -> Findings:
    names: set[str] = set()
    unsure = False
    for addon in context.stack.referrers(cluster, "clusterName", *types.ADDON):
        try:
            names.add(addon.text("addonName"))
        except Undetermined:
            unsure = True
    lacking = [each for each in context.config["addons"] if each not in names]
    if lacking and unsure:
        raise Undetermined("", "the name of an add-on is unknown")
    if lacking:
        context.stack.be_sure_of(cluster, "clusterName", *types.ADDON)
        yield "", f"no add-on for {', '.join(lacking)}"


@rule(
    "eks-cni-np",
    "The network plugin enforces network policies",
    types=types.ADDON,
    severity=MEDIUM,
    controls=("CIS EKS 4.3.1",),
    paths=("addonName", "configurationValues"),
    why="Without enforcement, network policies are accepted but ignored, and every pod can reach every other pod.",
    fix='Set configuration_values=json.dumps({"enableNetworkPolicy": "true"}) on vpc-cni.',
)
def network_policies(addon: Resource, _: Context) -> Findings:
    if addon.text("addonName") == "vpc-cni" and not addon.document("configurationValues").flag("enableNetworkPolicy"):
        yield "configurationValues", "network policies are not enforced"
