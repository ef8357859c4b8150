"""The database: Aurora PostgreSQL, reachable from the platform's nodes and nothing else."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import settings
from components.access_group import make_access_group
from components.cluster import Cluster
from components.foundation import Foundation
from components.network import Network
from components.policies import trust_service
from naming import physical_name

PORT = 5432
DATABASE = "ai_prism"
OWNER = "prism_owner"
"""The master user. Applications log in as roles of their own, by IAM authentication."""
SLOW_QUERY_MS = 1000


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
    cluster_identifier: pulumi.Output[str]
    resource_id: pulumi.Output[str]
    """What `rds-db:connect` permissions name."""
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    """Secrets Manager secret with the master user's password."""

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
        cluster = self._make_cluster(access)
        self._make_instances(cluster)

        self.instances = args.settings.instances
        self.cluster_identifier = cluster.cluster_identifier
        self.resource_id = cluster.cluster_resource_id
        self.endpoint = cluster.endpoint
        self.reader_endpoint = cluster.reader_endpoint
        self.secret_arn = cluster.master_user_secrets.apply(lambda secrets: str(secrets[0].secret_arn))
        self.register_outputs({"endpoint": self.endpoint, "reader_endpoint": self.reader_endpoint})

    @property
    def _family(self) -> str:
        """The parameter group family; derived, so that an upgrade cannot forget it."""
        return f"aurora-postgresql{self._settings.version.split('.')[0]}"

    def _make_cluster(self, access: aws.ec2.SecurityGroup) -> aws.rds.Cluster:
        args, chosen = self._args, self._settings
        stack, data_key_arn = self._foundation.location.stack, self._foundation.encryption.data_key.arn
        subnets = aws.rds.SubnetGroup(
            f"{self._name}-subnets",
            description="Isolated",
            subnet_ids=args.network.isolated_subnet_ids,
            opts=self._child,
        )
        parameters = aws.rds.ClusterParameterGroup(
            # A new family needs a new group beside the old one, hence the family in the name.
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
        logs = self._foundation.make_log_group(
            f"{self._name}-logs", parent=self, physical_name=physical_name("database-logs", stack)
        )
        return aws.rds.Cluster(
            self._name,
            cluster_identifier=physical_name("database", stack),
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            engine_version=chosen.version,
            # Paid support for versions past their end is never entered by accident.
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            database_name=DATABASE,
            master_username=OWNER,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=data_key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=data_key_arn,
            db_subnet_group_name=subnets.name,
            db_cluster_parameter_group_name=parameters.name,
            vpc_security_group_ids=[access.id],
            backup_retention_period=chosen.backup_days,
            preferred_backup_window=chosen.backup_window,
            preferred_maintenance_window=chosen.maintenance_window,
            copy_tags_to_snapshot=True,
            enabled_cloudwatch_logs_exports=["postgresql"],
            deletion_protection=self._foundation.protect,
            skip_final_snapshot=False,
            final_snapshot_identifier=self._final_snapshot(),
            apply_immediately=False,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._foundation.protect,
                depends_on=[logs],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )

    def _final_snapshot(self) -> pulumi.Output[str]:
        """Name the last snapshot after the key that opens it.

        Each incarnation of a stack has a key of its own, so a second destroy of the whole stack does not stumble over
        the first one's snapshot, and whoever restores sees which key must not be deleted.
        """
        stack = self._foundation.location.stack
        return self._foundation.encryption.data_key.key_id.apply(
            lambda key: physical_name("database-snapshot", stack, str(key)[:8])
        )

    def _make_instances(self, cluster: aws.rds.Cluster) -> None:
        monitoring = self._foundation.roles.make(
            f"{self._name}-monitoring",
            parent=self,
            trusts=trust_service("monitoring.rds.amazonaws.com", self._foundation.location.account_id),
            managed=["service-role/AmazonRDSEnhancedMonitoringRole"],
        )
        parameters = aws.rds.ParameterGroup(
            f"{self._name}-instance-{self._family}",
            family=self._family,
            description="The defaults, in a group that an upgrade can change",
            opts=self._child,
        )
        for number in range(1, self._settings.instances + 1):
            aws.rds.ClusterInstance(
                f"{self._name}-{number}",
                cluster_identifier=cluster.id,
                engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                engine_version=cluster.engine_version,
                instance_class=self._settings.instance_class,
                publicly_accessible=False,
                db_parameter_group_name=parameters.name,
                # The stack file has to follow: Aurora does not go back to the version that stands there.
                auto_minor_version_upgrade=True,
                monitoring_interval=60,
                monitoring_role_arn=monitoring.arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=self._foundation.encryption.data_key.arn,
                # The first two fail over before the others.
                promotion_tier=min(number - 1, 1),
                opts=pulumi.ResourceOptions(parent=self, protect=self._foundation.protect),
            )
