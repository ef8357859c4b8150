"""The service mesh: mutual TLS, who may call whom, what comes in and what goes out."""

import re
from collections.abc import Mapping
from functools import partial

from policy import resource_types as types
from policy.networks import is_world
from policy.objects import objects
from policy.pods import LASTING, is_of_mesh, template
from policy.properties import MISSING, Findings, Properties, attempt, join
from policy.registry import HIGH, MEDIUM, Context, rule
from policy.view import Resource

_ROOT = "istio-system"
_INJECTION = 'metadata.labels["istio-injection"]'
_REVISION = 'metadata.labels["istio.io/rev"]'
_AMBIENT = 'metadata.labels["istio.io/dataplane-mode"]'
_WEAK = ("PERMISSIVE", "DISABLE")


@rule(
    "mesh-mtls",
    "Traffic in the mesh is encrypted by mutual TLS alone",
    types=(*types.PEER_AUTHENTICATION, *types.DESTINATION_RULE),
    kind="stack",
    severity=HIGH,
    paths=(
        "spec.mtls.mode",
        "spec.portLevelMtls",
        "spec.trafficPolicy",
        "spec.subsets[].trafficPolicy",
        "metadata.namespace",
    ),
    why="By default sidecars accept unencrypted traffic too: any pod can call any other, with nobody's identity.",
    fix="Set mode STRICT in a PeerAuthentication of the mesh's root namespace, and no other mode anywhere.",
)
def mutual(resource: Resource, context: Context) -> Findings:
    if resource.type in types.PEER_AUTHENTICATION:
        yield from attempt(_mode, resource, context)
        yield from attempt(_ports, resource)
    else:
        yield from attempt(_plain, resource.inputs, "spec.trafficPolicy")
        yield from resource.each("spec.subsets", lambda node: _plain(node, "trafficPolicy"))


def _mode(resource: Resource, context: Context) -> Findings:
    mode = resource.text("spec.mtls.mode").upper()
    if mode in _WEAK:
        yield "spec.mtls.mode", "accepts unencrypted traffic"
    elif (
        mode in ("", "UNSET") and not resource.has("spec.selector") and objects(context.stack).place(resource) == _ROOT
    ):
        yield "spec.mtls.mode", "accepts unencrypted traffic, which is the default of the mesh"


def _ports(resource: Resource) -> Findings:
    path = "spec.portLevelMtls"
    value = resource.inputs.get_part(path)
    # YAML has the ports as numbers.
    for port, given in value.items() if isinstance(value, Mapping) else ():
        yield from attempt(_port_mode, Properties(given, join(path, str(port))))


def _port_mode(port: Properties) -> Findings:
    if port.text("mode").upper() in _WEAK:
        yield port.at("mode"), "accepts unencrypted traffic at this port"


def _plain(node: Properties, path: str) -> Findings:
    """https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings"""
    value = node.get_part(path)
    if value is MISSING:
        return
    policy = Properties(value, node.at(path))
    for each in (policy, *policy.nodes("portLevelSettings")):
        if each.text("tls.mode").upper() == "DISABLE":
            yield each.at("tls.mode"), "sends unencrypted traffic"
        if each.flag("tls.insecureSkipVerify"):
            yield each.at("tls.insecureSkipVerify"), "accepts any certificate"


@rule(
    "mesh-default",
    "Namespaces of the mesh have a mode of mutual TLS",
    types=types.NAMESPACE,
    kind="stack",
    severity=HIGH,
    paths=("metadata.name", _INJECTION, _REVISION, _AMBIENT),
    why="Without a PeerAuthentication sidecars accept unencrypted traffic: any pod can call any other, as nobody.",
    fix="Add a PeerAuthentication with mode STRICT in the mesh's root namespace, istio-system.",
)
def has_default(namespace: Resource, context: Context) -> Findings:
    injected = namespace.text(_INJECTION) == "enabled" or namespace.text(_REVISION) or namespace.text(_AMBIENT)
    if not injected:
        return
    known = objects(context.stack)
    found = context.stack.of_type(*types.PEER_AUTHENTICATION)
    own = known.place(namespace)
    for each in found:
        if known.place(each) in (_ROOT, own) and not each.has("spec.selector"):
            return  # which of them is strict, they are asked themselves
    yield (
        _INJECTION,
        "accepts unencrypted traffic: no PeerAuthentication is for the namespace or the mesh",
    )


