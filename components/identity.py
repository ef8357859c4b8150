"""IAM roles of workloads: one each, which pods assume through EKS Pod Identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam_roles import RoleFactory
from components.iam_statements import Statement, allow, trust_pods, trust_role
from components.namespaces import (
    APPLICATION,
    ARGO_CD,
    DATABASE_ACCESS,
    EXTERNAL_SECRETS,
    KUBE_SYSTEM,
    LOGGING,
    MONITORING,
)
from components.stack_context import StackContext
from settings.naming import physical_name

_STORE_ROLE = "secrets"
DATABASE_USER = "prism_app"
"""PostgreSQL role of the application, made by `components/apps/database_access.py`: it logs in with a token, not a
password."""


SECRETS_OF: Mapping[str, Sequence[str]] = {APPLICATION: ("database", "api-keys"), ARGO_CD: ("argo-cd",)}
"""Which of the stack's secrets may be brought into a namespace."""


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """Arguments of Identity."""

    context: StackContext
    roles: RoleFactory
    cluster_name: pulumi.Input[str]
    """As an output of the cluster, so that associations wait for it."""
    cluster_arn: str
    autoscaler_tag: str
    """Key of the tag that EKS puts on the Auto Scaling groups of this cluster, with the value `owned`."""
    data_key_arn: pulumi.Input[str]
    """KMS key of documents and secrets."""
    logs_key_arn: pulumi.Input[str]
    """KMS key of the topics."""
    documents_bucket_arn: pulumi.Input[str]
    database_resource_ids: Sequence[pulumi.Input[str]]
    """Of the clusters that the application may log in to."""
    database_secret_arns: Sequence[pulumi.Input[str]]
    """Secrets with the password of the database's owner."""
    cache_arns: Sequence[pulumi.Input[str]]
    """Replication groups, and the user that the application logs in as: IAM asks for both."""
    target_group_arn: pulumi.Input[str]
    topic_arns: Sequence[pulumi.Input[str]]
    """To which Alertmanager publishes."""
    pod_log_group_arn: pulumi.Input[str] | None
    """CloudWatch's log group of the pods; None where they go to OpenSearch."""
    search_domain_arn: str
    """OpenSearch domain for the pods' logs, where there is no such log group."""


@dataclass(frozen=True)
class Workload:
    """A service account, and what its pods may do in AWS."""

    namespace: str
    service_account: str
    grants: Sequence[Statement]


