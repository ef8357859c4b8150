"""Image repositories: what runs is what was pushed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.image_lifecycle import KEPT_IMAGES, expire, expire_untagged
from components.stack_context import StackContext
from settings.naming import physical_name


@dataclass(frozen=True, kw_only=True)
class RegistryArgs:
    """Arguments of Registry."""

    context: StackContext
    images: Sequence[str]
    """Names of the images, such as `api`; each has a repository."""
    key_arn: pulumi.Input[str]
    """KMS key that encrypts the images."""
    protect: bool
    """Refuses to delete a repository; without it, one goes with its images."""


class Registry(pulumi.ComponentResource):
    """One repository per image, in which a tag can never be moved to another image and every push is scanned."""

    urls: dict[str, pulumi.Output[str]]
    """By image."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Registry", name, None, opts)
        self._name, self._args = name, args

        repositories = {image: self._make_repository(image) for image in args.images}
        self.urls = {image: repository.repository_url for image, repository in repositories.items()}
        self.register_outputs({"urls": self.urls})

    def url(self, image: str) -> pulumi.Input[str]:
        """Return where an image is; or, of one that this stack does not keep, where it would be."""
        context = self._args.context
        host = f"{context.account_id}.dkr.ecr.{context.region}.amazonaws.com"
        return self.urls.get(image, f"{host}/{physical_name('repository', context.stack, image)}")

    def _make_repository(self, image: str) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            f"{self._name}-{image}",
            name=physical_name("repository", self._args.context.stack, image),
            image_tag_mutability="IMMUTABLE",
            force_delete=not self._args.protect,
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": self._args.key_arn}],
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )
        aws.ecr.LifecyclePolicy(
            f"{self._name}-{image}",
            repository=repository.name,
            policy=json.dumps({"rules": _lifecycle()}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return repository


def _lifecycle() -> list[dict[str, object]]:
    return [
        expire_untagged(1, "Untagged images are left-overs of multi-architecture pushes"),
        expire(
            2,
            f"Keep the last {KEPT_IMAGES} images",
            tagStatus="any",
            countType="imageCountMoreThan",
            countNumber=KEPT_IMAGES,
        ),
    ]
