"""Managed node groups of EKS."""

import re
from collections import Counter

from policy import resource_types as types
from policy.networks import leads_to_internet, zone
from policy.properties import Findings, Undetermined, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "ng-private",
    "Nodes are in private subnets",
    types=types.NODE_GROUP,
    kind="stack",
    severity=HIGH,
    controls=("CIS EKS 5.4.3",),
    paths=("subnetIds",),
    why="A node that is reachable from the internet exposes every pod on it.",
    fix="Set subnet_ids to subnets that route through NAT.",
)
def private_nodes(group: Resource, context: Context) -> Findings:
    for subnet in context.stack.targets(group, "subnetIds", *types.SUBNET):
        yield from attempt(_public, subnet, context)


def _public(subnet: Resource, context: Context) -> Findings:
    if subnet.flag("mapPublicIpOnLaunch"):
        yield "subnetIds", f"{subnet.name} assigns public addresses"
    elif leads_to_internet(context.stack, subnet):
        yield "subnetIds", f"{subnet.name} has a route to the internet gateway"


@rule(
    "ng-no-ssh",
    "Nodes have no SSH key",
    types=(*types.NODE_GROUP, *types.LAUNCH_TEMPLATE),
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_100",),
    paths=("remoteAccess.ec2SshKey", "keyName"),
    why="A shared key belongs to no person, does not expire, and its use is not in AWS's logs.",
    fix="Leave out remote_access and key_name; use Session Manager, or kubectl debug.",
)
def ssh(resource: Resource, context: Context) -> Findings:
    path = "remoteAccess.ec2SshKey" if resource.type in types.NODE_GROUP else "keyName"
    if not resource.has(path) or resource.peek(path) == "":
        return
    if resource.type in types.NODE_GROUP or _launches_nodes(resource, context):
        yield path, "an SSH key gives access to every node"


def _launches_nodes(template: Resource, context: Context) -> bool:
    return bool(context.stack.referrers(template, "launchTemplate.id", *types.NODE_GROUP)) or bool(
        context.stack.referrers(template, "launchTemplate.name", *types.NODE_GROUP)
    )


@rule(
    "ng-spot-div",
    "Spot node groups have several instance types of one size",
    types=types.NODE_GROUP,
    severity=MEDIUM,
    paths=("capacityType", "instanceTypes[]"),
    why="AWS can reclaim all spot capacity of one type in a zone at once, and with it all nodes of the group.",
    fix="Set at least three instance_types of the same size, such as c6i.large, c6a.large, c5.large.",
    config={"types": {"type": "integer", "minimum": 1, "default": 3}},
)
def spot(group: Resource, context: Context) -> Findings:
    if group.text("capacityType").upper() != "SPOT":
        return
    # The autoscaler assumes that all nodes of a group are equal:
    # https://docs.aws.amazon.com/eks/latest/best-practices/cas.html
    sizes = Counter(each.rpartition(".")[2] for each in set(group.texts("instanceTypes")))
    if max(sizes.values(), default=0) < context.config["types"]:
        yield "instanceTypes", f"fewer than {context.config['types']} types of one size"


@rule(
    "ng-web-ondemand",
    "Web nodes run on demand, at least one in each zone",
    types=types.NODE_GROUP,
    kind="stack",
    severity=HIGH,
    prod_only=True,
    paths=("nodeGroupName", "labels.*", "capacityType", "scalingConfig.minSize", "subnetIds"),
    why="Spot nodes are reclaimed with two minutes' notice, and a zone without a node serves no users.",
    fix='Set capacity_type="ON_DEMAND" and min_size to the number of zones, or rename a group that serves no users.',
    config={"names": {"type": "array", "items": {"type": "string"}, "default": ["web"]}},
)
def web(group: Resource, context: Context) -> Findings:
    if not _is_web(group, set(context.config["names"])):
        return
    if group.text("capacityType").upper() == "SPOT":
        yield "capacityType", "spot nodes"
    yield from _one_in_each_zone(group, context)


def _is_web(group: Resource, names: set[str]) -> bool:
    """Whether its name, or the value of one of its labels, says that it serves users."""
    if names & _words(group.name) or names & _words(group.text("nodeGroupName")):
        return True
    return any(group.text(f'labels["{key}"]') in names for key in group.keys("labels"))


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


def _one_in_each_zone(group: Resource, context: Context) -> Findings:
    least = group.number("scalingConfig.minSize") or 0
    if least >= group.count("subnetIds"):
        return
    if least < len({zone(subnet) for subnet in context.stack.targets(group, "subnetIds", *types.SUBNET)}):
        yield "scalingConfig.minSize", "fewer nodes than zones"


