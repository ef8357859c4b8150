"""Image repositories: what runs is what was pushed."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.foundation import Foundation
from components.image_lifecycle import KEPT_IMAGES, expire, expire_untagged
from settings import stack as settings
from settings.naming import physical_name


@dataclass(frozen=True)
class RegistryArgs:
    """What a Registry rests on and is told."""

    foundation: Foundation
    settings: settings.Registry


class Registry(pulumi.ComponentResource):
    """One repository per image, in which a tag can never be moved to another image and every push is scanned."""

    urls: dict[str, pulumi.Output[str]]
    """By image."""

    def __init__(self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Registry", name, None, opts)
        self._name, self._foundation = name, args.foundation

        repositories = {image: self._make_repository(image) for image in args.settings.images}
        self.urls = {image: repository.repository_url for image, repository in repositories.items()}
        self.register_outputs({"urls": self.urls})

    def url(self, image: str) -> pulumi.Input[str]:
        """Return where an image is; or, of one that this stack does not keep, where it would be."""
        location = self._foundation.location
        host = f"{location.account_id}.dkr.ecr.{location.region}.amazonaws.com"
        return self.urls.get(image, f"{host}/{physical_name('repository', location.stack, image)}")

    def _make_repository(self, image: str) -> aws.ecr.Repository:
        repository = aws.ecr.Repository(
            f"{self._name}-{image}",
            name=physical_name("repository", self._foundation.location.stack, image),
            image_tag_mutability="IMMUTABLE",
            force_delete=not self._foundation.protect,
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": self._foundation.encryption.data_key.arn}],
            opts=pulumi.ResourceOptions(parent=self, protect=self._foundation.protect),
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
