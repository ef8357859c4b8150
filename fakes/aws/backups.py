"""What is left of a database that was deleted, and what a database or a cache can be made from."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fakes.aws.account import Account
from fakes.aws.held import Held
from fakes.aws.link_words import Words
from fakes.aws.maintenance import CACHE, CLUSTER

_MOTO: Final = "https://github.com/getmoto/moto/blob/5.2.5/moto/rds/exceptions.py"
_RDS: Final = "https://github.com/boto/botocore/blob/1.44.5/botocore/data/rds"
_ELASTICACHE: Final = "https://github.com/boto/botocore/blob/1.44.5/botocore/data/elasticache"

SNAPSHOT_TAKEN: Final = Words(
    "DBClusterSnapshotAlreadyExistsFault: Cannot create the snapshot because a snapshot with the identifier {value} "
    "already exists.",
    _MOTO,
)
NO_SNAPSHOT: Final = Words("DBClusterSnapshotNotFoundFault: DBClusterSnapshot {value} not found.", _MOTO)
NO_CLUSTER: Final = Words("DBClusterNotFoundFault: DBCluster {value} not found.", _MOTO)
NO_KEY: Final = Words("KMSKeyNotAccessibleFault: An error occurred accessing an Amazon Web Services KMS key.", _RDS)
NO_CACHE_SNAPSHOT: Final = Words(
    "SnapshotNotFoundFault: The requested snapshot name does not refer to an existing snapshot.", _ELASTICACHE
)


def keep(account: Account, name: str, of: Held) -> None:
    """Keep a backup of a resource under a snapshot's name, or a resource id: what it was, and which key opens it."""
    account.set(f"backup {name}", json.dumps({"key": of.inputs.get("kmsKeyId"), "database": of.answer("databaseName")}))


def _find(account: Account, name: str) -> Mapping[str, Any] | None:
    found = account.get(f"backup {name}")
    return json.loads(found) if found else None


def left_behind(account: Account, deleted: Held) -> str | None:
    """Keep what a deletion leaves; returns why AWS refuses it, where the last snapshot's name is taken.

    DeleteDBCluster, DeleteAutomatedBackups: "The default is to remove automated backups immediately after the DB
    cluster is deleted".
    """
    if deleted.type != CLUSTER:
        return None
    name = deleted.inputs.get("finalSnapshotIdentifier")
    if name and not deleted.inputs.get("skipFinalSnapshot"):
        if _find(account, name):
            return SNAPSHOT_TAKEN(value=name)
        keep(account, name, deleted)
    if deleted.inputs.get("deleteAutomatedBackups") is False:
        keep(account, str(deleted.answer("clusterResourceId")), deleted)
    return None


def refusal(account: Account, new: Held) -> str | None:
    """Return why AWS does not make a resource from a backup; None where it does, or where there is none to use."""
    if new.type == CACHE:
        name = new.inputs.get("snapshotName")
        return NO_CACHE_SNAPSHOT() if name and not _find(account, name) else None
    if new.type != CLUSTER:
        return None
    past = new.inputs.get("restoreToPointInTime") or {}
    if name := new.inputs.get("snapshotIdentifier"):
        backup = _find(account, name)
        return _unreadable(account, backup) if backup else NO_SNAPSHOT(value=name)
    if name := past.get("sourceClusterIdentifier"):
        source = account.find(CLUSTER, name)
        return _unreadable(account, {"key": source.inputs.get("kmsKeyId")}) if source else NO_CLUSTER(value=name)
    if name := past.get("sourceClusterResourceId"):
        backup = _find(account, name)
        return _unreadable(account, backup) if backup else NO_CLUSTER(value=name)
    return None


def _unreadable(account: Account, backup: Mapping[str, Any]) -> str | None:
    keys = {each.answer("arn") for each in account.resources("aws:kms/key:Key")}
    return NO_KEY() if backup["key"] and backup["key"] not in keys else None
