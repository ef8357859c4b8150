"""What EKS refuses about versions, zones and sizes, and what it chooses where a request leaves it open.

The zones of a control plane are fixed when it is made; control plane, nodes and add-ons may be only so far apart; and
the sizes of a node group depend on each other.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fakes.aws.held import Held
from fakes.aws.link_words import Words

CLUSTER: Final = "aws:eks/cluster:Cluster"
NODE_GROUP: Final = "aws:eks/nodeGroup:NodeGroup"
ADDON: Final = "aws:eks/addon:Addon"
SUBNET: Final = "aws:ec2/subnet:Subnet"

_GITHUB: Final = "https://github.com/"
_API: Final = "https://docs.aws.amazon.com/eks/latest/APIReference"
_ESTIMATE: Final = "estimate: the rule is documented, the sentence is not; "

ZONES_FIXED = Words(
    "InvalidParameterException: Provided subnets belong to the AZs '{given}'. But they should belong to the exact set "
    "of AZs '{fixed}' in which subnets were provided during cluster creation.",
    f"{_GITHUB}aws/containers-roadmap/issues/2258 and 2330",
)
ONE_MINOR = Words(
    "InvalidParameterException: Unsupported Kubernetes minor version update from {old} to {new}",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/2607 and {_GITHUB}rancher/rancher/issues/28939",
)
NODES_BEHIND = Words(
    "InvalidParameterException: Nodegroups {groups} must be updated to match cluster version {old} before updating "
    "cluster version",
    f"{_GITHUB}hashicorp/terraform-provider-aws/issues/19478; {_API}/API_UpdateClusterVersion.html",
)
NOT_THE_CLUSTERS = Words(
    "InvalidParameterException: Nodegroup version {new} does not match cluster version {cluster}",
    f"{_ESTIMATE}{_API}/API_CreateNodegroup.html: the cluster's version is the only accepted one",
)
NO_WAY_BACK = Words(
    "InvalidParameterException: Nodegroup cannot be updated from {old} to the earlier {new}",
    f"{_ESTIMATE}{_API}/API_UpdateNodegroupVersion.html: no rollback to an earlier Kubernetes or AMI version",
)
RELEASE_OF_ANOTHER = Words(
    "InvalidParameterException: Requested release version {release} is not valid for kubernetes version {version}.",
    f"{_GITHUB}eksctl-io/eksctl/issues/7976",
)
MIN_ABOVE_DESIRED_AT_FIRST = Words(
    "InvalidParameterException: minSize can't be greater than desiredSize",
    f"{_GITHUB}sassoftware/viya4-iac-aws/issues/298",
)
MIN_ABOVE_DESIRED = Words(
    "InvalidParameterException: Minimum capacity {min} can't be greater than desired size {desired}",
    f"{_GITHUB}terraform-aws-modules/terraform-aws-eks/issues/3306",
)
DESIRED_ABOVE_MAX = Words(
    "InvalidParameterException: desired capacity {desired} can't be greater than max size {max}",
    f"{_ESTIMATE}{_API}/API_NodegroupScalingConfig.html and the sentence about the minimum",
)
ADDON_UNSUPPORTED = Words(
    "InvalidParameterException: Addon version specified is not supported",
    f"{_GITHUB}nebari-dev/nebari/issues/3016; {_API}/API_UpdateAddon.html: one that DescribeAddonVersions returns",
)

Properties = Mapping[str, Any]


def minor(version: str) -> tuple[int, int]:
    """Return the minor version that `1.36`, `v1.36.0-eksbuild.14` or `1.36.2-20260714` belongs to."""
    first, second, *_ = version.removeprefix("v").split(".")
    return int(first), int(second)


def refusal(new: Held, before: Held | None, standing: Iterable[Held]) -> str | None:
    """Return why EKS does not let `before` become `new`, or make `new` without one; None where it does."""
    others = list(standing)
    match new.type:
        case "aws:eks/cluster:Cluster":
            return before and (_zones(new, before, others) or _upgrade(new, before, others))
        case "aws:eks/nodeGroup:NodeGroup":
            return _sizes(new, before) or _nodes(new, before, others)
        case "aws:eks/addon:Addon":
            return _addon(new, others)
        case _:
            return None


def _zones(new: Held, before: Held, others: list[Held]) -> str | None:
    zone_of = {each.id: each.inputs["availabilityZone"] for each in others if each.type == SUBNET}

    def zones(cluster: Held) -> str:
        given = cluster.inputs.get("vpcConfig", {}).get("subnetIds", ())
        return ",".join(sorted({zone_of[subnet] for subnet in given if subnet in zone_of}))

    return None if zones(new) == zones(before) else ZONES_FIXED(given=zones(new), fixed=zones(before))


def _upgrade(new: Held, before: Held, others: list[Held]) -> str | None:
    old, wanted = before.inputs.get("version"), new.inputs.get("version")
    if not old or not wanted or old == wanted:
        return None
    if minor(wanted) != (minor(old)[0], minor(old)[1] + 1):
        return ONE_MINOR(old=old, new=wanted)
    groups = [each for each in others if each.type == NODE_GROUP and each.inputs["clusterName"] == new.answer("name")]
    behind = [str(each.answer("nodeGroupName")) for each in groups if each.answer("version") not in (None, old)]
    return NODES_BEHIND(groups=", ".join(behind), old=old) if behind else None


def _sizes(new: Held, before: Held | None) -> str | None:
    sizes = {name: int(size) for name, size in new.inputs.get("scalingConfig", {}).items()}
    if not {"minSize", "desiredSize", "maxSize"} <= sizes.keys():
        return None
    facts = {name.removesuffix("Size"): str(size) for name, size in sizes.items()}
    if sizes["minSize"] > sizes["desiredSize"]:
        return (MIN_ABOVE_DESIRED if before else MIN_ABOVE_DESIRED_AT_FIRST)(**facts)
    return DESIRED_ABOVE_MAX(**facts) if sizes["desiredSize"] > sizes["maxSize"] else None


def _nodes(new: Held, before: Held | None, others: list[Held]) -> str | None:
    cluster = _cluster_version(new, others)
    version = str(new.answer("version") or cluster or "")
    release = new.inputs.get("releaseVersion")
    if not version or not cluster:
        return None
    if minor(version) > minor(cluster) or (before is None and version != cluster):
        return NOT_THE_CLUSTERS(new=version, cluster=cluster)
    if release and minor(release) != minor(version):
        return RELEASE_OF_ANOTHER(release=release, version=version)
    for key in ("version", "releaseVersion"):
        old, wanted = before and before.answer(key), new.answer(key)
        if old and wanted and _order(wanted) < _order(old):
            return NO_WAY_BACK(old=old, new=wanted)
    return None


def _order(version: str) -> list[int]:
    return [int(part) for part in version.replace("-", ".").split(".")]


def _addon(new: Held, others: list[Held]) -> str | None:
    """Refuse a kube-proxy newer than the control plane: https://kubernetes.io/releases/version-skew-policy/."""
    cluster, version = _cluster_version(new, others), new.inputs.get("addonVersion")
    ahead = new.inputs.get("addonName") == "kube-proxy" and cluster and version and minor(version) > minor(cluster)
    return ADDON_UNSUPPORTED() if ahead else None


