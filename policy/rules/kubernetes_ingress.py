"""Ingress and Gateway API: TLS, who is let in, and text that becomes configuration of a proxy."""

import json
import re

from policy import resource_types as types
from policy.networks import is_world
from policy.objects import name_of
from policy.properties import Findings, Properties, Undetermined, attempt, join
from policy.registry import HIGH, LOW, Context, rule
from policy.view import Resource

_ALB = "alb.ingress.kubernetes.io/"
_NGINX = "nginx.ingress.kubernetes.io/"


def _annotation(key: str) -> str:
    return join("metadata.annotations", key)


def _said(resource: Resource, key: str) -> str:
    return resource.text(_annotation(key)).strip()


def _is_alb(ingress: Resource) -> bool:
    """Whether the AWS Load Balancer Controller makes a load balancer of it."""
    class_ = ingress.text("spec.ingressClassName") or _said(ingress, "kubernetes.io/ingress.class")
    return class_ == "alb" or any(key.startswith(_ALB) for key in ingress.keys("metadata.annotations"))


def _listens(ingress: Resource) -> set[str]:
    """Return the protocols at which a load balancer listens.

    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
    """
    told = _said(ingress, f"{_ALB}listen-ports")
    if not told:
        certain = _said(ingress, f"{_ALB}certificate-arn") or ingress.count("spec.tls")
        return {"HTTPS"} if certain else {"HTTP"}
    try:
        return {str(protocol).upper() for each in json.loads(told) for protocol in each}
    except (ValueError, TypeError):
        raise Undetermined(_annotation(f"{_ALB}listen-ports"), "is not valid JSON") from None


@rule(
    "ing-tls",
    "Ingresses serve HTTPS alone",
    types=types.INGRESS,
    severity=HIGH,
    paths=(
        "spec.tls[]",
        "spec.rules[].host",
        "spec.ingressClassName",
        "metadata.annotations.*",
    ),
    why="Over plain HTTP, everybody on the way reads and changes requests, logins among them.",
    fix="Set spec.tls with a secret for each host, or the load balancer's certificate, and redirect HTTP to HTTPS.",
)
def encrypted(ingress: Resource, _: Context) -> Findings:
    if _is_alb(ingress):
        yield from attempt(_at_load_balancer, ingress)
    else:
        yield from attempt(_has_tls, ingress)
        yield from attempt(_without_redirect, ingress)


def _at_load_balancer(ingress: Resource) -> Findings:
    protocols = _listens(ingress)
    if "HTTPS" not in protocols:
        yield _annotation(f"{_ALB}listen-ports"), "serves plain HTTP"
    elif "HTTP" in protocols and not _said(ingress, f"{_ALB}ssl-redirect"):
        yield _annotation(f"{_ALB}ssl-redirect"), "serves plain HTTP beside HTTPS, and does not redirect"
    policy = _said(ingress, f"{_ALB}ssl-policy")
    if policy and not _CURRENT.search(policy):
        yield _annotation(f"{_ALB}ssl-policy"), "accepts TLS below 1.2"


_CURRENT = re.compile(r"TLS13-1-[23]|TLS-1-2|FS-1-2|-2021-06$|PQ")
"""Policies of a load balancer without TLS 1.0 and 1.1:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"""


def _has_tls(ingress: Resource) -> Findings:
    entries = ingress.nodes("spec.tls")
    if not entries:
        yield "spec.tls", "serves plain HTTP"
        return
    served = [host for entry in entries for host in entry.texts("hosts")]
    if all(entry.count("hosts") for entry in entries):
        yield from ingress.each("spec.rules", lambda node: _is_served(node, served))


def _is_served(node: Properties, served: list[str]) -> Findings:
    host = node.text("host")
    if host and host not in served and f"*.{host.partition('.')[2]}" not in served:
        yield node.at("host"), "spec.tls has no certificate for this host"


def _without_redirect(ingress: Resource) -> Findings:
    for key in (f"{_NGINX}ssl-redirect", "ingress.kubernetes.io/ssl-redirect"):
        if _said(ingress, key).lower() == "false" and _said(ingress, f"{_NGINX}force-ssl-redirect").lower() != "true":
            yield _annotation(key), "serves plain HTTP beside HTTPS"
    if _said(ingress, "kubernetes.io/ingress.allow-http").lower() == "true":
        yield _annotation("kubernetes.io/ingress.allow-http"), "serves plain HTTP beside HTTPS"


@rule(
    "ing-public",
    "Ingresses are public only behind the WAF, and let in only whom they name",
    types=types.INGRESS,
    severity=HIGH,
    paths=(
        *(_annotation(f"{_ALB}{key}") for key in ("scheme", "wafv2-acl-arn")),
        *(_annotation(f"{_NGINX}{key}") for key in ("whitelist-source-range", "auth-tls-verify-client")),
    ),
    why="A public load balancer of its own bypasses the WAF, its rate limits and its logs.",
    fix="Use scheme internal, or name the web ACL; give networks of your own, and verify certificates of clients.",
)
def public(ingress: Resource, _: Context) -> Findings:
    yield from attempt(_is_public, ingress)
    yield from attempt(_lets_everybody, ingress)


