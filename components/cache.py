"""The cache: Valkey, reachable from the platform's nodes and nothing else."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

import settings
from components.access_group import make_access_group
from components.cluster import Cluster
from components.foundation import Foundation
from components.network import Network
from naming import physical_name

PORT = 6379
_USER = "app"


@dataclass(frozen=True)
class CacheArgs:
    """What a Cache rests on and is told."""

    foundation: Foundation
    settings: settings.Cache
    network: Network
    cluster: Cluster
    """Its nodes are the only clients."""


class Cache(pulumi.ComponentResource):
    """Valkey in isolated subnets: TLS required, encrypted, and no password anywhere, since clients log in by IAM."""

    nodes: int
    endpoint: pulumi.Output[str]
    replication_group_id: pulumi.Output[str]
    user: str
    """Whom the application logs in as."""
    user_arn: pulumi.Output[str]
    """What `elasticache:Connect` permissions name, beside the replication group."""
    replication_group_arn: pulumi.Output[str]

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Cache", name, None, opts)
        self._name, self._args = name, args
        self._foundation, self._settings = args.foundation, args.settings
        self._child = pulumi.ResourceOptions(parent=self)

        access = make_access_group(
            name,
            parent=self,
            what="cache",
            port=PORT,
            vpc_id=args.network.vpc_id,
            clients={"nodes": args.cluster.nodes_security_group_id},
        )
        user, users = self._make_users()
        group = self._make_replication_group(access, users)

        self.nodes = args.settings.nodes
        self.endpoint = group.primary_endpoint_address
        self.replication_group_id = group.id
        self.replication_group_arn = group.arn
        self.user = physical_name("cache-user", self._foundation.location.stack, _USER)
        self.user_arn = user.arn
        self.register_outputs({"endpoint": self.endpoint})

    def _make_users(self) -> tuple[aws.elasticache.User, aws.elasticache.UserGroup]:
        user_id = physical_name("cache-user", self._foundation.location.stack, _USER)
        user = aws.elasticache.User(
            f"{self._name}-app",
            user_id=user_id,
            user_name=user_id,
            engine="valkey",
            # No administration, and none of the commands that stall a shared server.
            access_string=(
                "on ~* &* -@all +@read +@write +@connection +@transaction +@pubsub +@scripting -@admin -@dangerous"
            ),
            authentication_mode={"type": "iam"},
            opts=self._child,
        )
        group = aws.elasticache.UserGroup(
            f"{self._name}-users",
            user_group_id=physical_name("cache-users", self._foundation.location.stack),
            engine="valkey",
            user_ids=[user.user_id],
            opts=self._child,
        )
        return user, group

    def _make_replication_group(
        self, access: aws.ec2.SecurityGroup, users: aws.elasticache.UserGroup
    ) -> aws.elasticache.ReplicationGroup:
        chosen = self._settings
        subnets = aws.elasticache.SubnetGroup(
            f"{self._name}-subnets",
            description="Isolated",
            subnet_ids=self._args.network.isolated_subnet_ids,
            opts=self._child,
        )
        logs = self._foundation.make_log_group(f"{self._name}-slow-log", parent=self)
        return aws.elasticache.ReplicationGroup(
            self._name,
            description=f"AI-Prism {self._foundation.location.stack}",
            engine="valkey",
            engine_version=chosen.version,
            node_type=chosen.node_type,
            num_cache_clusters=chosen.nodes,
            automatic_failover_enabled=chosen.nodes > 1,
            multi_az_enabled=chosen.nodes > 1,
            port=PORT,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=self._foundation.encryption.data_key.arn,
            user_group_ids=[users.user_group_id],
            subnet_group_name=subnets.name,
            security_group_ids=[access.id],
            snapshot_retention_limit=chosen.snapshot_days,
            snapshot_window=chosen.snapshot_window,
            maintenance_window=chosen.maintenance_window,
            auto_minor_version_upgrade=True,
            apply_immediately=False,
            log_delivery_configurations=[
                {
                    "log_type": "slow-log",
                    "log_format": "json",
                    "destination_type": "cloudwatch-logs",
                    "destination": logs.name,
                }
            ],
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._foundation.protect,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