def _cluster_version(part: Held, others: list[Held]) -> str | None:
    for each in others:
        if each.type == CLUSTER and each.answer("name") == part.inputs.get("clusterName"):
            return each.inputs.get("version")
    return None


_UPDATES: Final = ("launchTemplate", "version", "releaseVersion")
"""A change of one of these is a call of UpdateNodegroupVersion
(https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/node_group.go)."""


def chosen(new: Held, before: Held | None, standing: Iterable[Held], newest: str) -> Properties:
    """Return the version and the image that a node group gets where the request leaves them open.

    They are the cluster's version and the newest image, of the day `newest` (YYYYMMDD): chosen when the group is made
    and with each update of the version (https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html),
    and kept otherwise.
    """
    if new.type != NODE_GROUP:
        return {}
    if before and all(before.inputs.get(key) == new.inputs.get(key) for key in _UPDATES):
        return {key: before.answer(key) for key in ("version", "releaseVersion") if before.answer(key)}
    version = new.inputs.get("version") or _cluster_version(new, list(standing))
    if not version:
        return {}
    return {"version": version, "releaseVersion": new.inputs.get("releaseVersion") or f"{version}.0-{newest}"}


def look(token: str, arguments: Properties, groups: Iterable[Held]) -> Properties | None:
    """Answer for the Auto Scaling groups of node groups, which EKS makes and tags; None to another question."""
    by_name = {f"eks-{each.answer('nodeGroupName')}-8ec4d2a1-7c0b-9f5e-2d6a-1b3c5d7e9f00": each for each in groups}
    match token:
        case "aws:autoscaling/getAmiIds:getAmiIds":
            (filter_,) = arguments["filters"]
            if filter_["name"] != "tag:eks:cluster-name":
                raise NotImplementedError(f"Auto Scaling groups are not found by {filter_['name']} here")
            names = [name for name, each in by_name.items() if each.inputs["clusterName"] in filter_["values"]]
            return {"id": "us-east-1", "names": names, "arns": []}
        case "aws:autoscaling/getGroup:getGroup":
            return {"desiredCapacity": int(by_name[arguments["name"]].inputs["scalingConfig"]["desiredSize"])}
        case _:
            return None