def _is_public(ingress: Resource) -> Findings:
    path = _annotation(f"{_ALB}scheme")
    if ingress.text(path) == "internet-facing" and not any(
        _said(ingress, f"{_ALB}{key}") for key in ("wafv2-acl-arn", "wafv2-acl-name", "waf-acl-id", "web-acl-id")
    ):
        yield path, "a public load balancer without the WAF"


def _lets_everybody(ingress: Resource) -> Findings:
    for key in (f"{_NGINX}whitelist-source-range", f"{_NGINX}allowlist-source-range"):
        if any(is_world(each.strip()) for each in _said(ingress, key).split(",")):
            yield _annotation(key), "the list of allowed addresses holds every address"
    verified = _annotation(f"{_NGINX}auth-tls-verify-client")
    if ingress.text(verified) in ("off", "optional", "optional_no_ca"):
        yield verified, "clients need no certificate that is verified"


@rule(
    "ing-hosts",
    "Ingresses serve hosts that they name",
    types=types.INGRESS,
    severity=LOW,
    paths=("spec.rules[].host", "spec.defaultBackend"),
    why="Without a host, requests with any name arrive, such as those that scanners make from addresses alone.",
    fix="Set the host of each rule to a whole name.",
)
def hosts(ingress: Resource, _: Context) -> Findings:
    yield from ingress.each("spec.rules", _is_any_host)
    if not ingress.count("spec.rules"):
        yield "spec.rules", "serves any host"


def _is_any_host(node: Properties) -> Findings:
    host = node.text("host")
    if not host or host.startswith("*"):
        yield node.at("host"), "serves any host" if host in ("", "*") else "serves any host of a domain"


_SNIPPETS = re.compile(r".*nginx\.(ingress\.kubernetes\.io|org)/([\w-]*snippets?|auth-snippet)")


@rule(
    "ing-snippet",
    "Ingresses bring no configuration of their own to the proxy",
    types=(*types.INGRESS, *types.CONFIG_MAP),
    severity=HIGH,
    controls=("CKV_K8S_152", "CKV_K8S_153", "CKV_K8S_154"),
    paths=("metadata.annotations.*", 'data["allow-snippet-annotations"]'),
    why="Whoever writes an Ingress runs code in the controller by a snippet, and reads all secrets (CVE-2021-25742).",
    fix="Remove the snippet; use the annotation that is made for the purpose, and allow-snippet-annotations: false.",
)
def snippets(resource: Resource, _: Context) -> Findings:
    if resource.type in types.CONFIG_MAP:
        path = 'data["allow-snippet-annotations"]'
        if resource.text(path).lower() == "true":
            yield path, "allows snippets in every Ingress"
        return
    for key in resource.keys("metadata.annotations"):
        if _SNIPPETS.fullmatch(key):
            yield _annotation(key), "becomes configuration of the proxy as it is"


@rule(
    "gw-open",
    "Gateways serve HTTPS, and only routes of namespaces that they name",
    types=(*types.GATEWAY, *types.REFERENCE_GRANT),
    kind="stack",
    severity=HIGH,
    paths=("spec.listeners[]", "spec.to[].name", "metadata.name"),
    why="Over plain HTTP everybody on the way reads and changes requests; an open gateway serves what anybody binds.",
    fix="Set protocol HTTPS, or redirect by an HTTPRoute; and limit allowedRoutes to namespaces by a selector.",
)
def gateways(resource: Resource, context: Context) -> Findings:
    if resource.type in types.REFERENCE_GRANT:
        yield from resource.each("spec.to", _grants_secrets)
        return

    def listener(node: Properties) -> Findings:
        if node.text("protocol") == "HTTP" and not _redirects(resource, node, context):
            yield node.at("protocol"), "serves plain HTTP"
        yield from attempt(_serves_anybody, node)

    yield from resource.each("spec.listeners", listener)


def _redirects(gateway: Resource, listener: Properties, context: Context) -> bool:
    """Whether all that a listener does is to send clients to HTTPS."""
    name, section = name_of(gateway), listener.text("name")
    routes = [
        route
        for route in context.stack.of_type(*types.HTTP_ROUTE)
        for parent in route.nodes("spec.parentRefs")
        if parent.text("name") == name and parent.text("sectionName") in ("", section)
    ]
    bound = [each for each in routes if _names(each, name, section)] or routes
    return bool(bound) and all(_only_redirects(route) for route in bound)


def _names(route: Resource, gateway: str, section: str) -> bool:
    return any(
        each.text("name") == gateway and each.text("sectionName") == section for each in route.nodes("spec.parentRefs")
    )


def _only_redirects(route: Resource) -> bool:
    rules = route.nodes("spec.rules")
    return bool(rules) and all(
        any(each.text("requestRedirect.scheme") == "https" for each in node.nodes("filters")) for node in rules
    )


def _serves_anybody(listener: Properties) -> Findings:
    if listener.text("allowedRoutes.namespaces.from") == "All":
        yield listener.at("allowedRoutes.namespaces.from"), "routes of any namespace may bind to it"


def _grants_secrets(node: Properties) -> Findings:
    if node.text("kind") == "Secret" and not node.text("name"):
        yield node.at("name"), "lets others use every Secret of the namespace"
