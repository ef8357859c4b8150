"""Identity of workloads: one role each, worn by pods through EKS Pod Identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cache import Cache
from components.cluster import Cluster
from components.database import Database
from components.foundation import Foundation
from components.iam_roles import Role
from components.iam_statements import Statement, allow, trust_pods, trust_role
from components.load_balancer import LoadBalancer
from components.namespaces import (
    APPLICATION,
    ARGO_CD,
    DATABASE_ACCESS,
    EXTERNAL_SECRETS,
    KUBE_SYSTEM,
    LOGGING,
    MONITORING,
)
from components.observability import Observability
from components.stack_context import StackContext
from components.storage import Storage
from settings.naming import physical_name

_STORE_ROLE = "secrets"
DATABASE_USER = "prism_app"
"""PostgreSQL role of the application, made by `components/apps/database_access.py`: it logs in with a token, not a
password."""


SECRETS_OF: Mapping[str, Sequence[str]] = {APPLICATION: ("database", "api-keys"), ARGO_CD: ("argo-cd",)}
"""Which of the stack's secrets may be brought into a namespace."""


@dataclass(frozen=True)
class IdentityArgs:
    """What Identity rests on and is told."""

    foundation: Foundation
    cluster: Cluster
    storage: Storage
    database: Database
    cache: Cache
    load_balancer: LoadBalancer
    observability: Observability


@dataclass(frozen=True)
class Workload:
    """A service account, and what its pods may do in AWS."""

    namespace: str
    service_account: str
    grants: Sequence[Statement]


