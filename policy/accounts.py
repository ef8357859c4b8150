"""Which AWS accounts are one's own, as far as a stack tells."""

import re
from functools import lru_cache

from policy import resource_types as types
from policy.properties import Undetermined
from policy.view import Stack

_ENOUGH = 20
_ACCOUNT_OF_ARN = re.compile(r"arn:aws[\w-]*:[\w-]+:[\w-]*:(\d{12}):")
_ACCOUNT = re.compile(r"\d{12}")


@lru_cache(maxsize=4)
def own_accounts(stack: Stack) -> frozenset[str]:
    """Return the accounts that the stack's providers name, or in which its resources are."""
    found: set[str] = set()
    for provider in stack.of_type(*types.AWS_PROVIDER):
        for path in ("allowedAccountIds", "assumeRole.roleArn", "assumeRoles.roleArn"):
            try:
                found.update(_ACCOUNT.findall(" ".join(provider.texts(path))))
            except Undetermined:
                continue
    looked_at = 0
    for resource in stack.resources:
        if not resource.type.startswith("aws:") or looked_at == _ENOUGH:
            continue
        arn = resource.outputs.peek("arn")
        match = _ACCOUNT_OF_ARN.match(arn) if isinstance(arn, str) else None
        if match:
            looked_at += 1
            found.add(match.group(1))
    return frozenset(found)


def account_of(principal: str) -> str:
    """Return the account of a principal, empty where it names none."""
    if _ACCOUNT.fullmatch(principal):
        return principal
    match = _ACCOUNT_OF_ARN.match(principal)
    return match.group(1) if match else ""


def is_whole_account(principal: str) -> bool:
    """Whether a principal is all of an account: its number, or its root."""
    return bool(account_of(principal)) and (":" not in principal or principal.endswith(":root"))
