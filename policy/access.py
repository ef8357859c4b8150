"""Whom a resource's policy lets in: it is asked for strangers, one after the other, with their conditions evaluated."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from policy.conditions import Condition, about, is_wild, matches
from policy.documents import Statement
from policy.outsiders import ANONYMOUS, PRESENT, PRINCIPAL, SERVICE, Outsider
from policy.properties import Findings, Undetermined, attempt

_MOST_REQUESTS = 20_000


def strangers(given: Sequence[Statement]) -> Findings:
    """Yield each statement that lets in principals of any account, unless conditions or denials keep them out."""
    for statement in given:
        yield from attempt(_lets_strangers_in, statement, given)


def _lets_strangers_in(statement: Statement, given: Sequence[Statement]) -> Findings:
    if not statement.allows:
        return
    element = _everybody(statement)
    if element and any(_gets_in(who, statement, given) for who in (PRINCIPAL, ANONYMOUS)):
        but = ", and no condition keeps other accounts out" if statement.has("Condition") else ""
        who = "any principal is allowed" if element == "Principal" else "all are allowed but some"
        yield statement.at(element), f"{who}{but}"


def unsure_services(given: Sequence[Statement]) -> Findings:
    """Yield each statement that lets a service of AWS in on behalf of whatever account: the "confused deputy".

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    for statement in given:
        yield from attempt(_lets_any_deputy_in, statement, given)


def _lets_any_deputy_in(statement: Statement, given: Sequence[Statement]) -> Findings:
    if not statement.allows:
        return
    names, unknown = statement.known_principals("Principal", "service")
    services = sorted({name for _, name in names if not is_wild(name)})
    services = [name for name in services if not _sends_no_source(name, statement)]
    if services and _gets_in(SERVICE, statement, given):
        yield statement.at("Principal"), f"{services[0]} is let in on behalf of any account"
    elif unknown:
        raise unknown


_SENDING_NO_SOURCE = (
    ("events.amazonaws.com", ("sns:", "kms:")),
    ("cloudwatch.amazonaws.com", ("kms:",)),
    ("logdelivery.elasticloadbalancing.amazonaws.com", ("s3:",)),
)
"""Services for which AWS's own policies have no condition, and for what:
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html"""


def _sends_no_source(service: str, statement: Statement) -> bool:
    prefixes = next((each for name, each in _SENDING_NO_SOURCE if name == service), ())
    return bool(prefixes) and all(action.startswith(prefixes) for action in statement.actions)


def locks_everybody_out(denial: Statement) -> bool:
    """Whether a denial applies to every request, whoever makes it: to those over TLS, from each network and account."""
    if not _everybody(denial):
        return False
    conditions = denial.conditions
    for key in dict.fromkeys(each.key for each in conditions):
        here = about(conditions, key)
        tried = {value for who in (PRINCIPAL, SERVICE) for value in who.values(key, here)} - {None}
        tried |= {None} if key not in PRESENT else set()
        own = {value for each in here for value in each.values if not each.wild or not is_wild(value)}
        if key == "aws:securetransport":
            tried, own = {"true"}, set()
        if not all(each.is_modelled and each.holds(value) for each in here for value in tried | own):
            return False
    return True


def _everybody(statement: Statement) -> str:
    """Return the element that makes a statement one about everybody, or nothing."""
    names, unknown = statement.known_principals("Principal")
    if any(_is_everybody(name) for _, name in names):
        return "Principal"
    if unknown:
        raise unknown
    excepted = statement.not_principals
    return "NotPrincipal" if excepted and not any(_is_everybody(name) for _, name in excepted) else ""


def _is_everybody(name: str) -> bool:
    """Whether a principal has a wildcard in place of the account; those of one account are that account's."""
    if not is_wild(name):
        return False
    parts = name.split(":")
    return len(parts) < 6 or not parts[4].isdigit()  # noqa: PLR2004


