"""The database: Aurora PostgreSQL, reachable from the platform's nodes and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.access_group import make_access_group
from components.decision_tags import decision_tags
from components.iam_roles import RoleFactory
from components.iam_statements import trust_service
from components.log_groups import LogGroupFactory
from components.service_roles import make_service_role
from components.stack_context import StackContext
from settings import data_stores as settings
from settings.naming import physical_name

PORT = 5432
DATABASE = "ai_prism"
OWNER = "prism_owner"
"""The master user. Applications log in as roles of their own, by IAM authentication."""
SLOW_QUERY_MS = 1000


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """Arguments of Database."""

    context: StackContext
    settings: settings.Database
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Isolated subnets, in at least two zones."""
    client_security_group_id: pulumi.Input[str]
    """Security group of the nodes, the only clients."""
    key_arn: pulumi.Input[str]
    """KMS key of the data, its backups and the owner's password; backups can be restored as long as it exists."""
    roles: RoleFactory
    log_groups: LogGroupFactory
    makes_service_role: bool
    """Whether this stack makes the service-linked role of RDS, of which an account has one."""
    protect: bool
    """Deletion protection in AWS, and `protect` in Pulumi."""


class Database(pulumi.ComponentResource):
    """Aurora PostgreSQL in isolated subnets: TLS only, encrypted, its master password made and kept by AWS."""

    instances: int
    """Writer and readers of the cluster that serves."""
    instance_identifiers: Sequence[pulumi.Output[str]]
    """Of all clusters."""
    cluster_identifier: pulumi.Output[str]
    resource_ids: Sequence[pulumi.Output[str]]
    """What `rds-db:connect` permissions name: of all clusters, so that pods can log in while one replaces another."""
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """Secrets Manager secret with the master user's password."""
    secret_arns: Sequence[pulumi.Output[str]]
    """Those of all clusters, so that no role changes when one replaces another."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Database", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        self._child = pulumi.ResourceOptions(parent=self)

        self._access = make_access_group(
            name,
            parent=self,
            what="database",
            port=PORT,
            vpc_id=args.vpc_id,
            clients={"nodes": args.client_security_group_id},
        )
        self._subnets = self._make_subnets()
        self._cluster_parameters, self._instance_parameters = self._make_parameters()
        self._monitoring_role_arn = self._make_monitoring_role()
        clusters, instances = self._make_clusters()

        restore = args.settings.restore_from
        serving = clusters[-1] if restore and restore.stage != "beside" else clusters[0]
        self.instances = args.settings.instances
        self.instance_identifiers = [instance.identifier for instance in instances]
        self.cluster_identifier = serving.cluster_identifier
        self.resource_ids = [cluster.cluster_resource_id for cluster in clusters]
        self.endpoint = serving.endpoint
        self.reader_endpoint = serving.reader_endpoint
        self.secret_arn = _secret_arn(serving)
        self.secret_arns = [_secret_arn(cluster) for cluster in clusters]
        self.register_outputs({"endpoint": self.endpoint, "reader_endpoint": self.reader_endpoint})

    def _make_clusters(self) -> tuple[list[aws.rds.Cluster], list[aws.rds.ClusterInstance]]:
        """Make the stack's cluster, and beside it the one that is restored, if any; return them and all instances."""
        chosen, restore, protect = self._settings, self._settings.restore_from, self._args.protect
        generation, released = _Generation(chosen.generation), restore is not None and restore.stage == "released"
        cluster = self._make_cluster(generation, protect=protect and not released)
        clusters = [cluster]
        instances = self._make_instances(generation, cluster, protect=protect and not released)
        if restore:
            generation = _Generation(chosen.generation + 1)
            restored = self._make_cluster(generation, protect=protect, **_origin(restore, cluster))
            clusters.append(restored)
            instances += self._make_instances(generation, restored, protect=protect)
        return clusters, instances

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
    def _tags(self) -> dict[str, str] | None:
        return decision_tags(apply_immediately=self._settings.apply_immediately, upgrade=self._settings.upgrade)

    def _make_subnets(self) -> aws.rds.SubnetGroup:
        service_role = make_service_role(self._name, "rds", parent=self, owned=self._args.makes_service_role)
        return aws.rds.SubnetGroup(
            f"{self._name}-subnets",
            description="Isolated",
            subnet_ids=self._args.subnet_ids,
            opts=pulumi.ResourceOptions(parent=self, depends_on=service_role),
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

    def _make_monitoring_role(self) -> pulumi.Output[str]:
        return self._args.roles.make(
            f"{self._name}-monitoring",
            parent=self,
            trusts=trust_service("monitoring.rds.amazonaws.com", self._args.context.account_id),
            managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
        ).arn

    def _make_cluster(self, generation: "_Generation", *, protect: bool, **origin: Any) -> aws.rds.Cluster:
        """Make a cluster without instances, empty or from a backup (`origin`, as arguments of it)."""
        chosen, args = self._settings, self._args
        upgrade = chosen.upgrade is not None
        return aws.rds.Cluster(
            f"{self._name}{generation}",
            cluster_identifier=generation.physical_name("database", args.context.stack),
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
            master_user_secret_kms_key_id=args.key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=args.key_arn,
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
            tags=self._tags,
            **origin,
            opts=self._cluster_options(generation, protect=protect),
        )

    def _cluster_options(self, generation: "_Generation", *, protect: bool) -> pulumi.ResourceOptions:
        """Return the options of a cluster, and make the log group that has to exist before AWS makes one."""
        logs = self._args.log_groups.make(
            f"{self._name}{generation}-logs",
            parent=self,
            physical_name=generation.physical_name("database-logs", self._args.context.stack),
        )
        # AWS brings minor versions by itself; the stack file's older one must not be planned as a downgrade.
        version = () if self._settings.upgrade else ("engineVersion",)
        return pulumi.ResourceOptions(
            parent=self,
            protect=protect,
            depends_on=[logs],
            ignore_changes=[*version, *_ORIGIN],
            custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
        )

    def _final_snapshot(self, generation: "_Generation") -> pulumi.Output[str]:
        """Name the last snapshot after the key that opens it.

        Each incarnation of a stack has a key of its own. So a second destroy of the whole stack does not meet the first
        one's snapshot, and whoever restores sees which key opens it.
        """
        stack = self._args.context.stack
        return pulumi.Output.from_input(self._args.key_arn).apply(
            lambda arn: physical_name("database-snapshot", stack, f"{arn.rpartition('/')[2][:8]}{generation}")
        )

    def _make_instances(
        self, generation: "_Generation", cluster: aws.rds.Cluster, *, protect: bool
    ) -> list[aws.rds.ClusterInstance]:
        """Make the writer and its readers; their version is the cluster's, which an upgrade of it brings."""
        return [
            aws.rds.ClusterInstance(
                f"{self._name}{generation}-{number}",
                cluster_identifier=cluster.id,
                engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                instance_class=self._settings.instance_class,
                publicly_accessible=False,
                db_parameter_group_name=self._instance_parameters.name,
                auto_minor_version_upgrade=True,
                preferred_maintenance_window=self._settings.maintenance_window,
                apply_immediately=self._at_once,
                monitoring_interval=60,
                monitoring_role_arn=self._monitoring_role_arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=self._args.key_arn,
                # Failover goes to the lowest tier, 0 to 15: each its own, so that it is known which instance is next.
                promotion_tier=number - 1,
                tags=self._tags,
                opts=pulumi.ResourceOptions(parent=self, protect=protect),
            )
            for number in range(1, self._settings.instances + 1)
        ]


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


def _origin(restore: settings.DatabaseRestore, standing: aws.rds.Cluster) -> dict[str, Any]:
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
