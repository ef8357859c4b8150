"""What can be restored, and how long."""

import pytest
from aws_calls import delete, make

from fakes.aws import backups
from fakes.aws.faults import Refusal
from fakes.aws.maintenance import CACHE, CLUSTER

KEY = "aws:kms/key:Key"


def ended(aws, account, **inputs):
    """Make a cluster and delete it; returns its key's id, and its outputs."""
    key, made = make(aws, account, KEY)
    id_, outputs = make(aws, account, CLUSTER, kmsKeyId=made["arn"], **inputs)
    delete(aws, account, CLUSTER, id_)
    return key, outputs


def test_a_last_snapshot_can_be_restored_as_long_as_its_key_is_there(aws, account):
    key, _ = ended(aws, account, finalSnapshotIdentifier="last")
    make(aws, account, CLUSTER, "restored", snapshotIdentifier="last")

    delete(aws, account, KEY, key)

    with pytest.raises(Refusal, match="KMSKeyNotAccessibleFault"):
        make(aws, account, CLUSTER, "again", snapshotIdentifier="last")


def test_a_second_last_snapshot_of_one_name_is_refused_and_the_cluster_stays(aws, account):
    ended(aws, account, finalSnapshotIdentifier="last")
    with pytest.raises(Refusal, match="DBClusterSnapshotAlreadyExistsFault"):
        ended(aws, account, finalSnapshotIdentifier="last")
    assert len(account.resources(CLUSTER)) == 1


def test_a_snapshot_that_was_skipped_is_not_there(aws, account):
    ended(aws, account, finalSnapshotIdentifier="last", skipFinalSnapshot=True)
    with pytest.raises(Refusal, match="DBClusterSnapshotNotFoundFault: DBClusterSnapshot last not found"):
        make(aws, account, CLUSTER, "restored", snapshotIdentifier="last")


def test_automated_backups_go_with_the_cluster_unless_they_are_kept(aws, account):
    _, gone = ended(aws, account)
    _, kept = ended(aws, account, deleteAutomatedBackups=False)

    make(aws, account, CLUSTER, "restored", restoreToPointInTime={"sourceClusterResourceId": kept["clusterResourceId"]})
    with pytest.raises(Refusal, match="DBClusterNotFoundFault"):
        make(aws, account, CLUSTER, "no", restoreToPointInTime={"sourceClusterResourceId": gone["clusterResourceId"]})


def test_a_point_in_time_is_one_of_a_cluster_that_stands(aws, account):
    with pytest.raises(Refusal, match="DBClusterNotFoundFault: DBCluster main not found"):
        make(aws, account, CLUSTER, "restored", restoreToPointInTime={"sourceClusterIdentifier": "main"})


def test_a_cache_is_made_from_a_snapshot_that_there_is(aws, account):
    with pytest.raises(Refusal, match="SnapshotNotFoundFault"):
        make(aws, account, CACHE, snapshotName="before-it")
    make(aws, account, CACHE, "one")
    backups.keep(account, "before-it", account.resources(CACHE)[0])
    make(aws, account, CACHE, "two", snapshotName="before-it")
