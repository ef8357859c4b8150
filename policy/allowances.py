"""What a statement of an identity's policy allows, and on how much of a service."""

from collections.abc import Callable, Iterable, Sequence

from policy.access import is_about_all, is_every
from policy.conditions import Condition
from policy.documents import Statement, statements
from policy.grants import documents
from policy.properties import Findings, Properties, attempt
from policy.view import Resource

_ANYBODY_MEETS = (
    *("aws:securetransport", "aws:multifactorauth", "aws:currenttime", "aws:epochtime"),
    *("aws:useragent", "aws:referer", "aws:tokenissuetime", "aws:principal", "aws:userid", "aws:username"),
)
"""Keys that say nothing of what a statement is about: on whoever has the policy, or on how they ask."""


def narrows(condition: Condition) -> bool:
    """Whether a condition limits what a statement is about: not `*`, and not for those alone who send the key."""
    if condition.key.startswith(_ANYBODY_MEETS) or not condition.values:
        return False
    if condition.if_exists or condition.quantifier == "forallvalues:":
        return False
    return not any(condition.wild and not value.strip("*") for value in condition.values)


def each_document(check: Callable[[Properties, str], Findings], resource: Resource) -> Findings:
    """Check every document in which a resource grants something."""
    for node, path in documents(resource):
        yield from attempt(check, node, path)


def each_statement(
    check: Callable[[Statement, Sequence[Statement]], Findings], node: Properties, path: str
) -> Findings:
    """Check every statement that allows something but not everything, with the others at hand."""
    given = tuple(statements(node, path))
    for statement in given:
        yield from attempt(_unless_all, check, statement, given)


def _unless_all(
    check: Callable[[Statement, Sequence[Statement]], Findings], statement: Statement, given: Sequence[Statement]
) -> Findings:
    # What allows everything is reported by iam-admin.
    if statement.allows and not any(is_every(action) for action in statement.actions):
        yield from check(statement, given)


def granted(statement: Statement, given: Sequence[Statement], actions: Iterable[str]) -> list[str]:
    """Return those of the actions that a statement allows on all of their service, and that nothing denies."""
    named = [each for each in actions if statement.covers(each)]
    if not named or any(narrows(each) for each in statement.conditions):
        return []
    found = [each for each in named if is_about_all(statement, each.partition(":")[0])]
    return [each for each in found if not any(_denies(other, each) for other in given)]


def _denies(statement: Statement, action: str) -> bool:
    """Whether a denial takes an action back on all of its service, or where a condition narrows it."""
    return (
        not statement.allows
        and statement.covers(action)
        and is_about_all(statement, action.partition(":")[0])
        and all(each.negated or each.base == "null" for each in statement.conditions)
    )


def element(statement: Statement) -> str:
    """Return the path of what says which actions a statement is about."""
    return statement.at("NotAction" if statement.not_actions else "Action")


def listed(actions: Sequence[str]) -> str:
    """Return some actions as part of a sentence."""
    most = 3
    return f"{', '.join(actions[:most])}{' and more' if len(actions) > most else ''}"


def is_on_everything(statement: Statement) -> bool:
    """Whether a statement is about `*`, or all but some resources."""
    return bool(statement.not_resources) or any(not each.strip("*") for each in statement.resources)
