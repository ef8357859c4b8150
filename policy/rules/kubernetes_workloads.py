"""Whether workloads outlive the loss of a node or a zone, and keep to the nodes that are meant for them."""

import math
from functools import partial

from policy import resource_types as types
from policy.objects import SCALABLE, objects
from policy.pods import LASTING, container_paths, kind, pod, pod_paths
from policy.properties import UNKNOWN, Findings, Properties, Undetermined
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_SEVERAL = 2


@rule(
    "wl-pdb",
    "Workloads of several pods have a disruption budget",
    types=SCALABLE,
    kind="stack",
    severity=HIGH,
    paths=(
        "spec.replicas",
        "metadata.namespace",
        "spec.template.metadata.labels.*",
    ),
    why="When nodes are replaced, nothing keeps the last pods from being evicted all at once.",
    fix="Add a PodDisruptionBudget whose selector matches the labels of the pods, with max_unavailable=1.",
)
def budget(workload: Resource, context: Context) -> Findings:
    known = objects(context.stack)
    if known.least_replicas(workload) >= _SEVERAL and not known.budgets(workload):
        yield "", "no disruption budget is about its pods"


@rule(
    "pdb-live",
    "A disruption budget lets at least one pod go",
    types=types.DISRUPTION_BUDGET,
    kind="stack",
    severity=HIGH,
    paths=("spec.maxUnavailable", "spec.minAvailable", "spec.selector", "metadata.namespace"),
    why="A budget that allows no eviction blocks every drain: nodes cannot be updated, scaled down or repaired.",
    fix="Set max_unavailable=1 instead of min_available, and run at least two pods.",
)
def drainable(resource: Resource, context: Context) -> Findings:
    # https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/pod-disruption-budget-v1/: a null selector
    # matches no pods, an empty one all pods of the namespace.
    if not resource.has("spec.selector"):
        yield "spec.selector", "selects no pods, so it protects none"
    most, least = _amount(resource, "spec.maxUnavailable"), _amount(resource, "spec.minAvailable")
    if most is None and least is None:
        yield "spec", "says neither how many may go nor how many must stay"
    elif most is not None:
        if most[0] <= 0:
            yield "spec.maxUnavailable", "no pod may ever be evicted"
    elif least is not None:
        number, percent = least
        if percent and number >= 100:  # noqa: PLR2004  # all of them
            yield "spec.minAvailable", "no pod may ever be evicted"
        elif number > 0:
            pods = _pods(resource, context)
            # Kubernetes rounds up: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
            if pods > 0 and (math.ceil(pods * number / 100) if percent else number) >= pods:
                yield "spec.minAvailable", "as many as there are at least: no pod may be evicted"


def _pods(resource: Resource, context: Context) -> float:
    """Return how many pods a budget is about while each workload runs as few as it may; 0 where none is known."""
    known = objects(context.stack)
    return sum(known.least_replicas(workload) for workload in known.covered(resource))


def _amount(resource: Resource, path: str) -> tuple[float, bool] | None:
    """Return a number, and whether it is a percentage."""
    text = resource.text(path).strip()
    if not text:
        return None
    try:
        return float(text.removesuffix("%")), text.endswith("%")
    except ValueError:
        raise Undetermined(path, "is neither a number nor a percentage") from None


@rule(
    "wl-hpa",
    "Autoscalers keep at least two pods, and nobody else sets their number",
    types=(*types.POD_AUTOSCALER, *SCALABLE),
    kind="stack",
    severity=MEDIUM,
    prod_only=True,
    paths=("spec.minReplicas", "spec.replicas"),
    why="One pod is none while its node goes; and a fixed number undoes with each update what the load called for.",
    fix="Set min_replicas to 2 or more on the autoscaler, and leave replicas out of the workload.",
    config={"pods": {"type": "integer", "minimum": 1, "default": _SEVERAL}},
)
def autoscaling(resource: Resource, context: Context) -> Findings:
    if resource.type in types.POD_AUTOSCALER:
        if (resource.number("spec.minReplicas") or 1) < context.config["pods"]:
            yield "spec.minReplicas", f"may go below {context.config['pods']} pods"
    elif _is_fixed(resource) and objects(context.stack).autoscaler(resource):
        if not resource.ignores_known:
            raise Undetermined("spec.replicas", "whether its changes are ignored was not recorded")
        yield "spec.replicas", "fixed, though an autoscaler decides on it"


