"""What does not fit together: selectors, ports and names that lead nowhere."""

from collections import Counter
from functools import partial

from policy import resource_types as types
from policy.objects import objects, selector_of, selects
from policy.pods import LASTING, container_paths, each_container, is_of_mesh, template
from policy.properties import Findings, Properties, attempt
from policy.registry import MEDIUM, Context, rule
from policy.view import Resource

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SSH = 22


@rule(
    "wl-coherent",
    "Probes, ports and variables of a workload fit its containers",
    types=types.WORKLOADS,
    severity=MEDIUM,
    paths=(
        "spec.selector.matchLabels.*",
        "spec.template.metadata.labels.*",
        *container_paths(
            "env[].name", "ports[].containerPort", *(f"{each}.httpGet.port" for each in _PROBES[:2]), groups=LASTING
        ),
    ),
    why="A probe of a port that nothing listens at restarts pods for ever, and of two variables one is read.",
    fix="Give probes a port that the container has, set each variable once, and use kubectl exec in place of SSH.",
)
def coherent(resource: Resource, _: Context) -> Findings:
    def check(_spec: Properties, container: Properties) -> Findings:
        yield from attempt(_twice, container)
        for probe in _PROBES:
            for how in ("httpGet", "tcpSocket", "grpc"):
                yield from attempt(_probed, container, f"{probe}.{how}.port")
        yield from attempt(container.each, "ports", _ssh)

    yield from each_container(resource, check, LASTING)


def _twice(container: Properties) -> Findings:
    names = Counter(each.text("name") for each in container.nodes("env"))
    if any(number > 1 for name, number in names.items() if name):
        yield container.at("env"), "has a variable twice"


def _probed(container: Properties, path: str) -> Findings:
    port, ports = container.text(path), container.nodes("ports")
    if not port or not ports:
        return
    known = {each.text(key).removesuffix(".0") for each in ports for key in ("name", "containerPort")}
    # The proxy of Istio answers at ports of its own.
    if port.removesuffix(".0") not in known and not is_of_mesh(container):
        yield container.at(path), "a port that the container does not declare"


def _ssh(node: Properties) -> Findings:
    if node.number("containerPort") == _SSH and node.text("protocol") in ("", "TCP"):
        yield node.at("containerPort"), "a login by SSH, past the API server and its logs"


@rule(
    "wl-selector",
    "Workloads select the pods that they make",
    types=(*types.DEPLOYMENT, *types.STATEFUL_SET, *types.DAEMON_SET, *types.REPLICA_SET),
    severity=MEDIUM,
    paths=("spec.selector.matchLabels.*", "spec.template.metadata.labels.*"),
    why="The API server refuses such a workload, and a rollout ends there.",
    fix="Give the template all labels that the selector asks for.",
)
def selecting(workload: Resource, _: Context) -> Findings:
    labels = template(workload).get("metadata.labels", {})
    if workload.has("spec.selector") and not selects(selector_of(workload), labels):
        yield "spec.selector", "selects other pods than it makes"


@rule(
    "svc-target",
    "Services select pods",
    types=types.SERVICE,
    kind="stack",
    severity=MEDIUM,
    paths=("spec.selector.*", "spec.ports[].targetPort", "metadata.namespace"),
    why="A service that selects nothing answers nobody, or whoever later makes a pod with these labels.",
    fix="Set the selector to labels of the pods, and targetPort to a port that their containers name.",
)
def targeted(service: Resource, context: Context) -> Findings:
    known = objects(context.stack)
    if not service.keys("spec.selector") or known.has_makers():
        return
    if not known.has_near(service):
        return  # only a part of the cluster is seen
    selected = known.selected_by(service)
    if not selected:
        yield "spec.selector", "selects none of the namespace's pods"
        return
    yield from service.each("spec.ports", partial(_has_port, selected))


def _has_port(selected: tuple[Resource, ...], node: Properties) -> Findings:
    port = node.text("targetPort")
    if not port or port.replace(".", "", 1).isdigit():
        return
    for workload in selected:
        for group in LASTING:
            for container in template(workload).nodes(f"spec.{group}"):
                if any(each.text("name") == port for each in container.nodes("ports")):
                    return
    yield node.at("targetPort"), "a port that the selected pods do not have"