class Identity(pulumi.ComponentResource):
    """One least-privilege role per workload, without any key to store; only pods of this cluster can assume them."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By workload."""
    service_accounts: Mapping[str, str]
    """Whose pods assume the role, by workload."""
    store_role_arns: Mapping[str, pulumi.Output[str]]
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
        if args.pod_log_group_arn is None:
            workloads["search-access"] = Workload(LOGGING, "search-access", [self._search_administration()])
        self.role_arns = {workload: self._make_role(workload, what) for workload, what in workloads.items()}
        self.service_accounts = {workload: what.service_account for workload, what in workloads.items()}
        self.store_role_arns = {namespace: self._make_store_role(namespace) for namespace in SECRETS_OF}
        self.register_outputs({"role_arns": self.role_arns})

    def _make_role(self, workload: str, what: Workload) -> pulumi.Output[str]:
        args = self._args
        role_arn = args.roles.make(
            f"{self._name}-{workload}",
            parent=self,
            trusts=trust_pods(args.cluster_arn, args.context.account_id),
            grants=what.grants,
        ).arn
        aws.eks.PodIdentityAssociation(
            f"{self._name}-{workload}",
            cluster_name=args.cluster_name,
            namespace=what.namespace,
            service_account=what.service_account,
            role_arn=role_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role_arn

    def _documents(self) -> list[Statement]:
        """Read, write and delete documents, with the key through S3 alone."""
        bucket_arn = self._args.documents_bucket_arn
        return [
            allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [pulumi.Output.concat(bucket_arn, "/*")]),
            allow(["s3:ListBucket"], [bucket_arn]),
            self._use_key(["kms:Decrypt", "kms:GenerateDataKey"], self._args.data_key_arn, "s3"),
        ]

    def _use_key(self, actions: Sequence[str], key_arn: pulumi.Input[str], service: str) -> Statement:
        """Use a key where a service does so on the role's behalf, and not by KMS itself.

        Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
        """
        via = f"{service}.{self._args.context.region}.amazonaws.com"
        return allow(actions, [key_arn], {"StringEquals": {"kms:ViaService": via}})

    def _models(self) -> list[Statement]:
        """Any model, directly or by an inference profile, which may send a request to another region's."""
        profiles = self._args.context.arn("bedrock", "inference-profile/*")
        return [
            allow(
                ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
                ["arn:aws:bedrock:*::foundation-model/*", profiles],
            )
        ]

    def _database(self) -> Statement:
        """One user of the database, who logs in with a token."""
        resource = self._args.context.arn("rds-db", "dbuser:")
        return allow(
            ["rds-db:connect"],
            [pulumi.Output.concat(resource, id_, f"/{DATABASE_USER}") for id_ in self._args.database_resource_ids],
        )

    def _owner_password(self) -> list[Statement]:
        """The password of the database's owner, for the job that gives the application its rights."""
        return [
            allow(["secretsmanager:GetSecretValue"], self._args.database_secret_arns),
            self._use_key(["kms:Decrypt"], self._args.data_key_arn, "secretsmanager"),
        ]

    def _cache(self) -> Statement:
        """One user of the cache."""
        return allow(["elasticache:Connect"], self._args.cache_arns)

    def _make_store_role(self, namespace: str) -> pulumi.Output[str]:
        return self._args.roles.make(
            f"{self._name}-{_STORE_ROLE}-{namespace}",
            parent=self,
            trusts=trust_role(self.role_arns["external-secrets"]),
            grants=self._secrets(SECRETS_OF[namespace]),
        ).arn

    def _assume_store_roles(self) -> Statement:
        """No secret by itself. The roles are named by Pulumi, after this one."""
        roles = f"role{self._args.roles.path}{self._name}-{_STORE_ROLE}-*"
        return allow(["sts:AssumeRole", "sts:TagSession"], [self._args.context.iam_arn(roles)])

    def _secrets(self, roles: Sequence[str]) -> list[Statement]:
        """Some of the stack's own secrets: not another stack's, and not the database owner's password.

        AWS ends the ARN of a secret with six characters of its own
        (https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen).
        """
        context = self._args.context
        names = [physical_name("secret", context.stack, role) for role in roles]
        return [
            allow(
                ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
                [context.arn("secretsmanager", f"secret:{name}-??????") for name in names],
            ),
            self._use_key(["kms:Decrypt"], self._args.data_key_arn, "secretsmanager"),
        ]

    def _targets(self) -> list[Statement]:
        """Pods into the one target group. The program owns the balancer, so the controller may change nothing else.

        Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/
        """
        return [
            allow(
                ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
                [self._args.target_group_arn],
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
                {"StringEquals": {f"aws:ResourceTag/{self._args.autoscaler_tag}": "owned"}},
            ),
        ]

    def _alerts(self) -> list[Statement]:
        """Alerts to the topics of their severity, and the heartbeat to its own, with the key through SNS alone."""
        return [
            allow(["sns:Publish"], self._args.topic_arns),
            self._use_key(["kms:Decrypt", "kms:GenerateDataKey"], self._args.logs_key_arn, "sns"),
        ]

    def _log_writing(self) -> Statement:
        """Logs to where the stack keeps them: bulk requests to OpenSearch, or streams of one log group."""
        group_arn = self._args.pod_log_group_arn
        if group_arn is None:
            return allow(["es:ESHttpPost"], [f"{self._args.search_domain_arn}/_bulk*"])
        return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group_arn, pulumi.Output.concat(group_arn, ":*")])

    def _search_administration(self) -> Statement:
        """Roles within OpenSearch, how logs lie there and for how long; not the logs themselves."""
        domain = self._args.search_domain_arn
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
