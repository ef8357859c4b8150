"""The cache: who reaches it, what its user may do, what changes when, and which group serves."""

import datetime
import functools
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, build

from components.cache import Cache, CacheArgs
from recording.graph import Graph, Resource
from settings import data_stores as settings
from settings.exceptions import Decision, Upgrade

GROUP, USER = "aws:elasticache/replicationGroup:ReplicationGroup", "aws:elasticache/user:User"
SERVICE_ROLE = "aws:iam/serviceLinkedRole:ServiceLinkedRole"
UNTIL: dict[str, Any] = {"until": datetime.date(2026, 11, 30), "reason": "memory is used up", "owner": "on-call"}
SECTION: dict[str, Any] = {
    "version": "8.1",
    "node_type": "cache.r7g.large",
    "nodes": 2,
    "snapshot_days": 9,
    "snapshot_window": "02:00-03:30",
    "maintenance_window": "tue:06:00-tue:07:30",
}


def cache(*, protect: bool = True, makes_service_role: bool = True, **section: Any) -> Graph:
    args = CacheArgs(
        context=CONTEXT,
        settings=settings.Cache(**{**SECTION, **section}),
        vpc_id="vpc-1",
        subnet_ids=["subnet-a", "subnet-b"],
        client_security_group_id="sg-nodes",
        key_arn=KEY_ARN,
        log_groups=LOG_GROUPS,
        makes_service_role=makes_service_role,
        protect=protect,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = Cache("cache", args, opts)
        pulumi.export("endpoint", made.endpoint)
        pulumi.export("reader_endpoint", made.reader_endpoint)
        pulumi.export("replication_group_id", made.replication_group_id)
        pulumi.export("replication_group_arns", made.replication_group_arns)
        pulumi.export("user", made.user)
        pulumi.export("user_arn", made.user_arn)
        pulumi.export("nodes", made.nodes)

    return build(make)


@functools.cache
def plain() -> Graph:
    return cache()


@functools.cache
def restored(stage: str) -> Graph:
    return cache(restore_from=settings.CacheRestore.model_validate({"snapshot": "before-it", "stage": stage}))


def group(graph: Graph) -> Resource:
    (found,) = graph.of_type(GROUP)
    return found


def test_nodes_reach_the_cache_on_one_port_and_nothing_else_does() -> None:
    (access,) = plain().of_type("aws:ec2/securityGroup:SecurityGroup")
    (rule,) = plain().of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert access["vpcId"] == "vpc-1"
    assert rule["securityGroupId"] == access.id
    assert (rule["referencedSecurityGroupId"], rule["ipProtocol"]) == ("sg-nodes", "tcp")
    assert (rule["fromPort"], rule["toPort"], group(plain())["port"]) == (6379, 6379, 6379)
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & rule.inputs.keys()
    assert not plain().of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
    assert group(plain())["securityGroupIds"] == [access.id]


def test_the_cache_lies_in_the_isolated_subnets() -> None:
    (subnets,) = plain().of_type("aws:elasticache/subnetGroup:SubnetGroup")
    assert subnets["subnetIds"] == ["subnet-a", "subnet-b"]
    assert group(plain())["subnetGroupName"] == subnets.outputs["name"]


def test_nobody_reads_the_cache_on_its_way_or_on_disk() -> None:
    found = group(plain())
    assert (found["transitEncryptionEnabled"], found["transitEncryptionMode"]) == (True, "required")
    assert (found["atRestEncryptionEnabled"], found["kmsKeyId"]) == (True, KEY_ARN)


def test_the_one_user_logs_in_by_iam_and_there_is_no_password() -> None:
    """ElastiCache takes IAM for a user whose name is its id (auth-iam, limitations)."""
    (user,) = plain().of_type(USER)
    (users,) = plain().of_type("aws:elasticache/userGroup:UserGroup")
    assert user["userId"] == user["userName"] == plain().outputs["user"] == "ai-prism-test-app"
    assert user["authenticationMode"] == {"type": "iam"}
    assert not {"passwords", "noPasswordRequired"} & user.inputs.keys()
    assert users["userIds"] == [user["userId"]]
    assert group(plain())["userGroupIds"] == [users["userGroupId"]] == ["ai-prism-test"]
    assert "authToken" not in group(plain())
    assert {user["engine"], users["engine"], group(plain())["engine"]} == {"valkey"}
    assert plain().outputs["user_arn"] == user.outputs["arn"]


def test_the_user_reads_and_writes_every_key_and_can_neither_administer_nor_stall_the_server() -> None:
    """Rules hold in order, the last one wins: https://valkey.io/topics/acl."""
    (user,) = plain().of_type(USER)
    state, keys, channels, *rules = user["accessString"].split()
    assert (state, keys, channels) == ("on", "~*", "&*")
    assert rules[0] == "-@all"
    assert set(rules[1:-2]) == {"+@read", "+@write", "+@connection", "+@transaction", "+@pubsub", "+@scripting"}
    # Last, since @write and @connection have dangerous commands, too, such as FLUSHALL and CLIENT KILL.
    assert rules[-2:] == ["-@admin", "-@dangerous"]


def test_the_cache_starts_where_its_service_role_is_not_there_yet() -> None:
    """ElastiCache refuses the first request of an account without it (ServiceLinkedRoleNotFoundFault)."""
    (role,) = plain().of_type(SERVICE_ROLE)
    assert role["awsServiceName"] == "elasticache.amazonaws.com"
    for asking in plain().of_type(USER, "aws:elasticache/subnetGroup:SubnetGroup"):
        assert role.urn in asking.dependencies
    assert not cache(makes_service_role=False).of_type(SERVICE_ROLE)


def test_what_is_set_in_the_stack_file_is_what_aws_is_asked_for() -> None:
    found = group(plain())
    assert (found["engineVersion"], found["parameterGroupName"]) == ("8.1", "default.valkey8")
    assert (found["nodeType"], found["numCacheClusters"], plain().outputs["nodes"]) == ("cache.r7g.large", 2, 2)
    assert (found["snapshotRetentionLimit"], found["snapshotWindow"]) == (9, "02:00-03:30")
    assert found["maintenanceWindow"] == "tue:06:00-tue:07:30"


@pytest.mark.parametrize(("nodes", "fails_over"), [(1, False), (2, True), (3, True)])
def test_a_replica_in_another_zone_becomes_the_primary_wherever_there_is_one(nodes: int, fails_over: bool) -> None:
    """AWS refuses failover for a single node (API_CreateReplicationGroup)."""
    found = group(cache(nodes=nodes))
    assert (found["automaticFailoverEnabled"], found["multiAzEnabled"]) == (fails_over, fails_over)


def test_slow_commands_are_logged_to_a_group_with_the_stacks_key_and_retention() -> None:
    (logs,) = plain().of_type("aws:cloudwatch/logGroup:LogGroup")
    assert (logs["kmsKeyId"], logs["retentionInDays"]) == (LOG_GROUPS.key_arn, LOG_GROUPS.retention_days)
    assert group(plain())["logDeliveryConfigurations"] == [
        {
            "logType": "slow-log",
            "logFormat": "json",
            "destinationType": "cloudwatch-logs",
            "destination": logs.outputs["name"],
        }
    ]


@pytest.mark.parametrize("protect", [True, False])
def test_a_cache_that_matters_is_not_deleted_by_an_update(protect: bool) -> None:
    assert group(cache(protect=protect)).protect is protect


def test_an_operation_of_an_hour_is_not_given_up_half_way() -> None:
    """A change that is given up too early fails the update, although AWS finishes it."""
    assert group(plain()).custom_timeouts == {"create": "60m", "update": "60m", "delete": "60m"}


def test_a_minor_version_that_aws_brings_neither_replaces_the_cache_nor_is_rolled_back() -> None:
    found = group(plain())
    assert found["autoMinorVersionUpgrade"]
    assert "engineVersion" in found.ignore_changes


def test_changes_that_restart_nodes_wait_for_the_maintenance_window() -> None:
    assert group(plain())["applyImmediately"] is False
    assert "tags" not in group(plain()).inputs


def test_in_an_incident_nodes_are_changed_at_once_and_everybody_sees_until_when() -> None:
    found = group(cache(apply_immediately=Decision(**UNTIL)))
    assert found["applyImmediately"] is True
    assert found["tags"] == {"ApplyImmediatelyUntil": "2026-11-30"}


def test_an_upgrade_brings_its_version_with_the_parameters_of_its_family() -> None:
    found = group(cache(upgrade=Upgrade(**UNTIL, to="9.1")))
    assert (found["engineVersion"], found["parameterGroupName"]) == ("9.1", "default.valkey9")
    assert "engineVersion" not in found.ignore_changes
    assert found["applyImmediately"] is True
    assert found["tags"] == {"UpgradeUntil": "2026-11-30"}


def test_a_restored_cache_differs_from_the_other_one_by_its_name_and_its_snapshot_alone() -> None:
    first, second = restored("beside").of_type(GROUP)
    assert (first.name, second.name) == ("cache", "cache-g2")
    assert {**first.inputs, "snapshotName": "before-it"} == second.inputs
    assert first.inputs == group(plain()).inputs


@pytest.mark.parametrize(
    ("stage", "serving", "protected"), [("beside", 0, True), ("serving", 1, True), ("released", 1, False)]
)
def test_a_restored_cache_stands_beside_the_other_one_until_it_serves(
    stage: str, serving: int, protected: bool
) -> None:
    graph = restored(stage)
    groups = graph.of_type(GROUP)
    assert graph.outputs["endpoint"] == groups[serving].outputs["primaryEndpointAddress"]
    assert graph.outputs["reader_endpoint"] == groups[serving].outputs["readerEndpointAddress"]
    assert graph.outputs["replication_group_id"] == groups[serving].id
    assert [group.protect for group in groups] == [protected, True]
    # Pods log in to either while one replaces the other.
    assert graph.outputs["replication_group_arns"] == [group.outputs["arn"] for group in groups]


def test_a_cache_that_has_replaced_another_is_the_same_resource_without_the_snapshot() -> None:
    later = group(cache(generation=2))
    assert later.urn == restored("released").of_type(GROUP)[1].urn
    # A snapshot that the stack file no longer names would replace the cache.
    assert "snapshotName" in later.ignore_changes
