"""What IAM answers a stranger, by its documentation alone: nothing here is taken from the policies' own modules.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import fnmatch
import ipaddress
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

OWN = "123456789012"
OBJECTS = ("arn:aws:s3:::documents/private/1", "arn:aws:s3:::documents/2")
Request = Mapping[str, str]
REFERERS: tuple[dict[str, str], ...] = (
    {},
    *({"aws:referer": each} for each in ("https://example.com/", "https://*", "https://elsewhere.example/", "x")),
)


def requests() -> Iterator[Request]:
    """Yield requests of those who have nothing to do with the account: signed ones and unsigned ones."""
    callers: list[dict[str, str]] = [{}]
    for account, role, organization in itertools.product(
        ("999999999999", "199999999999", "123456789019", "123499999912", "555555555555"),
        ("app", "else"),
        ("", "o-stranger99/r-ab12/ou-ab12-1/", "o-stranger99/r-else/"),
    ):
        caller = {"aws:principalaccount": account, "aws:principalarn": f"arn:aws:iam::{account}:role/{role}"}
        caller["aws:principalisawsservice"] = "false"
        if organization:
            caller["aws:principalorgid"] = organization.partition("/")[0]
            caller["aws:principalorgpaths"] = organization
        callers.append(caller)
    networks = [{"aws:sourceip": "233.252.0.1"}, {"aws:sourceip": "8.8.8.8"}, {"aws:sourceip": "2600::1"}]
    networks += [{"aws:sourcevpce": "vpce-stranger", "aws:sourcevpc": "vpc-stranger"}]
    for caller, network, transport, chosen in itertools.product(callers, networks, ("true", "false"), REFERERS):
        yield {**caller, **network, **chosen, "aws:securetransport": transport}


REQUESTS = tuple(requests())


def gets_in(statements: Sequence[Mapping[str, Any]]) -> bool:
    """Whether some stranger may get some object."""
    return any(
        _applies(statements, "Allow", request, name) and not _applies(statements, "Deny", request, name)
        for request in REQUESTS
        for name in OBJECTS
    )


def _applies(statements: Sequence[Mapping[str, Any]], effect: str, request: Request, name: str) -> bool:
    return any(
        each["Effect"] == effect
        and _is_meant(each)
        and any(fnmatch.fnmatchcase("s3:GetObject", one) for one in _list(each["Action"]))
        and any(fnmatch.fnmatchcase(name, one) for one in _list(each["Resource"]))
        and all(
            holds(operator, _list(values), request.get(key.lower()))
            for operator, keys in each.get("Condition", {}).items()
            for key, values in keys.items()
        )
        for each in statements
    )


def _is_meant(statement: Mapping[str, Any]) -> bool:
    """Whether a statement is about a principal that nobody named."""
    if "NotPrincipal" in statement:
        return statement["NotPrincipal"] not in ("*", {"AWS": "*"})
    principal = statement["Principal"]
    return "*" in (_list(principal.get("AWS", [])) if isinstance(principal, Mapping) else [principal])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def holds(operator: str, wanted: list[str], given: str | None) -> bool:
    """Whether a condition holds."""
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negative = "Not" in name
    name = name.replace("Not", "")
    if given is None:
        return {"ForAllValues": True, "ForAnyValue": False}.get(quantifier, optional or negative)
    return any(_compare(name, each, given) for each in wanted) != negative


def _compare(operator: str, wanted: str, given: str) -> bool:
    match operator:
        case "StringEquals":
            return wanted == given
        case "StringLike":
            return fnmatch.fnmatchcase(given, wanted)
        case "ArnLike" | "ArnEquals":
            if wanted.count(":") < 5 and wanted.endswith("*"):
                return fnmatch.fnmatchcase(given, wanted)
            pairs = list(itertools.zip_longest(wanted.split(":", 5), given.split(":", 5), fillvalue=""))
            return len(wanted.split(":", 5)) == len(given.split(":", 5)) and all(
                fnmatch.fnmatchcase(theirs, ours) for ours, theirs in pairs
            )
        case "IpAddress":
            return ipaddress.ip_address(given) in ipaddress.ip_network(wanted)
        case _:
            assert operator == "Bool"
            return wanted.lower() == given.lower()
