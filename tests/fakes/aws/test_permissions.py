"""Whoever calls is refused what the policies in the account do not allow, in AWS's words."""

import json

import pytest
from aws_calls import ACCOUNT_ID, delete, make, update

from fakes.aws.faults import Refusal
from fakes.aws.service import Aws

BUDGET, ROLE, POLICY = "aws:budgets/budget:Budget", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
VPC = "aws:ec2/vpc:Vpc"


@pytest.fixture
def assume(aws, account, tmp_path):
    """Return what makes a role with some actions, and AWS as it calls."""

    def make_role(*actions: str) -> Aws:
        _, role = make(aws, account, ROLE, "reader", name="reader", assumeRolePolicy="{}")
        document = json.dumps({"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})
        make(aws, account, POLICY, "reader-grants", role=role["name"], policy=document, name="grants")
        account.set("caller", role["arn"])
        return Aws(account, ACCOUNT_ID, "us-east-1", {}, tmp_path)

    return make_role


def test_what_a_role_may_do_is_done(assume, account):
    as_role = assume("ec2:*")

    id_, _ = make(as_role, account, VPC, cidrBlock="10.0.0.0/16")
    update(as_role, account, VPC, id_, cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
    assert as_role.read(VPC, id_)
    delete(as_role, account, VPC, id_)
    assert account.find(VPC, id_) is None


@pytest.mark.parametrize("verb", ["create", "read", "update", "delete"])
def test_what_a_role_may_not_do_is_refused_with_the_session_and_the_call(assume, account, aws, verb):
    id_, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16")
    as_role = assume("s3:*")
    acts = {
        "create": lambda: make(as_role, account, VPC, "other", cidrBlock="10.0.0.0/16"),
        "read": lambda: as_role.read(VPC, id_),
        "update": lambda: update(as_role, account, VPC, id_, cidrBlock="10.0.0.0/16", enableDnsHostnames=True),
        "delete": lambda: delete(as_role, account, VPC, id_),
    }
    before = account.resources()

    with pytest.raises(Refusal, match=r"assumed-role/reader/GitHubActions is not authorized to perform: ec2:\w+ bec"):
        acts[verb]()
    assert account.resources() == before


def test_a_change_of_tags_alone_takes_no_more_than_tagging(assume, account, aws):
    id_, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16")
    as_role = assume("ec2:CreateTags", "ec2:DeleteTags")

    update(as_role, account, VPC, id_, cidrBlock="10.0.0.0/16", tags={"a": "b"})
    with pytest.raises(Refusal, match="is not authorized to perform: ec2:"):
        update(as_role, account, VPC, id_, cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
