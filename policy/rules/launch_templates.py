"""What EC2 instances are launched from: launch templates and configurations, and instances themselves."""

import base64
import zlib

from policy import resource_types as types
from policy.literals import is_secret
from policy.properties import Findings, Properties, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource

_LAUNCHING = (*types.LAUNCH_TEMPLATE, *types.INSTANCE, *types.SPOT_INSTANCE, *types.LAUNCH_CONFIGURATION)


def _is_left_to_template(resource: Resource, path: str) -> bool:
    """Whether an instance does not set a property, and has a launch template that may set it."""
    return resource.type not in types.LAUNCH_TEMPLATE and resource.has("launchTemplate") and not resource.has(path)


def _answers(template: Resource) -> bool:
    """Whether the metadata service is enabled."""
    return template.text("metadataOptions.httpEndpoint").lower() != "disabled"


@rule(
    "lt-imdsv2",
    "Instance metadata requires a session token (IMDSv2)",
    types=_LAUNCHING,
    severity=HIGH,
    controls=("EC2.8", "EC2.170", "CKV_AWS_79"),
    paths=("metadataOptions.httpTokens", "metadataOptions.httpEndpoint"),
    why="With IMDSv1, a server-side request forgery is enough to read the instance's credentials.",
    fix='Set metadata_options={"http_tokens": "required", …}.',
    strict=True,
    remedy={"metadataOptions.httpTokens": "required"},
)
def tokens(template: Resource, _: Context) -> Findings:
    if _is_left_to_template(template, "metadataOptions.httpTokens"):
        return
    if _answers(template) and template.text("metadataOptions.httpTokens").lower() != "required":
        yield "metadataOptions.httpTokens", "IMDSv1 is allowed"


@rule(
    "lt-hop",
    "Containers cannot reach instance metadata",
    types=_LAUNCHING,
    severity=MEDIUM,
    controls=("CKV_AWS_341",),
    paths=("metadataOptions.httpPutResponseHopLimit", "metadataOptions.httpEndpoint"),
    why="With a hop limit above 1, every pod can use the node's role.",
    fix="Set http_put_response_hop_limit=1, and give pods their own roles.",
    strict=True,
    remedy={"metadataOptions.httpPutResponseHopLimit": 1},
)
def hops(template: Resource, _: Context) -> Findings:
    limit = template.number("metadataOptions.httpPutResponseHopLimit")
    if limit is not None and limit > 1 and _answers(template):
        yield "metadataOptions.httpPutResponseHopLimit", "containers can reach the instance's credentials"


@rule(
    "lt-ebs",
    "Instance disks are encrypted",
    types=_LAUNCHING,
    severity=MEDIUM,
    controls=("EC2.181", "CKV_AWS_8"),
    paths=("blockDeviceMappings[].ebs.encrypted", "rootBlockDevice.encrypted", "ebsBlockDevices[].encrypted"),
    why="A node's disk holds images, logs and data of pods, and a snapshot copies all of it.",
    fix='Set "encrypted": True in the ebs block of each device, including the root device of the image.',
    config={"account_encrypts": {"type": "boolean", "default": False}},
)
def disks(template: Resource, context: Context) -> Findings:
    by_default = context.config["account_encrypts"]
    if template.type not in types.LAUNCH_TEMPLATE:
        yield from _instance_disks(template, by_default=by_default)
        return
    if not by_default and not template.count("blockDeviceMappings"):
        yield "blockDeviceMappings", "the disks of the image are not encrypted"

    def encrypted(device: Properties) -> Findings:
        if device.has("ebs") and not device.flag("ebs.encrypted", default=by_default):
            yield device.at("ebs.encrypted"), "the disk is not encrypted"

    yield from template.each("blockDeviceMappings", encrypted)


def _instance_disks(instance: Resource, *, by_default: bool) -> Findings:
    def encrypted(device: Properties) -> Findings:
        if not device.flag("encrypted", default=by_default):
            yield device.at("encrypted"), "the disk is not encrypted"

    if not by_default and not instance.has("rootBlockDevice") and not instance.has("launchTemplate"):
        yield "rootBlockDevice", "the disk of the image is not encrypted"
    for path in ("rootBlockDevice", "ebsBlockDevices"):
        yield from attempt(instance.each, path, encrypted)


@rule(
    "lt-public",
    "Instances have no public address",
    types=_LAUNCHING,
    severity=HIGH,
    controls=("EC2.9", "CKV_AWS_88"),
    paths=("networkInterfaces[].associatePublicIpAddress", "associatePublicIpAddress"),
    why="The setting overrides that of the subnet, and exposes the instance to the internet.",
    fix="Leave out associate_public_ip_address, or set it to False.",
)
def public_address(template: Resource, _: Context) -> Findings:
    if template.type not in types.LAUNCH_TEMPLATE:
        yield from _public(template.inputs)
    else:
        yield from template.each("networkInterfaces", _public)


def _public(interface: Properties) -> Findings:
    if interface.flag("associatePublicIpAddress"):
        yield interface.at("associatePublicIpAddress"), "instances get a public address"


_MOST = 1 << 20
"""Limit for unpacked user data, in bytes; packed, it has at most 16 KB."""


@rule(
    "lt-userdata",
    "User data holds no secrets",
    types=_LAUNCHING,
    severity=CRITICAL,
    controls=("CKV_AWS_46",),
    paths=("userData", "userDataBase64"),
    why="Everyone who may describe instances, and every process on them, can read user data.",
    fix="Let the instance read the secret from Secrets Manager with its role.",
)
def user_data(template: Resource, _: Context) -> Findings:
    for path in ("userData", "userDataBase64"):
        yield from attempt(_shows, template, path)


def _shows(template: Resource, path: str) -> Findings:
    # The output of a command in backticks is not a literal.
    if is_secret("", _decoded(template.text(path)).replace("`", "$(")):
        yield path, "appears to contain a secret"


def _decoded(text: str) -> str:
    """Return the text after decoding Base64, and gzip within it; or the text itself."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return text
    return _unpacked(data).decode("utf-8", "replace")


def _unpacked(data: bytes) -> bytes:
    """Return the data after unpacking gzip, or the data itself."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        return unpacker.decompress(data, _MOST)
    except zlib.error:
        return data