@rule(
    "mesh-authz",
    "Policies of the mesh name who is allowed",
    types=(*types.AUTHORIZATION_POLICY, *types.REQUEST_AUTHENTICATION),
    kind="stack",
    severity=HIGH,
    paths=("spec.action", "spec.rules[]", "spec.jwtRules[].jwksUri", "metadata.namespace"),
    why="A policy that allows anybody does not protect, and a token that nothing asks for may as well be missing.",
    fix="List principals or namespaces in `from`, and ask for requestPrincipals where tokens are checked.",
)
def authorized(resource: Resource, context: Context) -> Findings:
    if resource.type in types.REQUEST_AUTHENTICATION:
        yield from resource.each("spec.jwtRules", _keys_in_the_open)
        yield from attempt(_is_asked_for, resource, context)
    elif resource.text("spec.action").upper() in ("", "ALLOW"):
        yield from resource.each("spec.rules", partial(_allows_anybody, is_gateway=_is_gateway(resource)))


_ANY = {"*", "/*"}
_IDENTITIES = ("principals", "namespaces", "ipBlocks", "remoteIpBlocks", "serviceAccounts")
_OPEN_PATH = re.compile(
    r"/([\w.-]+/)*(healthz?|livez?|liveness|readyz?|readiness|ping|metrics|status|\.well-known)(/.*)?"
)
"""Paths that the cluster, monitoring or everybody asks for: of health, numbers and public keys."""


def _is_gateway(policy: Resource) -> bool:
    """Whether a policy is about an entrance of the mesh, where everybody comes in and most have no identity."""
    labels = [policy.text(join("spec.selector.matchLabels", key)) for key in policy.keys("spec.selector.matchLabels")]
    targets = [each.text("kind") for each in policy.nodes("spec.targetRefs")] + [policy.text("spec.targetRef.kind")]
    return any("gateway" in each.lower() for each in (*labels, *targets))


def _allows_anybody(node: Properties, *, is_gateway: bool) -> Findings:
    sources = node.nodes("from")
    for each in sources:
        for key in _IDENTITIES:
            values = each.texts(f"source.{key}")
            if "*" in values or "*/*" in values or any(map(is_world, values)):
                yield each.at(f"source.{key}"), "allows anybody"
    operations = node.nodes("to")
    named = bool(operations) and all(map(_names_operation if is_gateway else _is_for_all, operations))
    if node.count("when") or named:
        return
    if not sources:
        yield node.at(), "allows requests of anybody"
    if not is_gateway:
        yield from node.each("from", _names_nobody)
    elif any(not each.get("source") for each in sources):
        yield node.at(), "allows every request of anybody"


def _names_operation(node: Properties) -> bool:
    operation = node.get("operation") or {}
    return any(set(values) - _ANY for values in operation.values() if isinstance(values, list))


def _is_for_all(node: Properties) -> bool:
    paths = node.texts("operation.paths")
    return bool(paths) and all(map(_OPEN_PATH.fullmatch, paths))


def _names_nobody(node: Properties) -> Findings:
    """Find sources without an identity: those that only leave some out admit whoever has none as well."""
    if not any(node.texts(f"source.{key}") for key in (*_IDENTITIES, "requestPrincipals")):
        yield node.at("source"), "allows anybody, or all but a few"


def _keys_in_the_open(node: Properties) -> Findings:
    if node.text("jwksUri").startswith("http://"):
        yield node.at("jwksUri"), "gets the keys over plain HTTP"


