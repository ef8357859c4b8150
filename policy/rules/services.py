"""Services of AWS that have no module of rules of their own; `policy/tables` says what each of them needs."""

from policy.properties import Findings
from policy.registry import HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource
from policy.wants import table

_AT_REST = table("encryption_at_rest")


@rule(
    "svc-rest",
    "Services encrypt what they keep",
    types=_AT_REST.types,
    severity=HIGH,
    controls=_AT_REST.controls,
    paths=_AT_REST.paths,
    why="Who gets hold of a disk, a snapshot or a backup reads all of it; most services cannot encrypt it later.",
    fix="Switch encryption at rest on, with a customer managed key where the service takes one.",
)
def at_rest(resource: Resource, _: Context) -> Findings:
    return _AT_REST.broken(resource, resource.type)


_IN_TRANSIT = table("encryption_in_transit")


@rule(
    "svc-transit",
    "Services accept only encrypted and authenticated connections",
    types=_IN_TRANSIT.types,
    severity=HIGH,
    controls=_IN_TRANSIT.controls,
    paths=_IN_TRANSIT.paths,
    why="Without TLS 1.2 or newer, anyone on the network path can read and change what is sent, passwords included.",
    fix="Require TLS 1.2 or newer in the property that is named, and credentials where the service knows them.",
)
def in_transit(resource: Resource, _: Context) -> Findings:
    return _IN_TRANSIT.broken(resource, resource.type)


_PUBLIC = table("public_access")


@rule(
    "svc-public",
    "Services are neither reachable by everybody nor shared with others",
    types=_PUBLIC.types,
    severity=HIGH,
    controls=_PUBLIC.controls,
    paths=_PUBLIC.paths,
    why="What anyone can reach is found by scanners within minutes, and one weak credential is then enough.",
    fix="End the public access or the share in the property that is named; let clients in by network and role.",
)
def public(resource: Resource, _: Context) -> Findings:
    return _PUBLIC.broken(resource, resource.type)


_LOGS = table("logs")


@rule(
    "svc-logs",
    "Services record what happens",
    types=_LOGS.types,
    severity=MEDIUM,
    controls=_LOGS.controls,
    paths=_LOGS.paths,
    why="Without records, an attack goes unnoticed, and nobody can tell afterwards what was read or changed.",
    fix="Switch the log or the detection on in the property that is named.",
)
def logs(resource: Resource, _: Context) -> Findings:
    return _LOGS.broken(resource, resource.type)


_KEEPING = table("keeping")


@rule(
    "svc-keep",
    "Services have backups, deletion protection and upgrades",
    types=_KEEPING.types,
    severity=MEDIUM,
    prod_only=True,
    controls=_KEEPING.controls,
    paths=_KEEPING.paths,
    why="A mistake, a fault or a version without support would cost data or hours of outage.",
    fix="Set the property that is named.",
)
def keeping(resource: Resource, _: Context) -> Findings:
    return _KEEPING.broken(resource, resource.type)


_GUARDS = table("guards")


@rule(
    "svc-guard",
    "Services are used with the least rights",
    types=_GUARDS.types,
    severity=HIGH,
    controls=_GUARDS.controls,
    paths=_GUARDS.paths,
    why="Each right that nobody needs is one that an attacker has too: root, the host, every caller, short passwords.",
    fix="Set the property that is named to the narrower value.",
)
def guards(resource: Resource, _: Context) -> Findings:
    return _GUARDS.broken(resource, resource.type)


_KEYS = table("keys")


@rule(
    "svc-key",
    "Services encrypt with customer managed keys",
    types=_KEYS.types,
    severity=LOW,
    controls=_KEYS.controls,
    paths=_KEYS.paths,
    why="Access to a key of one's own can be restricted, logged and revoked; that to AWS's keys cannot.",
    fix="Set the key that is named to a customer managed key.",
)
def keys(resource: Resource, _: Context) -> Findings:
    return _KEYS.broken(resource, resource.type)
