"""Disruption budgets, autoscaling, spreading and placement of workloads."""

import math
from functools import partial

from policy import resource_types as types
from policy.objects import SCALABLE, objects, selects
from policy.pods import LASTING, container_paths, kind, pod, pod_paths, template
from policy.properties import MISSING, UNKNOWN, Findings, Properties, Undetermined, attempt
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_SEVERAL = 2


@rule(
    "wl-pdb",
    "Workloads with several pods have a disruption budget",
    types=SCALABLE,
    kind="stack",
    severity=HIGH,
    paths=(
        "spec.replicas",
        "metadata.namespace",
        "spec.template.metadata.labels.*",
    ),
    why="Without a budget, all pods can be evicted at once when nodes are replaced.",
    fix="Add a PodDisruptionBudget whose selector matches the labels of the pods, with max_unavailable=1.",
)
def budget(workload: Resource, context: Context) -> Findings:
    known = objects(context.stack)
    if known.least_replicas(workload) >= _SEVERAL and not known.budgets(workload):
        yield "", "no disruption budget selects its pods"


@rule(
    "pdb-live",
    "Disruption budgets allow at least one eviction, and not all at once",
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
        yield "spec", "sets neither maxUnavailable nor minAvailable"
    elif most is not None:
        if most[0] <= 0:
            yield "spec.maxUnavailable", "no pod may ever be evicted"
        elif most[1] and most[0] >= 100:  # noqa: PLR2004  # all of them
            yield "spec.maxUnavailable", "all pods may be evicted at once"
    elif least is not None:
        number, percent = least
        if percent and number >= 100:  # noqa: PLR2004  # all of them
            yield "spec.minAvailable", "no pod may ever be evicted"
        elif number > 0:
            pods = _pods(resource, context)
            # Kubernetes rounds up: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
            if pods > 0 and (math.ceil(pods * number / 100) if percent else number) >= pods:
                yield "spec.minAvailable", "equals the minimum number of pods, so no pod may be evicted"


def _pods(resource: Resource, context: Context) -> float:
    """Return how many pods a budget covers while each workload has its minimum; 0 where none is known."""
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
    "Autoscalers and workloads with a budget keep at least two pods, and scaled workloads set no replicas",
    types=(*types.POD_AUTOSCALER, *SCALABLE),
    kind="stack",
    severity=MEDIUM,
    prod_only=True,
    paths=("spec.minReplicas", "spec.replicas"),
    why="A single pod is an outage while its node is replaced; with fixed replicas, each update undoes the scaling.",
    fix="Set min_replicas to 2 or more on the autoscaler, and leave replicas out of the workload.",
    config={"pods": {"type": "integer", "minimum": 1, "default": _SEVERAL}},
)
def autoscaling(resource: Resource, context: Context) -> Findings:
    if resource.type in types.POD_AUTOSCALER:
        if (resource.number("spec.minReplicas") or 1) < context.config["pods"]:
            yield "spec.minReplicas", f"may go below {context.config['pods']} pods"
        return
    yield from attempt(_alone, resource, context)
    if _is_fixed(resource) and objects(context.stack).autoscaler(resource):
        if not resource.ignores_known:
            raise Undetermined("spec.replicas", "whether ignore_changes has it was not recorded")
        yield "spec.replicas", "fixed, although an autoscaler manages it"


def _alone(workload: Resource, context: Context) -> Findings:
    """Find single pods of which a budget says that they matter."""
    known = objects(context.stack)
    if context.config["pods"] < _SEVERAL or {"spec.replicas", "spec", "*"} & set(workload.ignore_changes):
        return
    if known.least_replicas(workload) == 1 and not known.autoscaler(workload) and known.budgets(workload):
        yield "spec.replicas", "a single pod, of which the disruption budget can keep none"


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
    why="The scheduler may place all pods on one node or in one zone, whose failure is then an outage.",
    fix="Set topology_spread_constraints over topology.kubernetes.io/zone and the host name.",
)
def spread(workload: Resource, context: Context) -> Findings:
    spec = pod(workload)
    apart = "affinity.podAntiAffinity"
    yield from attempt(spec.each, "topologySpreadConstraints", partial(_spreads_others, workload))
    given = spec.has("topologySpreadConstraints") and spec.count("topologySpreadConstraints") > 0
    if given or (spec.has(apart) and spec.keys(apart)):
        return
    if objects(context.stack).least_replicas(workload) >= _SEVERAL:
        yield spec.at("topologySpreadConstraints"), "neither spread constraints nor anti-affinity are set"


