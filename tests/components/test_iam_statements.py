"""Policies as plain data: who may do what, and on whose behalf."""

import asyncio
import json

import pulumi
import pytest

from components.iam_statements import (
    allow,
    document,
    trust_github,
    trust_instances,
    trust_pods,
    trust_role,
    trust_service,
)
from fakes.iam.evaluator import listed
from fakes.iam.roles import statements

ACCOUNT = "111122223333"
CLUSTER = f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/ai-prism-dev"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
TRUSTS = {
    "a service": trust_service("rds.amazonaws.com", ACCOUNT),
    "instances": trust_instances(),
    "pods": trust_pods(CLUSTER, ACCOUNT),
    "a role": trust_role(f"arn:aws:iam::{ACCOUNT}:role/one"),
    "workflows": trust_github(PROVIDER, "company/repository", "environment:dev"),
}


def text_of(*statements):
    """Return the text that a policy made of `statements` resolves to."""

    async def resolve(output):
        return await output.future()

    async def make():
        return await resolve(document(*statements))

    return json.loads(asyncio.run(make()))


def test_a_document_has_the_current_version_and_its_statements_in_order():
    one, other = allow(["s3:GetObject"], ["arn:aws:s3:::one/*"]), allow(["s3:ListBucket"], ["arn:aws:s3:::one"])
    assert text_of(one, other) == {"Version": "2012-10-17", "Statement": [one, other]}


def test_a_document_waits_for_values_that_are_outputs():
    async def make():
        statement = allow(["s3:GetObject"], [pulumi.Output.concat("arn:aws:s3:::", pulumi.Output.from_input("one"))])
        return await document(statement).future()

    assert json.loads(asyncio.run(make()))["Statement"][0]["Resource"] == ["arn:aws:s3:::one"]


def test_a_statement_names_its_actions_and_resources_and_no_condition_of_its_own():
    assert allow(("s3:GetObject", "s3:PutObject"), ("arn:aws:s3:::one/*",)) == {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::one/*"],
    }


def test_a_statement_keeps_the_condition_it_is_given():
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert allow(["kms:Decrypt"], ["*"], condition)["Condition"] == condition


def test_a_service_may_act_for_this_account_only():
    assert TRUSTS["a service"] == {
        "Effect": "Allow",
        "Principal": {"Service": "rds.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def test_pods_may_act_for_one_cluster_of_this_account_only():
    assert TRUSTS["pods"] == {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnEquals": {"aws:SourceArn": CLUSTER}},
    }


def test_instances_need_no_condition_because_ec2_sends_no_source_account():
    assert TRUSTS["instances"] == {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }


@pytest.mark.parametrize("subject", ["environment:dev", "pull_request", "ref:refs/heads/main"])
def test_workflows_are_known_by_audience_and_by_their_whole_subject(subject):
    assert trust_github(PROVIDER, "company/repository", subject) == {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": f"repo:company/repository:{subject}",
            }
        },
    }


def test_workflows_of_a_repository_with_ids_are_known_by_the_ids_and_no_longer_by_names_that_others_can_take():
    trust = trust_github(PROVIDER, "company@123456/repository@456789", "environment:dev")
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == (
        "repo:company@123456/repository@456789:environment:dev"
    )


@pytest.mark.parametrize("trust", TRUSTS)
def test_no_trust_compares_by_pattern_or_names_everybody(trust):
    text = json.dumps(TRUSTS[trust])
    assert "Like" not in text
    assert "*" not in text


def test_a_role_of_pods_may_become_another_with_the_tags_of_its_session():
    assert TRUSTS["a role"] == {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/one"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }


IDENTITY = ("aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy")


def _documents(graph):
    """Yield each policy of a program, with the elements that AWS wants in it beside an effect and actions."""
    for each in graph.resources:
        if "assumeRolePolicy" in each:
            yield each, each["assumeRolePolicy"], {"Principal"}
        elif isinstance(each.get("policy"), str) and '"Statement"' in each["policy"]:
            yield each, each["policy"], {"Resource"} if each.type in IDENTITY else {"Resource", "Principal"}


def test_every_policy_is_one_that_aws_takes(known):
    """Without an action or a resource it answers MalformedPolicyDocument, and the update stops.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    found = [*_documents(known)]
    assert len({each.type for each, _, _ in found}) > 5
    for resource, text, elements in found:
        assert json.loads(text)["Version"] == "2012-10-17", resource.name
        names = [statement["Sid"] for statement in statements(text) if "Sid" in statement]
        assert len({*names}) == len(names), resource.name
        for statement in statements(text):
            assert statement["Effect"] in ("Allow", "Deny"), resource.name
            said = {key.removeprefix("Not") for key in statement} - {"Effect", "Sid", "Condition"}
            assert said == {"Action", *elements}, (resource.name, statement)
            assert not [key for key in statement if f"Not{key}" in statement], resource.name
            assert all(listed(statement[key]) for key in statement), (resource.name, statement)
