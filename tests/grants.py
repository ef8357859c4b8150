"""What a resource's policy, or the trust of a role, lets principals do that are no roles of the account."""

from typing import Any

from fakes.iam.evaluator import applies, listed
from fakes.iam.roles import statements


def lets(policy: Any, kind: str, who: str, action: str, resource: str = "*", **context: str) -> bool:
    """Tell whether a policy lets a principal of a kind (`Service`, `Federated`, `AWS`) make a call.

    Keys of the context have `__` for their first colon.
    """
    keys = {key.replace("__", ":", 1): value for key, value in context.items()}
    about = [
        each
        for each in statements(policy)
        if each["Principal"] == "*" or who in listed(each["Principal"].get(kind, []))
    ]
    return {each["Effect"] for each in about if applies(each, action, resource, keys)} == {"Allow"}


def principals(policy: Any, kind: str) -> set[str]:
    """Return the principals of a kind that a policy names."""
    return {
        who
        for each in statements(policy)
        if each["Principal"] != "*"
        for who in listed(each["Principal"].get(kind, []))
    }
