"""Launch templates, and instances that are made one by one."""

import base64
import zlib

from policy import resource_types as types
from policy.literals import sets_secret, shows_secret
from policy.properties import Findings, Properties, attempt
from policy.registry import CRITICAL, HIGH, MEDIUM, Context, rule
from policy.view import Resource


def _is_left_to_template(resource: Resource, path: str) -> bool:
    """Whether an instance says nothing of a property, and is made from a template that may."""
    return resource.type in types.INSTANCE and resource.has("launchTemplate") and not resource.has(path)


def _answers(template: Resource) -> bool:
    """Whether the metadata service is there at all."""
    return template.text("metadataOptions.httpEndpoint").lower() != "disabled"


@rule(
    "lt-imdsv2",
    "Instance metadata asks for a session token",
    types=(*types.LAUNCH_TEMPLATE, *types.INSTANCE),
    severity=HIGH,
    controls=("EC2.8", "EC2.170", "CKV_AWS_79"),
    paths=("metadataOptions.httpTokens", "metadataOptions.httpEndpoint"),
    why="Without it, whoever makes a service fetch an address of their choice gets the instance's credentials.",
    fix='Set metadata_options={"http_tokens": "required", …}.',
    strict=True,
)
def tokens(template: Resource, _: Context) -> Findings:
    if _is_left_to_template(template, "metadataOptions.httpTokens"):
        return
    if _answers(template) and template.text("metadataOptions.httpTokens").lower() != "required":
        yield "metadataOptions.httpTokens", "metadata is given without a token"


@rule(
    "lt-hop",
    "Instance metadata is out of containers' reach",
    types=(*types.LAUNCH_TEMPLATE, *types.INSTANCE),
    severity=MEDIUM,
    controls=("CKV_AWS_341",),
    paths=("metadataOptions.httpPutResponseHopLimit", "metadataOptions.httpEndpoint"),
    why="With a second hop every pod can take the node's role, whatever role it was given itself.",
    fix="Set http_put_response_hop_limit=1, and give pods roles of their own.",
    strict=True,
)
def hops(template: Resource, _: Context) -> Findings:
    limit = template.number("metadataOptions.httpPutResponseHopLimit")
    if limit is not None and limit > 1 and _answers(template):
        yield "metadataOptions.httpPutResponseHopLimit", "containers reach the instance's credentials"


@rule(
    "lt-ebs",
    "Disks of instances are encrypted",
    types=(*types.LAUNCH_TEMPLATE, *types.INSTANCE),
    severity=MEDIUM,
    controls=("EC2.181", "CKV_AWS_8"),
    paths=("blockDeviceMappings[].ebs.encrypted", "rootBlockDevice.encrypted", "ebsBlockDevices[].encrypted"),
    why="On a node's disk are images, logs, and what pods wrote; a snapshot of it is a copy of all that.",
    fix='Set "encrypted": True in the ebs block of each device, the image\'s root device among them.',
    config={"account_encrypts": {"type": "boolean", "default": False}},
)
def disks(template: Resource, context: Context) -> Findings:
    by_default = context.config["account_encrypts"]
    if template.type in types.INSTANCE:
        yield from _instance_disks(template, by_default=by_default)
        return
    if not by_default and not template.count("blockDeviceMappings"):
        yield "blockDeviceMappings", "the disks are those of the image, and not encrypted"

    def encrypted(device: Properties) -> Findings:
        if device.has("ebs") and not device.flag("ebs.encrypted", default=by_default):
            yield device.at("ebs.encrypted"), "the disk is not encrypted"

    yield from template.each("blockDeviceMappings", encrypted)


def _instance_disks(instance: Resource, *, by_default: bool) -> Findings:
    def encrypted(device: Properties) -> Findings:
        if not device.flag("encrypted", default=by_default):
            yield device.at("encrypted"), "the disk is not encrypted"

    if not by_default and not instance.has("rootBlockDevice") and not instance.has("launchTemplate"):
        yield "rootBlockDevice", "the disk is that of the image, and not encrypted"
    for path in ("rootBlockDevice", "ebsBlockDevices"):
        yield from attempt(instance.each, path, encrypted)


@rule(
    "lt-public",
    "Instances get no public address",
    types=(*types.LAUNCH_TEMPLATE, *types.INSTANCE),
    severity=HIGH,
    controls=("EC2.9", "CKV_AWS_88"),
    paths=("networkInterfaces[].associatePublicIpAddress", "associatePublicIpAddress"),
    why="A public address overrides what the subnet says, and puts the instance on the internet.",
    fix="Leave out associate_public_ip_address, or set it to False.",
)
def public_address(template: Resource, _: Context) -> Findings:
    if template.type in types.INSTANCE:
        yield from _public(template.inputs)
    else:
        yield from template.each("networkInterfaces", _public)


def _public(interface: Properties) -> Findings:
    if interface.flag("associatePublicIpAddress"):
        yield interface.at("associatePublicIpAddress"), "a public address for each instance"


_MOST = 1 << 20
"""User data has at most 16 KB; what unpacks to more than this is none."""


@rule(
    "lt-userdata",
    "User data holds no secret",
    types=(*types.LAUNCH_TEMPLATE, *types.INSTANCE),
    severity=CRITICAL,
    controls=("CKV_AWS_46",),
    paths=("userData", "userDataBase64"),
    why="Everybody who may describe instances, and every process on them, can read user data.",
    fix="Have the instance fetch the secret from Secrets Manager with its role.",
)
def user_data(template: Resource, _: Context) -> Findings:
    for path in ("userData", "userDataBase64"):
        yield from attempt(_shows, template, path)


def _shows(template: Resource, path: str) -> Findings:
    # What a command in backticks says is no literal.
    text = _decoded(template.text(path)).replace("`", "$")
    words = "\n".join(text.split())
    if shows_secret(text) or sets_secret(text) or sets_secret(words):
        yield path, "looks as if it held a secret"


def _decoded(text: str) -> str:
    """Return what Base64, and gzip within it, hide; or the text itself."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return text
    return _unpacked(data).decode("utf-8", "replace")


def _unpacked(data: bytes) -> bytes:
    """Return what gzip hides, or the data itself."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        return unpacker.decompress(data, _MOST)
    except zlib.error:
        return data
