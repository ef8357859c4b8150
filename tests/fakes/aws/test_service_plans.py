"""What AWS says before anything is done: what is wrong, what it adds, and what a change would mean."""

from typing import Any

import pytest
from aws_calls import ACCOUNT_ID, make, update

from fakes.aws import service
from fakes.aws.problems import Problem
from fakes.aws.service import DEFAULTS, Aws
from recording import synthetic
from recording.graph import UNKNOWN, Secret

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE = "aws:ec2/route:Route"
ROLE = "aws:iam/role:Role"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
PLANE = "aws:eks/cluster:Cluster"
NODES = "aws:eks/nodeGroup:NodeGroup"
DATABASE = "aws:rds/cluster:Cluster"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
REQUIRED = {
    "aws:elasticache/user:User": {"userId": "prism"},
    "aws:elasticache/userGroup:UserGroup": {"userGroupId": "prism"},
}
"""Names that nobody makes up."""
MADE = sorted(type_ for type_ in synthetic.OUTPUTS if type_.startswith("aws:"))


@pytest.fixture
def lenient(monkeypatch) -> None:
    """Leave out what asks cfn-lint, which takes long to start."""
    monkeypatch.setattr(service.schemas, "check", lambda *_: [])


class TestCheck:
    @pytest.mark.parametrize(
        ("type_", "inputs", "path", "reason"),
        [
            ("aws:ec2/vcp:Vpc", {}, "", "unrecognized resource type (Check): aws:ec2/vcp:Vpc"),
            # The SDK has it; what it would answer is not known here.
            ("aws:ec2/keyPair:KeyPair", {}, "", "unrecognized resource type (Check): aws:ec2/keyPair:KeyPair"),
            (VPC, {"cidrBlok": "10.0.0.0/16"}, "cidrBlok", "aws:ec2/vpc:Vpc has no such property"),
            (SUBNET, {"cidrBlock": "10.0.0.0/24"}, "", "'VpcId' is a required property"),
            ("aws:ec2/flowLog:FlowLog", {"trafficType": "NONE"}, "trafficType", "'NONE' is not one of"),
            ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 17}, "retentionInDays", "17 is not one of"),
        ],
    )
    def test_what_is_wrong_is_told_at_its_property(self, aws, type_, inputs, path, reason):
        _, problems = aws.check(type_, "main", {}, inputs, b"seed")

        assert any(problem.path == path and problem.reason.startswith(reason) for problem in problems), problems

    def test_what_the_region_does_not_offer_is_refused_there_alone(self, account, found_out):
        inputs = {"clusterName": "main", "nodeRoleArn": UNKNOWN, "subnetIds": UNKNOWN}
        inputs |= {"scalingConfig": {"minSize": 0, "maxSize": 1, "desiredSize": 1}, "instanceTypes": ["p5.48xlarge"]}
        here, there = (Aws(account, ACCOUNT_ID, region, {}, found_out) for region in ("us-east-1", "eu-central-2"))

        # First where it is sound: that must not count elsewhere.
        assert here.check(NODES, "main", {}, inputs, b"seed")[1] == []
        assert [problem.path for problem in there.check(NODES, "main", {}, inputs, b"seed")[1]] == ["instanceTypes[0]"]

    def test_what_was_found_sound_is_not_checked_again_and_what_was_not_is(self, aws, monkeypatch):
        checked, problems = [], [Problem("cidrBlock", "wrong")]
        monkeypatch.setattr(service.schemas, "check", lambda type_, *_: checked.append(type_) or problems)

        assert aws.check(VPC, "main", {}, {"cidrBlock": "10.9.0.0/16"}, b"")[1] == problems
        assert aws.check(VPC, "main", {}, {"cidrBlock": "10.9.0.0/16"}, b"")[1] == problems
        problems.clear()
        assert aws.check(VPC, "main", {}, {"cidrBlock": "10.9.0.0/16"}, b"")[1] == []
        assert aws.check(VPC, "other", {}, {"cidrBlock": "10.9.0.0/16"}, b"")[1] == []
        assert len(checked) == 3


