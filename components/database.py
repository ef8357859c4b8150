"""The database: Aurora PostgreSQL, reachable from the platform's nodes and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access_group import make_access_group
from components.cluster import Cluster
from components.foundation import Foundation
from components.iam_roles import Role
from components.iam_statements import trust_service
from components.network import Network
from components.service_roles import make_service_role
from settings import stack as settings
from settings.data_stores import DatabaseRestore
from settings.naming import physical_name

PORT = 5432
DATABASE = "ai_prism"
OWNER = "prism_owner"
"""The master user. Applications log in as roles of their own, by IAM authentication."""
SLOW_QUERY_MS = 1000
IMMEDIATELY_UNTIL = "ApplyImmediatelyUntil"
"""Tag: the last day on which changes restart the database at once. The policies read it."""
UPGRADE_UNTIL = "UpgradeUntil"
"""Tag: the last day on which another version is brought. The policies read it."""


@dataclass(frozen=True)
class DatabaseArgs:
    """What a Database rests on and is told."""

    foundation: Foundation
    settings: settings.Database
    network: Network
    cluster: Cluster
    """Its nodes are the only clients."""


class Database(pulumi.ComponentResource):
    """Aurora PostgreSQL in isolated subnets: TLS only, encrypted, its master password made and kept by AWS."""

    instances: int
    instance_identifiers: list[pulumi.Output[str]]
    cluster_identifier: pulumi.Output[str]
    resource_ids: Sequence[pulumi.Output[str]]
    """What `rds-db:connect` permissions name: of all clusters, so that pods may log in while one takes over."""
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """Secrets Manager secret with the master user's password."""
    secret_arns: Sequence[pulumi.Output[str]]
    """Those of all clusters, so that no role changes when one takes over."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Database", name, None, opts)
        self._name, self._args = name, args
        self._foundation, self._settings = args.foundation, args.settings
        self._child = pulumi.ResourceOptions(parent=self)

        access = make_access_group(
            name,
            parent=self,
            what="database",
            port=PORT,
            vpc_id=args.network.vpc_id,
            clients={"nodes": args.cluster.nodes_security_group_id},
        )
        self._access, self._subnets = access, self._make_subnets()
        self._cluster_parameters, self._instance_parameters = self._make_parameters()
        self._monitoring = self._make_monitoring_role()
        self.instance_identifiers = []
        clusters = self._make_clusters()

        restore = args.settings.restore_from
        serving = clusters[-1] if restore and restore.stage != "beside" else clusters[0]
        self.instances = args.settings.instances
        self.cluster_identifier = serving.cluster_identifier
        self.resource_ids = [cluster.cluster_resource_id for cluster in clusters]
        self.endpoint = serving.endpoint
        self.reader_endpoint = serving.reader_endpoint
        self.secret_arn = _secret_arn(serving)
        self.secret_arns = [_secret_arn(cluster) for cluster in clusters]
        self.register_outputs({"endpoint": self.endpoint, "reader_endpoint": self.reader_endpoint})

    def _make_clusters(self) -> list[aws.rds.Cluster]:
        """Make the stack's cluster, and beside it the one that is restored, if any."""
        chosen, restore, protect = self._settings, self._settings.restore_from, self._foundation.protect
        released = restore is not None and restore.stage == "released"
        clusters = [self._make_cluster(_Generation(chosen.generation), protect=protect and not released)]
        if restore:
            clusters.append(
                self._make_cluster(_Generation(chosen.generation + 1), protect=protect, **_origin(restore, clusters[0]))
            )
        return clusters

    @property
    def _family(self) -> str:
        """The parameter group family; derived, so that an upgrade cannot forget it."""
        return f"aurora-postgresql{self._engine_version.split('.')[0]}"

    @property
    def _engine_version(self) -> str:
        chosen = self._settings
        return chosen.upgrade.to if chosen.upgrade else chosen.version

    @property
    def _at_once(self) -> bool:
        return self._settings.apply_immediately is not None

    @property
    def _tags(self) -> dict[str, str]:
        """Tell the policies, and whoever looks, until when which exception holds."""
        exceptions = {IMMEDIATELY_UNTIL: self._settings.apply_immediately, UPGRADE_UNTIL: self._settings.upgrade}
        return {tag: decision.until.isoformat() for tag, decision in exceptions.items() if decision}

    def _make_subnets(self) -> aws.rds.SubnetGroup:
        return aws.rds.SubnetGroup(
            f"{self._name}-subnets",
            description="Isolated",
            subnet_ids=self._args.network.isolated_subnet_ids,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=make_service_role(self._name, "rds", parent=self, owned=self._foundation.service_roles),
            ),
        )

    def _make_parameters(self) -> tuple[aws.rds.ClusterParameterGroup, aws.rds.ParameterGroup]:
        """Make the cluster's and the instances' parameters; a new family needs new groups beside the old ones."""
        of_cluster = aws.rds.ClusterParameterGroup(
            f"{self._name}-{self._family}",
            family=self._family,
            description="TLS only; slow queries logged",
            parameters=[
                # Set at creation, since the cluster starts with the group; AWS keeps it as one that needs a restart.
                {"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"},
                {"name": "log_min_duration_statement", "value": str(SLOW_QUERY_MS)},
            ],
            opts=self._child,
        )
        of_instances = aws.rds.ParameterGroup(
            f"{self._name}-instance-{self._family}",
            family=self._family,
            description="The defaults, in a group that an upgrade can change",
            opts=self._child,
        )
        return of_cluster, of_instances

    def _make_monitoring_role(self) -> Role:
        return self._foundation.roles.make(
            f"{self._name}-monitoring",
            parent=self,
            trusts=trust_service("monitoring.rds.amazonaws.com", self._foundation.location.account_id),
            managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
        )

    def _make_cluster(self, generation: "_Generation", *, protect: bool, **origin: Any) -> aws.rds.Cluster:
        chosen, stack = self._settings, self._foundation.location.stack
        data_key_arn = self._foundation.encryption.data_key.arn
        upgrade = chosen.upgrade is not None
        logs = self._foundation.make_log_group(
            f"{self._name}{generation}-logs",
            parent=self,
            physical_name=generation.physical_name("database-logs", stack),
        )
        cluster = aws.rds.Cluster(
            f"{self._name}{generation}",
            cluster_identifier=generation.physical_name("database", stack),
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            engine_version=self._engine_version,
            allow_major_version_upgrade=upgrade or None,
            # AWS asks for it with a new major version, and the provider leaves it out of any other change.
            db_instance_parameter_group_name=self._instance_parameters.name if upgrade else None,
            # Paid support for versions past their end is never entered by accident.
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            database_name=DATABASE,
            master_username=OWNER,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=data_key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=data_key_arn,
            db_subnet_group_name=self._subnets.name,
            db_cluster_parameter_group_name=self._cluster_parameters.name,
            vpc_security_group_ids=[self._access.id],
            backup_retention_period=chosen.backup_days,
            preferred_backup_window=chosen.backup_window,
            preferred_maintenance_window=chosen.maintenance_window,
            copy_tags_to_snapshot=True,
            enabled_cloudwatch_logs_exports=["postgresql"],
            deletion_protection=protect,
            skip_final_snapshot=False,
            final_snapshot_identifier=self._final_snapshot(generation),
            # Backups outlive the cluster by their retention: a deletion can be undone to any second of it.
            delete_automated_backups=False,
            # An upgrade is begun in the hour that was chosen for it.
            apply_immediately=self._at_once or upgrade,
            tags=self._tags or None,
            **origin,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                depends_on=[logs],
                ignore_changes=[*(() if upgrade else ("engineVersion",)), *_ORIGIN],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )
        self._make_instances(f"{self._name}{generation}", cluster, protect=protect)
        return cluster

    def _final_snapshot(self, generation: "_Generation") -> pulumi.Output[str]:
        """Name the last snapshot after the key that opens it.

        Each incarnation of a stack has a key of its own, so a second destroy of the whole stack does not stumble over
        the first one's snapshot, and whoever restores sees which key opens it.
        """
        stack = self._foundation.location.stack
        return self._foundation.encryption.data_key.key_id.apply(
            lambda key: physical_name("database-snapshot", stack, f"{str(key)[:8]}{generation}")
        )

    def _make_instances(self, name: str, cluster: aws.rds.Cluster, *, protect: bool) -> None:
        """Make the writer and its readers; their version is the cluster's, which an upgrade of it brings."""
        for number in range(1, self._settings.instances + 1):
            instance = aws.rds.ClusterInstance(
                f"{name}-{number}",
                cluster_identifier=cluster.id,
                engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                instance_class=self._settings.instance_class,
                publicly_accessible=False,
                db_parameter_group_name=self._instance_parameters.name,
                auto_minor_version_upgrade=True,
                preferred_maintenance_window=self._settings.maintenance_window,
                apply_immediately=self._at_once,
                monitoring_interval=60,
                monitoring_role_arn=self._monitoring.arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=self._foundation.encryption.data_key.arn,
                # One after the other takes over, so that it is known which: 0 to 15.
                promotion_tier=number - 1,
                tags=self._tags or None,
                opts=pulumi.ResourceOptions(parent=self, protect=protect),
            )
            self.instance_identifiers.append(instance.identifier)


