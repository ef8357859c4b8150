"""Whose key encrypts something."""

from policy.properties import Properties, Undetermined
from policy.view import Resource
from recording.graph import Unknown


def customer_key(node: Resource | Properties, path: str, owner: Resource | None = None) -> bool:
    """Whether a key of one's own was given: one that AWS keeps for all is not.

    A key that is not known yet is one's own where another resource made it; raises Undetermined where none is known to.
    The owner is the resource whose part `node` is.
    """
    value = node.peek(path)
    if isinstance(value, Unknown):
        owner = node if isinstance(node, Resource) else owner
        if owner and not owner.needs(node.at(path)):
            raise Undetermined(node.at(path))
        return True
    return isinstance(value, str) and value != "" and "alias/aws/" not in value
