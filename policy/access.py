"""How far a statement of a policy reaches: whom it lets in, and to what.

What narrows `*` is what S3 itself counts when it says whether a bucket is public:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

import fnmatch
import ipaddress
from collections.abc import Iterable

from policy.documents import Statement

_IDENTIFIERS = (
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
)
_PREFIXES = ("aws:principalorgpaths", "aws:sourceorgpaths", "aws:userid")
_ARNS = ("aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn")
_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress")
_WIDEST_NETWORK = {4: 8, 6: 32}
_LEAST_PREFIX = len("o-0123456789")


def lets_anybody_in(statement: Statement) -> bool:
    """Whether a statement allows something to the whole world; conditions may narrow `*` to one's own."""
    if not statement.allows:
        return False
    everybody = any(name == "*" and kind != "Service" for kind, name in statement.principals)
    if not everybody and not statement.not_principals:
        return False
    return not any(_narrows(*condition) for condition in statement.conditions)


def is_positive(operator: str) -> bool:
    """Whether a condition holds only for a request that has the key, with one of the values."""
    # `...IfExists` and `ForAllValues:` hold for whoever has no such key at all.
    return operator.removeprefix("foranyvalue:") in _POSITIVE


def _narrows(operator: str, key: str, values: tuple[str, ...]) -> bool:
    if operator == "bool" and key == "aws:principalisawsservice":
        return [value.lower() for value in values] == ["true"]
    return is_positive(operator) and bool(values) and all(_is_one_own(key, value) for value in values)


def _is_one_own(key: str, value: str) -> bool:
    wild = "*" in value or "?" in value
    if key in _IDENTIFIERS:
        return not wild
    if key in _PREFIXES:
        return not wild or len(value.partition("*")[0]) >= _LEAST_PREFIX
    if key in _ARNS:
        return not wild or _is_of_one_account(value)
    return key == "aws:sourceip" and _is_small(value)


def _is_of_one_account(arn: str) -> bool:
    parts = arn.split(":", 5)
    # ARNs of buckets have no account, and names of buckets are nobody else's.
    return len(parts) == 6 and "*" not in parts[4] and bool(parts[4] or parts[5].rstrip("*"))  # noqa: PLR2004


def _is_small(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= _WIDEST_NETWORK[network.version]


def is_every(action: str) -> bool:
    """Whether an action such as `*`, `*:*` or `?*` is every action."""
    return "*" in action and not action.strip("*?:")


def covered(statement: Statement, actions: Iterable[str]) -> list[str]:
    """Return those of the actions that a statement is about, by name, by wildcard or by NotAction."""
    excepted = statement.not_actions
    patterns = excepted or statement.actions
    return [
        action
        for action in actions
        if any(fnmatch.fnmatchcase(action.lower(), pattern) for pattern in patterns) is not bool(excepted)
    ]


def is_about_all(statement: Statement, service: str) -> bool:
    """Whether a statement is about all of a service's resources of a kind: `*`, `role/*`, or all but some."""
    return bool(statement.not_resources) or any(_is_all(resource, service) for resource in statement.resources)


def _is_all(resource: str, service: str) -> bool:
    parts = resource.split(":", 5)
    if len(parts) > 2 and not fnmatch.fnmatchcase(service, parts[2]):  # noqa: PLR2004
        return False
    kind, slash, name = parts[-1].partition("/")
    # Kinds without a name, as in `role*`, are all of the kind; `key/*` has a name that is any.
    return not name.strip("*?/") if slash else "*" in kind
