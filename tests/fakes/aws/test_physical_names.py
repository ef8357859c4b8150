import pytest

from fakes.aws.physical_names import NAME, NAMES, Scope, deletes_first, refusal
from fakes.aws.replacement_types import TYPES

ROLE = "aws:iam/role:Role"


@pytest.mark.parametrize("type_", NAMES)
def test_changing_a_name_replaces_what_bears_it(type_):
    assert NAME[type_] in TYPES[type_].replaces


@pytest.mark.parametrize("type_", NAMES)
def test_a_name_that_is_unique_within_something_says_within_what(type_):
    name = NAMES[type_]

    assert bool(name.parent) == (name.scope is Scope.PARENT)


@pytest.mark.parametrize("type_", NAMES)
def test_every_refusal_starts_with_a_code_and_has_a_source(type_):
    name, words = NAMES[type_], refusal(type_, "web", "main")

    assert name.source
    assert words is None or ": " in words or words.startswith(("ELBv2", "OpenSearch Domain"))
    assert words is None or not {"{", "}"} & {*words}


def test_a_second_role_of_the_same_name_is_refused_in_the_words_of_aws():
    assert refusal(ROLE, "deploy") == "EntityAlreadyExists: Role with name deploy already exists."


def test_a_second_topic_of_the_same_name_is_the_first_one():
    assert refusal("aws:sns/topic:Topic", "alarms") is None


def test_a_subnet_has_no_name_that_could_be_taken():
    assert refusal("aws:ec2/subnet:Subnet", "private") is None


def test_bucket_names_are_unique_in_the_world_and_group_names_in_their_vpc():
    assert NAMES["aws:s3/bucket:Bucket"].scope is Scope.GLOBAL
    assert NAMES["aws:ec2/securityGroup:SecurityGroup"].parent == "vpcId"


def test_a_role_that_the_program_names_is_deleted_before_its_replacement_is_created():
    assert deletes_first(ROLE, {"name": "deploy", "path": "/"})
    assert not deletes_first(ROLE, {"path": "/"})


def test_a_database_that_the_program_names_is_not_for_upstream_makes_its_names_up():
    assert not deletes_first("aws:rds/cluster:Cluster", {"clusterIdentifier": "main"})


def test_an_attachment_is_always_deleted_first():
    assert deletes_first("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"role": "deploy"})
