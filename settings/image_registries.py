"""The registries of third-party images that ECR can take images from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """A registry that ECR takes images from (upstreamRegistryUrl in
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreatePullThroughCacheRule.html)."""

    url: str
    word: str
    """For the repositories' prefix, which has 30 characters for this, the project and the stack."""
    login: bool = False
    """Whether ECR takes nothing from it without a login, although the images are public
    (https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html)."""


UPSTREAMS: Mapping[str, Upstream] = {
    "docker.io": Upstream("registry-1.docker.io", "hub", login=True),
    "ghcr.io": Upstream("ghcr.io", "ghcr", login=True),
    "public.ecr.aws": Upstream("public.ecr.aws", "ecr"),
    "quay.io": Upstream("quay.io", "quay"),
    "registry.k8s.io": Upstream("registry.k8s.io", "k8s"),
}
"""By the host in an image's name. ECR takes nothing from nvcr.io."""
