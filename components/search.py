"""OpenSearch: where the pods' logs are kept and searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access_group import make_access_group
from components.iam_statements import Statement, document
from components.log_groups import LogGroupFactory
from components.service_roles import make_service_role
from components.stack_context import StackContext
from settings import observability as settings
from settings.naming import physical_name

PORT = 443
_SHARE_FOR_LOGS = 0.7
"""Of the volumes; below three quarters the domain's alarm on storage fires. An estimate: AWS keeps some for itself
(https://docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-storage.html)."""
_LOGS = {
    "application": "ES_APPLICATION_LOGS",
    "audit": "AUDIT_LOGS",
    "slow-index": "INDEX_SLOW_LOGS",
    "slow-search": "SEARCH_SLOW_LOGS",
}
"""https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html"""


@dataclass(frozen=True, kw_only=True)
class SearchArgs:
    """Arguments of Search."""

    context: StackContext
    settings: settings.Search
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    """Isolated subnets, one in each zone of the nodes: two or three."""
    client_security_group_id: pulumi.Input[str]
    """Security group of the cluster's nodes, the only clients."""
    key_arn: pulumi.Input[str]
    """KMS key of the logs."""
    log_groups: LogGroupFactory
    writer_role_arn: pulumi.Input[str]
    """Role that writes logs, and does nothing else."""
    administrator_role_arn: pulumi.Input[str]
    """Role that decides within the domain who may do what: its master user."""
    reader_arns: Sequence[str]
    """IAM roles that may read the logs; `components/apps/search_access.py` sets their rights within the domain."""
    makes_service_role: bool
    """Whether this stack makes the service-linked role of OpenSearch, of which an account has one."""
    protect: bool
    """`protect` in Pulumi."""


class Search(pulumi.ComponentResource):
    """Logs in isolated subnets: encrypted, TLS only, two roles and no password; the writer can do nothing but write.

    Who may do what in a domain is decided twice: by IAM, at its edge, and by roles within it, which only its master
    user can give. The master user is therefore a role of its own, which one short-lived job in the cluster assumes
    (`components/apps/search_access.py`) to give the log collector its role. With the collector as master user there
    would be no job, and whoever controls one node's collector could read and delete all logs.
    """

    endpoint: pulumi.Output[str]
    """Host name, within the VPC."""
    gib_for_logs: float
    """What all indices may take, copies included."""

    def __init__(self, name: str, args: SearchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Search", name, None, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._arn = domain_arn(args.context)

        access = make_access_group(
            name,
            parent=self,
            what="search domain",
            port=PORT,
            vpc_id=args.vpc_id,
            clients={"nodes": args.client_security_group_id},
        )
        groups = {role: args.log_groups.make(f"{name}-{role}", parent=self) for role in _LOGS}
        may_log = self._make_log_policy([group.arn for group in groups.values()])
        domain = self._make_domain(
            security_group_id=access.id,
            log_group_arns={_LOGS[role]: group.arn for role, group in groups.items()},
            after=[
                may_log,
                *make_service_role(name, "opensearch", parent=self, owned=args.makes_service_role),
            ],
        )
        self.endpoint = domain.endpoint
        self.gib_for_logs = args.settings.nodes * args.settings.volume_gb * _SHARE_FOR_LOGS
        self.register_outputs({"endpoint": self.endpoint})

    def _make_log_policy(self, group_arns: Sequence[pulumi.Output[str]]) -> aws.cloudwatch.LogResourcePolicy:
        """Let the stack's domain write to log groups.

        Source: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html
        """
        context = self._args.context
        return aws.cloudwatch.LogResourcePolicy(
            f"{self._name}-logs",
            policy_name=physical_name("search-logs", context.stack),
            policy_document=document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "es.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"],
                    "Resource": [pulumi.Output.concat(arn, ":*") for arn in group_arns],
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": context.account_id},
                        "ArnLike": {"aws:SourceArn": self._arn},
                    },
                }
            ),
            opts=self._child,
        )

    def _make_domain(
        self,
        *,
        security_group_id: pulumi.Input[str],
        log_group_arns: Mapping[str, pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
    ) -> aws.opensearch.Domain:
        """Make the domain, whose logs go to the groups by their kinds."""
        args, chosen = self._args, self._args.settings
        return aws.opensearch.Domain(
            self._name,
            domain_name=domain_name(args.context),
            engine_version=f"OpenSearch_{chosen.version}",
            cluster_config={
                "instance_type": chosen.instance_type,
                "instance_count": chosen.nodes,
                "zone_awareness_enabled": True,
                "zone_awareness_config": {"availability_zone_count": len(args.subnet_ids)},
                **_dedicated_masters(args.context.environment),
            },
            ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": chosen.volume_gb},
            vpc_options={"subnet_ids": args.subnet_ids, "security_group_ids": [security_group_id]},
            encrypt_at_rest={"enabled": True, "kms_key_id": args.key_arn},
            node_to_node_encryption={"enabled": True},
            domain_endpoint_options={"enforce_https": True, "tls_security_policy": "Policy-Min-TLS-1-2-PFS-2023-10"},
            advanced_security_options={
                "enabled": True,
                "internal_user_database_enabled": False,
                "master_user_options": {"master_user_arn": args.administrator_role_arn},
            },
            access_policies=self._access_policies(),
            log_publishing_options=[
                {"log_type": kind, "cloudwatch_log_group_arn": arn} for kind, arn in log_group_arns.items()
            ],
            auto_tune_options={"desired_state": "ENABLED", "use_off_peak_window": True},
            off_peak_window_options={"enabled": True},
            software_update_options={"auto_software_update_enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                depends_on=after,
                # A new domain takes a quarter of an hour, or a multiple of it:
                # https://github.com/hashicorp/terraform-provider-aws/issues/33897. A change makes a second set of nodes
                # and moves all data there.
                custom_timeouts=pulumi.CustomTimeouts(create="120m", update="180m", delete="90m"),
            ),
        )

    def _access_policies(self) -> pulumi.Output[str]:
        """Return who gets past the edge: the writer, the administrator, and readers without the calls that delete."""
        statements: list[Statement] = [
            {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "es:ESHttp*", "Resource": f"{self._arn}/*"}
            for arn in (self._args.writer_role_arn, self._args.administrator_role_arn)
        ]
        if self._args.reader_arns:
            statements.append(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": list(self._args.reader_arns)},
                    "Action": [f"es:ESHttp{verb}" for verb in ("Get", "Head", "Post", "Put")],
                    "Resource": f"{self._arn}/*",
                }
            )
        return document(*statements)


def domain_name(context: StackContext) -> str:
    """Return the name of the stack's domain, which is fixed, so that roles and alarms can name it before it exists."""
    return physical_name("search", context.stack)


def domain_arn(context: StackContext) -> str:
    """Return the ARN of the stack's domain."""
    return context.arn("es", f"domain/{domain_name(context)}")


def dedicated_masters(environment: str) -> int:
    """Return how many dedicated master nodes the domain of an environment has."""
    return 3 if environment == "prod" else 0


def _dedicated_masters(environment: str) -> aws.opensearch.DomainClusterConfigArgsDict:
    """Return dedicated masters for prod, as AWS recommends; elsewhere three data nodes are a quorum.

    This type manages up to ten data nodes:
    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-dedicatedmasternodes.html
    """
    if not dedicated_masters(environment):
        return {"dedicated_master_enabled": False}
    return {
        "dedicated_master_enabled": True,
        "dedicated_master_count": dedicated_masters(environment),
        "dedicated_master_type": "m6g.large.search",
    }
