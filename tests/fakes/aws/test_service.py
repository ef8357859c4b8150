"""What AWS is asked to do on the fake account: what it makes, changes and deletes, and what it refuses."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from aws_calls import ACCOUNT_ID, delete, make, update, urn

from fakes.aws import service
from fakes.aws.account import Account
from fakes.aws.faults import Refusal
from fakes.aws.held import Held
from fakes.aws.service import Aws
from recording.durations import duration
from recording.graph import Secret

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
PLANE = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
BALANCER, LISTENER = "aws:lb/loadBalancer:LoadBalancer", "aws:lb/listener:Listener"
DATABASE = "aws:rds/cluster:Cluster"


class TestCreate:
    def test_a_resource_stands_with_what_aws_computed(self, aws, account):
        id_, outputs = make(aws, account, VPC, cidrBlock="10.0.0.0/16")

        (held,) = account.resources()
        assert (held.type, held.id, held.complete) == (VPC, id_, True)
        assert held.inputs == {"cidrBlock": "10.0.0.0/16"}
        assert held.outputs == outputs
        assert outputs["cidrBlock"] == "10.0.0.0/16"
        assert outputs["arn"] == f"arn:aws:ec2:us-east-1:{ACCOUNT_ID}:vpc/{id_}"
        assert aws.read(VPC, id_) == held

    def test_a_replacement_gets_another_id_although_it_has_the_same_urn(self, aws, account):
        first, second = make(aws, account, VPC), make(aws, account, VPC)

        assert first[0] != second[0]
        assert [held.urn for held in account.resources()] == [urn(VPC)] * 2

    def test_no_id_comes_back_after_a_deletion_or_where_a_resource_was_adopted(self, aws, account, found_out):
        ids = [make(aws, account, VPC)[0]]
        delete(aws, account, VPC, ids[0])
        ids.append(make(aws, account, VPC)[0])
        (held,) = account.resources()
        with closing(Account(Path(":memory:"))) as other:  # into which a state is imported
            other.hold(replace(held, id=ids[0]))
            adopting = Aws(other, ACCOUNT_ID, "us-east-1", {}, found_out)
            ids.extend(make(adopting, other, VPC)[0] for _ in range(2))

        assert len(set(ids)) == 4

    def test_the_same_resources_get_the_same_ids_in_every_account_in_whatever_order(self, aws, account, found_out):
        names = ["a", "b", "c"]
        here = {name: make(aws, account, VPC, name)[0] for name in names}
        with closing(Account(Path(":memory:"))) as other:
            again = Aws(other, ACCOUNT_ID, "us-east-1", {}, found_out)
            there = {name: make(again, other, VPC, name)[0] for name in reversed(names)}

        assert here == there
        assert len(set(here.values())) == 3

    def test_a_name_that_is_taken_is_refused_and_nothing_made(self, aws, account):
        make(aws, account, ROLE, "one", name="deploy")

        with pytest.raises(Refusal, match="EntityAlreadyExists: Role with name deploy"):
            make(aws, account, ROLE, "two", name="deploy", path="/a/")
        assert len(account.resources()) == 1

    def test_a_reference_that_leads_nowhere_is_refused_and_nothing_made(self, aws, account):
        with pytest.raises(Refusal, match=r"vpcId: InvalidVpcID\.NotFound: .*vpc-1"):
            make(aws, account, SUBNET, vpcId="vpc-1")
        assert account.resources() == []

    def test_a_type_that_the_fake_does_not_know_is_not_made(self, aws, account):
        with pytest.raises(LookupError, match="no synthetic outputs for aws:ec2/instance:Instance"):
            make(aws, account, "aws:ec2/instance:Instance")
        assert account.resources() == []

    def test_one_principal_may_have_several_policies(self, aws, account):
        cluster, _ = make(aws, account, PLANE, name="main")
        _, role = make(aws, account, ROLE, name="deploy")
        who = {"clusterName": cluster, "principalArn": role["arn"]}
        make(aws, account, "aws:eks/accessEntry:AccessEntry", **who)
        for policy in ("admin", "view"):
            make(
                aws, account, "aws:eks/accessPolicyAssociation:AccessPolicyAssociation", policy, policyArn=policy, **who
            )

    def test_two_groups_of_one_name_in_the_default_network_are_refused(self, aws, account):
        group = "aws:ec2/securityGroup:SecurityGroup"
        make(aws, account, group, "one", name="web")
        with pytest.raises(Refusal, match=r"InvalidGroup\.Duplicate: The security group 'web' already exists"):
            make(aws, account, group, "two", name="web")
        assert len(account.resources()) == 1


class TestSecrets:
    def test_what_comes_of_a_secret_is_one_and_the_account_keeps_it_plain(self, aws, account):
        for tags in (Secret({"a": "b"}), {"a": Secret("b")}):
            id_, made = make(aws, account, VPC, tags=tags)
            changed = update(aws, account, VPC, id_, tags=tags, enableDnsSupport=True)

            assert made["tags"] == changed["tags"] == tags
            assert isinstance(made["arn"], Secret)
            assert changed["arn"] == made["arn"]
            assert changed["enableDnsSupport"] is True
            assert account.find(VPC, id_).inputs == {"tags": {"a": "b"}, "enableDnsSupport": True}
            assert account.find(VPC, id_).outputs["arn"] == made["arn"].value

    def test_without_a_secret_nothing_becomes_one(self, aws, account):
        id_, made = make(aws, account, VPC, tags={"a": "b"})
        changed = update(aws, account, VPC, id_, tags={"a": "c"})

        assert not any(isinstance(value, Secret) for value in (*made.values(), *changed.values()))

    def test_the_password_that_aws_makes_up_is_told_to_nobody_but_its_reader(self, aws, account):
        _, first = make(aws, account, DATABASE, "one")
        _, second = make(aws, account, DATABASE, "two")
        arns = [each["masterUserSecrets"][0]["secretArn"] for each in (first, second)]
        passwords = account.secrets()

        assert passwords.keys() == {*arns}
        assert len({*passwords.values()}) == 2
        kept = json.dumps([[held.inputs, held.outputs] for held in account.resources()] + [first, second])
        assert not any(password in kept for password in passwords.values())
        token = "aws:secretsmanager/getSecretVersion:getSecretVersion"  # noqa: S105  # a function's token
        assert aws.invoke(token, {"secretId": arns[0]}) == {"secretString": passwords[arns[0]]}


class TestUpdate:
    def test_what_is_gone_is_not_updated(self, aws, account):
        with pytest.raises(Refusal, match="updating Vpc: vpc-1 does not exist"):
            update(aws, account, VPC, "vpc-1")
        assert account.resources() == []

    def test_a_reference_that_leads_nowhere_is_refused_and_nothing_changed(self, aws, account):
        vpc, _ = make(aws, account, VPC)
        id_, _ = make(aws, account, SUBNET, vpcId=vpc)
        before = account.resources()

        with pytest.raises(Refusal, match=r"InvalidVpcID\.NotFound"):
            update(aws, account, SUBNET, id_, vpcId="vpc-2")
        assert account.resources() == before

    def test_what_can_only_be_chosen_once_is_refused_and_nothing_changed(self, aws, account):
        id_, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16", tags={"a": "b"})
        before = account.resources()

        with pytest.raises(Refusal, match="updating Vpc: cidrBlock cannot be changed in place"):
            update(aws, account, VPC, id_, cidrBlock="10.1.0.0/16", tags={"a": "c"})
        assert account.resources() == before

    def test_another_ones_place_is_refused_and_its_own_is_not(self, aws, account):
        balancer, _ = make(aws, account, BALANCER, name="web")
        first, _ = make(aws, account, LISTENER, "one", loadBalancerArn=balancer, port=80)
        make(aws, account, LISTENER, "two", loadBalancerArn=balancer, port=443)

        with pytest.raises(Refusal, match="DuplicateListener"):
            update(aws, account, LISTENER, first, loadBalancerArn=balancer, port=443)
        update(aws, account, LISTENER, first, loadBalancerArn=balancer, port=80, protocol="HTTP")
        assert account.find(LISTENER, first).inputs["port"] == 80

    def test_what_the_program_no_longer_gives_is_gone(self, aws, account):
        id_, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16", enableDnsSupport=True)

        assert "enableDnsSupport" not in update(aws, account, VPC, id_, cidrBlock="10.0.0.0/16")
        assert account.find(VPC, id_).inputs == {"cidrBlock": "10.0.0.0/16"}


class TestDelete:
    def test_what_is_in_use_stays(self, aws, account):
        standing = [Held(VPC, "vpc-1", "a"), Held(SUBNET, "subnet-1", "b", {"vpcId": "vpc-1"})]
        account.hold(*standing)

        with pytest.raises(Refusal, match="DependencyViolation"):
            delete(aws, account, VPC, "vpc-1")
        assert account.resources() == standing

    def test_what_others_begin_to_use_while_it_is_being_deleted_stays(self, account, found_out, monkeypatch):
        account.hold(Held(VPC, "vpc-1", "a"))
        account.set("pace", "1")
        user = Held(SUBNET, "subnet-1", "b", {"vpcId": "vpc-1"})
        monkeypatch.setattr(service.time, "sleep", lambda _: account.hold(user))

        with pytest.raises(Refusal, match="DependencyViolation"):
            delete(Aws(account, ACCOUNT_ID, "us-east-1", {}, found_out), account, VPC, "vpc-1")
        assert len(account.resources()) == 2

    def test_a_filled_bucket_goes_by_force(self, aws, account):
        account.hold(Held(BUCKET, "files", "a", {"forceDestroy": True}, contents=("x",)))
        delete(aws, account, BUCKET, "files")

        assert account.resources() == []

    def test_what_is_gone_already_is_no_trouble_and_others_stay(self, aws, account):
        id_, _ = make(aws, account, VPC)
        delete(aws, account, VPC, "vpc-1")
        assert [held.id for held in account.resources()] == [id_]

        delete(aws, account, VPC, id_)
        delete(aws, account, VPC, id_)
        assert aws.read(VPC, id_) is None


class TestInvoke:
    def test_a_zone_that_exists_is_found(self, aws):
        assert aws.invoke("aws:route53/getZone:getZone", {"name": "example.com"})["zoneId"].startswith("Z")

    @pytest.mark.parametrize("name", ["example.org", "ample.com", ""])
    def test_a_zone_that_does_not_exist_is_not(self, aws, name):
        with pytest.raises(Refusal, match=f"no matching Route 53 Hosted Zone found: {name}"):
            aws.invoke("aws:route53/getZone:getZone", {"name": name})

    def test_a_function_that_the_fake_does_not_know_is_not_answered(self, aws):
        with pytest.raises(LookupError, match="no synthetic answer for aws:ec2/getAmi:getAmi"):
            aws.invoke("aws:ec2/getAmi:getAmi", {})


def test_time_passes_at_the_accounts_pace(account, found_out, monkeypatch):
    slept = []
    monkeypatch.setattr(service.time, "sleep", slept.append)
    make(Aws(account, ACCOUNT_ID, "us-east-1", {}, found_out), account, KEY, "at once")
    account.set("pace", "0.5")

    aws = Aws(account, ACCOUNT_ID, "us-east-1", {}, found_out)
    id_, _ = make(aws, account, PLANE, name="main")
    delete(aws, account, PLANE, id_)

    assert slept == [0.5 * duration(PLANE, verb, {"name": "main"}).seconds for verb in ("create", "delete")]