def _is_asked_for(resource: Resource, context: Context) -> Findings:
    """Find tokens that are checked where they are sent, and missed by nobody.

    https://istio.io/latest/docs/reference/config/security/request_authentication/
    """
    known = objects(context.stack)
    place = known.place(resource)
    for policy in context.stack.of_type(*types.AUTHORIZATION_POLICY):
        if known.place(policy) in (place, _ROOT) and _asks_for_token(policy):
            return
    yield "spec.jwtRules", "requests without a token are accepted: no AuthorizationPolicy asks for requestPrincipals"


def _asks_for_token(policy: Resource) -> bool:
    keys = ("requestPrincipals", "notRequestPrincipals")
    for node in policy.nodes("spec.rules"):
        if any(each.texts(f"source.{key}") for each in node.nodes("from") for key in keys):
            return True
        if any(each.text("key").startswith("request.auth.") for each in node.nodes("when")):
            return True
    return False


_OLD_TLS = ("TLSV1_0", "TLSV1_1")


@rule(
    "mesh-entry",
    "Gateways of the mesh serve named hosts over TLS",
    types=(*types.ISTIO_GATEWAY, *types.VIRTUAL_SERVICE),
    severity=HIGH,
    paths=(
        "spec.servers[].port.protocol",
        "spec.servers[].hosts[]",
        "spec.servers[].tls",
        "spec.hosts[]",
        "spec.http[].corsPolicy",
    ),
    why="Over plain HTTP everybody on the way reads and changes requests; and a host of any name serves scanners too.",
    fix="Set protocol HTTPS with a credential, or tls.httpsRedirect; list hosts; and TLS 1.2 or later.",
)
def entrance(resource: Resource, _: Context) -> Findings:
    if resource.type in types.ISTIO_GATEWAY:
        yield from resource.each("spec.servers", _server)
        return
    for index, host in enumerate(resource.texts("spec.hosts")):
        if host == "*":
            yield f"spec.hosts[{index}]", "serves any host"
    yield from resource.each("spec.http", _cors)


def _server(node: Properties) -> Findings:
    if node.text("port.protocol").upper() in ("HTTP", "HTTP2", "GRPC-WEB") and not node.flag("tls.httpsRedirect"):
        yield node.at("port.protocol"), "serves plain HTTP, and does not redirect"
    if any(each.rpartition("/")[2] == "*" for each in node.texts("hosts")):
        yield node.at("hosts"), "serves any host"
    for key in ("minProtocolVersion", "maxProtocolVersion"):
        if node.text(f"tls.{key}").upper() in _OLD_TLS:
            yield node.at(f"tls.{key}"), "accepts TLS below 1.2"
    if node.text("tls.mode").upper() == "OPTIONAL_MUTUAL":
        yield node.at("tls.mode"), "clients need no certificate"


def _cors(node: Properties) -> Findings:
    for each in node.nodes("corsPolicy.allowOrigins"):
        if "*" in (each.text("exact"), each.text("prefix")) or each.text("regex") in (".*", ".+"):
            yield each.at(), "any web site may call it from a browser"
    if "*" in node.texts("corsPolicy.allowOrigin"):
        yield node.at("corsPolicy.allowOrigin"), "any web site may call it from a browser"


_WIDE_HOST = re.compile(r"\*(\.[a-z]{2,4})?")


@rule(
    "mesh-egress",
    "The mesh lets out only to services that it names",
    types=(*types.SERVICE_ENTRY, *types.SIDECAR, *types.ENVOY_FILTER),
    severity=MEDIUM,
    paths=(
        "spec.hosts[]",
        "spec.addresses[]",
        "spec.egress[].hosts[]",
        "spec.outboundTrafficPolicy.mode",
        "spec.workloadSelector",
    ),
    why="An intruder sends what was found to an address of their own, unless the mesh knows no way there.",
    fix="List hosts by name, and set outboundTrafficPolicy.mode to REGISTRY_ONLY.",
)
def outward(resource: Resource, _: Context) -> Findings:
    if resource.type in types.ENVOY_FILTER:
        if not resource.has("spec.workloadSelector") and not resource.has("spec.targetRefs"):
            yield "spec.workloadSelector", "changes every proxy of the namespace or the mesh"
        return
    if resource.type in types.SERVICE_ENTRY:
        if any(_WIDE_HOST.fullmatch(each) for each in resource.texts("spec.hosts")):
            yield "spec.hosts", "leads to any host"
        if any(map(is_world, resource.texts("spec.addresses"))):
            yield "spec.addresses", "leads to any address"
        return
    yield from resource.each("spec.egress", _lets_out)
    if resource.text("spec.outboundTrafficPolicy.mode").upper() == "ALLOW_ANY":
        yield "spec.outboundTrafficPolicy.mode", "lets out to any address"


