"""Whom a policy lets in, against what IAM's documentation says of thousands of policies."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers import OWN, gets_in

from policy.access import strangers
from policy.documents import statements
from policy.properties import Properties, Undetermined

ROLE = f"arn:aws:iam::{OWN}:role/app"
TEXT = ("StringEquals", "StringLike", "StringNotEquals", "StringNotLike")
ARN = (*TEXT, "ArnLike", "ArnEquals", "ArnNotLike")
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "aws:PrincipalAccount": (TEXT, (OWN, "1*", "9*", "*", "12345678901?", "1234*12")),
    "aws:PrincipalArn": (
        ARN,
        (ROLE, f"arn:aws:iam::{OWN}:*", "arn:aws:iam::*:role/app", "arn:aws:iam::1*:role/*", "*", "*:role/app"),
    ),
    "aws:PrincipalOrgID": (TEXT, ("o-0123456789", "o-*", "*")),
    "aws:PrincipalOrgPaths": (TEXT, ("o-0123456789/*", "o-0123456789/r-ab12/ou-ab12-1/", "*", "o-*/r-ab12/*")),
    "aws:SourceVpce": (TEXT, ("vpce-1", "vpce-*", "*")),
    "aws:SourceVpc": (TEXT, ("vpc-1", "vpc-*")),
    "aws:SourceIp": (
        ("IpAddress", "NotIpAddress"),
        ("198.51.100.0/24", "0.0.0.0/0", "0.0.0.0/1", "::/0", "10.0.0.0/8"),
    ),
    "aws:SecureTransport": (("Bool",), ("true", "false")),
    "aws:PrincipalIsAWSService": (("Bool",), ("true", "false")),
    "aws:Referer": (TEXT, ("https://example.com/", "https://*")),
}
WHO = ("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths")
FROM = ("aws:SourceVpce", "aws:SourceVpc", "aws:SourceIp")
"""Keys of one group depend on each other, and are not mixed: strangers of this test do not cover that."""


@st.composite
def condition(draw: st.DrawFn, key: str) -> tuple[str, str, Any]:
    operators, values = KEYS[key]
    if draw(st.integers(0, 6)) == 0:
        return "Null", key, draw(st.sampled_from(["true", "false"]))
    operator = draw(st.sampled_from(operators))
    if draw(st.integers(0, 3)) == 0 and key == "aws:PrincipalOrgPaths":
        operator = f"{draw(st.sampled_from(['ForAnyValue', 'ForAllValues']))}:{operator}"
    if draw(st.integers(0, 3)) == 0:
        operator += "IfExists"
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True))
    return operator, key, chosen[0] if len(chosen) == 1 else chosen


@st.composite
def policy(draw: st.DrawFn) -> list[dict[str, Any]]:
    keys = [draw(st.sampled_from(WHO)), draw(st.sampled_from(FROM)), "aws:SecureTransport", "aws:Referer"]
    keys += ["aws:PrincipalIsAWSService"]
    found = []
    for effect in ["Allow", *draw(st.lists(st.sampled_from(["Allow", "Deny"]), max_size=2))]:
        principals: list[dict[str, Any]] = [
            {"Principal": "*"},
            {"Principal": {"AWS": "*"}},
            {"Principal": {"AWS": [ROLE, "*"]}},
            {"Principal": {"AWS": ROLE}},
            {"NotPrincipal": {"AWS": ROLE}},
        ]
        conditions: dict[str, dict[str, Any]] = {}
        for key in draw(st.lists(st.sampled_from(keys), max_size=2, unique=True)):
            operator, key_, values = draw(condition(key))
            conditions.setdefault(operator, {})[key_] = values
        found.append(
            {
                "Effect": effect,
                **draw(st.sampled_from(principals)),
                "Action": "s3:GetObject" if effect == "Allow" else draw(st.sampled_from(["s3:*", "*", "s3:PutObject"])),
                "Resource": "arn:aws:s3:::documents/*"
                if effect == "Allow"
                else draw(st.sampled_from(["*", "arn:aws:s3:::documents/*", "arn:aws:s3:::documents/private/*"])),
                "Condition": conditions,
            }
        )
    return found


def found(document: list[dict[str, Any]]) -> list[Any]:
    return list(strangers(tuple(statements(Properties({"policy": {"Statement": document}}), "policy"))))


# The same policies in each run: what the evaluator may try is finite, and a new policy may need a request beyond it.
@settings(max_examples=600, deadline=None, derandomize=True)
@given(policy())
def test_a_policy_is_reported_exactly_if_a_stranger_gets_in(document: list[dict[str, Any]]) -> None:
    said = found(document)
    assert not any(isinstance(each, Undetermined) for each in said)
    assert bool(said) is gets_in(document)


def allow(**condition: Any) -> dict[str, Any]:
    operators = {operator.replace("__", ":"): keys for operator, keys in condition.items()}
    return {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", "Condition": operators}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalTag/team": "web"}},
        {"StringEquals": {"aws:ResourceAccount": OWN}},
        {"StringEquals": {"aws:ResourceOrgID": "o-0123456789"}},
        {"StringEquals": {"sts:ExternalId": "web"}},
        {"StringEquals": {"aws:PrincipalType": "AssumedRole"}},
        {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
        {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}},
        {"StringLike": {"aws:userid": "AROA*"}},
        {"ForAllValues__StringEquals": {"aws:PrincipalArn": ROLE}},
        {"Null": {"aws:PrincipalOrgID": "false"}},
        {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}},
    ],
    ids=str,
)
def test_what_a_stranger_can_have_keeps_none_out(condition: dict[str, Any]) -> None:
    assert found([allow(**condition)])


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}},
        {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}},
        {"StringEquals": {"aws:VpceAccount": OWN}},
        {"StringEquals": {"aws:VpceOrgID": "o-0123456789"}},
        {"StringLike": {"aws:userid": "AROAEXAMPLEEXAMPLE123:*"}},
        {"StringEquals": {"AWS:SOURCEACCOUNT": OWN}},
        {"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{OWN}:*"}},
        {"StringEquals": {"kms:CallerAccount": OWN}},
        {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
    ],
    ids=str,
)
def test_what_only_ones_own_have_keeps_strangers_out(condition: dict[str, Any]) -> None:
    assert not found([allow(**condition)])


def test_a_denial_to_all_but_ones_own_closes_what_is_allowed() -> None:
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-0123456789"}},
    }
    assert not found([allow(), denial])
    assert found([allow(), {**denial, "Action": "s3:PutObject"}])
    assert found([allow(), {**denial, "Resource": "arn:aws:s3:::documents/private/*"}])
