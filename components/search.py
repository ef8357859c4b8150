"""OpenSearch: where the pods' logs are kept and searched."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.access_group import make_access_group
from components.cluster import Cluster
from components.foundation import Foundation
from components.iam_statements import Statement, document
from components.identity import Identity, search_arn
from components.network import Network
from components.service_roles import make_service_role
from settings.naming import physical_name
from settings.observability import Search as SearchSettings

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


@dataclass(frozen=True)
class SearchArgs:
    """What Search rests on and is told."""

    foundation: Foundation
    settings: SearchSettings
    network: Network
    cluster: Cluster
    """Its nodes are the only clients."""
    identity: Identity
    """Whose roles alone get in, beside those who read."""
    reader_arns: Sequence[str]
    """IAM roles that may read the logs; what they may do within is the job's to say."""


class Search(pulumi.ComponentResource):
    """Logs in isolated subnets: encrypted, TLS only, two roles and no password; the writer can do nothing but write.

    Who may do what in a domain is decided twice: by IAM, at its edge, and by roles within it, which only somebody who
    is in already can give. The master user is therefore a role of its own, worn by one short-lived job in the cluster
    (`components/apps/search_access.py`) that gives the log collector its role. To make the collector the master user
    would save that job, and would let whoever gets at a node's collector read and delete the logs of all.
    """

    endpoint: pulumi.Output[str]
    """Host name, within the VPC."""
    gib_for_logs: float
    """What all indices may take, copies included."""

    def __init__(self, name: str, args: SearchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Search", name, None, opts)
        self._name, self._args = name, args
        self._foundation = args.foundation
        self._child = pulumi.ResourceOptions(parent=self)

        domain = self._make_domain(self._make_logs())
        self.endpoint = domain.endpoint
        self.gib_for_logs = args.settings.nodes * args.settings.volume_gb * _SHARE_FOR_LOGS
        self.register_outputs({"endpoint": self.endpoint})

    def _make_logs(self) -> tuple[dict[str, aws.cloudwatch.LogGroup], aws.cloudwatch.LogResourcePolicy]:
        """Make a group for each kind of log, and let the domains of this account write there."""
        location = self._foundation.location
        groups = {role: self._foundation.make_log_group(f"{self._name}-{role}", parent=self) for role in _LOGS}
        policy = aws.cloudwatch.LogResourcePolicy(
            f"{self._name}-logs",
            policy_name=physical_name("search-logs", location.stack),
            policy_document=document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "es.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"],
                    "Resource": [pulumi.Output.concat(group.arn, ":*") for group in groups.values()],
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": location.account_id},
                        "ArnLike": {"aws:SourceArn": search_arn(location)},
                    },
                }
            ),
            opts=self._child,
        )
        return groups, policy

    def _make_domain(
        self, logs: tuple[dict[str, aws.cloudwatch.LogGroup], aws.cloudwatch.LogResourcePolicy]
    ) -> aws.opensearch.Domain:
        args, location, chosen = self._args, self._foundation.location, self._args.settings
        groups, may_log = logs
        service_role = make_service_role(
            self._name, "opensearch", parent=self, owned="opensearch" in self._foundation.service_roles
        )
        subnets = [args.network.isolated_subnet_by_zone[zone] for zone in chosen.zones]
        access = make_access_group(
            self._name,
            parent=self,
            what="search domain",
            port=PORT,
            vpc_id=args.network.vpc_id,
            clients={"nodes": args.cluster.nodes_security_group_id},
        )
        return aws.opensearch.Domain(
            self._name,
            domain_name=physical_name("search", location.stack),
            engine_version=f"OpenSearch_{chosen.version}",
            cluster_config={
                "instance_type": chosen.instance_type,
                "instance_count": chosen.nodes,
                "zone_awareness_enabled": True,
                "zone_awareness_config": {"availability_zone_count": len(subnets)},
                **_masters(location.environment),
            },
            ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": chosen.volume_gb},
            vpc_options={"subnet_ids": subnets, "security_group_ids": [access.id]},
            encrypt_at_rest={"enabled": True, "kms_key_id": self._foundation.encryption.logs_key_arn},
            node_to_node_encryption={"enabled": True},
            domain_endpoint_options={
                "enforce_https": True,
                "tls_security_policy": "Policy-Min-TLS-1-2-PFS-2023-10",
            },
            advanced_security_options={
                "enabled": True,
                "internal_user_database_enabled": False,
                "master_user_options": {"master_user_arn": args.identity.role_arns["search-access"]},
            },
            access_policies=document(
                *(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": args.identity.role_arns[workload]},
                        "Action": "es:ESHttp*",
                        "Resource": f"{search_arn(location)}/*",
                    }
                    for workload in ("fluent-bit", "search-access")
                ),
                *_readers(args.reader_arns, search_arn(location)),
            ),
            log_publishing_options=[
                {"log_type": kind, "cloudwatch_log_group_arn": groups[role].arn} for role, kind in _LOGS.items()
            ],
            auto_tune_options={"desired_state": "ENABLED", "use_off_peak_window": True},
            off_peak_window_options={"enabled": True},
            software_update_options={"auto_software_update_enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._foundation.protect,
                depends_on=[may_log, *service_role],
                # A new domain takes a quarter of an hour, or a multiple of it:
                # https://github.com/hashicorp/terraform-provider-aws/issues/33897. A change makes a second set of nodes
                # and moves all data there.
                custom_timeouts=pulumi.CustomTimeouts(create="120m", update="180m", delete="90m"),
            ),
        )


def _readers(arns: Sequence[str], domain_arn: str) -> list[Statement]:
    """Let people in, without the calls that delete."""
    actions = [f"es:ESHttp{verb}" for verb in ("Get", "Head", "Post", "Put")]
    if not arns:
        return []
    return [{"Effect": "Allow", "Principal": {"AWS": list(arns)}, "Action": actions, "Resource": f"{domain_arn}/*"}]


def masters(environment: str) -> int:
    """Return how many masters of their own a domain has."""
    return 3 if environment == "prod" else 0


def _masters(environment: str) -> aws.opensearch.DomainClusterConfigArgsDict:
    """Return masters of their own for prod, as AWS recommends; three data nodes hold a quorum elsewhere.

    Up to ten data nodes are this type's to manage:
    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/managedomains-dedicatedmasternodes.html
    """
    if not masters(environment):
        return {"dedicated_master_enabled": False}
    return {
        "dedicated_master_enabled": True,
        "dedicated_master_count": masters(environment),
        "dedicated_master_type": "m6g.large.search",
    }
