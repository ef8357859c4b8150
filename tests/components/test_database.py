"""The database: who reaches it, what changes when, which cluster serves, and what of it outlives the stack."""

import datetime
import functools
import json
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, ROLES, build

from components.database import Database, DatabaseArgs
from recording.graph import Graph, Resource
from settings import data_stores as settings
from settings.exceptions import Decision, Upgrade

CLUSTER, INSTANCE = "aws:rds/cluster:Cluster", "aws:rds/clusterInstance:ClusterInstance"
GROUP, INSTANCE_GROUP = "aws:rds/clusterParameterGroup:ClusterParameterGroup", "aws:rds/parameterGroup:ParameterGroup"
UNTIL: dict[str, Any] = {"until": datetime.date(2026, 11, 30), "reason": "the writer is too small", "owner": "on-call"}
SECTION: dict[str, Any] = {
    "version": "17.10",
    "instance_class": "db.r6g.large",
    "instances": 3,
    "backup_days": 21,
    "backup_window": "02:10-02:50",
    "maintenance_window": "mon:01:00-mon:02:00",
}


def database(*, protect: bool = True, makes_service_role: bool = True, **section: Any) -> Graph:
    args = DatabaseArgs(
        context=CONTEXT,
        settings=settings.Database(**{**SECTION, **section}),
        vpc_id="vpc-1",
        subnet_ids=["subnet-a", "subnet-b"],
        client_security_group_id="sg-nodes",
        key_arn=KEY_ARN,
        roles=ROLES,
        log_groups=LOG_GROUPS,
        makes_service_role=makes_service_role,
        protect=protect,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = Database("database", args, opts)
        pulumi.export("endpoint", made.endpoint)
        pulumi.export("reader_endpoint", made.reader_endpoint)
        pulumi.export("cluster_identifier", made.cluster_identifier)
        pulumi.export("secret_arn", made.secret_arn)
        pulumi.export("secret_arns", made.secret_arns)
        pulumi.export("resource_ids", made.resource_ids)
        pulumi.export("instance_identifiers", made.instance_identifiers)
        pulumi.export("instances", made.instances)

    return build(make)


@functools.cache
def plain() -> Graph:
    return database()


@functools.cache
def restored(stage: str) -> Graph:
    return database(restore_from=settings.DatabaseRestore.model_validate({"snapshot": "before-it", "stage": stage}))


STAGES = ("beside", "serving", "released")


def cluster(graph: Graph) -> Resource:
    (found,) = graph.of_type(CLUSTER)
    return found


def clusters(graph: Graph) -> tuple[Resource, Resource]:
    first, second = graph.of_type(CLUSTER)
    return first, second


def test_nodes_reach_the_database_on_one_port_and_nothing_else_does() -> None:
    (group,) = plain().of_type("aws:ec2/securityGroup:SecurityGroup")
    (rule,) = plain().of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert group["vpcId"] == "vpc-1"
    assert rule["securityGroupId"] == group.id
    assert (rule["referencedSecurityGroupId"], rule["ipProtocol"]) == ("sg-nodes", "tcp")
    assert (rule["fromPort"], rule["toPort"]) == (5432, 5432)
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & rule.inputs.keys()
    assert not plain().of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert cluster(plain())["vpcSecurityGroupIds"] == [group.id]


def test_the_database_lies_in_the_isolated_subnets_and_has_no_public_address() -> None:
    (subnets,) = plain().of_type("aws:rds/subnetGroup:SubnetGroup")
    assert subnets["subnetIds"] == ["subnet-a", "subnet-b"]
    assert cluster(plain())["dbSubnetGroupName"] == subnets.outputs["name"]
    assert {instance["publiclyAccessible"] for instance in plain().of_type(INSTANCE)} == {False}


def test_a_client_without_tls_is_refused_and_queries_of_a_second_are_logged() -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html."""
    (group,) = plain().of_type(GROUP)
    assert {each["name"]: each["value"] for each in group["parameters"]} == {
        "rds.force_ssl": "1",
        "log_min_duration_statement": "1000",
    }
    # A change of it waits for a restart; a plan that says otherwise never comes to an end.
    assert [each.get("applyMethod") for each in group["parameters"]] == ["pending-reboot", None]
    assert cluster(plain())["dbClusterParameterGroupName"] == group.outputs["name"]


def test_whoever_reads_the_data_the_owners_password_or_query_statistics_needs_the_key() -> None:
    for found in clusters(restored("beside")):
        assert found["storageEncrypted"] is True
        assert (found["kmsKeyId"], found["masterUserSecretKmsKeyId"]) == (KEY_ARN, KEY_ARN)
    for instance in plain().of_type(INSTANCE):
        assert instance["performanceInsightsEnabled"] is True
        assert instance["performanceInsightsKmsKeyId"] == KEY_ARN


def test_nobody_knows_the_owners_password_and_the_application_logs_in_by_iam() -> None:
    found = cluster(plain())
    assert found["manageMasterUserPassword"] is True
    assert not {"masterPassword", "masterPasswordWo"} & found.inputs.keys()
    assert found["iamDatabaseAuthenticationEnabled"] is True
    assert (found["databaseName"], found["masterUsername"]) == ("ai_prism", "prism_owner")


def test_the_database_starts_where_its_service_role_is_not_there_yet() -> None:
    """RDS refuses the first request of an account without the role (terraform-aws-rds #364)."""
    (role,) = plain().of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")
    assert role["awsServiceName"] == "rds.amazonaws.com"
    (subnets,) = plain().of_type("aws:rds/subnetGroup:SubnetGroup")
    assert role.urn in subnets.dependencies
    assert not database(makes_service_role=False).of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")


def test_what_is_set_in_the_stack_file_is_what_aws_is_asked_for() -> None:
    found = cluster(plain())
    assert found["engine"] == "aurora-postgresql"
    assert found["engineVersion"] == "17.10"
    assert found["backupRetentionPeriod"] == 21
    assert found["preferredBackupWindow"] == "02:10-02:50"
    for instance in plain().of_type(INSTANCE):
        assert (instance["engine"], instance["instanceClass"]) == ("aurora-postgresql", "db.r6g.large")
        assert instance["clusterIdentifier"] == found.id
    assert [instance.name for instance in plain().of_type(INSTANCE)] == ["database-1", "database-2", "database-3"]
    assert plain().outputs["instances"] == 3


def test_support_past_a_versions_end_is_never_paid_for_by_accident() -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/extended-support-creating-db-cluster.html."""
    assert cluster(plain())["engineLifecycleSupport"] == "open-source-rds-extended-support-disabled"


def test_the_databases_log_goes_to_a_group_with_the_stacks_key_and_retention() -> None:
    """Aurora makes the group itself, without either, where it comes first."""
    for found, suffix in zip(clusters(restored("beside")), ("", "-g2"), strict=True):
        assert found["enabledCloudwatchLogsExports"] == ["postgresql"]
        logs = restored("beside").named("aws:cloudwatch/logGroup:LogGroup", f"database{suffix}-logs")
        assert logs["name"] == f"/aws/rds/cluster/{found['clusterIdentifier']}/postgresql"
        assert (logs["kmsKeyId"], logs["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
        assert logs.urn in found.dependencies


def test_each_instance_reports_its_system_every_minute_by_a_role_that_rds_alone_assumes() -> None:
    (role,) = plain().of_type("aws:iam/role:Role")
    (statement,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "monitoring.rds.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": CONTEXT.account_id}}
    (attached,) = plain().of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert attached["policyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    assert not plain().of_type("aws:iam/rolePolicy:RolePolicy")
    for instance in plain().of_type(INSTANCE):
        assert (instance["monitoringInterval"], instance["monitoringRoleArn"]) == (60, role.outputs["arn"])
        assert attached.urn in instance.dependencies


@pytest.mark.parametrize("protect", [True, False])
def test_a_database_that_matters_is_deleted_by_nobody(protect: bool) -> None:
    graph = database(protect=protect)
    assert (cluster(graph).protect, cluster(graph)["deletionProtection"]) == (protect, protect)
    assert {instance.protect for instance in graph.of_type(INSTANCE)} == {protect}


def test_backups_outlive_the_cluster() -> None:
    found = cluster(plain())
    assert found["deleteAutomatedBackups"] is False
    assert found["skipFinalSnapshot"] is False
    # Named after the key that opens it.
    assert found["finalSnapshotIdentifier"] == "ai-prism-test-final-11111111"
    assert found["copyTagsToSnapshot"] is True


def test_the_key_of_backups_outlives_the_stack(known: Graph) -> None:
    (key,) = [each for each in known.of_type("aws:kms/key:Key") if each.outputs["arn"] == cluster(known)["kmsKeyId"]]
    assert key.retain_on_delete


def test_changes_that_restart_the_database_wait_for_one_maintenance_window() -> None:
    for resource in plain().of_type(CLUSTER, INSTANCE):
        assert resource["applyImmediately"] is False
        assert resource["preferredMaintenanceWindow"] == "mon:01:00-mon:02:00"
        assert "tags" not in resource.inputs


def test_in_an_incident_changes_are_made_at_once_and_everybody_sees_until_when() -> None:
    for resource in database(apply_immediately=Decision(**UNTIL)).of_type(CLUSTER, INSTANCE):
        assert resource["applyImmediately"] is True
        assert resource["tags"] == {"ApplyImmediatelyUntil": "2026-11-30"}


def test_no_two_instances_are_equally_next_to_become_the_writer() -> None:
    assert [resource["promotionTier"] for resource in plain().of_type(INSTANCE)] == [0, 1, 2]


def test_minor_versions_that_aws_brings_are_not_rolled_back() -> None:
    assert "engineVersion" in cluster(plain()).ignore_changes
    assert all("engineVersion" not in resource.inputs for resource in plain().of_type(INSTANCE))
    assert all(resource["autoMinorVersionUpgrade"] for resource in plain().of_type(INSTANCE))


def test_an_upgrade_brings_its_version_at_once_with_groups_of_its_family() -> None:
    graph = database(upgrade=Upgrade(**UNTIL, to="18.6"))
    found = cluster(graph)
    assert found["engineVersion"] == "18.6"
    assert "engineVersion" not in found.ignore_changes
    assert (found["allowMajorVersionUpgrade"], found["applyImmediately"]) == (True, True)
    for resource in graph.of_type(CLUSTER, INSTANCE):
        assert resource["tags"] == {"UpgradeUntil": "2026-11-30"}
    assert {each["family"] for each in graph.of_type(GROUP, INSTANCE_GROUP)} == {"aurora-postgresql18"}
    (of_instances,) = graph.of_type(INSTANCE_GROUP)
    # AWS demands it with a new major version (API_ModifyDBCluster).
    assert of_instances.urn in found.property_dependencies["dbInstanceParameterGroupName"]
    assert found["dbInstanceParameterGroupName"] == of_instances.outputs["name"]
    assert {instance["dbParameterGroupName"] for instance in graph.of_type(INSTANCE)} == {of_instances.outputs["name"]}


def test_without_an_upgrade_a_new_major_version_is_not_allowed() -> None:
    assert not {"allowMajorVersionUpgrade", "dbInstanceParameterGroupName"} & cluster(plain()).inputs.keys()


def test_groups_of_a_new_family_stand_beside_those_of_the_old_one() -> None:
    names = {each.name for each in plain().of_type(GROUP, INSTANCE_GROUP)}
    assert {each["family"] for each in plain().of_type(GROUP, INSTANCE_GROUP)} == {"aurora-postgresql17"}
    upgraded = database(upgrade=Upgrade(**UNTIL, to="18.6"))
    assert not names & {each.name for each in upgraded.of_type(GROUP, INSTANCE_GROUP)}


def test_a_change_of_hours_is_not_given_up_half_way() -> None:
    """A major upgrade takes over an hour of a large database (Aurora guide, "Upgrading the PostgreSQL DB engine")."""
    assert cluster(plain()).custom_timeouts == {"create": "60m", "update": "120m", "delete": "60m"}


def test_a_restored_database_stands_beside_the_other_one_under_names_of_its_own() -> None:
    first, second = clusters(restored("beside"))
    assert first.inputs == cluster(plain()).inputs
    assert second["snapshotIdentifier"] == "before-it"
    for key in ("clusterIdentifier", "finalSnapshotIdentifier"):
        assert second[key] == f"{first[key]}-g2"
    own = dict.fromkeys(("clusterIdentifier", "finalSnapshotIdentifier", "snapshotIdentifier"))
    assert {**first.inputs, **own} == {**second.inputs, **own}
    assert [each.name for each in restored("beside").of_type(INSTANCE)] == [
        *(f"database-{number}" for number in (1, 2, 3)),
        *(f"database-g2-{number}" for number in (1, 2, 3)),
    ]
    for instance in restored("beside").of_type(INSTANCE):
        assert instance["clusterIdentifier"] == (second if "-g2-" in instance.name else first).id


@pytest.mark.parametrize("stage", STAGES)
def test_clients_are_sent_to_the_restored_database_once_it_serves(stage: str) -> None:
    graph = restored(stage)
    first, second = clusters(graph)
    assert first.outputs["endpoint"] != second.outputs["endpoint"]
    serving = first if stage == "beside" else second
    assert graph.outputs["endpoint"] == serving.outputs["endpoint"]
    assert graph.outputs["reader_endpoint"] == serving.outputs["readerEndpoint"]
    assert graph.outputs["cluster_identifier"] == serving["clusterIdentifier"]
    assert graph.outputs["secret_arn"] == serving.outputs["masterUserSecrets"][0]["secretArn"]


@pytest.mark.parametrize("stage", STAGES)
def test_logins_and_events_are_those_of_both_while_one_replaces_the_other(stage: str) -> None:
    graph = restored(stage)
    assert graph.outputs["resource_ids"] == [each.outputs["clusterResourceId"] for each in clusters(graph)]
    secrets = [each.outputs["masterUserSecrets"][0]["secretArn"] for each in clusters(graph)]
    assert graph.outputs["secret_arns"] == secrets
    instances = [each.outputs["identifier"] for each in graph.of_type(INSTANCE)]
    assert graph.outputs["instance_identifiers"] == instances


@pytest.mark.parametrize("stage", STAGES)
def test_the_database_that_does_not_serve_loses_its_protection_by_a_step_of_its_own(stage: str) -> None:
    first, second = clusters(restored(stage))
    assert (second.protect, second["deletionProtection"]) == (True, True)
    kept = stage != "released"
    assert (first.protect, first["deletionProtection"]) == (kept, kept)
    for instance in restored(stage).of_type(INSTANCE):
        assert instance.protect == (kept or "-g2-" in instance.name)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"time": "latest"}, {"sourceClusterIdentifier": "ai-prism-test", "useLatestRestorableTime": True}),
        (
            {"time": "2026-11-20T04:00:00Z"},
            {"sourceClusterIdentifier": "ai-prism-test", "restoreToTime": "2026-11-20T04:00:00Z"},
        ),
        (
            {"time": "latest", "source": "cluster-ABC123"},
            {"sourceClusterResourceId": "cluster-ABC123", "useLatestRestorableTime": True},
        ),
    ],
    ids=str,
)
def test_a_point_in_time_is_one_of_the_database_that_stands_or_of_a_deleted_one(
    given: dict[str, str], wanted: dict[str, Any]
) -> None:
    graph = database(restore_from=settings.DatabaseRestore.model_validate(given))
    first, second = clusters(graph)
    assert second["restoreToPointInTime"] == wanted
    if "source" not in given:
        assert first.urn in second.dependencies


def test_a_database_that_has_replaced_another_is_the_same_resource_without_the_backup() -> None:
    _, second = clusters(restored("released"))
    later = cluster(database(generation=2))
    assert later.urn == second.urn
    # What it was made from forces a replacement, so its loss from the stack file must not count.
    assert {"snapshotIdentifier", "restoreToPointInTime"} <= set(later.ignore_changes)
