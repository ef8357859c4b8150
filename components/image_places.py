"""The registries of third-party images, and where the stack pulls from instead."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.location import Location
from naming import physical_name


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


def places(location: Location, registries: Mapping[str, str]) -> dict[str, str]:
    """Return where the stack pulls the images of each of the registries, by the registry's host."""
    own = f"{location.account_id}.dkr.ecr.{location.region}.amazonaws.com"
    return {each: f"{own}/{prefix_of(location, each)}" for each in registries}


def place_of(name: str, known: Mapping[str, str]) -> str:
    """Return where the stack pulls an image, as one of `known` or else from where it is.

    `name` begins with a registry's host; it may be an image, the beginning of several, or the host alone.
    """
    host, slash, rest = name.partition("/")
    return f"{known.get(host, host)}{slash}{rest}"


def prefix_of(location: Location, registry: str) -> str:
    """Return what the names of the repositories begin with in which the stack caches images of a registry."""
    return physical_name("image-cache", location.stack, UPSTREAMS[registry].word)
