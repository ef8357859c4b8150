"""The evaluator decides as IAM's documentation says."""

import fnmatch
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.iam.evaluator import Caller, Statement, applies, decide

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/platform/deploy"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
BUCKET = "arn:aws:s3:::files"


def allow(*actions: str, **more: object) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": "*", **more}


def deny(*actions: str, **more: object) -> Statement:
    return {**allow(*actions), "Effect": "Deny", **more}


def caller(*identity: Statement, boundary: list[Statement] | None = None) -> Caller:
    return Caller(arn=ROLE, identity=identity, boundary=boundary)


def to(principal: object, statement: Statement) -> list[Statement]:
    return [{**statement, "Principal": principal}]


# Who asks, what the resource's policy says, and how AWS ends its refusal; None where it allows.
LOGIC = {
    "nothing allows": (caller(), None, "because no identity-based policy allows the s3:GetObject action"),
    "identity allows": (caller(allow("s3:Get*")), None, None),
    "identity allows and denies": (
        caller(allow("s3:*"), deny("s3:GetObject")),
        None,
        "with an explicit deny in an identity-based policy",
    ),
    "identity allows what the boundary does not": (
        caller(allow("s3:*"), boundary=[allow("ec2:*")]),
        None,
        "because no permissions boundary allows the s3:GetObject action",
    ),
    "the boundary alone allows": (
        caller(boundary=[allow("s3:*")]),
        None,
        "because no identity-based policy allows the s3:GetObject action",
    ),
    "the boundary denies": (
        caller(allow("s3:*"), boundary=[allow("s3:*"), deny("s3:Get*")]),
        None,
        "with an explicit deny in a permissions boundary",
    ),
    "the resource names the role": (caller(), to({"AWS": ROLE}, allow("s3:*")), None),
    "the resource names the role beyond its boundary": (
        caller(boundary=[allow("ec2:*")]),
        to({"AWS": ROLE}, allow("s3:*")),
        "because no permissions boundary allows the s3:GetObject action",
    ),
    "the resource names another role": (
        caller(),
        to({"AWS": f"{ROLE}-2"}, allow("s3:*")),
        "because no identity-based policy allows the s3:GetObject action",
    ),
    "the resource names the account, which is left to identities": (
        caller(),
        to({"AWS": ROOT}, allow("s3:*")),
        "because no identity-based policy allows the s3:GetObject action",
    ),
    "the resource denies everybody": (
        caller(allow("s3:*")),
        to("*", deny("s3:*")),
        "with an explicit deny in a resource-based policy",
    ),
    "the resource denies the account": (
        caller(allow("s3:*")),
        to({"AWS": [ROOT]}, deny("s3:*")),
        "with an explicit deny in a resource-based policy",
    ),
}


@pytest.mark.parametrize("case", LOGIC)
def test_a_request_is_decided_as_documented(case: str) -> None:
    who, policy, refused = LOGIC[case]
    decision = decide(who, "s3:GetObject", f"{BUCKET}/a", policy=policy)
    assert bool(decision) is (refused is None)
    if refused:
        words = f"User: {ROLE} is not authorized to perform: s3:GetObject on resource: {BUCKET}/a {refused}"
        assert decision.reason == words


