"""Strangers who ask for something: which values their requests may have in the keys that conditions are about.

A stranger has another account, organization and network than those that a policy names; a value that is written out is
never theirs, one with a wildcard may be. Which keys a request has:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy.conditions import Condition, is_wild

_ACCOUNTS = frozenset(
    {"aws:principalaccount", "kms:calleraccount", "aws:sourceaccount", "aws:sourceowner", "aws:vpceaccount"}
    | {"s3:dataaccesspointaccount"}
)
_ORGANIZATIONS = frozenset({"aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid"})
_PATHS = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"})
_ARNS = frozenset({"aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn", "aws:sourcevpcarn"})
_IDS = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:ec2instancesourcevpc", "aws:userid"})
_ALWAYS = frozenset({"aws:principalaccount", "aws:principalarn", "aws:userid", "kms:calleraccount"})
"""What every signed request has."""
PRESENT = _ALWAYS | {"aws:securetransport", "aws:principalisawsservice"}
_SERVICE_NAMES = frozenset({"aws:principalservicename", "aws:principalservicenameslist"})
_ENCRYPTION_CONTEXT = "kms:encryptioncontext:"

_SWITCHES = {
    "aws:securetransport": ("true", "false"),
    # A mount target is in a VPC; only who comes from elsewhere is a stranger:
    # https://docs.aws.amazon.com/efs/latest/ug/access-control-block-public-access.html
    "elasticfilesystem:accessedviamounttarget": ("false",),
}

_ACCOUNT_DIGITS = 12
_LEAST_PREFIX = len("o-0123456789")
"""A prefix that names one organization, or one user."""
_WIDEST_NETWORK = {4: 8, 6: 32}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
_SOMEBODY: Mapping[str, tuple[str, ...]] = {
    "account": ("999999999999", "100000000001", "555555555550"),
    "organization": ("o-outsider99", "o-zzzzzzzzzz"),
    "path": ("o-outsider99/r-out9/ou-out9-99999999/", "o-zzzzzzzzzz/r-zzzz/"),
    "arn": tuple(f"arn:aws:iam::{each}:role/outsider" for each in ("999999999999", "100000000001", "555555555550")),
    "aws:sourcevpc": ("vpc-outsider", "vpc-0"),
    "aws:ec2instancesourcevpc": ("vpc-outsider", "vpc-0"),
    "aws:sourcevpce": ("vpce-outsider", "vpce-0"),
    "aws:userid": ("AROAOUTSIDER999999999:outsider", "AIDAOUTSIDER000000000"),
    "address": ("233.252.0.99", "2001:db8::99"),
    "free": ("outsider", "true", "false"),
}
"""Some of them, so unlike each other that no wildcard but `*` is about all."""
_OWN = re.compile(r"(?<!\d)\d{12}(?!\d)")


@dataclass(frozen=True)
class Outsider:
    """One way in which strangers come."""

    is_signed: bool = False
    """Whether it is a principal of an account, or nobody in particular."""
    is_service: bool = False
    """Whether it is a service of AWS that does what a stranger's account told it to."""

    def values(self, key: str, conditions: Sequence[Condition]) -> list[str | None]:
        """Return values (None: no value) that a stranger's request may have; those worth a try for these conditions."""
        if key.startswith("aws:principal") or key in _ALWAYS:
            fixed = self._fixed(key, conditions)
            if fixed is not None:
                return fixed
        if key in _SWITCHES:
            return [*_SWITCHES[key]]
        kind = self._kind(key)
        found: list[str | None] = [*_SOMEBODY[kind]]
        for condition in conditions:
            for value in condition.values:
                found += _theirs(kind, key, value, wild=condition.wild)
        return found if key in _ALWAYS else [None, *found]

    def _fixed(self, key: str, conditions: Sequence[Condition]) -> list[str | None] | None:
        if key == "aws:principalisawsservice":
            return ["true" if self.is_service else "false" if self.is_signed else None]
        if key in _SERVICE_NAMES:
            return [value for each in conditions for value in each.values] if self.is_service else [None]
        if not self.is_signed and not (self.is_service and key == "kms:calleraccount"):
            return [None]
        return None

    def _kind(self, key: str) -> str:
        if key in _IDS:
            return key
        for kind, keys in (
            ("account", _ACCOUNTS),
            ("organization", _ORGANIZATIONS),
            ("path", _PATHS),
            ("arn", _ARNS),
            ("address", {"aws:sourceip"}),
        ):
            if key in keys:
                return kind
        # Whoever calls KMS chooses the context; a service puts in whose it is.
        return "arn" if self.is_service and key.startswith(_ENCRYPTION_CONTEXT) else "free"


