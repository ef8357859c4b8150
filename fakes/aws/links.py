"""What AWS refuses because of how resources refer to each other; link_table.py has the facts.

A resource whose reference leads nowhere is not made, and one that others need is not deleted.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fakes.aws import link_words as words
from fakes.aws.held import Held
from fakes.aws.link_table import FILLED, LINKS, PROTECTED, Link
from fakes.aws.problems import Problem
from recording.graph import Secret

Exists = Callable[[str, str, str], bool]
"""Whether a resource of this type stands that answers to this name (`id`, `arn`, …) with this value."""

_OF_AWS = re.compile(r"arn:aws[\w-]*:\w+:[\w-]*:aws:|alias/aws/|arn:aws[\w-]*:kms:[^:]+:\d+:alias/aws/|default(\.|$)")
"""Policies, keys and groups that AWS has made in every account: they are no references."""


@dataclass(frozen=True)
class Mention:
    """One value that refers to a resource."""

    link: Link
    path: str
    """As the link's, with an item's number in place of `*`."""
    value: str


def references(type_: str, inputs: Mapping[str, Any]) -> Iterator[Mention]:
    """Yield what a resource's inputs refer to; what is not known yet, and what belongs to AWS, is left out."""
    for link in LINKS.get(type_, ()):
        for path, value in _values(inputs, link.path.replace("[*]", ".*").split(".")):
            if isinstance(value, str) and value and not _OF_AWS.match(value):
                yield Mention(link, path, value)


def _values(value: Any, keys: list[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of all that lies at `keys`, where `*` is every item of a list."""
    if isinstance(value, Secret):
        value = value.value
    if not keys:
        yield path, value
    elif keys[0] == "*" and isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _values(item, keys[1:], f"{path}[{number}]")
    elif isinstance(value, Mapping) and keys[0] in value:
        yield from _values(value[keys[0]], keys[1:], f"{path}.{keys[0]}" if path else keys[0])


def missing(type_: str, inputs: Mapping[str, Any], exists: Exists) -> list[Problem]:
    """Return the references that lead nowhere."""
    return [
        Problem(mention.path, mention.link.missing(value=mention.value))
        for mention in references(type_, inputs)
        if not any(exists(target.type, target.by, mention.value) for target in mention.link.targets)
    ]


def among(standing: Iterable[Held]) -> Exists:
    """Look for what is referred to among these resources."""
    resources = tuple(standing)
    return lambda type_, by, value: any(each.type == type_ and each.answer(by) == value for each in resources)


def users(resource: Held, standing: Iterable[Held]) -> Iterator[tuple[Link, Held]]:
    """Yield the resources that refer to this one, with the link by which they do."""
    for each in standing:
        for mention in references(each.type, each.inputs):
            if any(_is(resource, target.type, target.by, mention.value) for target in mention.link.targets):
                yield mention.link, each


def _is(resource: Held, type_: str, by: str, value: str) -> bool:
    return resource.type == type_ and resource.answer(by) == value


def refusal(resource: Held, standing: Iterable[Held]) -> str | None:
    """Return why AWS does not delete a resource while these stand; None where it does."""
    resources = [each for each in standing if each.urn != resource.urn or each.id != resource.id]
    for refuse in (_protected, _filled, _needed, _mapped):
        found = refuse(resource, resources)
        if found is not None:
            return found
    return None


def _facts(resource: Held) -> dict[str, str]:
    arn = str(resource.answer("arn") or "")
    return {"id": resource.id, "arn": arn, "account": arn.split(":")[4] if arn.startswith("arn:") else ""}


def _protected(resource: Held, _: list[Held]) -> str | None:
    key, said = PROTECTED.get(resource.type, ("", None))
    return said(**_facts(resource)) if said and resource.inputs.get(key) is True else None


def _filled(resource: Held, _: list[Held]) -> str | None:
    force, said = FILLED.get(resource.type, ("", None))
    return said(**_facts(resource)) if said and resource.contents and not resource.inputs.get(force) else None


def _needed(resource: Held, resources: list[Held]) -> str | None:
    """Tell of the first one who needs the resource."""
    found = list(users(resource, resources))
    parts = {each.urn for link, each in found if link.part}
    for link, each in found:
        goes = each.urn in parts or (link.unless and resource.inputs.get(link.unless))
        idle = link.while_used and not any(users(each, resources))
        if link.in_use and not goes and not idle and _can_be_held(link, resource):
            return link.in_use(user=each.id, **_facts(resource))
    return None


def _can_be_held(link: Link, resource: Held) -> bool:
    return any(target.held for target in link.targets if target.type == resource.type)


def _mapped(gateway: Held, resources: list[Held]) -> str | None:
    """Tell of public addresses in the VPC of an internet gateway, which the provider detaches before it deletes it."""
    if gateway.type != "aws:ec2/internetGateway:InternetGateway":
        return None
    vpc = gateway.inputs.get("vpcId")
    subnets = [each for each in resources if each.type == "aws:ec2/subnet:Subnet" and each.inputs.get("vpcId") == vpc]
    public = any(_has_address(each) for subnet in subnets for _, each in users(subnet, resources))
    return words.GATEWAY_BUSY(user=str(vpc)) if public else None


def _has_address(resource: Held) -> bool:
    """Whether a resource has addresses that lead through its VPC's internet gateway."""
    if resource.type == "aws:ec2/natGateway:NatGateway":
        return "allocationId" in resource.inputs
    return resource.type == "aws:lb/loadBalancer:LoadBalancer" and not resource.inputs.get("internal")