def _secret_arn(cluster: aws.rds.Cluster) -> pulumi.Output[str]:
    return cluster.master_user_secrets.apply(lambda secrets: str(secrets[0].secret_arn))


@dataclass(frozen=True)
class _Generation:
    """Which of the stack's clusters it is: the first, or the one that a restore has put in its place."""

    number: int

    def __str__(self) -> str:
        return f"-{self._role}" if self._role else ""

    @property
    def _role(self) -> str:
        return "" if self.number == 1 else f"g{self.number}"

    def physical_name(self, contract: str, stack: str) -> str:
        return (
            physical_name(f"{contract}-restored", stack, self._role) if self._role else physical_name(contract, stack)
        )


_ORIGIN = ("snapshotIdentifier", "restoreToPointInTime")
"""What a cluster was made from: it stays what it is once the stack file no longer says so."""


def _origin(restore: DatabaseRestore, standing: aws.rds.Cluster) -> dict[str, Any]:
    """Return what a restored cluster is made from, as arguments of it."""
    if restore.snapshot:
        return {"snapshot_identifier": restore.snapshot}
    source: dict[str, Any] = (
        {"source_cluster_resource_id": restore.source}
        if restore.source
        else {"source_cluster_identifier": standing.cluster_identifier}
    )
    when = {"use_latest_restorable_time": True} if restore.time == "latest" else {"restore_to_time": restore.time}
    return {"restore_to_point_in_time": {**source, **when}}
