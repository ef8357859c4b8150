"""Where a stack lives: names that are right before anything exists."""

from components.stack_context import StackContext

PROD = StackContext("prod", "123456789012", "eu-west-1", "staging")


def test_costs_and_owners_are_found_by_the_tags_of_everything() -> None:
    """Budgets filter by `Stack`; the kind of environment is not the stack's name."""
    assert PROD.tags == {
        "Project": "ai-prism",
        "Stack": "prod",
        "Environment": "staging",
        "ManagedBy": "pulumi",
    }


def test_an_arn_names_region_and_account_but_for_iam_which_has_no_region() -> None:
    assert PROD.arn("kms", "key/1") == "arn:aws:kms:eu-west-1:123456789012:key/1"
    assert PROD.iam_arn("role/any") == "arn:aws:iam::123456789012:role/any"


def test_each_stack_has_a_path_of_its_own_for_its_roles() -> None:
    assert PROD.role_path == "/ai-prism/prod/"
    assert PROD.delivery_role_arn("deploy") == "arn:aws:iam::123456789012:role/ai-prism/prod/ai-prism-prod-deploy"
