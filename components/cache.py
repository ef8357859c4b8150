"""The cache: Valkey, reachable from the platform's nodes and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access_group import make_access_group
from components.decision_tags import decision_tags
from components.log_groups import LogGroupFactory
from components.service_roles import make_service_role
from components.stack_context import StackContext
from settings import data_stores as settings
from settings.naming import physical_name

PORT = 6379
_USER = "app"


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """Arguments of Cache."""

    context: StackContext
    settings: settings.Cache
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Isolated subnets; failover needs two zones."""
    client_security_group_id: pulumi.Input[str]
    """Security group of the nodes, the only clients."""
    key_arn: pulumi.Input[str]
    """KMS key of the data and of its snapshots."""
    log_groups: LogGroupFactory
    makes_service_role: bool
    """Whether this stack makes the service-linked role of ElastiCache, of which an account has one."""
    protect: bool
    """`protect` in Pulumi: ElastiCache has no deletion protection of its own."""


class Cache(pulumi.ComponentResource):
    """Valkey in isolated subnets: TLS required, encrypted, and no password anywhere, since clients log in by IAM."""

    nodes: int
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    replication_group_id: pulumi.Output[str]
    """What a login token is signed for."""
    user: str
    """Whom the application logs in as."""
    user_arn: pulumi.Output[str]
    """What `elasticache:Connect` permissions name, beside the replication group."""
    replication_group_arns: Sequence[pulumi.Output[str]]
    """All groups, so that pods can log in while one replaces another."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Cache", name, None, opts)
        self._name, self._args, self._settings = name, args, args.settings
        self._child = pulumi.ResourceOptions(parent=self)
        self._after_service_role = pulumi.ResourceOptions(
            parent=self,
            depends_on=make_service_role(name, "elasticache", parent=self, owned=args.makes_service_role),
        )

        self._access = make_access_group(
            name,
            parent=self,
            what="cache",
            port=PORT,
            vpc_id=args.vpc_id,
            clients={"nodes": args.client_security_group_id},
        )
        self._user_id = physical_name("cache-user", args.context.stack, _USER)
        user, self._users = self._make_users()
        self._subnets = self._make_subnets()
        self._logs = args.log_groups.make(f"{name}-slow-log", parent=self)
        groups = self._make_groups()

        restore = args.settings.restore_from
        serving = groups[-1] if restore and restore.stage != "beside" else groups[0]
        self.nodes = args.settings.nodes
        self.endpoint = serving.primary_endpoint_address
        self.reader_endpoint = serving.reader_endpoint_address
        self.replication_group_id = serving.id
        self.replication_group_arns = [group.arn for group in groups]
        self.user = self._user_id
        self.user_arn = user.arn
        self.register_outputs({"endpoint": self.endpoint, "reader_endpoint": self.reader_endpoint})

    def _make_groups(self) -> list[aws.elasticache.ReplicationGroup]:
        """Make the stack's replication group, and beside it the one that is restored, if any."""
        chosen, restore, protect = self._settings, self._settings.restore_from, self._args.protect
        released = restore is not None and restore.stage == "released"
        groups = [self._make_group(chosen.generation, protect=protect and not released)]
        if restore:
            groups.append(self._make_group(chosen.generation + 1, protect=protect, snapshot=restore.snapshot))
        return groups

    def _make_users(self) -> tuple[aws.elasticache.User, aws.elasticache.UserGroup]:
        user = aws.elasticache.User(
            f"{self._name}-app",
            user_id=self._user_id,
            user_name=self._user_id,
            engine="valkey",
            # No administration, and none of the commands that stall a shared server.
            access_string=(
                "on ~* &* -@all +@read +@write +@connection +@transaction +@pubsub +@scripting -@admin -@dangerous"
            ),
            authentication_mode={"type": "iam"},
            opts=self._after_service_role,
        )
        group = aws.elasticache.UserGroup(
            f"{self._name}-users",
            user_group_id=physical_name("cache-users", self._args.context.stack),
            engine="valkey",
            user_ids=[user.user_id],
            opts=self._child,
        )
        return user, group

    def _make_subnets(self) -> aws.elasticache.SubnetGroup:
        return aws.elasticache.SubnetGroup(
            f"{self._name}-subnets",
            description="Isolated",
            subnet_ids=self._args.subnet_ids,
            opts=self._after_service_role,
        )

    def _make_group(
        self, generation: int, *, protect: bool, snapshot: str | None = None
    ) -> aws.elasticache.ReplicationGroup:
        chosen = self._settings
        upgrade = chosen.upgrade is not None
        version = chosen.upgrade.to if chosen.upgrade else chosen.version
        return aws.elasticache.ReplicationGroup(
            self._name if generation == 1 else f"{self._name}-g{generation}",
            description=f"AI-Prism {self._args.context.stack}",
            engine="valkey",
            engine_version=version,
            # A new major version needs its own.
            parameter_group_name=f"default.valkey{version.partition('.')[0]}",
            node_type=chosen.node_type,
            num_cache_clusters=chosen.nodes,
            automatic_failover_enabled=chosen.nodes > 1,
            multi_az_enabled=chosen.nodes > 1,
            port=PORT,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=self._args.key_arn,
            user_group_ids=[self._users.user_group_id],
            subnet_group_name=self._subnets.name,
            security_group_ids=[self._access.id],
            snapshot_name=snapshot,
            snapshot_retention_limit=chosen.snapshot_days,
            snapshot_window=chosen.snapshot_window,
            maintenance_window=chosen.maintenance_window,
            auto_minor_version_upgrade=True,
            apply_immediately=chosen.apply_immediately is not None or upgrade,
            log_delivery_configurations=[
                {
                    "log_type": "slow-log",
                    "log_format": "json",
                    "destination_type": "cloudwatch-logs",
                    "destination": self._logs.name,
                }
            ],
            tags=decision_tags(apply_immediately=chosen.apply_immediately, upgrade=chosen.upgrade),
            opts=self._group_options(protect=protect),
        )

    def _group_options(self, *, protect: bool) -> pulumi.ResourceOptions:
        # AWS brings minor versions by itself. To the provider the stack file's would then be a downgrade, for which it
        # replaces the cache:
        # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/elasticache/engine_version.go
        version = () if self._settings.upgrade else ("engineVersion",)
        return pulumi.ResourceOptions(
            parent=self,
            protect=protect,
            ignore_changes=[*version, "snapshotName"],
            custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
        )
