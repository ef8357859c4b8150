"""What happens to the database and the cache: now, in the maintenance window, and by AWS itself."""

from engine.plan import REPLACING, types, urns
from engine.world import World, assume

from fakes.aws import backups
from fakes.aws.maintenance import CACHE, CLUSTER, INSTANCE, time_passes

JOB = "kubernetes:batch/v1:Job"
WATCHING = {"aws:cloudwatch/dashboard:Dashboard", "aws:cloudwatch/metricAlarm:MetricAlarm"}


def test_a_larger_class_waits_for_the_maintenance_window(standing: World):
    standing.change_settings("database", instance_class="db.r6g.xlarge")
    standing.change_settings("cache", node_type="cache.r6g.xlarge")
    before = {held.id: held.inputs for held in standing.account.resources(INSTANCE, CACHE)}

    plan = standing.preview()

    # Alarms on memory and connections follow the class, and the dashboard shows their thresholds.
    assert types(urns(plan, "update")) == {INSTANCE, CACHE, *WATCHING}
    assert not urns(plan, "create", "delete", *REPLACING)
    standing.up().must()
    for held in standing.account.resources(INSTANCE, CACHE):
        assert held.inputs.get("instanceClass") == before[held.id].get("instanceClass")
        assert held.inputs.get("nodeType") == before[held.id].get("nodeType")
    # Until then it is not what the program says, and every update asks for it again.
    assert not standing.up("--expect-no-changes")

    time_passes(standing.account)

    standing.up("--expect-no-changes").must()
    assert {held.inputs["instanceClass"] for held in standing.account.resources(INSTANCE)} == {"db.r6g.xlarge"}
    assert {held.inputs["nodeType"] for held in standing.account.resources(CACHE)} == {"cache.r6g.xlarge"}


def test_minor_versions_that_aws_brings_are_left_alone_and_stop_no_update(standing: World):
    time_passes(standing.account)
    brought = {held.id: held.outputs["engineVersionActual"] for held in standing.account.resources(CLUSTER, CACHE)}

    plan = standing.preview()

    assert not urns(plan, "update", "create", "delete", *REPLACING)
    standing.add_tag("CostCenter", "platform")
    standing.up().must()
    standing.up("--expect-no-changes").must()
    now = {held.id: held.outputs["engineVersionActual"] for held in standing.account.resources(CLUSTER, CACHE)}
    assert now == brought


DECISION = {"until": "2026-12-01", "reason": "the writer is too small", "owner": "on-call"}


def test_in_an_incident_a_larger_class_is_there_at_once(standing: World):
    standing.change_settings("database", instance_class="db.r6g.xlarge", apply_immediately=DECISION)
    standing.change_settings("cache", node_type="cache.r6g.xlarge", apply_immediately=DECISION)

    standing.up().must()

    standing.up("--expect-no-changes").must()
    assert {held.inputs["instanceClass"] for held in standing.account.resources(INSTANCE)} == {"db.r6g.xlarge"}
    assert {held.inputs["nodeType"] for held in standing.account.resources(CACHE)} == {"cache.r6g.xlarge"}


def test_major_upgrades_change_what_stands_and_time_may_pass_before_and_after(standing: World):
    time_passes(standing.account)
    before = {held.id for held in standing.account.resources(CLUSTER, INSTANCE, CACHE)}
    standing.change_settings("database", upgrade={**DECISION, "to": "18.6"})
    standing.change_settings("cache", upgrade={**DECISION, "to": "9.1"})

    plan = standing.preview()

    assert {CLUSTER, CACHE} <= types(urns(plan, "update"))
    assert not urns(plan, *REPLACING)
    standing.up().must()
    standing.up("--expect-no-changes").must()
    assert running(standing) == {"18.6", "9.1"}

    # The decision goes, and its version stays; then AWS brings the next one.
    for store, version in (("database", "18.6"), ("cache", "9.1")):
        standing.change_settings(store, version=version, upgrade=None)
    standing.up().must()
    time_passes(standing.account)
    standing.up("--expect-no-changes").must()
    assert running(standing) == {"18.7", "9.2"}
    assert {held.id for held in standing.account.resources(CLUSTER, INSTANCE, CACHE)} == before


def running(world: World) -> set[str]:
    """Return the versions that AWS runs."""
    return {held.outputs["engineVersionActual"] for held in world.account.resources(CLUSTER, CACHE)}


def test_a_database_is_restored_beside_the_one_that_stands_which_then_goes(standing: World):
    (old,) = standing.account.resources(CLUSTER)

    for stage, who in (("beside", ""), ("serving", "delivery-deploy"), ("released", "")):
        standing.change_settings("database", restore_from={"time": "2026-11-20T04:00:00Z", "stage": stage})
        plan = standing.preview()
        # Another database gets the application's role from another run of the job.
        assert types(urns(plan, "delete", *REPLACING)) == ({JOB} if stage == "serving" else set())
        assert (CLUSTER in types(urns(plan, "create"))) == (stage == "beside")
        assume(standing, who)
        standing.up().must()
        assume(standing, "")
        standing.up("--expect-no-changes").must()
    new = next(held for held in standing.account.resources(CLUSTER) if held.id != old.id)

    standing.change_settings("database", restore_from=None, generation=2)
    standing.up().must()

    standing.up("--expect-no-changes").must()
    assert [held.id for held in standing.account.resources(CLUSTER)] == [new.id]
    assert new.id == f"{old.id}-g2"


def test_a_deployment_restores_nothing_and_an_administrator_goes_on(standing: World):
    standing.change_settings("database", restore_from={"time": "latest", "stage": "beside"})
    assume(standing, "delivery-deploy")

    refused = standing.up()

    assert not refused
    assert "is not authorized to perform: " in refused.output
    assume(standing, "")
    standing.up().must()


def test_the_last_snapshot_of_a_stack_that_is_gone_can_be_restored(standing: World):
    (old,) = standing.account.resources(CLUSTER)
    standing.change_settings("environment", protect=False, retiring=True)
    standing.up().must()
    standing.destroy().must()

    standing.change_settings("database", restore_from={"snapshot": old.inputs["finalSnapshotIdentifier"]})
    standing.up().must()

    assert len(standing.account.resources(CLUSTER)) == 2


def test_a_cache_is_restored_from_a_snapshot_beside_the_one_that_stands(standing: World):
    (old,) = standing.account.resources(CACHE)
    backups.keep(standing.account, "before-it", old)

    standing.change_settings("cache", restore_from={"snapshot": "before-it", "stage": "serving"})
    plan = standing.preview()

    assert CACHE in types(urns(plan, "create"))
    assert not urns(plan, "delete", *REPLACING)
    standing.up().must()
    standing.up("--expect-no-changes").must()
    standing.change_settings("cache", restore_from={"snapshot": "before-it", "stage": "released"})
    standing.up().must()
    standing.change_settings("cache", restore_from=None, generation=2)
    standing.up().must()
    standing.up("--expect-no-changes").must()
    assert [held.id for held in standing.account.resources(CACHE)] != [old.id]