def _gets_in(who: Outsider, statement: Statement, given: Sequence[Statement]) -> bool:
    """Whether there is a request of `who` that the statement allows and nothing denies."""
    denials = [(each, unknown) for each in given if each is not statement for unknown in _denies(each)]
    # Most denials need no look at resources, which are often unknown.
    if _asks(who, statement, [each for each, _ in denials]):
        return True
    covering = [(each, unknown) for each, unknown in denials if _covers(each, statement)]
    if _asks(who, statement, [each for each, _ in covering]):
        return True
    unsure = [unknown for _, unknown in covering if unknown]
    if unsure and _asks(who, statement, [each for each, unknown in covering if not unknown]):
        raise unsure[0]
    return False


def _denies(statement: Statement) -> Iterator[Undetermined | None]:
    """Yield something where a statement denies everybody: what is unknown of it, or None."""
    try:
        if not statement.allows and _everybody(statement):
            yield statement.known_conditions()[1]
    except Undetermined as unknown:
        yield unknown


def _asks(who: Outsider, statement: Statement, denials: Iterable[Statement]) -> bool:
    """Whether `who` has a request that the statement allows and no denial denies."""
    allowing, unknown = statement.known_conditions()
    denying = [_certain(each) for each in denials]
    everything = [*allowing, *itertools.chain.from_iterable(denying)]
    values = {}
    for key in dict.fromkeys(each.key for each in everything):
        wanted = [each for each in about(allowing, key) if each.is_modelled]
        tried = dict.fromkeys(who.values(key, about(everything, key)))
        values[key] = [value for value in tried if all(each.holds(value) for each in wanted)]
    if not all(values.values()):
        return False
    if unknown:
        raise unknown
    keys = list(dict.fromkeys(each.key for conditions in denying for each in conditions))
    for request in itertools.islice(itertools.product(*(values[key] for key in keys)), _MOST_REQUESTS):
        has = dict(zip(keys, request, strict=True))
        if not any(all(_holds(each, has) for each in conditions) for conditions in denying):
            return True
    return False


def _certain(denial: Statement) -> tuple[Condition, ...]:
    try:
        return denial.known_conditions()[0]
    except Undetermined:
        return ()


def _holds(condition: Condition, has: dict[str, str | None]) -> bool:
    # Whoever asks can avoid what depends on a number or a date.
    return condition.is_modelled and condition.holds(has[condition.key])


def _covers(denial: Statement, statement: Statement) -> bool:
    """Whether a denial is about all that a statement allows."""
    return _is_within(statement.actions, denial.actions, denial.not_actions) and _is_within(
        statement.resources or ("*",), denial.resources, denial.not_resources
    )


def _is_within(allowed: Sequence[str], denied: Sequence[str], excepted: Sequence[str]) -> bool:
    if excepted:
        return all(not any(matches(one, each) or matches(each, one) for one in excepted) for each in allowed)
    return bool(allowed) and all(any(matches(one, each) for one in denied or ("*",)) for each in allowed)


def is_every(action: str) -> bool:
    """Whether an action such as `*`, `*:*` or `?*` is every action."""
    return "*" in action and not action.strip("*?:")


def covered(statement: Statement, actions: Iterable[str]) -> list[str]:
    """Return those of the actions that a statement is about, by name, by wildcard or by NotAction."""
    return [action for action in actions if statement.covers(action)]


def is_about_all(statement: Statement, service: str) -> bool:
    """Whether a statement is about all of a service's resources of a kind: `*`, `role/*`, or all but some."""
    return bool(statement.not_resources) or any(_is_all(resource, service) for resource in statement.resources)


_KINDS = ("role", "user", "group", "policy", "instance-profile", "key", "alias")


def _is_all(resource: str, service: str) -> bool:
    parts = resource.split(":", 5)
    if len(parts) > 2 and not matches(parts[2], service):  # noqa: PLR2004
        return False
    rest = parts[-1]
    if not rest.strip("*?/"):
        return is_wild(rest)
    if service == "s3":
        return _is_any(rest.partition("/")[0])
    # Topics and queues have names alone: there, a beginning names some.
    name = rest.replace(":", "/", 1).partition("/")[2].removesuffix(":log-stream:*")
    return _is_any(name) if name else is_wild(rest) and rest.strip("*?") in _KINDS


def _is_any(name: str) -> bool:
    return is_wild(name) and not name.strip("*?/:")
