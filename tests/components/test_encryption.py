"""Keys: each domain's own, for those who need it, and not lost by mistake."""

import functools

import pytest
from alone import CONTEXT, build
from grants import lets, principals

from components.encryption import Encryption, EncryptionArgs
from fakes.iam.evaluator import Caller, decide
from fakes.iam.roles import statements
from recording.graph import Graph, Resource

DOMAINS = ("cluster", "data", "logs")
OTHER_ACCOUNT = "999999999999"
AUTO_SCALING = CONTEXT.iam_arn("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")
USES = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
"""What AWS's documentation has Auto Scaling and CloudWatch Logs do with a key; see the sources in the component."""


@functools.cache
def encryption(*, protect: bool = True) -> Graph:
    return build(lambda opts: Encryption("encryption", EncryptionArgs(context=CONTEXT, protect=protect), opts))


def key(domain: str, *, protect: bool = True) -> Resource:
    return encryption(protect=protect).named("aws:kms/key:Key", f"encryption-{domain}")


def may(who: Caller, domain: str, action: str, **context: str) -> bool:
    keys = {name.replace("__", ":", 1): value for name, value in context.items()}
    made = key(domain)
    return bool(decide(who, action, made.outputs["arn"], policy=statements(made["policy"]), context=keys))


def role(arn: str, *actions: str) -> Caller:
    return Caller(arn=arn, identity=[{"Effect": "Allow", "Action": list(actions), "Resource": "*"}] if actions else [])


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_key_is_renewed_each_year_and_a_deletion_can_be_cancelled_for_as_long_as_aws_allows(domain: str) -> None:
    # 7 to 30 days: https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
    assert (key(domain)["enableKeyRotation"], key(domain)["deletionWindowInDays"]) == (True, 30)


@pytest.mark.parametrize("protect", [True, False])
def test_a_key_is_deleted_by_an_update_only_where_the_stack_may_be_lost(protect: bool) -> None:
    assert {domain: key(domain, protect=protect).protect for domain in DOMAINS} == dict.fromkeys(DOMAINS, protect)


def test_backups_that_outlive_the_stack_can_still_be_opened_and_nothing_else_is_left_behind() -> None:
    assert {domain: key(domain).retain_on_delete for domain in DOMAINS} == {
        "cluster": False,
        "data": True,
        "logs": False,
    }


def test_people_find_a_key_by_its_stack_and_domain() -> None:
    assert {key(domain)["description"] for domain in DOMAINS} == {f"AI-Prism test: {domain}" for domain in DOMAINS}
    assert encryption().of_type("ai-prism:aws:Encryption")[0].outputs == {
        domain: key(domain).outputs["arn"] for domain in DOMAINS
    }


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_administrator_of_the_account_can_manage_a_key_and_nobody_of_another_account_can(domain: str) -> None:
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Decrypt"):
        assert may(role(CONTEXT.iam_arn("role/administrator"), "kms:*"), domain, action)
        assert not may(role(CONTEXT.iam_arn("role/without-rights")), domain, action)
        assert not may(role(f"arn:aws:iam::{OTHER_ACCOUNT}:role/administrator", "kms:*"), domain, action)


def test_auto_scaling_starts_nodes_with_encrypted_volumes() -> None:
    """Else an instance is terminated as it starts: Client.InternalError, "Client error on launch"."""
    own = {"kms__CallerAccount": CONTEXT.account_id}
    for action in USES:
        assert may(role(AUTO_SCALING), "cluster", action, **own), action
    assert may(role(AUTO_SCALING), "cluster", "kms:CreateGrant", **own, kms__GrantIsForAWSResource="true")


def test_auto_scalings_rights_are_nobody_elses_and_open_no_other_key() -> None:
    own = {"kms__CallerAccount": CONTEXT.account_id, "kms__GrantIsForAWSResource": "true"}
    others = (
        f"arn:aws:iam::{OTHER_ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    )
    for action in (*USES, "kms:CreateGrant"):
        assert not may(role(CONTEXT.iam_arn("role/somebody")), "cluster", action, **own), action
        assert not may(role(others), "cluster", action, kms__CallerAccount=OTHER_ACCOUNT), action
        assert not may(role(AUTO_SCALING), "cluster", action, **{**own, "kms__CallerAccount": OTHER_ACCOUNT}), action
        for domain in ("data", "logs"):
            assert not may(role(AUTO_SCALING), domain, action, **own), action
    # A grant to whoever it likes would open the key.
    assert not may(role(AUTO_SCALING), "cluster", "kms:CreateGrant", kms__CallerAccount=CONTEXT.account_id)
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey"):
        assert not may(role(AUTO_SCALING), "cluster", action, **own), action


LOG_GROUP = CONTEXT.arn("logs", "log-group:/any/group")


def test_cloudwatch_encrypts_the_log_groups_of_this_account_and_region() -> None:
    """Else a log group cannot be made, and what is written to it is lost."""
    for action in USES:
        mine = {"kms__EncryptionContext:aws:logs:arn": LOG_GROUP}
        assert lets(key("logs")["policy"], "Service", "logs.us-east-1.amazonaws.com", action, **mine), action


def test_the_logs_key_serves_no_log_group_of_another_account_or_region() -> None:
    policy = key("logs")["policy"]
    foreign = LOG_GROUP.replace(CONTEXT.account_id, OTHER_ACCOUNT), LOG_GROUP.replace("us-east-1", "eu-west-1")
    for group in (*foreign, CONTEXT.arn("logs", "destination:any")):
        mine = {"kms__EncryptionContext:aws:logs:arn": group}
        assert not lets(policy, "Service", "logs.us-east-1.amazonaws.com", "kms:Decrypt", **mine), group
    assert not lets(policy, "Service", "logs.us-east-1.amazonaws.com", "kms:Decrypt")
    mine = {"kms__EncryptionContext:aws:logs:arn": LOG_GROUP}
    assert not lets(policy, "Service", "logs.us-east-1.amazonaws.com", "kms:CreateGrant", **mine)


@pytest.mark.parametrize("service", ["cloudwatch.amazonaws.com", "events.amazonaws.com"])
def test_alarms_and_events_reach_people_over_the_encrypted_topic(service: str) -> None:
    """Neither sends an account that the key could ask for: with such a condition, notifications are lost."""
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"):
        assert lets(key("logs")["policy"], "Service", service, action), action
    for action in ("kms:Encrypt", "kms:CreateGrant", "kms:PutKeyPolicy"):
        assert not lets(key("logs")["policy"], "Service", service, action), action


def test_budgets_of_this_account_alone_reach_people_over_the_encrypted_topic() -> None:
    for account, allowed in ((CONTEXT.account_id, True), (OTHER_ACCOUNT, False)):
        for action in ("kms:Decrypt", "kms:GenerateDataKey"):
            policy = key("logs")["policy"]
            assert lets(policy, "Service", "budgets.amazonaws.com", action, aws__SourceAccount=account) is allowed


def test_no_service_uses_a_key_by_itself_but_those_that_encrypt_logs_and_notifications() -> None:
    """Databases, buckets and caches use the data key on behalf of who asks them, or by a grant."""
    assert {domain: principals(key(domain)["policy"], "Service") for domain in DOMAINS} == {
        "cluster": set(),
        "data": set(),
        "logs": {
            "logs.us-east-1.amazonaws.com",
            "cloudwatch.amazonaws.com",
            "events.amazonaws.com",
            "budgets.amazonaws.com",
        },
    }
