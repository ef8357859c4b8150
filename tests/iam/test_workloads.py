"""Each workload's role has what its pods do, and nothing that is another's."""

import pytest
from iam.conftest import ACCOUNT, REGION, Iam

from fakes.iam.evaluator import Caller
from recording.graph import Graph

OWN_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ai-prism/prod/api-keys-AbCdEf"
ARGO_CDS_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ai-prism/prod/argo-cd-AbCdEf"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/ai-prism/prod/"
OTHERS_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ai-prism/staging/api-keys-AbCdEf"
OWNERS_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-1-AbCdEf"
MODEL = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude"
SEARCH = f"arn:aws:es:{REGION}:{ACCOUNT}:domain/ai-prism-prod"
OWNED = {"aws__ResourceTag/k8s.io/cluster-autoscaler/ai-prism-prod": "owned"}
OTHERS = {"aws__ResourceTag/k8s.io/cluster-autoscaler/ai-prism-staging": "owned"}


def via(service: str) -> dict[str, str]:
    return {"kms__ViaService": f"{service}.{REGION}.amazonaws.com"}


# Workload, call, resource, context, and whether IAM allows it.
QUESTIONS = [
    *(
        (workload, call, resource, context, True)
        for workload in ("api", "worker")
        for call, resource, context in (
            ("s3:GetObject", "documents", {}),
            ("s3:PutObject", "documents", {}),
            ("s3:DeleteObject", "documents", {}),
            ("s3:ListBucket", "bucket", {}),
            ("kms:GenerateDataKey", "data key", via("s3")),
            ("kms:Decrypt", "data key", via("s3")),
            ("bedrock:InvokeModel", MODEL, {}),
            ("bedrock:InvokeModelWithResponseStream", MODEL, {}),
            ("rds-db:connect", "database user", {}),
        )
    ),
    ("api", "elasticache:Connect", "cache", {}, True),
    ("api", "elasticache:Connect", "cache user", {}, True),
    ("worker", "elasticache:Connect", "cache", {}, False),
    *(
        (workload, call, resource, context, False)
        for workload in ("api", "worker")
        for call, resource, context in (
            ("s3:GetObject", "documents", {"aws__SecureTransport": "false"}),
            ("s3:DeleteObjectVersion", "documents", {}),
            ("kms:Decrypt", "data key", {}),
            ("kms:Decrypt", "data key", via("secretsmanager")),
            ("rds-db:connect", "database owner", {}),
            ("secretsmanager:GetSecretValue", OWN_SECRET, {}),
            ("secretsmanager:GetSecretValue", "database owner's secret", {}),
        )
    ),
    ("database-access", "secretsmanager:GetSecretValue", "database owner's secret", {}, True),
    ("database-access", "kms:Decrypt", "data key", via("secretsmanager"), True),
    ("database-access", "kms:Decrypt", "data key", via("s3"), False),
    ("database-access", "secretsmanager:GetSecretValue", OWN_SECRET, {}, False),
    ("database-access", "secretsmanager:PutSecretValue", "database owner's secret", {}, False),
    ("database-access", "rds-db:connect", "database user", {}, False),
    ("external-secrets", "sts:AssumeRole", f"{ROLES}identity-secrets-argocd-1", {}, True),
    ("external-secrets", "sts:AssumeRole", f"{ROLES}identity-api-1", {}, False),
    ("external-secrets", "secretsmanager:GetSecretValue", OWN_SECRET, {}, False),
    ("secrets-ai-prism", "secretsmanager:GetSecretValue", OWN_SECRET, {}, True),
    ("secrets-ai-prism", "secretsmanager:DescribeSecret", OWN_SECRET, {}, True),
    ("secrets-ai-prism", "kms:Decrypt", "data key", via("secretsmanager"), True),
    ("secrets-ai-prism", "secretsmanager:GetSecretValue", ARGO_CDS_SECRET, {}, False),
    ("secrets-ai-prism", "secretsmanager:GetSecretValue", OTHERS_SECRET, {}, False),
    ("secrets-ai-prism", "secretsmanager:GetSecretValue", OWNERS_SECRET, {}, False),
    ("secrets-ai-prism", "secretsmanager:PutSecretValue", OWN_SECRET, {}, False),
    ("secrets-ai-prism", "kms:Decrypt", "data key", via("s3"), False),
    ("secrets-ai-prism", "sts:AssumeRole", f"{ROLES}identity-secrets-argocd-1", {}, False),
    ("secrets-argocd", "secretsmanager:GetSecretValue", ARGO_CDS_SECRET, {}, True),
    ("secrets-argocd", "kms:Decrypt", "data key", via("secretsmanager"), True),
    ("secrets-argocd", "secretsmanager:GetSecretValue", OWN_SECRET, {}, False),
    ("load-balancer-controller", "elasticloadbalancing:RegisterTargets", "targets", {}, True),
    ("load-balancer-controller", "elasticloadbalancing:DeregisterTargets", "targets", {}, True),
    ("load-balancer-controller", "elasticloadbalancing:DescribeTargetHealth", "*", {}, True),
    ("load-balancer-controller", "elasticloadbalancing:DeleteLoadBalancer", "*", {}, False),
    ("load-balancer-controller", "ec2:AuthorizeSecurityGroupIngress", "*", {}, False),
    ("cluster-autoscaler", "autoscaling:SetDesiredCapacity", "*", OWNED, True),
    ("cluster-autoscaler", "autoscaling:TerminateInstanceInAutoScalingGroup", "*", OWNED, True),
    ("cluster-autoscaler", "autoscaling:SetDesiredCapacity", "*", OTHERS, False),
    ("cluster-autoscaler", "autoscaling:SetDesiredCapacity", "*", {}, False),
    ("cluster-autoscaler", "eks:DescribeNodegroup", "*", {}, True),
    ("cluster-autoscaler", "autoscaling:DescribeAutoScalingGroups", "*", {}, True),
    ("cluster-autoscaler", "autoscaling:DeleteAutoScalingGroup", "*", OWNED, False),
    ("alertmanager", "sns:Publish", "alerts", {}, True),
    ("alertmanager", "kms:GenerateDataKey", "logs key", via("sns"), True),
    ("alertmanager", "kms:Decrypt", "logs key", via("sns"), True),
    ("alertmanager", "kms:Decrypt", "logs key", {}, False),
    ("alertmanager", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:another", {}, False),
    ("fluent-bit", "es:ESHttpPost", f"{SEARCH}/_bulk", {}, True),
    ("fluent-bit", "es:ESHttpGet", f"{SEARCH}/_search", {}, False),
    ("search-access", "es:ESHttpPut", f"{SEARCH}/_plugins/_security/api/rolesmapping/logs", {}, True),
    ("search-access", "es:ESHttpGet", f"{SEARCH}/logs-2026/_search", {}, False),
]


def _arn(iam: Iam, what: str) -> str:
    database = iam.graph.of_type("aws:rds/cluster:Cluster")[0].outputs
    users = f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:{database['clusterResourceId']}"
    documents = iam.arn("aws:s3/bucket:Bucket", "storage-documents")
    named = {
        "documents": lambda: f"{documents}/customers/1.pdf",
        "bucket": lambda: documents,
        "data key": lambda: iam.arn("aws:kms/key:Key", "encryption-data"),
        "logs key": lambda: iam.arn("aws:kms/key:Key", "encryption-logs"),
        "database user": lambda: f"{users}/prism_app",
        "database owner": lambda: f"{users}/prism_owner",
        "database owner's secret": lambda: database["masterUserSecrets"][0]["secretArn"],
        "cache": lambda: iam.arn("aws:elasticache/replicationGroup:ReplicationGroup"),
        "cache user": lambda: iam.arn("aws:elasticache/user:User"),
        "targets": lambda: iam.arn("aws:lb/targetGroup:TargetGroup"),
        "alerts": lambda: iam.arn("aws:sns/topic:Topic", "observability-alerts"),
    }
    return named[what]() if what in named else what


@pytest.mark.parametrize(
    ("workload", "call", "resource", "context", "allowed"),
    QUESTIONS,
    ids=[f"{workload} {call} {resource} {len(context)}" for workload, call, resource, context, _ in QUESTIONS],
)
def test_a_workload_may_do_its_work_and_no_more(
    iam: Iam, workload: str, call: str, resource: str, context: dict[str, str], *, allowed: bool
) -> None:
    decision = iam.may(f"identity-{workload}", call, _arn(iam, resource), **context)
    assert bool(decision) is allowed, decision.reason


@pytest.mark.parametrize(
    ("repository", "allowed"),
    [
        ("ai-prism-prod/quay/team/image", True),
        ("ai-prism-prod/k8s/image", True),
        ("ai-prism-prod/api", False),
        ("ai-prism-prod/quay", False),
        ("ai-prism-dev/quay/team/image", False),
        ("ai-prism-prod/hub/team/image", False),
    ],
)
def test_a_node_has_repositories_made_for_images_of_the_stacks_cache_alone(
    iam: Iam, repository: str, *, allowed: bool
) -> None:
    arn = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{repository}"
    assert bool(iam.may("cluster-node", "ecr:CreateRepository", arn)) is allowed
    assert not iam.may("cluster-node", "ecr:PutImage", arn)


def test_every_workload_is_asked_about(iam: Iam) -> None:
    roles = {name.removeprefix("identity-") for name in iam.callers if name.startswith("identity-")}
    assert roles == {workload for workload, *_ in QUESTIONS}


def _granted(caller: Caller) -> set[str]:
    """Return the actions by name that a role is granted, without patterns."""
    return {
        action
        for statement in caller.identity
        if statement["Effect"] == "Allow" and "Action" in statement
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_the_boundary_takes_nothing_from_a_role_that_it_was_granted(each_iam: Iam) -> None:
    """A role's call that the boundary forgets fails with AccessDenied, although the role's policy has it."""
    taken: dict[str, list[str]] = {}
    for name, caller in each_iam.callers.items():
        everything = Caller(
            arn=caller.arn,
            identity=[{"Effect": "Allow", "Action": "*", "Resource": "*"}],
            boundary=caller.boundary,
        )
        context = {"kms__GrantIsForAWSResource": "true", "iam__PermissionsBoundary": _boundary(each_iam.graph)}
        resources = (
            "*",
            f"arn:aws:logs:{REGION}:{caller.account_id}:log-group:RDSOSMetrics:log-stream:1",
            f"arn:aws:ecr:{REGION}:{caller.account_id}:repository/ai-prism-{each_iam.graph.stack}/quay/team/image",
        )
        roles = [f"{caller.arn.rpartition('/')[0]}/{role}" for role in ("network-flow-1", "identity-secrets-1")]
        missing = [
            action
            for action in _granted(caller)
            if not any(
                each_iam.may(everything, action.replace("*", "X"), where, **context) for where in (*resources, *roles)
            )
        ]
        if missing:
            taken[name] = sorted(missing)
    assert taken == {}


def _boundary(graph: Graph) -> str:
    return str(graph.of_type("aws:iam/policy:Policy")[0].outputs["arn"])