# https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html: the families with GPUs
_GPU = re.compile(r"^(p|g|gr)\d")
_GPU_IMAGE = re.compile(r"NVIDIA|_GPU")
_REPELS = ("NO_SCHEDULE", "NO_EXECUTE", "NOSCHEDULE", "NOEXECUTE")


@rule(
    "ng-gpu-taint",
    "GPU node groups have a taint and a limit, and outside prod scale to zero",
    types=types.NODE_GROUP,
    severity=HIGH,
    paths=(
        "instanceTypes[]",
        "amiType",
        "taints[].effect",
        "scalingConfig.maxSize",
        "scalingConfig.minSize",
    ),
    why="Without a taint any pod keeps a GPU node running; without a limit, a retry loop can start dozens.",
    fix='Add a taint with effect="NO_SCHEDULE", a max_size within the limit, and min_size=0 outside prod.',
    config={"max": {"type": "integer", "minimum": 1, "default": 15}},
)
def gpu(group: Resource, context: Context) -> Findings:
    if not _has_gpu(group):
        return
    yield from attempt(_tainted, group)
    yield from attempt(_capped, group, context)
    yield from _idle(group, context)


def _has_gpu(group: Resource) -> bool:
    if _GPU_IMAGE.search(group.text("amiType").upper()):
        return True
    return any(_GPU.match(each) for each in group.texts("instanceTypes"))


def _tainted(group: Resource) -> Findings:
    effects = [taint.text("effect").upper() for taint in group.nodes("taints")]
    if not any(effect in _REPELS for effect in effects):
        yield "taints", "no taint keeps other pods off the GPU nodes"


def _capped(group: Resource, context: Context) -> Findings:
    most = group.number("scalingConfig.maxSize")
    if most is not None and most > context.config["max"]:
        yield "scalingConfig.maxSize", f"more than {context.config['max']} GPU nodes"


def _idle(group: Resource, context: Context) -> Findings:
    least = group.number("scalingConfig.minSize")
    if not context.is_prod and least is not None and least > 0:
        yield "scalingConfig.minSize", "GPU nodes run even without load"


@rule(
    "ng-ami",
    "Nodes run a supported image",
    types=types.NODE_GROUP,
    severity=HIGH,
    paths=("amiType",),
    why="Amazon Linux 2 is out of support: EKS publishes no new images, and vulnerabilities stay open.",
    fix='Set ami_type="AL2023_x86_64_STANDARD" (or its ARM, NVIDIA or Bottlerocket variant).',
    strict=True,
)
def image(group: Resource, _: Context) -> Findings:
    # https://docs.aws.amazon.com/eks/latest/userguide/eks-ami-deprecation-faqs.html; left out, it is AL2023.
    if group.text("amiType").upper().startswith("AL2_"):
        yield "amiType", "Amazon Linux 2"


@rule(
    "ng-scaling",
    "Node group bounds are consistent, and the autoscaler sets the size",
    types=types.NODE_GROUP,
    severity=MEDIUM,
    paths=("scalingConfig.minSize", "scalingConfig.desiredSize", "scalingConfig.maxSize"),
    why="Each update would reset the size to the one in the program, and drain nodes in use.",
    fix='Keep min ≤ desired ≤ max, and set ignore_changes=["scalingConfig.desiredSize"].',
)
def scaling(group: Resource, _: Context) -> Findings:
    least, most = (group.number(f"scalingConfig.{each}") for each in ("minSize", "maxSize"))
    if least is not None and most is not None and least > most:
        yield "scalingConfig.minSize", "above the maximum"
    if least == most or not group.has("scalingConfig.desiredSize"):
        return
    if not group.ignores_known:
        yield Undetermined("scalingConfig.desiredSize", "whether ignore_changes has it was not recorded")
    elif not any(_is_size(path) for path in group.ignore_changes):
        yield "scalingConfig.desiredSize", "each update resets the size that the autoscaler set"
    wanted = group.number("scalingConfig.desiredSize")
    if wanted is not None and not (least or 0) <= wanted <= (wanted if most is None else most):
        yield "scalingConfig.desiredSize", "outside of min and max"


def _is_size(path: str) -> bool:
    """Whether ignoring `path` ignores the desired size."""
    bare = re.sub(r"\[[^]]*\]|_", "", path).lower()
    return bare in ("*", "scalingconfig", "scalingconfig.desiredsize")