class Identity(pulumi.ComponentResource):
    """One least-privilege role per workload, without any key to store; only pods of this cluster can wear them."""

    role_arns: dict[str, pulumi.Output[str]]
    """By workload."""
    service_accounts: dict[str, str]
    """Which pods wear the role, by workload."""
    store_role_arns: dict[str, pulumi.Output[str]]
    """Roles that External Secrets assumes to bring secrets into a namespace, by namespace."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:aws:Identity", name, None, opts)
        self._name, self._args = name, args

        workloads = {
            "api": Workload(
                APPLICATION, "ai-prism-api", [*self._documents(), *self._models(), self._database(), self._cache()]
            ),
            "worker": Workload(APPLICATION, "ai-prism-worker", [*self._documents(), *self._models(), self._database()]),
            "database-access": Workload(DATABASE_ACCESS, "database-access", self._owner_password()),
            "external-secrets": Workload(EXTERNAL_SECRETS, "external-secrets", [self._assume_store_roles()]),
            "load-balancer-controller": Workload(KUBE_SYSTEM, "aws-load-balancer-controller", self._targets()),
            "cluster-autoscaler": Workload(KUBE_SYSTEM, "cluster-autoscaler", self._scaling()),
            "alertmanager": Workload(MONITORING, "alertmanager", self._alerts()),
            "fluent-bit": Workload(LOGGING, "fluent-bit", [self._log_writing()]),
        }
        if args.observability.pod_logs is None:
            workloads["search-access"] = Workload(LOGGING, "search-access", [self._search_administration()])
        self.role_arns = {workload: self._make_role(workload, what).arn for workload, what in workloads.items()}
        self.service_accounts = {workload: what.service_account for workload, what in workloads.items()}
        self.store_role_arns = {namespace: self._make_store_role(namespace) for namespace in SECRETS_OF}
        self.register_outputs({"role_arns": self.role_arns})

    def _make_role(self, workload: str, what: Workload) -> Role:
        args = self._args
        role = args.foundation.roles.make(
            f"{self._name}-{workload}",
            parent=self,
            trusts=trust_pods(args.cluster.arn, args.foundation.location.account_id),
            grants=what.grants,
        )
        aws.eks.PodIdentityAssociation(
            f"{self._name}-{workload}",
            cluster_name=args.cluster.name,
            namespace=what.namespace,
            service_account=what.service_account,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role

    def _documents(self) -> list[Statement]:
        """Read, write and delete documents; S3 uses the key for them, nothing else does."""
        args, location = self._args, self._args.foundation.location
        return [
            allow(
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                [pulumi.Output.concat(args.storage.documents.arn, "/*")],
            ),
            allow(["s3:ListBucket"], [args.storage.documents.arn]),
            allow(
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [args.foundation.encryption.data_key.arn],
                {"StringEquals": {"kms:ViaService": f"s3.{location.region}.amazonaws.com"}},
            ),
        ]

    def _models(self) -> list[Statement]:
        """Any model, directly or by an inference profile, which may send a request to another region's."""
        location = self._args.foundation.location
        return [
            allow(
                ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
                ["arn:aws:bedrock:*::foundation-model/*", location.arn("bedrock", "inference-profile/*")],
            )
        ]

    def _database(self) -> Statement:
        """One user of the database, who logs in with a token."""
        resource = self._args.foundation.location.arn("rds-db", "dbuser:")
        return allow(
            ["rds-db:connect"],
            [pulumi.Output.concat(resource, id_, f"/{DATABASE_USER}") for id_ in self._args.database.resource_ids],
        )

    def _owner_password(self) -> list[Statement]:
        """The password of the database's owner, for the job that gives the application its rights."""
        args, location = self._args, self._args.foundation.location
        return [
            allow(["secretsmanager:GetSecretValue"], args.database.secret_arns),
            allow(
                ["kms:Decrypt"],
                [args.foundation.encryption.data_key.arn],
                {"StringEquals": {"kms:ViaService": f"secretsmanager.{location.region}.amazonaws.com"}},
            ),
        ]

    def _cache(self) -> Statement:
        """One user of the cache; IAM asks for the user and for the replication group."""
        return allow(["elasticache:Connect"], [*self._args.cache.replication_group_arns, self._args.cache.user_arn])

    def _make_store_role(self, namespace: str) -> pulumi.Output[str]:
        args = self._args
        return args.foundation.roles.make(
            f"{self._name}-{_STORE_ROLE}-{namespace}",
            parent=self,
            trusts=trust_role(self.role_arns["external-secrets"]),
            grants=self._secrets(SECRETS_OF[namespace]),
        ).arn

    def _assume_store_roles(self) -> Statement:
        """No secret by itself. The roles are named by Pulumi, after this one."""
        args = self._args
        return allow(
            ["sts:AssumeRole", "sts:TagSession"],
            [args.foundation.location.iam_arn(f"role{args.foundation.roles.path}{self._name}-{_STORE_ROLE}-*")],
        )

    def _secrets(self, roles: Sequence[str]) -> list[Statement]:
        """Some of the stack's own secrets: not another stack's, and not the database owner's password.

        AWS ends the ARN of a secret with six characters of its own
        (https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen).
        """
        args, location = self._args, self._args.foundation.location
        names = [physical_name("secret", location.stack, role) for role in roles]
        return [
            allow(
                ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                [location.arn("secretsmanager", f"secret:{name}-??????") for name in names],
            ),
            allow(
                ["kms:Decrypt"],
                [args.foundation.encryption.data_key.arn],
                {"StringEquals": {"kms:ViaService": f"secretsmanager.{location.region}.amazonaws.com"}},
            ),
        ]

    def _targets(self) -> list[Statement]:
        """Pods into the one target group. The program owns the balancer, so the controller may change nothing else.

        Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/
        """
        return [
            allow(
                ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
                [self._args.load_balancer.target_group_arn],
            ),
            allow(
                [
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                    "elasticloadbalancing:DescribeTargetGroupAttributes",
                    "ec2:DescribeVpcs",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeInstances",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeAvailabilityZones",
                ],
                ["*"],
            ),
        ]

    def _scaling(self) -> list[Statement]:
        """The node groups' sizes; EKS tags their Auto Scaling groups with the cluster's name.

        Source: https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
        """
        return [
            allow(
                [
                    "autoscaling:DescribeAutoScalingGroups",
                    "autoscaling:DescribeAutoScalingInstances",
                    "autoscaling:DescribeLaunchConfigurations",
                    "autoscaling:DescribeScalingActivities",
                    "autoscaling:DescribeTags",
                    "ec2:DescribeImages",
                    "ec2:DescribeInstanceTypes",
                    "ec2:DescribeLaunchTemplateVersions",
                    "ec2:GetInstanceTypesFromInstanceRequirements",
                    "eks:DescribeNodegroup",
                ],
                ["*"],
            ),
            allow(
                ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
                ["*"],
                {
                    "StringEquals": {
                        f"aws:ResourceTag/k8s.io/cluster-autoscaler/{self._args.cluster.physical_name}": "owned"
                    }
                },
            ),
        ]

    def _alerts(self) -> list[Statement]:
        """Alerts to the topics of their severity, and the heartbeat to its own; SNS uses the key, nothing else does."""
        args, location = self._args, self._args.foundation.location
        return [
            allow(["sns:Publish"], [*args.observability.topic_arns.values(), args.observability.heartbeat.arn]),
            allow(
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [args.foundation.encryption.logs_key_arn],
                {"StringEquals": {"kms:ViaService": f"sns.{location.region}.amazonaws.com"}},
            ),
        ]

    def _log_writing(self) -> Statement:
        """Logs to where the stack keeps them: bulk requests to OpenSearch, or streams of one log group."""
        group = self._args.observability.pod_logs
        if group is None:
            return allow(["es:ESHttpPost"], [f"{search_arn(self._args.foundation.location)}/_bulk*"])
        return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group.arn, pulumi.Output.concat(group.arn, ":*")])

    def _search_administration(self) -> Statement:
        """Roles within OpenSearch, how logs lie there and for how long; not the logs themselves."""
        domain = search_arn(self._args.foundation.location)
        return allow(
            ["es:ESHttpGet", "es:ESHttpPut"],
            [
                f"{domain}/_index_template/logs",
                f"{domain}/_plugins/_security/api/roles/*",
                f"{domain}/_plugins/_security/api/rolesmapping/*",
                f"{domain}/_plugins/_security/api/audit/*",
                f"{domain}/_plugins/_ism/policies/*",
            ],
        )


def search_arn(location: StackContext) -> str:
    """Return the ARN of the stack's OpenSearch domain, known before it exists: its roles come first."""
    return location.arn("es", f"domain/{physical_name('search', location.stack)}")