@pytest.mark.usefixtures("lenient")
class TestWhatTheProviderAdds:
    @pytest.mark.parametrize(
        ("tags", "all_"),
        [
            ({}, {"Project": "ai-prism"}),
            ({"tags": {"Name": "a"}}, {"Project": "ai-prism", "Name": "a"}),
            ({"tags": {"Project": "own"}}, {"Project": "own"}),
            ({"tags": {"Name": UNKNOWN}}, {"Project": "ai-prism", "Name": UNKNOWN}),
            ({"tags": {"Name": Secret("a")}}, {"Project": "ai-prism", "Name": Secret("a")}),
            ({"tags": Secret({"Name": "a"})}, Secret({"Project": "ai-prism", "Name": "a"})),
            ({"tags": UNKNOWN}, UNKNOWN),
            # An import brings what was added when the resource was made.
            ({"tagsAll": {"Old": "1"}, DEFAULTS: ["x"]}, {"Project": "ai-prism"}),
        ],
    )
    def test_default_tags_are_beside_the_resources_own(self, aws, tags, all_):
        inputs, problems = aws.check(VPC, "main", {}, {"cidrBlock": "10.0.0.0/16", **tags}, b"")

        assert not problems
        assert inputs.pop("tagsAll") == all_
        assert inputs == {"cidrBlock": "10.0.0.0/16", **{key: tags[key] for key in tags if key == "tags"}}

    def test_what_takes_no_tags_gets_none(self, aws):
        assert aws.check(ROUTE, "main", {}, {"routeTableId": "rtb-1"}, b"")[0] == {"routeTableId": "rtb-1"}

    def test_a_name_is_made_up_noted_and_kept_whatever_comes_later(self, aws):
        first, _ = aws.check(ROLE, "Node", {}, {"assumeRolePolicy": UNKNOWN}, b"one")
        second, _ = aws.check(ROLE, "Node", first, {"assumeRolePolicy": UNKNOWN, "path": "/a/"}, b"two")

        assert first["name"].startswith("Node-")
        assert first[DEFAULTS] == second[DEFAULTS] == ["name"]
        assert second["name"] == first["name"]

    def test_a_replacement_and_any_other_resource_get_names_of_their_own(self, aws):
        # For a replacement the engine asks with another seed and without what was kept.
        names = {aws.check(ROLE, "node", {}, {"assumeRolePolicy": UNKNOWN}, bytes([n]))[0]["name"] for n in range(50)}

        assert len(names) == 50

    def test_the_name_that_the_program_gives_is_taken_as_it_is(self, aws):
        made_up = {"name": "node-1234567", DEFAULTS: ["name"]}

        kept = aws.check(ROLE, "node", made_up, {"assumeRolePolicy": UNKNOWN, "name": "deploy"}, b"")[0]

        assert kept["name"] == "deploy"
        assert DEFAULTS not in kept

    def test_a_name_that_the_program_gives_no_longer_is_not_kept(self, aws):
        kept = aws.check(ROLE, "node", {"name": "deploy"}, {"assumeRolePolicy": UNKNOWN}, b"")[0]

        assert kept["name"].startswith("node-")

    def test_where_aws_takes_no_capitals_a_name_is_made_up_without_them(self, aws):
        inputs, _ = aws.check(CACHE, "Cache", {}, {"description": "d"}, b"")

        assert inputs["replicationGroupId"].startswith("cache-")

    def test_what_upstream_names_or_nobody_gets_no_name_here(self, aws):
        assert DEFAULTS not in aws.check(DATABASE, "main", {}, {"engine": "aurora-postgresql"}, b"")[0]
        assert DEFAULTS not in aws.check(VPC, "main", {}, {"cidrBlock": "10.0.0.0/16"}, b"")[0]


