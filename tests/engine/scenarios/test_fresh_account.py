"""What a stack meets on an account that has never had one: who calls, from where, and what is missing there."""

import json
import shutil

import pytest
from engine.world import World

from settings import versions

PERSON = "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Platform_0123456789abcdef"


def arn(world: World, principal: str) -> str:
    return f"arn:aws:iam::{world.settings('aws')['account_id']}:{principal}"


def refused_before_anything_is_made(world: World) -> str:
    """Return what preview and update say alike, having changed nothing."""
    preview = world.run("preview", "--stack", world.stack)
    update = world.up()

    assert not preview
    assert not update
    assert not world.account.operations()
    assert "Traceback" not in preview.output
    return preview.output


@pytest.mark.parametrize("principal", [PERSON, "role/developers/SomebodyElse", "user/somebody", "root"])
def test_a_caller_who_could_not_administer_the_cluster_is_told_at_the_preview(world: World, principal: str):
    world.account.set("caller", arn(world, principal))

    said = refused_before_anything_is_made(world)

    assert f"Pulumi.{world.stack}.yaml: 1 problem" in said
    assert "ai-prism:cluster.admins: must name the role of whoever runs the update" in said
    assert arn(world, principal) in said


def test_a_clone_without_charts_is_told_the_one_command_that_brings_them(world: World):
    shutil.rmtree(world.program / versions.CHARTS)

    said = refused_before_anything_is_made(world)

    assert "as versions.yaml pins them; run: make charts" in said
    assert "argo-cd-" in said
    # What the provider would say of each release.
    assert "check the chart name" not in said


def test_an_administrator_named_without_the_path_of_the_role_is_told_the_path(world: World):
    world.account.set("caller", arn(world, PERSON))
    world.change_settings("cluster", admins={"platform": arn(world, f"role/{PERSON.rpartition('/')[2]}")})

    said = refused_before_anything_is_made(world)

    assert f"ai-prism:cluster.admins.platform: must be the ARN of the role with its path, {arn(world, PERSON)}" in said


def test_a_role_of_single_sign_on_brings_a_stack_up_and_is_named_at_the_preview(world: World):
    world.account.set("caller", arn(world, PERSON))
    world.change_settings("cluster", admins={"platform": arn(world, PERSON)})

    said = world.run("preview", "--stack", world.stack).must().output
    world.up().must()

    assert f"with the role {arn(world, PERSON)}" in said
    world.up("--expect-no-changes").must()


def test_whoever_the_cluster_does_not_know_yet_is_refused_by_it(standing: World):
    """An entry for the caller is made by somebody whom the cluster knows; the program cannot let itself in."""
    standing.account.set("caller", arn(standing, PERSON))
    standing.change_settings("cluster", admins={"platform": arn(standing, PERSON)})

    done = standing.up()

    assert not done
    assert "the server has asked for the client to provide credentials" in done.output or "unreachable" in done.output


def test_a_zone_in_which_eks_runs_no_control_plane_is_refused_with_its_id_and_those_that_will_do(world: World):
    region, zones = world.settings("aws")["region"], world.settings("network")["zones"]
    world.account.set("zone_ids", json.dumps({zones[-1]: "use1-az3"}))

    said = refused_before_anything_is_made(world)

    assert "ai-prism:network.zones: must be zones in which EKS runs a control plane" in said
    assert f"got {zones[-1]}, which is use1-az3" in said
    assert f"{region}h" in said


def test_without_the_check_aws_refuses_such_a_zone_after_the_network_is_built(world: World):
    world.account.set("zone_ids", json.dumps({world.settings("network")["zones"][-1]: "use1-az3"}))
    world.change_program("__main__.py", "check_account(context,", "(lambda *_: None)(context,")

    done = world.up()

    assert "UnsupportedAvailabilityZoneException: Cannot create cluster" in done.output
    assert world.account.resources("aws:ec2/subnet:Subnet")


def test_the_roles_that_services_ask_for_are_there_before_they_ask(world: World):
    """Without them AWS refuses the first subnet group, cache user or search domain of an account."""
    world.change_settings("aws", service_roles=[])

    done = world.up("--continue-on-error")

    assert "InvalidParameterValue: Missing necessary credentials" in done.output
    assert "ServiceLinkedRoleNotFoundFault" in done.output
    world.change_settings("aws", service_roles=["elasticache", "opensearch", "rds"])
    world.up().must()


def test_the_roles_that_an_account_has_already_are_left_out(world: World):
    world.account.set("service_roles", "rds.amazonaws.com elasticache.amazonaws.com")

    refused = world.up("--continue-on-error")

    assert refused.output.count("has been taken in this account") >= 2
    world.change_settings("aws", service_roles=["opensearch"])
    world.up().must()


def test_a_private_api_is_reached_from_a_named_network_for_the_first_update_alone(world: World):
    """The steps of docs/run-for-real.md."""
    world.account.set("address", "203.0.113.7")
    world.change_settings("cluster", public_access_cidrs=["203.0.113.7/32"])
    world.up().must()

    # From within the VPC, once there is a way into it.
    world.account.set("address", "")
    world.change_settings("cluster", public_access_cidrs=[])
    world.up().must()

    (plane,) = world.account.resources("aws:eks/cluster:Cluster")
    assert plane.inputs["vpcConfig"]["endpointPublicAccess"] is False
    assert {each.type for each in world.account.operations("update")} == {"aws:eks/cluster:Cluster"}
    world.up("--expect-no-changes").must()
    world.account.set("address", "203.0.113.7")
    assert "unreachable" in world.up().output


def test_a_private_api_can_also_be_reached_in_a_second_update_from_within(world: World):
    world.account.set("address", "203.0.113.7")

    first = world.up()

    assert "configured Kubernetes cluster is unreachable" in first.output
    assert "i/o timeout" in first.output
    world.account.set("address", "")
    world.up().must()
    world.up("--expect-no-changes").must()
