"""What is found in whatever component a test builds alone."""

import json
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from alone import build


class Owner(pulumi.ComponentResource):
    """Stands for a component of the program."""

    def __init__(self, opts: pulumi.ResourceOptions) -> None:
        super().__init__("ai-prism:aws:Owner", "owner", None, opts)


def rule(**changes: Any) -> None:
    """Build a rule of a security group."""
    sound: dict[str, Any] = {
        "security_group_id": "sg-1",
        "ip_protocol": "tcp",
        "from_port": 443,
        "to_port": 443,
        "cidr_ipv4": "10.0.0.0/16",
        "description": "from the VPC",
    }

    def make(opts: pulumi.ResourceOptions) -> None:
        child = pulumi.ResourceOptions(parent=Owner(opts))
        aws.vpc.SecurityGroupIngressRule("rule", **{**sound, **changes}, opts=child)

    build(make)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"to_port": 444}, "more than one port"),
        ({"from_port": None, "to_port": None}, "no port"),
        ({"ip_protocol": "-1"}, "more than one port"),
        ({"cidr_ipv4": None}, "names 0 peers"),
        ({"referenced_security_group_id": "sg-2"}, "names 2 peers"),
        ({"description": None}, "does not say whom it lets in"),
    ],
)
def test_a_rule_of_a_security_group_opens_one_port_for_one_peer(changes: dict[str, Any], fault: str) -> None:
    rule()
    with pytest.raises(AssertionError, match=f"rule: .*{fault}"):
        rule(**changes)


SOUND = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*", "Principal": {"Service": "events.amazonaws.com"}}


def topic_policy(*statements: dict[str, Any], **changes: Any) -> None:
    """Build the policy of a topic."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements, **changes})

    def make(opts: pulumi.ResourceOptions) -> None:
        child = pulumi.ResourceOptions(parent=Owner(opts))
        aws.sns.TopicPolicy("topic", arn="arn:aws:sns:us-east-1:123456789012:topic", policy=text, opts=child)

    build(make)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in SOUND.items() if name != key}


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (without("Action"), "no action"),
        (SOUND | {"Action": []}, "no action"),
        (without("Resource"), "none where it grants"),
        (without("Principal"), "somebody has to be named"),
        (without("Effect"), "neither allows nor denies"),
        (SOUND | {"Condition": {}}, "always holds"),
    ],
)
def test_a_statement_says_who_may_do_what_to_what(statement: dict[str, Any], fault: str) -> None:
    topic_policy(SOUND)
    with pytest.raises(AssertionError, match=f"topic: policy: .*{fault}"):
        topic_policy(SOUND, statement)


def test_a_policy_has_statements_in_the_language_of_today() -> None:
    with pytest.raises(AssertionError, match="topic: policy is of another version"):
        topic_policy(SOUND, Version="2008-10-17")
    with pytest.raises(AssertionError, match="topic: policy has no statement"):
        topic_policy()


def test_the_grants_of_a_role_name_no_principal_and_its_trust_no_resource() -> None:
    def role(trust: dict[str, Any], grant: dict[str, Any]) -> None:
        texts = [json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, grant)]

        def make(opts: pulumi.ResourceOptions) -> None:
            child = pulumi.ResourceOptions(parent=Owner(opts))
            aws.iam.Role("role", assume_role_policy=texts[0], opts=child)
            aws.iam.RolePolicy("grants", role="role", policy=texts[1], opts=child)

        build(make)

    role(without("Resource"), without("Principal"))
    with pytest.raises(AssertionError, match=r"role: assumeRolePolicy: .*where it trusts"):
        role(SOUND, without("Principal"))
    with pytest.raises(AssertionError, match=r"grants: policy: .*where its identity is the principal"):
        role(without("Resource"), SOUND)


def test_a_resource_is_made_through_the_providers_of_its_component() -> None:
    def make(opts: pulumi.ResourceOptions) -> None:
        Owner(opts)
        aws.sns.Topic("topic")

    with pytest.raises(AssertionError, match="topic: has no explicit provider"):
        build(make)