@pytest.mark.parametrize(
    ("identity", "key_policy", "allowed"),
    [
        ([allow("kms:*")], to({"AWS": ROOT}, allow("kms:*")), True),
        ([allow("kms:*")], to({"AWS": ROLE}, allow("kms:Decrypt")), True),
        ([], to({"AWS": ROLE}, allow("kms:Decrypt")), True),
        ([], to({"AWS": ROOT}, allow("kms:*")), False),
        ([allow("kms:*")], to({"AWS": f"{ROLE}-2"}, allow("kms:*")), False),
        ([allow("kms:*")], [], False),
    ],
)
def test_a_key_asks_its_own_policy_in_any_case(
    identity: list[Statement], key_policy: list[Statement], *, allowed: bool
) -> None:
    assert bool(decide(caller(*identity), "kms:Decrypt", "arn:aws:kms:::key/1", policy=key_policy)) is allowed


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"a:b": ["x", "y"]}}, {"A:B": "y"}, True),
        ({"StringEquals": {"a:b": "x"}}, {"a:b": "X"}, False),
        ({"StringEquals": {"a:b": "x"}}, {}, False),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {}, True),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {"a:b": "y"}, False),
        ({"StringEqualsIgnoreCase": {"a:b": "x"}}, {"a:b": "X"}, True),
        ({"StringNotEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, False),
        ({"StringNotEquals": {"a:b": "x"}}, {}, True),
        ({"StringLike": {"a:b": "x*z"}}, {"a:b": "xyz"}, True),
        ({"StringNotLike": {"a:b": "x*"}}, {"a:b": "xyz"}, False),
        ({"ArnLike": {"a:b": "arn:aws:iam::1:role/a/*"}}, {"a:b": "arn:aws:iam::1:role/a/b"}, True),
        ({"ArnLike": {"a:b": "arn:aws:iam::*"}}, {"a:b": "arn:aws:iam::1:role/a"}, False),
        ({"ArnEquals": {"a:b": "arn:aws:iam::1:*"}}, {"a:b": "arn:aws:iam::2:role/a"}, False),
        ({"ArnNotLike": {"a:b": "arn:aws:iam::1:role/a"}}, {"a:b": "arn:aws:iam::1:role/b"}, True),
        ({"Bool": {"a:b": "true"}}, {"a:b": "True"}, True),
        ({"Bool": {"a:b": "true"}}, {}, False),
        ({"BoolIfExists": {"a:b": "true"}}, {}, True),
        ({"Null": {"a:b": "true"}}, {}, True),
        ({"Null": {"a:b": "false"}}, {}, False),
        ({"NumericLessThan": {"a:b": "7"}}, {"a:b": "6"}, True),
        ({"NumericLessThan": {"a:b": "7"}}, {}, False),
        ({"ForAnyValue:StringEquals": {"a:b": ["x"]}}, {"a:b": ["x", "y"]}, True),
        ({"ForAnyValue:StringEquals": {"a:b": ["x"]}}, {}, False),
        ({"ForAllValues:StringEquals": {"a:b": ["x"]}}, {"a:b": ["x", "y"]}, False),
        ({"ForAllValues:StringEquals": {"a:b": ["x"]}}, {}, True),
        ({"StringEquals": {"a:b": "x", "a:c": "y"}}, {"a:b": "x"}, False),
        ({"StringEquals": {"a:b": "x"}, "Bool": {"a:c": "true"}}, {"a:b": "x", "a:c": "true"}, True),
    ],
    ids=str,
)
def test_conditions_hold_as_documented(condition: object, context: dict[str, str], *, holds: bool) -> None:
    assert applies(allow("s3:Get", Condition=condition), "s3:Get", BUCKET, context) is holds


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        allow("s3:*", Condition={"ForNoValue:StringEquals": {"a:b": "x"}}),
        allow("s3:*", Condition={"StringEquals": {"a:b": "${aws:username}"}}),
        allow("s3:*", Resource="arn:aws:s3:::${aws:username}"),
    ],
)
def test_what_the_evaluator_does_not_know_is_an_error_and_never_a_guess(statement: Statement) -> None:
    with pytest.raises(ValueError, match="not known here"):
        decide(caller(statement), "s3:GetObject", context={"a:b": "x"})


@pytest.mark.parametrize(
    ("statement", "about"),
    [
        (allow("S3:getobject"), True),
        (allow("s3:Get?bject"), True),
        (allow("s3:Get"), False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "s3:*", "NotResource": f"{BUCKET}/*"}, False),
        (allow("s3:*", Resource="arn:aws:s3:::FILES/*"), False),
    ],
    ids=str,
)
def test_actions_have_no_case_and_resources_have(statement: Statement, *, about: bool) -> None:
    assert applies(statement, "s3:GetObject", f"{BUCKET}/a", {}) is about


LETTERS = st.text(string.ascii_lowercase + "*?/", max_size=6)


@given(LETTERS, st.text(string.ascii_lowercase + "/", max_size=6))
def test_wildcards_mean_what_they_do_in_a_shell(pattern: str, text: str) -> None:
    statement = allow("s3:*", Resource=pattern)
    assert applies(statement, "s3:Get", text, {}) is fnmatch.fnmatchcase(text, pattern)


EFFECTS = st.lists(st.sampled_from([allow("s3:*"), deny("s3:*"), allow("ec2:*")]), max_size=3)


@given(EFFECTS, EFFECTS, EFFECTS)
def test_a_boundary_takes_rights_away_and_never_gives_any(
    identity: list[Statement], boundary: list[Statement], resource: list[Statement]
) -> None:
    policy = [statement for each in resource for statement in to({"AWS": ROLE}, each)]
    bound = Caller(arn=ROLE, identity=identity, boundary=boundary)
    free = Caller(arn=ROLE, identity=identity)
    if decide(bound, "s3:GetObject", policy=policy):
        assert decide(free, "s3:GetObject", policy=policy)
        assert deny("s3:*") not in [*identity, *boundary, *resource]
