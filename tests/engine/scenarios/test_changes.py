"""What a change does to a stack that stands: what is updated in place, what is replaced, and in which order."""

import dataclasses
import itertools

from engine.plan import REPLACING, operations, types, urns
from engine.world import World

from fakes.aws.held import Held

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


def bring_up(world: World) -> None:
    """Bring the change up, and see that nothing is left to do."""
    world.up().must()
    world.up("--expect-no-changes").must()


def test_a_new_tag_is_written_to_everything_in_place(standing: World):
    standing.add_tag("CostCenter", "platform")

    plan = standing.preview()

    # A class of volumes cannot be changed; volumes that exist do not ask for theirs any more.
    replaced = urns(plan, *REPLACING)
    assert types(replaced) == {"kubernetes:storage.k8s.io/v1:StorageClass"}
    assert {kind for urn, kinds in operations(plan).items() if urn not in replaced for kind in kinds} == {"update"}
    bring_up(standing)
    tagged = [held for held in standing.account.resources() if "tagsAll" in held.outputs]
    assert len(tagged) > 50
    assert {held.outputs["tagsAll"]["CostCenter"] for held in tagged} == {"platform"}


def web_groups(world: World) -> list[Held]:
    return [held for held in world.account.resources(NODE_GROUP) if held.inputs["labels"]["tier"] == "web"]


def add_zone(world: World) -> None:
    """Let the network grow by a zone, and the web nodes with it."""
    network = world.settings("network")
    zones = [*network["zones"], f"{world.settings('aws')['region']}{'abcdef'[len(network['zones'])]}"]
    nats = len(zones) if network["nat_gateways"] == len(network["zones"]) else network["nat_gateways"]
    world.change_settings("network", zones=zones, nat_gateways=nats)
    web = world.settings("nodes")["web"]
    sizes = {size: max(web[size], len(zones)) for size in ("min", "desired", "max")}
    world.change_settings("nodes", web={**web, **sizes})


def test_one_more_zone_moves_no_subnet_and_replaces_no_nodes_with_volumes(standing: World):
    web = {held.id for held in web_groups(standing)}
    before = {held.id: held.inputs for held in standing.account.resources("aws:ec2/subnet:Subnet")}
    add_zone(standing)

    plan = standing.preview()

    # The subnets of a group over all zones are chosen when it is made; its successor is there before it goes.
    assert types(urns(plan, *REPLACING)) == {NODE_GROUP}
    assert not urns(plan, "delete")
    bring_up(standing)
    assert web < {held.id for held in web_groups(standing)}
    after = {held.id: held.inputs for held in standing.account.resources("aws:ec2/subnet:Subnet")}
    assert {id_: after.get(id_) for id_ in before} == before
    assert len(after) == len(before) + 3
    assert_new_before_old(standing)


def test_a_zone_for_the_control_plane_too_is_what_aws_refuses(standing: World):
    add_zone(standing)
    standing.change_settings("cluster", zones=standing.settings("network")["zones"])

    assert "But they should belong to the exact set of AZs" in standing.up().output


KUBERNETES = ("1.34", "1.35", "1.36")
PARTS = (NODE_GROUP, "aws:eks/addon:Addon", "aws:eks/cluster:Cluster")


def test_kubernetes_goes_up_twice_and_nodes_and_addons_go_along(world: World):
    world.change_settings("cluster", version=KUBERNETES[0])
    world.up().must()
    for version in KUBERNETES[1:]:
        world.change_settings("cluster", version=version)
        plan = world.preview()
        # The preview names each group that is rotated.
        groups = world.account.resources(NODE_GROUP)
        assert {held.urn for held in groups} <= urns(plan, "update")
        assert not urns(plan, "create", "delete", *REPLACING) & {held.urn for held in world.account.resources(*PARTS)}

        bring_up(world)

        groups = world.account.resources(NODE_GROUP)
        assert {held.outputs["version"] for held in groups} == {version}
        assert all(held.outputs["releaseVersion"].startswith(f"{version}.") for held in groups)
        (proxy,) = (
            held for held in world.account.resources("aws:eks/addon:Addon") if held.inputs["addonName"] == "kube-proxy"
        )
        assert proxy.inputs["addonVersion"].startswith(f"v{version}.")
        rotated = [each for each in world.account.operations("update") if each.type == NODE_GROUP][-len(groups) :]
        assert {each.urn for each in rotated} == {held.urn for held in groups}
        assert all(one.ended <= other.started for one, other in itertools.pairwise(rotated))


def test_two_minor_versions_of_kubernetes_at_once_are_what_aws_refuses(world: World):
    world.change_settings("cluster", version=KUBERNETES[0])
    world.up().must()
    world.change_settings("cluster", version=KUBERNETES[2])

    assert "Unsupported Kubernetes minor version update from 1.34 to 1.36" in world.up().output


def test_node_images_that_appear_change_nothing_by_themselves(standing: World):
    before = {held.id: held.outputs["releaseVersion"] for held in standing.account.resources(NODE_GROUP)}

    standing.account.set("node_images", "20991231")

    standing.up("--expect-no-changes").must()
    assert {held.id: held.outputs["releaseVersion"] for held in standing.account.resources(NODE_GROUP)} == before


