"""Network ACLs, with entries inline or as separate resources."""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from policy import resource_types as types
from policy.networks import EVERY_PROTOCOL, TCP, is_world, ports, protocol
from policy.properties import Findings, Properties, Undetermined, attempt
from policy.registry import MEDIUM, Context, rule
from policy.view import Resource, Stack

_ADMIN_PORTS = [22, 3389]


@rule(
    "net-nacl-admin",
    "Network ACLs deny SSH and RDP from the internet",
    types=(*types.NETWORK_ACL, *types.NETWORK_ACL_RULE),
    kind="stack",
    severity=MEDIUM,
    controls=("EC2.21", "CKV_AWS_231", "CKV_AWS_232"),
    paths=(
        *(
            f"ingress[].{each}"
            for each in ("action", "cidrBlock", "ipv6CidrBlock", "protocol", "fromPort", "toPort", "ruleNo")
        ),
        *("egress", "ruleAction", "cidrBlock", "ipv6CidrBlock", "protocol", "fromPort", "toPort", "ruleNumber"),
    ),
    why="The network ACL still applies when a security group is opened by mistake.",
    fix="Deny 22 and 3389 from 0.0.0.0/0 and ::/0 before any rule that allows them, that for ephemeral ports included.",
    config={"ports": {"type": "array", "items": {"type": "integer"}, "default": _ADMIN_PORTS}},
)
def access_list(resource: Resource, context: Context) -> Findings:
    entries = _listed(resource) if resource.type in types.NETWORK_ACL else (resource.inputs,)
    for entry in entries:
        yield from attempt(_admits, entry, resource, context)


def _listed(acl: Resource) -> tuple[Properties, ...]:
    return acl.nodes("ingress")


def _admits(entry: Properties, resource: Resource, context: Context) -> Findings:
    if not _lets_in(entry, "allow"):
        return
    for path in ("cidrBlock", "ipv6CidrBlock"):
        if not is_world(entry.text(path)):
            continue
        earlier = [each for each in _siblings(resource, context.stack) if _denies_before(each, entry, path)]
        admin = [port for port in context.config["ports"] if _covers(entry, port)]
        if any(not any(_covers(each, port) for each in earlier) for port in admin):
            if resource.type in types.NETWORK_ACL_RULE and _entries_by_list(context.stack).get(()):
                raise Undetermined("networkAclId", "or that of an earlier entry is unknown")
            yield entry.at(path), "SSH or RDP is open to the internet"


def _lets_in(entry: Properties, action: str) -> bool:
    """Whether it is an ingress entry with this action (allow or deny)."""
    inline = entry.text("action").lower()
    return inline == action or (entry.text("ruleAction").lower() == action and not entry.flag("egress"))


def _denies_before(other: Properties, entry: Properties, path: str) -> bool:
    return _lets_in(other, "deny") and is_world(other.text(path)) and _number(other) < _number(entry)


def _number(entry: Properties) -> float:
    return entry.number("ruleNo") or entry.number("ruleNumber") or 0


def _covers(entry: Properties, port: int) -> bool:
    spoken, (first, last) = protocol(entry), ports(entry)
    return spoken in EVERY_PROTOCOL or (spoken in TCP and first <= port <= last)


def _siblings(resource: Resource, stack: Stack) -> Iterable[Properties]:
    """Return all entries of the same network ACL."""
    if resource.type in types.NETWORK_ACL:
        return _listed(resource)
    return _entries_by_list(stack)[_list_of(resource)]


@functools.lru_cache(maxsize=1)
def _entries_by_list(stack: Stack) -> Mapping[Any, list[Properties]]:
    found: dict[Any, list[Properties]] = {}
    for each in stack.of_type(*types.NETWORK_ACL_RULE):
        found.setdefault(_list_of(each), []).append(each.inputs)
    return found


def _list_of(entry: Resource) -> Any:
    """Return what identifies the network ACL of an entry: its id, or the URNs that the id depends on."""
    known = entry.peek("networkAclId")
    return known if isinstance(known, str) else entry.needs("networkAclId")
