"""Whose key encrypts something."""

from policy.properties import Properties, Undetermined
from policy.view import Resource
from prismctl.graph import Unknown


def customer_key(node: Resource | Properties, path: str) -> bool:
    """Whether a key of one's own was given: one that AWS keeps for all is not.

    A key that is not known yet is one's own where another resource made it; raises Undetermined where none is known to.
    """
    value = node.peek(path)
    if isinstance(value, Unknown):
        if isinstance(node, Resource) and not node.needs(path):
            raise Undetermined(path)
        return True
    return isinstance(value, str) and value != "" and "alias/aws/" not in value