def _lets_out(node: Properties) -> Findings:
    if any(each in ("*/*", "*") for each in node.texts("hosts")):
        yield node.at("hosts"), "reaches every service of every namespace"


_INJECT = "sidecar.istio.io/inject"
_CAUGHT = ("traffic.sidecar.istio.io/includeInboundPorts", "traffic.sidecar.istio.io/includeOutboundIPRanges")
"""Empty, they catch nothing: https://istio.io/latest/docs/reference/config/annotations/"""
_ASIDE = re.compile(r".*(metric|prom|monitor|health|probe|status|admin|webhook).*")
"""Names of ports for callers without a sidecar."""
_AROUND = ("traffic.sidecar.istio.io/excludeOutboundIPRanges", "traffic.sidecar.istio.io/excludeInboundPorts")


@rule(
    "mesh-inject",
    "Pods of the mesh have its sidecar",
    types=(*types.WORKLOADS, *types.NAMESPACE),
    severity=MEDIUM,
    paths=(_INJECTION, *(f'spec.template.metadata.{where}["{_INJECT}"]' for where in ("labels", "annotations"))),
    why="Without the sidecar neither mutual TLS nor the policies of the mesh apply to a pod.",
    fix="Remove the label or annotation; where a pod cannot have a sidecar, put it into a namespace outside the mesh.",
)
def injected(resource: Resource, _: Context) -> Findings:
    if resource.type in types.NAMESPACE:
        if resource.text(_INJECTION) == "disabled":
            yield _INJECTION, "takes the namespace out of the mesh"
        return
    made = template(resource)
    found = [each for where in ("labels", "annotations") for each in attempt(_keeps_out, made, where)]
    found += attempt(_goes_around, made)
    # A gateway has the proxy in it already, and the control plane needs none.
    if found and not any(is_of_mesh(each) for group in LASTING for each in made.nodes(f"spec.{group}")):
        yield from found


def _keeps_out(made: Properties, where: str) -> Findings:
    path = f'metadata.{where}["{_INJECT}"]'
    if made.text(path).lower() in ("false", "no", "off", "n"):
        yield made.at(path), "the pod has no sidecar"


def _served(made: Properties) -> set[str]:
    """Return the ports at which the containers serve others of the mesh."""
    ports = [port for each in made.nodes("spec.containers") for port in each.nodes("ports")]
    return {each.text("containerPort").removesuffix(".0") for each in ports if not _ASIDE.match(each.text("name"))}


def _goes_around(made: Properties) -> Findings:
    for key in _AROUND:
        path = f'metadata.annotations["{key}"]'
        given = [each.strip() for each in made.text(path).split(",")]
        if "*" in given or any(map(is_world, given)):
            yield made.at(path), "traffic goes around the sidecar"
    excluded = 'metadata.annotations["traffic.sidecar.istio.io/excludeInboundPorts"]'
    if {each.strip() for each in made.text(excluded).split(",")} & _served(made):
        yield made.at(excluded), "accepts traffic at a port of the service past the sidecar"
    for key in _CAUGHT:
        path = f'metadata.annotations["{key}"]'
        if made.has(path) and not made.text(path).strip():
            yield made.at(path), "traffic goes around the sidecar"
    mode = 'metadata.annotations["sidecar.istio.io/interceptionMode"]'
    if made.text(mode).upper() == "NONE":
        yield made.at(mode), "traffic goes around the sidecar"
