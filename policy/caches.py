"""What several rules ask of ElastiCache."""

from policy import resource_types as types
from policy.view import Resource


def is_member(cache: Resource) -> bool:
    """Whether it is a cluster of a replication group, which has settled everything and is judged itself."""
    return cache.type in types.CACHE_CLUSTER and cache.has("replicationGroupId")


def is_memcached(cache: Resource) -> bool:
    """Whether it keeps nothing, and knows no users."""
    return cache.text("engine").lower() == "memcached"
