"""What AWS lets exist but once."""

import re

import pytest
from aws_calls import make
from support import STACKS, recorded

from fakes.aws.faults import Refusal
from fakes.aws.held import Held
from fakes.aws.replacement_types import TYPES
from fakes.aws.uniqueness import AUTONAMED, CONFLICT, OUTSIDE, UNIQUE, VPC, deletes_first, refusal

SUBNET = "aws:ec2/subnet:Subnet"
RECORD = "aws:route53/record:Record"
ROLE = "aws:iam/role:Role"
ACCOUNT = "111122223333"


def alike(type_: str) -> dict[str, str]:
    """Return inputs that give everything in which two must differ, and whatever else a refusal names."""
    row = UNIQUE[type_]
    return {key: f"the-{key}" for key in (*row.keys, *re.findall(r"{(\w+)}", row.said or ""))}


def refused(type_: str, first: dict, second: dict) -> str | None:
    return refusal(Held(type_, "second", "b", second), [Held(type_, "first", "a", first)], ACCOUNT)


@pytest.mark.parametrize("type_", UNIQUE)
def test_of_two_that_agree_the_second_is_refused_in_the_words_of_aws_or_is_the_first(type_):
    inputs, row = alike(type_), UNIQUE[type_]
    said = refused(type_, inputs, {**inputs, "description": "another"})

    if row.said is None:
        assert said is None
    else:
        assert said is not None
        assert re.match(r"[A-Za-z.]+: |ELBv2|OpenSearch Domain", said)
        assert not {"{", "}"} & {*said}


@pytest.mark.parametrize("type_", UNIQUE)
def test_two_that_differ_in_anything_may_both_stand_and_what_nobody_gave_is_no_ones_place(type_):
    inputs = alike(type_)

    for key in UNIQUE[type_].keys:
        assert refused(type_, inputs, {**inputs, key: "another"}) is None
    without = {key: value for key, value in inputs.items() if key != UNIQUE[type_].keys[0]}
    assert refused(type_, without, without) is None


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (ROLE, "EntityAlreadyExists: Role with name the-name already exists."),
        ("aws:ec2/route:Route", "RouteAlreadyExists: The route identified by the-destinationPrefixListId already"),
        ("aws:ecr/repository:Repository", "'the-name' already exists in the registry with id '111122223333'"),
        ("aws:eks/nodeGroup:NodeGroup", "with name the-nodeGroupName and cluster name the-clusterName"),
        ("aws:eks/podIdentityAssociation:PodIdentityAssociation", "Association already exists: first"),
    ],
)
def test_a_refusal_names_what_is_taken(type_, said):
    assert said in str(refused(type_, alike(type_), alike(type_)))


@pytest.mark.parametrize("type_", AUTONAMED)
def test_changing_a_name_replaces_what_bears_it(type_):
    assert AUTONAMED[type_] in TYPES[type_].replaces


def test_a_record_that_may_overwrite_another_does():
    assert refused(RECORD, alike(RECORD), {**alike(RECORD), "allowOverwrite": True}) is None


def test_two_things_never_have_one_id():
    one = Held("aws:s3/bucketPolicy:BucketPolicy", "files", "a")

    assert refusal(Held(one.type, "files", "b"), [one], "") == "BucketPolicy files already exists"
    # Not even those with one URN, of which one replaces the other.
    assert refusal(one, [one], "") == "BucketPolicy files already exists"


def test_a_role_that_the_program_names_is_deleted_before_its_replacement_is_created():
    assert deletes_first(ROLE, {"name": "deploy", "path": "/"})
    assert not deletes_first(ROLE, {"path": "/"})
    # Upstream makes this one up; and these are always deleted first.
    assert not deletes_first("aws:rds/cluster:Cluster", {"clusterIdentifier": "main"})
    assert deletes_first("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "deploy"})


@pytest.mark.parametrize(
    ("cidr", "said"),
    [
        ("10.0.0.0/24", CONFLICT),
        ("10.0.0.128/25", CONFLICT),
        ("10.0.0.0/20", CONFLICT),
        ("10.1.0.0/24", OUTSIDE),
        ("10.0.0.0/15", OUTSIDE),
        ("10.0.1.0/24", None),
    ],
)
def test_a_subnet_lies_in_its_vpc_and_beside_the_others(aws, account, cidr, said):
    vpc, _ = make(aws, account, VPC, cidrBlock="10.0.0.0/16")
    make(aws, account, SUBNET, "one", vpcId=vpc, cidrBlock="10.0.0.0/24")

    if said:
        with pytest.raises(Refusal, match=re.escape(said.format(cidr=cidr))):
            make(aws, account, SUBNET, "two", vpcId=vpc, cidrBlock=cidr)
    else:
        make(aws, account, SUBNET, "two", vpcId=vpc, cidrBlock=cidr)
    assert len(account.resources(SUBNET)) == (1 if said else 2)


def test_a_subnet_may_have_the_range_of_one_in_another_vpc(aws, account):
    for name in ("one", "two"):
        vpc, _ = make(aws, account, VPC, name, cidrBlock="10.0.0.0/16")
        make(aws, account, SUBNET, name, vpcId=vpc, cidrBlock="10.0.0.0/24")

    assert len(account.resources(SUBNET)) == 2


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_of_the_program_is_in_anothers_place(stack):
    standing: list[Held] = []
    for each in recorded(stack, known=True).resources:
        if each.type.startswith("aws:"):
            held = Held(each.type, str(each.outputs.get("id", each.urn)), each.urn, each.inputs, each.outputs)
            assert (each.urn, refusal(held, standing, ACCOUNT)) == (each.urn, None)
            standing.append(held)
