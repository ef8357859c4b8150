"""Names that something outside relies on: within their limits, and never the same for two things."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from settings.naming import CONTRACTS, STACK_NAME, physical_name

STACKS = st.from_regex(STACK_NAME, fullmatch=True)
# Few letters, so that names which could be confused turn up often.
CONFUSABLE_STACKS = st.from_regex(r"[ab][ab1]{1,3}", fullmatch=True)
CONFUSABLE_ROLES = st.from_regex(r"[ab1]{1,2}(-[ab1]{1,2}){0,2}", fullmatch=True)
# From one letter to more than any limit.
ROLES = st.lists(st.text("abc019", min_size=1, max_size=120), min_size=1, max_size=6).map("-".join)

NAMES = {
    "cluster": ("", "ai-prism-dev"),
    "cluster-logs": ("", "/aws/eks/ai-prism-dev/cluster"),
    "database": ("", "ai-prism-dev"),
    "database-logs": ("", "/aws/rds/cluster/ai-prism-dev/postgresql"),
    "database-restored": ("g2", "ai-prism-dev-g2"),
    "database-logs-restored": ("g2", "/aws/rds/cluster/ai-prism-dev-g2/postgresql"),
    "database-snapshot": ("database", "ai-prism-dev-final-database"),
    "firewall-logs": ("", "aws-waf-logs-ai-prism-dev"),
    "search": ("", "ai-prism-dev"),
    "search-logs": ("", "ai-prism-dev-search"),
    "repository": ("api", "ai-prism-dev/api"),
    "image-cache": ("quay", "ai-prism-dev/quay"),
    "cache-user": ("app", "ai-prism-dev-app"),
    "cache-users": ("", "ai-prism-dev"),
    "delivery-role": ("deploy", "ai-prism-dev-deploy"),
    "secret": ("database", "ai-prism/dev/database"),
    "dashboard": ("", "ai-prism-dev"),
}

NEIGHBOURS = [
    (one, other)
    for one, other in itertools.combinations(CONTRACTS, 2)
    if (CONTRACTS[one].type, CONTRACTS[one].property) == (CONTRACTS[other].type, CONTRACTS[other].property)
]
"""Contracts whose names lie in one namespace."""


def has_role(contract):
    return "{role}" in CONTRACTS[contract].shape


def test_every_contract_has_an_expected_name():
    assert set(NAMES) == set(CONTRACTS)


@pytest.mark.parametrize("contract", NAMES)
def test_a_name_is_the_one_that_the_outside_relies_on(contract):
    role, name = NAMES[contract]
    assert physical_name(contract, "dev", role) == name


@pytest.mark.parametrize("contract", CONTRACTS)
@given(stack=STACKS, role=ROLES)
@settings(max_examples=50)
def test_a_name_is_whole_and_within_its_limit_or_refused(contract, stack, role):
    role = role if has_role(contract) else ""
    terms = CONTRACTS[contract]
    whole = terms.shape.format(stem=f"ai-prism-{stack}", stack=stack, role=role)
    if len(whole) <= terms.limit:
        assert physical_name(contract, stack, role) == whole
    else:
        with pytest.raises(ValueError, match="characters") as refused:
            physical_name(contract, stack, role)
        assert str(refused.value) == (
            f"the name of {contract!r} takes {terms.limit} characters, {whole!r} has {len(whole)}"
        )


def test_a_name_may_fill_its_limit_but_not_exceed_it_by_one():
    room = 40 - len("ai-prism-dev-")
    assert len(physical_name("cache-user", "dev", "x" * room)) == 40
    with pytest.raises(ValueError, match=r"the name of 'cache-user' takes 40 characters, '.*' has 41"):
        physical_name("cache-user", "dev", "x" * (room + 1))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_longest_stack_name_leaves_room_for_a_role_of_ten_letters(contract):
    # Words for registries are chosen to fit; tests/components/test_image_cache.py tries each.
    longest = 4 if contract == "image-cache" else 10
    assert physical_name(contract, "s" * 16, "r" * longest if has_role(contract) else "")


@pytest.mark.parametrize("contract", CONTRACTS)
@given(
    one=st.tuples(CONFUSABLE_STACKS, CONFUSABLE_ROLES),
    other=st.tuples(CONFUSABLE_STACKS, CONFUSABLE_ROLES),
)
@settings(max_examples=50)
def test_two_stacks_or_roles_never_get_the_same_name(contract, one, other):
    if not has_role(contract):
        one, other = (one[0], ""), (other[0], "")
    assume(one != other)
    assert physical_name(contract, *one) != physical_name(contract, *other)


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS, ids=str)
@given(first=st.tuples(CONFUSABLE_STACKS, CONFUSABLE_ROLES), second=st.tuples(CONFUSABLE_STACKS, CONFUSABLE_ROLES))
@settings(max_examples=20)
def test_two_contracts_for_one_property_of_one_type_never_get_the_same_name(one, other, first, second):
    names = [
        physical_name(contract, stack, role if has_role(contract) else "")
        for contract, (stack, role) in ((one, first), (other, second))
    ]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    "stack", ["", "d", "Dev", "dev-1", "1dev", "dév", "dev\n", "dev_1", "dev dev", "a" * 17, "../dev", "٣dev"]
)
def test_a_stack_name_that_could_be_misread_is_refused(stack):
    with pytest.raises(ValueError, match="stack") as refused:
        physical_name("cluster", stack)
    assert (
        str(refused.value)
        == f"a stack's name is 2 to 16 lower-case letters and digits, the first a letter, got {stack!r}"
    )


@pytest.mark.parametrize("contract", CONTRACTS)
@given(stack=st.text(max_size=20))
@settings(max_examples=30)
def test_no_contract_takes_a_stack_name_with_other_characters(contract, stack):
    assume(not (stack.isascii() and stack.isalnum() and stack.islower()))
    with pytest.raises(ValueError, match="a stack's name is"):
        physical_name(contract, stack, "role" if has_role(contract) else "")


CONTRACTS_WITH_A_ROLE = [contract for contract in CONTRACTS if has_role(contract)]


def misread(contract, role):
    with pytest.raises(ValueError, match="role") as refused:
        physical_name(contract, "dev", role)
    return str(refused.value)


@pytest.mark.parametrize("contract", CONTRACTS_WITH_A_ROLE)
@pytest.mark.parametrize(
    "role", ["-", "-a", "a-", "a--b", "-a-", "A", "a_b", "a b", " a", "a/b", "../a", "a\n", "a.b", "é", "٣", "{stem}"]
)
def test_a_role_that_could_be_misread_is_refused(contract, role):
    assert misread(contract, role) == f"a role is lower-case words joined by hyphens, got {role!r}"


@pytest.mark.parametrize("contract", CONTRACTS_WITH_A_ROLE)
@given(before=st.text("ab1-", max_size=5), wrong=st.characters(), after=st.text("ab1-", max_size=5))
@settings(max_examples=50)
def test_no_contract_takes_a_role_with_other_characters(contract, before, wrong, after):
    assume(wrong not in "abcdefghijklmnopqrstuvwxyz0123456789-")
    role = f"{before}{wrong}{after}"
    assert misread(contract, role) == f"a role is lower-case words joined by hyphens, got {role!r}"


@pytest.mark.parametrize("contract", CONTRACTS_WITH_A_ROLE)
@given(words=st.lists(st.text("ab1", max_size=2), min_size=2, max_size=4))
@settings(max_examples=50)
def test_no_contract_takes_a_role_with_an_empty_word(contract, words):
    assume("" in words)
    role = "-".join(words)
    assert misread(contract, role) == f"a role is lower-case words joined by hyphens, got {role!r}"


def test_a_missing_role_is_refused():
    with pytest.raises(ValueError, match="role") as refused:
        physical_name("repository", "dev")
    assert str(refused.value) == "the name of 'repository' is '{stem}/{role}', got the role ''"


def test_a_role_where_none_belongs_is_refused():
    with pytest.raises(ValueError, match="role") as refused:
        physical_name("cluster", "dev", "blue")
    assert str(refused.value) == "the name of 'cluster' is '{stem}', got the role 'blue'"
