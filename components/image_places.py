"""Where the stack pulls third-party images from, instead of from their registries."""

from collections.abc import Mapping

from components.stack_context import StackContext
from settings.image_registries import UPSTREAMS
from settings.naming import physical_name


def places(context: StackContext, registries: Mapping[str, str]) -> dict[str, str]:
    """Return where the stack pulls the images of each of the registries, by the registry's host."""
    own = f"{context.account_id}.dkr.ecr.{context.region}.amazonaws.com"
    return {each: f"{own}/{prefix_of(context, each)}" for each in registries}


def place_of(name: str, known: Mapping[str, str]) -> str:
    """Return where the stack pulls an image, as one of `known` or else from where it is.

    `name` begins with a registry's host; it may be an image, the beginning of several, or the host alone.
    """
    host, slash, rest = name.partition("/")
    return f"{known.get(host, host)}{slash}{rest}"


def prefix_of(context: StackContext, registry: str) -> str:
    """Return what the names of the repositories begin with in which the stack caches images of a registry."""
    return physical_name("image-cache", context.stack, UPSTREAMS[registry].word)
