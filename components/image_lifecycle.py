"""Rules by which ECR expires images (https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html)."""

KEPT_IMAGES = 100
"""Of each repository: enough to roll back months of daily releases. ECR does not know which images run: what runs for
longer than that is lost to a new node, or taken from its publisher again."""
_UNTAGGED_DAYS = 7


def expire(priority: int, description: str, **selection: object) -> dict[str, object]:
    """Return the rule that expires the images of a selection, in ECR's words."""
    return {
        "rulePriority": priority,
        "description": description,
        "selection": selection,
        "action": {"type": "expire"},
    }


def expire_untagged(priority: int, description: str) -> dict[str, object]:
    """Return the rule that expires images without a tag, a week after they came."""
    return expire(
        priority,
        description,
        tagStatus="untagged",
        countType="sinceImagePushed",
        countUnit="days",
        countNumber=_UNTAGGED_DAYS,
    )