def _spreads_others(workload: Resource, constraint: Properties) -> Findings:
    """https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#labelselector"""
    path = "labelSelector"
    labels = template(workload).get("metadata.labels", {})
    selector = constraint.get_part(path)
    if selector is not MISSING and not selects(Properties(selector, constraint.at(path)), labels):
        yield constraint.at(path), "counts other pods than the workload's, so it spreads none"


@rule(
    "wl-update",
    "Updates of a workload leave pods that serve",
    types=(*types.DEPLOYMENT, *types.DAEMON_SET, *types.ROLLOUT),
    kind="stack",
    severity=MEDIUM,
    paths=("spec.strategy", "spec.updateStrategy", "spec.replicas"),
    why="If all pods are stopped before the first new one is ready, each update is an outage, and a bad one lasts.",
    fix="Set strategy RollingUpdate with max_unavailable 0 or 25%, and max_surge 1.",
)
def update(workload: Resource, context: Context) -> Findings:
    daemon = workload.type in types.DAEMON_SET
    ways = ("spec.updateStrategy.rollingUpdate",) if daemon else ("spec.strategy.rollingUpdate", "spec.strategy.canary")
    stops = [f"{way}.maxUnavailable" for way in ways if _stops_all(workload, f"{way}.maxUnavailable")]
    if workload.text("spec.strategy.type") == "Recreate":
        stops = ["spec.strategy.type"]
    if stops and (daemon or objects(context.stack).least_replicas(workload) >= _SEVERAL):
        yield stops[0], "an update stops all pods at once"


def _stops_all(workload: Resource, path: str) -> bool:
    most = _amount(workload, path)
    if most is None:
        return False
    number, percent = most
    replicas = workload.number("spec.replicas") if not percent and workload.has("spec.replicas") else None
    return number >= 100 if percent else replicas is not None and number >= replicas  # noqa: PLR2004  # all of them


_GPU_KEYS = ["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "aws.amazon.com/neuron"]
_DEVICES = ("nvidia.com/", "amd.com/gpu", "gpu.intel.com/", "aws.amazon.com/neuron", "habana.ai/")
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


@rule(
    "wl-placement",
    "Only workloads with a GPU request run on GPU nodes, and they tolerate the taint",
    types=types.WORKLOADS,
    kind="stack",
    severity=HIGH,
    paths=(
        *pod_paths("tolerations[]", "nodeSelector.*", "resourceClaims[]"),
        *container_paths("resources.limits.*", "resources.requests.*", groups=LASTING),
    ),
    why="A workload without a GPU request wastes a GPU node; one without the toleration stays pending.",
    fix="Set limits of nvidia.com/gpu on the container, with a toleration for the node's taint; or remove both.",
    config={"taints": {"type": "array", "items": {"type": "string"}, "default": _GPU_KEYS}},
)
def placement(workload: Resource, context: Context) -> Findings:
    spec = pod(workload)
    taints = [node for group in context.stack.of_type(*types.NODE_GROUP) for node in group.nodes("taints")]
    tainted = [node for node in taints if node.peek("key") in context.config["taints"]]
    if not tainted and any(node.peek("key") is UNKNOWN for node in taints):
        raise Undetermined("", "taints of a node group are unknown")
    if spec.has("resourceClaims") or _asks_for_device(spec):
        if tainted and not any(_tolerates(spec, taint) for taint in tainted):
            yield spec.at("tolerations"), "requests a GPU, but tolerates no taint of a GPU node"
    elif kind(workload) != "DaemonSet":  # daemon sets belong on every node, and the driver's on GPU nodes
        # A pod that tolerates everything runs on GPU nodes only if there are any.
        drawing = {*context.config["taints"], *([""] if tainted else [])}
        yield from spec.each("tolerations", partial(_drawn, drawing))
        selector = "nodeSelector"
        for key in spec.keys(selector):
            if key.startswith(_DEVICES) and spec.text(f'{selector}["{key}"]').lower() != "false":
                yield spec.at(f'{selector}["{key}"]'), "selects GPU nodes without requesting a GPU"


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
        yield toleration.at("key"), "tolerates GPU nodes without requesting a GPU"


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