def scale(world: World, group: str, desired: int) -> None:
    """Let the autoscaler give a node group another size."""
    (held,) = (each for each in world.account.resources(NODE_GROUP) if each.urn.endswith(f"::{group}"))
    sizes = {**held.inputs["scalingConfig"], "desiredSize": desired}
    world.account.hold(
        dataclasses.replace(
            held,
            inputs={**held.inputs, "scalingConfig": sizes},
            outputs={**held.outputs, "scalingConfig": sizes},
        )
    )


def size(world: World, group: str) -> dict[str, int]:
    (held,) = (each for each in world.account.resources(NODE_GROUP) if each.urn.endswith(f"::{group}"))
    return held.inputs["scalingConfig"]


def limit(world: World, least: int, most: int) -> None:
    """Change the limits of the API's nodes in the stack file."""
    nodes = world.settings("nodes")
    world.change_settings("nodes", api={**nodes["api"], "min": least, "desired": least, "max": most})


def test_limits_move_past_the_size_that_the_autoscaler_chose_in_one_update(standing: World):
    # Below the new minimum, between the limits, and above the new maximum.
    for present, least, most, expected in ((1, 6, 20, 6), (9, 7, 20, 9), (18, 7, 12, 12)):
        sizes = size(standing, "api-nodes")
        limit(standing, min(least, int(sizes["minSize"])), max(most, int(sizes["maxSize"])))
        scale(standing, "api-nodes", present)
        limit(standing, least, most)

        bring_up(standing)

        assert {key: int(value) for key, value in size(standing, "api-nodes").items()} == {
            "minSize": least,
            "desiredSize": expected,
            "maxSize": most,
        }


def test_other_instance_types_bring_up_new_nodes_before_the_old_ones_go(standing: World):
    nodes = standing.settings("nodes")
    standing.change_settings("nodes", web={**nodes["web"], "types": ["m6i.large", "m6a.large"]})

    plan = standing.preview()

    assert urns(plan, *REPLACING) == {held.urn for held in web_groups(standing)}
    assert not urns(plan, "delete")
    bring_up(standing)
    assert_new_before_old(standing)


def assert_new_before_old(world: World) -> None:
    """Each replaced node group was made, and ready, before its predecessor was deleted."""
    deleted = [operation for operation in world.account.operations("delete") if operation.type == NODE_GROUP]
    assert deleted
    for old in deleted:
        new = [each for each in world.account.operations("create") if each.urn == old.urn][-1]
        assert new.ended < old.started


def test_a_longer_retention_changes_the_database_alone(standing: World):
    days = standing.settings("database")["backup_days"]
    standing.change_settings("database", backup_days=days + 5)

    plan = standing.preview()

    assert operations(plan).keys() == urns(plan, "update")
    assert types(urns(plan, "update")) == {"aws:rds/cluster:Cluster"}
    bring_up(standing)


def test_a_component_renamed_with_an_alias_keeps_everything(standing: World):
    standing.change_program(
        "__main__.py",
        'storage = Storage(\n    "storage",',
        "storage = (lambda name, args, opts: Storage(name, args, pulumi.ResourceOptions.merge("
        'opts, pulumi.ResourceOptions(aliases=[pulumi.Alias(name="storage")]))))(\n    "files",',
    )
    before = {held.id for held in standing.account.resources("aws:s3/bucket:Bucket")}

    plan = standing.preview()

    assert not urns(plan, "create", "delete", *REPLACING)
    bring_up(standing)
    assert {held.id for held in standing.account.resources("aws:s3/bucket:Bucket")} == before
    assert any("::files-" in resource["urn"] for resource in standing.state()["resources"])


def test_a_new_tier_of_subnets_moves_nothing(standing: World):
    standing.change_program(
        "settings/address_plan.py",
        '    Tier(name="isolated", first_slot=1),\n',
        '    Tier(name="isolated", first_slot=1),\n    Tier(name="analytics", first_slot=2),\n',
    )
    zones = standing.settings("network")["zones"]

    plan = standing.preview()

    assert {urn.rpartition("::")[2] for urn in operations(plan)} == {f"network-analytics-{zone}" for zone in zones}
    assert operations(plan).keys() == urns(plan, "create")
    bring_up(standing)


def test_the_size_that_the_autoscaler_chose_is_left_alone(standing: World):
    groups = standing.account.resources(NODE_GROUP)
    for held in groups:
        scaled = {**held.inputs["scalingConfig"], "desiredSize": held.inputs["scalingConfig"]["maxSize"]}
        standing.account.hold(
            dataclasses.replace(
                held,
                inputs={**held.inputs, "scalingConfig": scaled},
                outputs={**held.outputs, "scalingConfig": scaled},
            )
        )

    standing.up().must()

    sizes = [held.inputs["scalingConfig"] for held in standing.account.resources(NODE_GROUP)]
    assert sizes
    assert all(size["desiredSize"] == size["maxSize"] for size in sizes)