class TestDiff:
    def test_equal_inputs_are_no_change_and_neither_is_the_note_about_names(self, aws):
        found = aws.diff(ROLE, {"name": "a", DEFAULTS: ["name"]}, {"name": "a"}, {"name": "a"})

        assert (found.changed, found.replaces, found.delete_before_replace) == ([], [], False)

    def test_whatever_is_added_changed_or_left_out_is_a_change(self, aws):
        old = {"a": 1, "b": {"c": 1}, "d": 1, "e": 1, "f": Secret(1)}
        new = {"a": 1, "b": {"c": 2}, "e": UNKNOWN, "f": 1, "g": 1}

        assert aws.diff(VPC, old, old, new).changed == ["b", "d", "e", "f", "g"]

    def test_a_replacement_deletes_first_only_where_the_program_gave_the_name(self, aws):
        def diff(**kept: Any) -> Any:
            old = {"path": "/a/", "name": "deploy", **kept}
            return aws.diff(ROLE, old, old, {**old, "path": "/b/"})

        assert (diff().replaces, diff().delete_before_replace) == (["path"], True)
        assert (diff(__defaults=["name"]).replaces, diff(__defaults=["name"]).delete_before_replace) == (
            ["path"],
            False,
        )

    def test_an_update_in_place_deletes_nothing_whoever_gave_the_name(self, aws):
        found = aws.diff(ROLE, {"name": "a"}, {"name": "a"}, {"name": "a", "description": "b"})

        assert (found.changed, found.replaces, found.delete_before_replace) == (["description"], [], False)


class TestPlan:
    @pytest.mark.parametrize("type_", MADE)
    def test_what_aws_computes_is_unknown_before_and_the_same_as_planned_after(self, aws, account, type_):
        inputs = {"description": "a", **REQUIRED.get(type_, {})}
        planned = aws.plan_creation(type_, inputs)

        id_, made = make(aws, account, type_, **inputs)

        assert {key for key, value in planned.items() if value is UNKNOWN} == planned.keys() - inputs.keys()
        assert planned.keys() == made.keys()
        assert "id" not in made
        assert aws.plan_update(type_, inputs, made, inputs) == made == update(aws, account, type_, id_, **inputs)

    def test_an_object_that_aws_completes_is_unknown_as_a_whole(self, aws):
        assert aws.plan_creation(PLANE, {"vpcConfig": {"subnetIds": []}})["vpcConfig"] is UNKNOWN

    def test_an_update_keeps_what_aws_added_to_an_object(self, aws, account):
        id_, made = make(aws, account, PLANE, name="main", vpcConfig={"endpointPublicAccess": True})
        after = {"name": "main", "vpcConfig": {"endpointPublicAccess": False}}

        planned = aws.plan_update(PLANE, {"name": "main", "vpcConfig": made["vpcConfig"]}, made, after)

        assert planned == update(aws, account, PLANE, id_, **after)
        assert planned["vpcConfig"] == {**made["vpcConfig"], "endpointPublicAccess": False}

    def test_what_counts_versions_is_unknown_before_the_update_and_counted_by_it(self, aws, account):
        old, new = {"name": "a", "imageId": "ami-1"}, {"name": "a", "imageId": "ami-2"}
        id_, made = make(aws, account, TEMPLATE, **old)

        planned = aws.plan_update(TEMPLATE, old, made, new)

        assert (made["latestVersion"], planned["latestVersion"], planned["defaultVersion"]) == (1, UNKNOWN, 1)
        assert [update(aws, account, TEMPLATE, id_, **each)["latestVersion"] for each in (new, new, old)] == [2, 2, 3]
        assert account.find(TEMPLATE, id_).outputs["latestVersion"] == 3

    @pytest.mark.parametrize("whole", [UNKNOWN, Secret({"subnetIds": ["subnet-1"]})])
    def test_an_object_may_be_unknown_or_a_secret_as_a_whole(self, aws, whole):
        given = {"name": "main", "vpcConfig": {"subnetIds": []}}

        assert aws.plan_creation(PLANE, {**given, "vpcConfig": whole})["arn"] is UNKNOWN
        assert aws.plan_update(PLANE, given, {**given, "vpcConfig": whole}, given)
