"""Kinds beside workloads: storage, monitoring, nodes of Karpenter, certificates, priorities and services of the API."""

import re

from policy import resource_types as types
from policy.networks import is_world
from policy.objects import SCALABLE, objects
from policy.properties import Findings, Properties, attempt
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource

_DISKS = ("ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "kubernetes.io/aws-ebs")


@rule(
    "sc-encrypted",
    "Volumes of storage classes are encrypted",
    types=types.STORAGE_CLASS,
    severity=HIGH,
    paths=("parameters.encrypted", "provisioner"),
    why="Volumes hold what pods write; a snapshot of one that is not encrypted is readable wherever it is copied to.",
    fix='Set parameters.encrypted to "true", and kmsKeyId to a key of your own.',
)
def encrypted(class_: Resource, _: Context) -> Findings:
    if class_.text("provisioner") in _DISKS and not class_.flag("parameters.encrypted"):
        yield "parameters.encrypted", "volumes are not encrypted"


@rule(
    "mon-scrape",
    "Prometheus verifies what it scrapes, and shows its token to nobody",
    types=types.MONITORS,
    severity=MEDIUM,
    paths=(
        *(
            f"spec.{key}[].{path}"
            for key in ("endpoints", "podMetricsEndpoints")
            for path in ("tlsConfig.insecureSkipVerify", "bearerTokenFile")
        ),
        "spec.namespaceSelector.any",
    ),
    why="Whoever answers in place of a target gets the token of Prometheus, and says what the alerts see.",
    fix="Set tlsConfig.ca and serverName, authorization from a Secret, and namespaceSelector.matchNames.",
)
def scraped(monitor: Resource, _: Context) -> Findings:
    for path in ("spec.endpoints", "spec.podMetricsEndpoints"):
        yield from attempt(monitor.each, path, _endpoint)
    yield from attempt(_endpoint, monitor.inputs, "spec.")
    if monitor.flag("spec.namespaceSelector.any"):
        yield "spec.namespaceSelector.any", "scrapes pods of every namespace"


def _endpoint(node: Properties, base: str = "") -> Findings:
    if node.flag(f"{base}tlsConfig.insecureSkipVerify"):
        yield node.at(f"{base}tlsConfig.insecureSkipVerify"), "accepts any certificate"
    if node.text(f"{base}bearerTokenFile"):
        yield node.at(f"{base}bearerTokenFile"), "sends a file of Prometheus to the target"


@rule(
    "mon-server",
    "Prometheus and Alertmanager cannot be written to, and send over TLS",
    types=types.PROMETHEUS,
    severity=HIGH,
    paths=(
        "spec.enableAdminAPI",
        "spec.enableRemoteWriteReceiver",
        "spec.externalUrl",
        "spec.remoteWrite[].url",
        "spec.remoteWrite[].tlsConfig.insecureSkipVerify",
    ),
    why="Whoever reaches the admin API deletes series; a receiver takes false ones, and neither asks who calls.",
    fix="Leave enableAdminAPI and enableRemoteWriteReceiver off, and use https addresses.",
)
def served(server: Resource, _: Context) -> Findings:
    for key in ("enableAdminAPI", "enableRemoteWriteReceiver"):
        yield from attempt(_is_on, server, f"spec.{key}", "whoever reaches it can change what was measured")
    if server.text("spec.externalUrl").startswith("http://") and "localhost" not in server.text("spec.externalUrl"):
        yield "spec.externalUrl", "links lead to plain HTTP"
    yield from server.each("spec.remoteWrite", _sends)


def _is_on(resource: Resource, path: str, said: str) -> Findings:
    if resource.flag(path):
        yield path, said


def _sends(node: Properties) -> Findings:
    if re.match(r"http://[^/]+\.[a-z]{2,}(:\d+)?(/|$)", node.text("url")) and ".svc" not in node.text("url"):
        yield node.at("url"), "sends over plain HTTP"
    if node.flag("tlsConfig.insecureSkipVerify"):
        yield node.at("tlsConfig.insecureSkipVerify"), "accepts any certificate"


@rule(
    "kp-node",
    "Karpenter's nodes have IMDSv2, encrypted disks, no public address, and a fixed image",
    types=types.EC2_NODE_CLASS,
    severity=HIGH,
    paths=(
        "spec.metadataOptions.httpTokens",
        "spec.metadataOptions.httpPutResponseHopLimit",
        "spec.blockDeviceMappings[].ebs.encrypted",
        "spec.associatePublicIPAddress",
        "spec.amiSelectorTerms[].alias",
        "spec.amiFamily",
    ),
    why="A pod that reaches the instance metadata without a session token gets the node's role.",
    fix="Set httpTokens required and a hop limit of 1, encrypted disks, and an alias with a version.",
)
def node_class(node: Resource, _: Context) -> Findings:
    for check in (_metadata, _address, _image):
        yield from attempt(check, node)
    yield from node.each("spec.blockDeviceMappings", _disk)


def _metadata(node: Resource) -> Findings:
    path = "spec.metadataOptions"
    if node.text(f"{path}.httpTokens") == "optional":
        yield f"{path}.httpTokens", "IMDSv1 is allowed"
    if (node.number(f"{path}.httpPutResponseHopLimit") or 1) > 1:
        yield f"{path}.httpPutResponseHopLimit", "pods reach the instance metadata"


def _address(node: Resource) -> Findings:
    if node.flag("spec.associatePublicIPAddress"):
        yield "spec.associatePublicIPAddress", "nodes get public addresses"


def _image(node: Resource) -> Findings:
    for each in node.nodes("spec.amiSelectorTerms"):
        if each.text("alias").endswith("@latest"):
            yield each.at("alias"), "nodes get whatever image is newest"
        if each.text("alias").startswith("al2@"):
            yield each.at("alias"), "Amazon Linux 2 is out of support"
    if node.text("spec.amiFamily") == "AL2":
        yield "spec.amiFamily", "Amazon Linux 2 is out of support"


def _disk(node: Properties) -> Findings:
    if node.has("ebs") and not node.flag("ebs.encrypted"):
        yield node.at("ebs.encrypted"), "the disk is not encrypted"


@rule(
    "kp-pool",
    "Karpenter's pools have a limit, and their nodes are replaced",
    types=types.NODE_POOL,
    severity=MEDIUM,
    paths=("spec.limits.*", "spec.template.spec.expireAfter"),
    why="Without limits one wrong replica count buys machines without end; nodes that never expire are never patched.",
    fix="Set spec.limits of cpu and memory, and expireAfter to 720h or less.",
)
def node_pool(pool: Resource, _: Context) -> Findings:
    if not pool.keys("spec.limits"):
        yield "spec.limits", "no limit is set"
    if pool.text("spec.template.spec.expireAfter") == "Never":
        yield "spec.template.spec.expireAfter", "nodes are never replaced"


_LEAST_BITS = 2048
_LONGEST = 24 * 398
"""Hours; what browsers accept: https://cabforum.org/working-groups/server/baseline-requirements/."""


@rule(
    "cert-issued",
    "Certificates come from an authority that others trust, with strong keys that are renewed",
    types=(*types.CERT_ISSUER, *types.CERTIFICATE),
    severity=MEDIUM,
    paths=(
        "spec.selfSigned",
        "spec.acme.server",
        "spec.acme.skipTLSVerify",
        "spec.vault.server",
        "spec.privateKey.size",
        "spec.privateKey.rotationPolicy",
        "spec.duration",
    ),
    why="Nobody can tell a certificate that signed itself from an intruder's; a stolen key is good until it changes.",
    fix="Use ACME or AWS Private CA, RSA of 2048 bits or ECDSA, rotationPolicy Always, and at most 398 days.",
)
def certificates(resource: Resource, _: Context) -> Findings:
    if resource.has("spec.selfSigned"):
        yield "spec.selfSigned", "certificates sign themselves"
    if "staging" in resource.text("spec.acme.server"):
        yield "spec.acme.server", "nobody trusts certificates of a staging authority"
    yield from attempt(_is_on, resource, "spec.acme.skipTLSVerify", "the authority is not verified")
    if resource.text("spec.vault.server").startswith("http://"):
        yield "spec.vault.server", "certificates are requested over plain HTTP"
    yield from attempt(_key, resource)
    hours = re.fullmatch(r"(\d+)h.*", resource.text("spec.duration"))
    if hours and int(hours[1]) > _LONGEST and not resource.flag("spec.isCA"):
        yield "spec.duration", "is good for more than 398 days"


def _key(resource: Resource) -> Findings:
    size = resource.number("spec.privateKey.size")
    if size and size < _LEAST_BITS and resource.text("spec.privateKey.algorithm") in ("", "RSA"):
        yield "spec.privateKey.size", f"a key below {_LEAST_BITS} bits"
    if resource.text("spec.privateKey.rotationPolicy") == "Never":
        yield "spec.privateKey.rotationPolicy", "the key stays when the certificate is renewed"


@rule(
    "lbc-open",
    "The load balancer controller's objects open nothing to the world",
    types=(*types.INGRESS_CLASS_PARAMS, *types.TARGET_GROUP_BINDING),
    severity=HIGH,
    paths=("spec.scheme", "spec.wafv2AclArn", "spec.inboundCIDRs[]", "spec.networking.ingress[].from[].ipBlock.cidr"),
    why="They decide for all Ingresses of a class, or open the nodes' security groups, past the load balancer's own.",
    fix="Set scheme internal or a web ACL, and name security groups or networks of your own.",
)
def opened(resource: Resource, _: Context) -> Findings:
    if resource.text("spec.scheme") == "internet-facing" and not resource.text("spec.wafv2AclArn"):
        yield "spec.scheme", "public load balancers without the WAF"
    for index, each in enumerate(resource.texts("spec.inboundCIDRs")):
        if is_world(each) and resource.text("spec.scheme") != "internal" and not resource.text("spec.wafv2AclArn"):
            yield f"spec.inboundCIDRs[{index}]", "open to the world"
    yield from resource.each("spec.networking.ingress", _from)


def _from(node: Properties) -> Findings:
    for each in node.nodes("from"):
        if is_world(each.text("ipBlock.cidr")):
            yield each.at("ipBlock.cidr"), "pods are open to the world"


@rule(
    "pdb-unhealthy",
    "Disruption budgets let pods that are not ready be evicted",
    types=types.DISRUPTION_BUDGET,
    severity=LOW,
    paths=("spec.unhealthyPodEvictionPolicy",),
    why="By default a pod that never becomes ready counts as one that may not go, and stops the drain of its node.",
    fix="Set unhealthyPodEvictionPolicy to AlwaysAllow.",
)
def unhealthy(budget: Resource, _: Context) -> Findings:
    path = "spec.unhealthyPodEvictionPolicy"
    if budget.text(path) != "AlwaysAllow":
        yield path, "a pod that is never ready blocks drains"


@rule(
    "hpa-range",
    "Autoscalers have a range and a target",
    types=types.POD_AUTOSCALER,
    kind="stack",
    severity=MEDIUM,
    paths=("spec.minReplicas", "spec.maxReplicas", "spec.scaleTargetRef.name"),
    why="An autoscaler whose maximum is below its minimum is refused; one without a target never scales.",
    fix="Set max_replicas to min_replicas or more, and scale_target_ref to a workload of the namespace.",
)
def scaled(scaler: Resource, context: Context) -> Findings:
    most, least = scaler.number("spec.maxReplicas"), scaler.number("spec.minReplicas")
    if most is not None and most < (1 if least is None else least):
        yield "spec.maxReplicas", "below the minimum"
    yield from attempt(_has_target, scaler, context)


def _has_target(scaler: Resource, context: Context) -> Findings:
    known = objects(context.stack)
    kinds = [each for each in SCALABLE if each.endswith(f":{scaler.text('spec.scaleTargetRef.kind')}")]
    # What charts make is not seen, and without any workload only a part of the cluster is.
    if not kinds or known.has_makers() or not context.stack.of_type(*SCALABLE):
        return
    if not known.referred(scaler, "spec.scaleTargetRef.name", *kinds) and not _is_primary(scaler, context):
        yield "spec.scaleTargetRef.name", "names a workload that does not exist"


_PRIMARY = "-primary"


def _is_primary(scaler: Resource, context: Context) -> bool:
    """Whether it scales the Deployment that Flagger makes of a canary's target."""
    name = scaler.text("spec.scaleTargetRef.name")
    targets = [each.text("spec.targetRef.name") for each in context.stack.of_type(*types.CANARY)]
    return name.endswith(_PRIMARY) and name.removesuffix(_PRIMARY) in targets


@rule(
    "pc-default",
    "No priority is everybody's",
    types=types.PRIORITY_CLASS,
    severity=MEDIUM,
    paths=("globalDefault",),
    why="With a high default, pods that nobody thought about push out those that matter.",
    fix="Leave globalDefault off, and name the class in the pods that need it.",
)
def everybodys(class_: Resource, _: Context) -> Findings:
    yield from _is_on(class_, "globalDefault", "the priority of every pod that names none")


@rule(
    "api-tls",
    "Services of the API are verified",
    types=types.API_SERVICE,
    severity=HIGH,
    paths=("spec.insecureSkipTLSVerify",),
    why="The API server passes requests on, with who made them, to whoever answers at the address.",
    fix="Set caBundle, and remove insecureSkipTLSVerify.",
)
def verified(service: Resource, _: Context) -> Findings:
    yield from _is_on(service, "spec.insecureSkipTLSVerify", "any certificate is accepted")


@rule(
    "k8s-removed",
    "Objects use versions of the API that Kubernetes still serves",
    types=(*types.WORKLOADS, *types.INGRESS, *types.NETWORK_POLICY, *types.DISRUPTION_BUDGET, *types.REMOVED),
    severity=MEDIUM,
    why="The API server refuses the object after an upgrade, and rules of today do not know it.",
    fix="Use the version that took its place: https://kubernetes.io/docs/reference/using-api/deprecation-guide/.",
)
def removed(resource: Resource, _: Context) -> Findings:
    if resource.type in types.REMOVED:
        yield "", "a version of the API that Kubernetes no longer serves"