def _is_fixed(workload: Resource) -> bool:
    return workload.has("spec.replicas") and not {"spec.replicas", "spec", "*"} & set(workload.ignore_changes)


@rule(
    "wl-spread",
    "Pods of a workload are spread over nodes or zones",
    types=SCALABLE,
    kind="stack",
    severity=MEDIUM,
    paths=(
        "spec.replicas",
        "spec.template.spec.topologySpreadConstraints[]",
        "spec.template.spec.affinity.podAntiAffinity",
    ),
    why="The scheduler may put all pods on one node, and a zone that fails takes the service with it.",
    fix="Set topology_spread_constraints over topology.kubernetes.io/zone and the host name.",
)
def spread(workload: Resource, context: Context) -> Findings:
    spec = pod(workload)
    apart = "affinity.podAntiAffinity"
    given = spec.has("topologySpreadConstraints") and spec.count("topologySpreadConstraints") > 0
    if given or (spec.has(apart) and spec.keys(apart)):
        return
    if objects(context.stack).least_replicas(workload) >= _SEVERAL:
        yield spec.at("topologySpreadConstraints"), "nothing spreads its pods"


_GPU_KEYS = ["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "aws.amazon.com/neuron"]
_DEVICES = ("nvidia.com/", "amd.com/gpu", "gpu.intel.com/", "aws.amazon.com/neuron", "habana.ai/")
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


@rule(
    "wl-placement",
    "GPU nodes run what asks for a GPU, and what asks for one can run there",
    types=types.WORKLOADS,
    kind="stack",
    severity=HIGH,
    paths=(
        *pod_paths("tolerations[]", "nodeSelector.*", "resourceClaims[]"),
        *container_paths("resources.limits.*", "resources.requests.*", groups=LASTING),
    ),
    why="A web server on a GPU node costs ten times as much; and what lacks the toleration waits for ever.",
    fix="Set limits of nvidia.com/gpu on the container, with the toleration of the node's taint; or remove both.",
    config={"taints": {"type": "array", "items": {"type": "string"}, "default": _GPU_KEYS}},
)
def placement(workload: Resource, context: Context) -> Findings:
    spec = pod(workload)
    taints = [node for group in context.stack.of_type(*types.NODE_GROUP) for node in group.nodes("taints")]
    tainted = [node for node in taints if node.peek("key") in context.config["taints"]]
    if not tainted and any(node.peek("key") is UNKNOWN for node in taints):
        raise Undetermined("", "taints of a node group are not known yet")
    if spec.has("resourceClaims") or _asks_for_device(spec):
        if tainted and not any(_tolerates(spec, taint) for taint in tainted):
            yield spec.at("tolerations"), "asks for a GPU, but tolerates no GPU node's taint"
    elif kind(workload) != "DaemonSet":  # those belong on every node, the driver's own on GPU nodes alone
        # Who tolerates everything lands on GPU nodes only where there are some.
        drawing = {*context.config["taints"], *([""] if tainted else [])}
        yield from spec.each("tolerations", partial(_drawn, drawing))
        selector = "nodeSelector"
        for key in spec.keys(selector):
            if key.startswith(_DEVICES) and spec.text(f'{selector}["{key}"]').lower() != "false":
                yield spec.at(f'{selector}["{key}"]'), "chooses GPU nodes without a request for a GPU"


def _asks_for_device(spec: Properties) -> bool:
    return any(
        key.startswith(_DEVICES)
        for group in LASTING
        for container in spec.nodes(group)
        for what in ("limits", "requests")
        for key in container.keys(f"resources.{what}")
    )


def _drawn(keys: set[str], toleration: Properties) -> Findings:
    key = toleration.text("key")
    if key in keys and (key or toleration.text("operator") == "Exists"):
        yield toleration.at("key"), "tolerates GPU nodes without a request for a GPU"


def _tolerates(spec: Properties, taint: Properties) -> bool:
    """Whether the pod may run in spite of a taint of a node group.

    https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    effect = taint.text("effect")
    return any(
        each.text("key") in ("", taint.text("key"))
        and (each.text("operator") == "Exists" or each.text("value") == taint.text("value"))
        and each.text("effect") in ("", effect, _EFFECTS.get(effect, effect))
        for each in spec.nodes("tolerations")
    )
