"""Node groups, as the scheduler and the cluster autoscaler see them."""

from collections.abc import Iterator, Mapping
from typing import Any

from recording.graph import Graph, Resource

GROUP = "aws:eks/nodeGroup:NodeGroup"
ZONE = ("topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone")
"""Labels that tie a volume of EBS, and with it a pod, to a zone."""
ASKING = ("persistentVolumeClaim", "volumeClaimTemplate", "volumeClaimTemplates")
"""Keys by which a pod asks for a volume: by name, in a kind of an operator, or in a StatefulSet."""
_RESOURCES = "k8s.io/cluster-autoscaler/node-template/resources/"
_NVIDIA = {"g4dn.xlarge": 1, "g5.xlarge": 1}
"""GPUs by type: https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html."""


def tier(graph: Graph, name: str) -> list[Resource]:
    """Return the node groups of a tier, by their names."""
    return sorted((each for each in graph.of_type(GROUP) if each["labels"]["tier"] == name), key=lambda each: each.name)


def zones(graph: Graph, group: Resource) -> list[str]:
    """Return in which zones a group brings up its nodes: in whichever of them it chooses."""
    where = {subnet.id: subnet["availabilityZone"] for subnet in graph.of_type("aws:ec2/subnet:Subnet")}
    return sorted({where[subnet] for subnet in group["subnetIds"]})


def template(graph: Graph, group: Resource) -> Mapping[str, Mapping[str, Any]]:
    """Return what the autoscaler thinks a new node of an empty group has, where this tells more than the type.

    As getAsgTemplate, buildNodeFromTemplate and getManagedNodegroupInfo do it, for a managed node group whose API
    answers: https://github.com/kubernetes/autoscaler/tree/cluster-autoscaler-1.36.1/cluster-autoscaler/cloudprovider/aws.
    Nothing there gives a node ephemeral storage but a tag. The zone, for volumes as well, is the group's first one.
    """
    tags = {key.removeprefix(_RESOURCES): text for key, text in group["tags"].items() if key.startswith(_RESOURCES)}
    return {
        "capacity": {"nvidia.com/gpu": _NVIDIA.get(group["instanceTypes"][0], 0), **tags},
        "labels": {
            **dict.fromkeys(ZONE, zones(graph, group)[0]),
            "amiType": group["amiType"],
            "eks.amazonaws.com/capacityType": group["capacityType"],
            **group["labels"],
        },
        "taints": {taint["key"]: taint["effect"] for taint in group.inputs.get("taints") or ()},
    }


def homes(graph: Graph, pod: Mapping[str, Any]) -> list[Resource]:
    """Return the groups on whose nodes a pod may run, by its node selector; one that tolerates a taint may anywhere."""
    selector, tolerant = pod.get("nodeSelector") or {}, bool(pod.get("tolerations"))
    return [
        group
        for group in graph.of_type(GROUP)
        if selector.items() <= template(graph, group)["labels"].items()
        if tolerant or not template(graph, group)["taints"]
    ]


def brought_up(graph: Graph, pod: Mapping[str, Any], zone: str) -> list[Resource]:
    """Return the groups that the autoscaler makes larger for a pod with a volume in `zone`."""
    selector = {**(pod.get("nodeSelector") or {}), **dict.fromkeys(ZONE, zone)}
    return homes(graph, {**pod, "nodeSelector": selector})


def pods_with_volumes(value: Any, pod: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield where values of a chart, or a manifest, ask for a volume, with what is said there of the pod's nodes."""
    if isinstance(value, Mapping):
        pod = {key: value[key] for key in ("nodeSelector", "tolerations") if key in value} or pod
        for key, inner in value.items():
            if key in ASKING and inner:
                yield path, pod
            yield from pods_with_volumes(inner, pod, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from pods_with_volumes(inner, pod, path)


def scattered(graph: Graph, pod: Mapping[str, Any]) -> list[str]:
    """Return the groups on which a pod may run, but whose next node may be in another zone than its volume."""
    return [group.name for group in homes(graph, pod) if len(zones(graph, group)) > 1]
