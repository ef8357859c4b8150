"""How a plan is read."""

import pytest
from engine.plan import STATEFUL, operations, type_of, types, urns
from support import recorded

ROLE = "urn:pulumi:dev::ai-prism::ai-prism:aws:Roles$aws:iam/role:Role::node"
KEY = "urn:pulumi:dev::ai-prism::aws:kms/key:Key::main"
STACK = "urn:pulumi:dev::ai-prism::pulumi:pulumi:Stack::ai-prism-dev"

PROTECTED_BUT_MADE_AGAIN = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "holds nothing, but pipelines deliver through it",
    "aws:lb/loadBalancer:LoadBalancer": "holds nothing, but everybody comes in through it",
}
"""Types that are protected in production although nothing is lost with them for good, with the reason."""


def plan(*steps: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"steps": [{"urn": urn, "op": kind} for urn, kind in steps]}


def test_a_replacement_is_all_of_its_steps():
    steps = [(ROLE, "create-replacement"), (ROLE, "replace"), (ROLE, "delete-replaced"), (KEY, "update")]

    assert operations(plan(*steps)) == {ROLE: {"create-replacement", "replace", "delete-replaced"}, KEY: {"update"}}


@pytest.mark.parametrize("kind", ["same", "refresh", "read"])
def test_what_stays_as_it_is_is_left_out(kind):
    assert operations(plan((STACK, kind), (KEY, "create"))) == {KEY: {"create"}}
    assert urns(plan((STACK, kind)), kind) == set()


@pytest.mark.parametrize(
    "kind", ["create", "update", "delete", "replace", "discard", "import", "remove-pending-replace"]
)
def test_whatever_else_is_done_is_told(kind):
    assert operations(plan((KEY, kind))) == {KEY: {kind}}


def test_urns_are_those_on_which_any_of_the_operations_would_be_done():
    found = plan((ROLE, "replace"), (ROLE, "delete-replaced"), (KEY, "update"), (STACK, "same"))

    assert urns(found, "replace") == urns(found, "delete-replaced", "create") == {ROLE}
    assert urns(found, "update", "replace") == {ROLE, KEY}
    assert urns(found, "delete") == urns(found) == set()


def test_a_type_is_the_last_of_those_in_the_urn():
    assert type_of(ROLE) == "aws:iam/role:Role"
    assert types({ROLE, KEY, STACK}) == {"aws:iam/role:Role", "aws:kms/key:Key", "pulumi:pulumi:Stack"}


def test_a_name_may_look_like_a_part_of_a_urn():
    assert type_of("urn:pulumi:dev::ai-prism::a$aws:kms/key:Key::one::two$three") == "aws:kms/key:Key"


def test_what_is_protected_in_production_is_stateful_or_has_a_reason_not_to_be():
    protected = {resource.type for resource in recorded("prod", known=True).resources if resource.protect}

    assert protected - STATEFUL == PROTECTED_BUT_MADE_AGAIN.keys()
    assert not STATEFUL - protected
