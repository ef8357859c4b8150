"""Which images ECR expires by a lifecycle policy.

As https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html has it: each rule identifies images by
their tags and, among these, by number or age; an image that the selection of a rule is about is no later rule's.
"""

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """An image in a repository."""

    name: str
    age_days: float
    """Since it was pushed."""
    tagged: bool = True


def kept(policy: str, images: Sequence[Image]) -> set[str]:
    """Return the names of the images that stay.

    Raises ValueError for a policy that ECR would refuse, and KeyError for words that it does not know.
    """
    rules = sorted(json.loads(policy)["rules"], key=lambda rule: rule["rulePriority"])
    if len({rule["rulePriority"] for rule in rules}) < len(rules):
        raise ValueError("two rules have the same priority")
    if any(rule["selection"]["tagStatus"] == "any" for rule in rules[:-1]):
        raise ValueError("a rule for any image must have the lowest priority")
    left, expired = list(images), set[str]()
    for rule in rules:
        if rule["action"] != {"type": "expire"} or not rule["description"]:
            raise ValueError(f"{rule} is no rule that expires images")
        identified = [image for image in images if _is_about(rule["selection"], image)]
        newest = sorted(identified, key=lambda image: image.age_days)
        expired |= {image.name for image in _beyond(rule["selection"], newest) if image in left}
        left = [image for image in left if image not in identified]
    return {image.name for image in images} - expired


def _is_about(selection: dict[str, object], image: Image) -> bool:
    match selection["tagStatus"]:
        case "any":
            return True
        case "untagged":
            return not image.tagged
        case "tagged":
            patterns = selection["tagPatternList"]
            if not isinstance(patterns, list) or not patterns:
                raise ValueError("a rule for tagged images needs patterns")
            return image.tagged and any(fnmatch.fnmatchcase(image.name, str(pattern)) for pattern in patterns)
        case other:
            raise KeyError(other)


def _beyond(selection: dict[str, object], newest: Sequence[Image]) -> Sequence[Image]:
    count = selection["countNumber"]
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"countNumber must be a positive number, got {count}")
    match selection["countType"], selection.get("countUnit"):
        case "imageCountMoreThan", None:
            return newest[count:]
        case "sinceImagePushed", "days":
            return [image for image in newest if image.age_days > count]
        case other:
            raise KeyError(str(other))
