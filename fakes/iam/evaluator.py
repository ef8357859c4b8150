"""Whether IAM allows a request of a role within its own account, and why, in AWS's words.

The logic is that of
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html:
a denial anywhere decides; what identity policies allow counts within the boundary; a resource's policy that names the
role allows by itself, but not beyond the boundary. KMS asks the key's policy in any case
(https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html). Whatever is not known here is an error,
never a guess. Organizations' and session policies are left out: the platform has none.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Statement = Mapping[str, Any]
Context = Mapping[str, str | Sequence[str]]
"""Keys of the request; some have several values."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A role, and what limits it."""

    arn: str
    identity: Sequence[Statement]
    """Statements of all policies that are attached to it or part of it."""
    boundary: Sequence[Statement] | None = None
    """Statements of its permissions boundary."""

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]


@dataclass(frozen=True)
class Decision:
    """What IAM answers; true where it allows."""

    allowed: bool
    reason: str

    def __bool__(self) -> bool:
        return self.allowed


def decide(
    caller: Caller,
    action: str,
    resource: str = "*",
    *,
    policy: Sequence[Statement] | None = None,
    context: Context | None = None,
) -> Decision:
    """Decide on a request; `policy` is that of the resource, which a key always has.

    Raises ValueError for an operator or a policy variable that is not known here.
    """
    given = _keys({"aws:PrincipalArn": caller.arn, "aws:PrincipalAccount": caller.account_id, **(context or {})})
    asked = functools.partial(_effects, action=action, resource=resource, context=given)
    identity, boundary = asked(caller.identity), {"Allow"} if caller.boundary is None else asked(caller.boundary)
    named = _effects(_naming(policy or (), caller), action=action, resource=resource, context=given)
    delegated = "Allow" in asked(_delegating(policy or (), caller))

    def refuse(why: str) -> Decision:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
        where = "" if resource == "*" else f" on resource: {resource}"
        return Decision(allowed=False, reason=f"User: {caller.arn} is not authorized to perform: {action}{where} {why}")

    for effects, what in (
        (named, "a resource-based policy"),
        (identity, "an identity-based policy"),
        (boundary, "a permissions boundary"),
    ):
        if "Deny" in effects:
            return refuse(f"with an explicit deny in {what}")
    if "Allow" not in boundary:
        return refuse(f"because no permissions boundary allows the {action} action")
    if action.lower().startswith("kms:") and policy is not None and not ("Allow" in named or delegated):
        return refuse(f"because no resource-based policy allows the {action} action")
    if "Allow" not in identity and "Allow" not in named:
        return refuse(f"because no identity-based policy allows the {action} action")
    return Decision(allowed=True, reason=f"{caller.arn} may perform {action} on {resource}")


def _effects(statements: Iterable[Statement], *, action: str, resource: str, context: Context) -> set[str]:
    return {str(each["Effect"]) for each in statements if applies(each, action, resource, context)}


def applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    """Tell whether a statement is about a request, whoever makes it."""
    return (
        _chosen(statement, "Action", action.lower(), str.lower)
        and _chosen(statement, "Resource", resource, _literal)
        and all(
            _holds(operator, key, listed(values), _keys(context))
            for operator, conditions in statement.get("Condition", {}).items()
            for key, values in conditions.items()
        )
    )


def _chosen(statement: Statement, element: str, text: str, form: Callable[[str], str]) -> bool:
    """Tell whether an element, or its negation, is about `text`; a policy of a trust has no Resource at all."""
    if f"Not{element}" in statement:
        return not _matches(map(form, listed(statement[f"Not{element}"])), text)
    return element not in statement or _matches(map(form, listed(statement[element])), text)


def _literal(pattern: str) -> str:
    """Return a pattern as it is. Raises ValueError where it has policy variables."""
    if "${" in pattern:
        raise ValueError(f"policy variables are not known here: {pattern}")
    return pattern


def listed(value: Any) -> list[Any]:
    """Return a list of what JSON has as one or as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    # `*` is any number of characters, `?` is one; everything else is itself.
    text = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.compile(text, re.DOTALL)


def _matches(patterns: Iterable[str], text: str) -> bool:
    return any(_expression(pattern).fullmatch(text) for pattern in patterns)


def _matches_arn(patterns: Iterable[str], text: str) -> bool:
    """Compare the six parts of an ARN one by one, as the operators for ARNs do."""
    parts = text.split(":", 5)
    for pattern in patterns:
        wanted = pattern.split(":", 5)
        if len(wanted) == len(parts) and all(_matches([one], other) for one, other in zip(wanted, parts, strict=True)):
            return True
    return False


def _is_below(limits: Iterable[str], text: str) -> bool:
    return any(float(text) < float(limit) for limit in limits)


_OPERATORS: Mapping[str, Callable[[list[str], str], bool]] = {
    "StringEquals": lambda wanted, text: text in wanted,
    "StringEqualsIgnoreCase": lambda wanted, text: text.lower() in [each.lower() for each in wanted],
    "StringLike": _matches,
    "ArnEquals": _matches_arn,
    "ArnLike": _matches_arn,
    "Bool": lambda wanted, text: text.lower() in [each.lower() for each in wanted],
    "NumericLessThan": _is_below,
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html"""
_NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotLike": "ArnLike"}
_SEVERAL = {"ForAnyValue": any, "ForAllValues": all}


def _keys(context: Context) -> Context:
    """Return the context by lower-case keys: their case does not matter."""
    return {key.lower(): value for key, value in context.items()}


def _holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    """Tell whether one condition holds for a request."""
    wanted = [_literal(str(each)) for each in wanted]
    given = context.get(key.lower())
    if operator == "Null":
        return (given is None) in [each.lower() == "true" for each in wanted]
    quantifier, _, plain = operator.rpartition(":")
    base = plain.removesuffix("IfExists")
    negated = base in _NEGATED
    compare = _OPERATORS.get(_NEGATED.get(base, base))
    if compare is None or (quantifier and quantifier not in _SEVERAL):
        raise ValueError(f"the operator {operator} is not known here")
    if given is None:
        # Without the key, a negated operator holds, and so do IfExists and ForAllValues.
        return negated or base != plain or quantifier == "ForAllValues"
    values = [str(each) for each in listed(given)]
    if not quantifier and len(values) > 1:
        raise ValueError(f"{key} has several values: {operator} needs ForAnyValue or ForAllValues")
    return _SEVERAL.get(quantifier, all)(compare(wanted, each) is not negated for each in values)


def _naming(policy: Iterable[Statement], caller: Caller) -> list[Statement]:
    """Return the statements of a resource's policy that are about the caller."""
    return [each for each in policy if _names(each, caller)]


def _names(statement: Statement, caller: Caller) -> bool:
    if "NotPrincipal" in statement:
        raise ValueError("NotPrincipal is not known here")
    principals = statement.get("Principal", {})
    names = ["*"] if principals == "*" else listed(principals.get("AWS", []))
    if "*" in names or caller.arn in names:
        return True
    # A denial to the account is one to all who are in it.
    return statement["Effect"] == "Deny" and bool(_account(caller) & set(names))


def _delegating(policy: Iterable[Statement], caller: Caller) -> list[Statement]:
    """Return the statements that leave it to the account's identity policies."""
    return [
        each
        for each in policy
        if each["Effect"] == "Allow"
        and isinstance(each.get("Principal"), Mapping)
        and _account(caller) & set(listed(each["Principal"].get("AWS", [])))
    ]


def _account(caller: Caller) -> set[str]:
    return {caller.account_id, f"arn:aws:iam::{caller.account_id}:root"}
