"""Third-party images through a pull-through cache in ECR, available while their publisher is not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_statements import allow, document
from components.image_lifecycle import KEPT_IMAGES, expire, expire_untagged
from components.image_places import place_of, places, prefix_of
from components.stack_context import StackContext
from settings.image_registries import UPSTREAMS


@dataclass(frozen=True, kw_only=True)
class ImageCacheArgs:
    """Arguments of ImageCache."""

    context: StackContext
    registries: Mapping[str, str]
    """By host, as in UPSTREAMS: the ARN of the secret with the login, "" where ECR needs none."""
    node_role_name: pulumi.Input[str]
    """Of the role with which nodes pull."""


class ImageCache(pulumi.ComponentResource):
    """A tag keeps the image that it had at its first pull, and the publisher is not asked for that one again.

    No registry policy: an account has one in each region, so two stacks would take it from each other.
    """

    places: Mapping[str, str]
    """Where the stack pulls the images of each registry that it caches, by the registry's host."""
    registries: Mapping[str, str]
    """The same of all registries that ECR knows: those that are not cached are pulled from themselves."""

    def __init__(self, name: str, args: ImageCacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:ImageCache", name, None, opts)
        self._name, self._args = name, args

        for registry, secret_arn in args.registries.items():
            self._make_rule(registry, secret_arn)
        if args.registries:
            self._let_nodes_fill()
        self.places = places(args.context, args.registries)
        self.registries = {host: place_of(host, self.places) for host in UPSTREAMS}
        self.register_outputs({"registries": self.registries})

    def _make_rule(self, registry: str, secret_arn: str) -> None:
        prefix, upstream = prefix_of(self._args.context, registry), UPSTREAMS[registry]
        # ECR makes the repositories, with its service-linked role: a template with a key or tags of the stack's needs
        # a role of the stack's as well, and its ARN must have no path
        # (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecr-repositorycreationtemplate.html).
        template = aws.ecr.RepositoryCreationTemplate(
            f"{self._name}-{upstream.word}",
            prefix=prefix,
            description=f"Images of {registry}",
            applied_fors=["PULL_THROUGH_CACHE"],
            image_tag_mutability="IMMUTABLE",
            encryption_configurations=[{"encryption_type": "AES256"}],
            lifecycle_policy=json.dumps({"rules": _lifecycle()}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ecr.PullThroughCacheRule(
            f"{self._name}-{upstream.word}",
            ecr_repository_prefix=prefix,
            upstream_registry_url=upstream.url,
            credential_arn=secret_arn or None,
            # The first image could come before the template otherwise, whose settings hold for new repositories alone.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[template]),
        )

    def _let_nodes_fill(self) -> None:
        """Let whoever pulls an image first have its repository made; the rest is AWS's own policy for nodes to grant.

        Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
        """
        context, registries = self._args.context, self._args.registries
        repositories = [context.arn("ecr", f"repository/{prefix_of(context, each)}/*") for each in registries]
        aws.iam.RolePolicy(
            f"{self._name}-nodes",
            role=self._args.node_role_name,
            policy=document(allow(["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"], repositories)),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _lifecycle() -> list[dict[str, object]]:
    """Return ECR's lifecycle rules (https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html).

    Images of the other architectures that a tag stands for have no tag, and none of them is expired before the list
    that names them: "If an image is referenced by a manifest list, it cannot be expired", as that page has it.
    """
    return [
        expire(
            1,
            f"Keep the last {KEPT_IMAGES} versions",
            tagStatus="tagged",
            tagPatternList=["*"],
            countType="imageCountMoreThan",
            countNumber=KEPT_IMAGES,
        ),
        expire_untagged(2, "Untagged images go with the tag that brought them"),
    ]