ANONYMOUS = Outsider()
PRINCIPAL = Outsider(is_signed=True)
SERVICE = Outsider(is_service=True)


def _theirs(kind: str, key: str, value: str, *, wild: bool) -> Iterator[str]:
    """Yield values that a stranger may have and that such a condition may accept."""
    if "${" in value:
        yield from _variable(kind, key, value)
    elif kind == "free":
        yield _filled(value) if wild else value
        yield from _address(value, widest=129)
    elif kind == "address":
        yield from _address(value)
    elif wild and is_wild(value):
        filled = _fill(kind, value)
        if filled is not None:
            yield filled


def _variable(kind: str, key: str, value: str) -> Iterator[str]:
    """Yield the value itself where it stands for one of the caller's own, which a condition on the caller accepts."""
    of_caller = re.search(r"\$\{(aws:(principal|userid|username|source|vpce)|kms:)", value, re.IGNORECASE) is not None
    # A condition on the resource's account or organization holds for no stranger.
    if (kind != "free" and of_caller) or (kind == "free" and not (of_caller and key.startswith("aws:resource"))):
        yield value


def _filled(pattern: str) -> str:
    return pattern.replace("*", "outsider").replace("?", "o")


def _fill(kind: str, pattern: str) -> str | None:
    if kind == "account":
        return _account(pattern)
    if kind == "arn":
        return None if is_of_one_account(pattern) else _arn(pattern)
    # Paths and users are named by their beginnings, which are nobody else's.
    beginning = len(re.split(r"[*?]", pattern)[0])
    if (kind == "path" or kind in _IDS) and beginning >= _LEAST_PREFIX:
        return None
    return _SOMEBODY[kind][0] if not pattern.strip("*") else _filled(pattern)


def _account(pattern: str) -> str | None:
    lacking = _ACCOUNT_DIGITS - len(pattern.replace("*", ""))
    filled = pattern.replace("?", "9").replace("*", "9" * lacking, 1).replace("*", "") if lacking >= 0 else ""
    return filled if re.fullmatch(r"\d{12}", filled) else None


def is_of_one_account(arn: str) -> bool:
    """Whether an ARN with wildcards names an account, or a bucket."""
    parts = arn.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004
        return bool(_OWN.search(arn))
    # ARNs of buckets have no account, and names of buckets are nobody else's.
    return not is_wild(parts[4]) and bool(parts[4] or parts[5].strip("*?/"))


def _arn(pattern: str) -> str:
    parts = pattern.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004
        return (
            _filled(pattern.replace("*", _SOMEBODY["arn"][0].rpartition(":")[0], 1))
            if pattern.strip("*")
            else _SOMEBODY["arn"][0]
        )
    partition, service, region, account = (
        each.replace("*", some).replace("?", some[:1])
        for each, some in zip(parts[1:5], ("aws", "iam", "us-east-1", ""), strict=True)
    )
    account = _account(parts[4]) or account
    return ":".join((parts[0], partition, service, region, account, _filled(parts[5])))


def _address(value: str, widest: int = 0) -> Iterator[str]:
    """Yield an address of a network that is so wide, in bits of its prefix, that it has strangers."""
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return
    if network.prefixlen < (widest or _WIDEST_NETWORK[network.version]):
        yield str(network.broadcast_address - 1 if network.num_addresses > 2 else network.network_address)  # noqa: PLR2004
