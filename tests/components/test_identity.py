"""What each workload may do in AWS, and that only its own pods may."""

import functools
import json
from typing import Any

import pulumi
import pytest
from alone import CONTEXT, KEY_ARN, LOG_GROUPS, ROLES, build

from components.identity import Identity, IdentityArgs
from recording.graph import Graph

GRANTS, ROLE = "aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
CLUSTER_ARN, DOMAIN_ARN = CONTEXT.arn("eks", "cluster/prism"), CONTEXT.arn("es", "domain/prism")
LOG_GROUP_ARN = CONTEXT.arn("logs", "log-group:pods")
LOGS_KEY_ARN = str(LOG_GROUPS.key_arn)


@functools.cache
def identity(*, search: bool = True) -> Graph:
    args = IdentityArgs(
        context=CONTEXT,
        roles=ROLES,
        cluster_name="prism",
        cluster_arn=CLUSTER_ARN,
        autoscaler_tag="k8s.io/cluster-autoscaler/prism",
        data_key_arn=KEY_ARN,
        logs_key_arn=LOGS_KEY_ARN,
        documents_bucket_arn="arn:aws:s3:::documents",
        database_resource_ids=["cluster-A", "cluster-B"],
        database_secret_arns=["arn:secret-a", "arn:secret-b"],
        cache_arns=["arn:cache", "arn:user"],
        target_group_arn="arn:targets",
        topic_arns=["arn:critical", "arn:warning", "arn:heartbeat"],
        pod_log_group_arn=None if search else LOG_GROUP_ARN,
        search_domain_arn=DOMAIN_ARN,
    )

    def make(opts: pulumi.ResourceOptions) -> None:
        made = Identity("identity", args, opts)
        pulumi.export("role_arns", made.role_arns)
        pulumi.export("service_accounts", made.service_accounts)
        pulumi.export("store_role_arns", made.store_role_arns)

    return build(make)


def grants(workload: str, *, search: bool = True) -> list[tuple[list[str], list[str], Any]]:
    """Return actions, resources and condition of each statement."""
    policy = json.loads(identity(search=search).named(GRANTS, f"identity-{workload}-grants")["policy"])
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Allow"}
    return [(each["Action"], each["Resource"], each.get("Condition")) for each in policy["Statement"]]


def via(service: str) -> dict[str, Any]:
    """Return the condition that a key is used by a service on the role's behalf, and not directly."""
    return {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}}


DOCUMENTS = [
    (["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], ["arn:aws:s3:::documents/*"], None),
    (["s3:ListBucket"], ["arn:aws:s3:::documents"], None),
    (["kms:Decrypt", "kms:GenerateDataKey"], [KEY_ARN], via("s3")),
]
MODELS = (
    ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
    [
        "arn:aws:bedrock:*::foundation-model/*",
        f"arn:aws:bedrock:us-east-1:{CONTEXT.account_id}:inference-profile/*",
    ],
    None,
)
LOGIN = (
    ["rds-db:connect"],
    [f"arn:aws:rds-db:us-east-1:{CONTEXT.account_id}:dbuser:cluster-{each}/prism_app" for each in "AB"],
    None,
)


def test_the_api_uses_documents_models_the_database_and_the_cache() -> None:
    """IAM asks for the user and for the replication group (ElastiCache auth-iam)."""
    cache = (["elasticache:Connect"], ["arn:cache", "arn:user"], None)
    assert grants("api") == [*DOCUMENTS, MODELS, LOGIN, cache]


def test_the_worker_uses_no_cache() -> None:
    assert grants("worker") == [*DOCUMENTS, MODELS, LOGIN]


def test_the_owners_password_is_read_by_the_job_that_gives_the_application_its_rights_alone() -> None:
    assert grants("database-access") == [
        (["secretsmanager:GetSecretValue"], ["arn:secret-a", "arn:secret-b"], None),
        (["kms:Decrypt"], [KEY_ARN], via("secretsmanager")),
    ]


def test_external_secrets_reads_nothing_by_itself() -> None:
    assert grants("external-secrets") == [
        (
            ["sts:AssumeRole", "sts:TagSession"],
            [f"arn:aws:iam::{CONTEXT.account_id}:role/ai-prism/test/identity-secrets-*"],
            None,
        )
    ]


@pytest.mark.parametrize(("namespace", "secrets"), [("ai-prism", ["database", "api-keys"]), ("argocd", ["argo-cd"])])
def test_a_store_reads_the_secrets_of_one_namespace(namespace: str, secrets: list[str]) -> None:
    """AWS ends a secret's ARN with six characters of its own (troubleshoot, ARN_secretnamehyphen)."""
    assert grants(f"secrets-{namespace}") == [
        (
            ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
            [
                f"arn:aws:secretsmanager:us-east-1:{CONTEXT.account_id}:secret:ai-prism/test/{secret}-??????"
                for secret in secrets
            ],
            None,
        ),
        (["kms:Decrypt"], [KEY_ARN], via("secretsmanager")),
    ]


def test_only_external_secrets_assumes_the_role_of_a_store() -> None:
    arns = identity().outputs
    for namespace in ("ai-prism", "argocd"):
        role = identity().named(ROLE, f"identity-secrets-{namespace}")
        (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"AWS": arns["role_arns"]["external-secrets"]}
        assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        assert arns["store_role_arns"][namespace] == role.outputs["arn"]


def test_the_load_balancer_controller_moves_pods_in_and_out_of_one_target_group_and_changes_nothing_else() -> None:
    changing, reading = grants("load-balancer-controller")
    assert changing == (
        ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
        ["arn:targets"],
        None,
    )
    # Reads alone; these calls take no resource.
    assert set(reading[0]) == {
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
        "ec2:DescribeVpcs",
        "ec2:DescribeSubnets",
        "ec2:DescribeInstances",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeAvailabilityZones",
    }
    assert reading[1:] == (["*"], None)


def test_the_autoscaler_changes_groups_of_this_cluster_alone_and_sees_all() -> None:
    """https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md."""
    reading, changing = grants("cluster-autoscaler")
    assert set(reading[0]) == {
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
    }
    assert reading[1:] == (["*"], None)
    assert changing == (
        ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        ["*"],
        {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/prism": "owned"}},
    )


def test_alertmanager_publishes_to_the_topics_that_it_is_given() -> None:
    assert grants("alertmanager") == [
        (["sns:Publish"], ["arn:critical", "arn:warning", "arn:heartbeat"], None),
        (["kms:Decrypt", "kms:GenerateDataKey"], [LOGS_KEY_ARN], via("sns")),
    ]


def test_the_log_collector_writes_to_where_the_stack_keeps_logs_and_reads_nothing() -> None:
    assert grants("fluent-bit") == [(["es:ESHttpPost"], [f"{DOMAIN_ARN}/_bulk*"], None)]
    assert grants("fluent-bit", search=False) == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], [LOG_GROUP_ARN, f"{LOG_GROUP_ARN}:*"], None)
    ]


def test_the_domains_administrator_sets_roles_and_retention_and_sees_no_log() -> None:
    (found,) = grants("search-access")
    assert found == (
        ["es:ESHttpGet", "es:ESHttpPut"],
        [
            f"{DOMAIN_ARN}/_index_template/logs",
            f"{DOMAIN_ARN}/_plugins/_security/api/roles/*",
            f"{DOMAIN_ARN}/_plugins/_security/api/rolesmapping/*",
            f"{DOMAIN_ARN}/_plugins/_security/api/audit/*",
            f"{DOMAIN_ARN}/_plugins/_ism/policies/*",
        ],
        None,
    )
    assert "search-access" not in identity(search=False).outputs["role_arns"]


ACCOUNTS = {
    "api": ("ai-prism", "ai-prism-api"),
    "worker": ("ai-prism", "ai-prism-worker"),
    "database-access": ("database-access", "database-access"),
    "external-secrets": ("external-secrets", "external-secrets"),
    "load-balancer-controller": ("kube-system", "aws-load-balancer-controller"),
    "cluster-autoscaler": ("kube-system", "cluster-autoscaler"),
    "alertmanager": ("monitoring", "alertmanager"),
    "fluent-bit": ("logging", "fluent-bit"),
    "search-access": ("logging", "search-access"),
}


def test_a_role_is_that_of_one_service_account_of_this_cluster() -> None:
    """Under another name or in another namespace, its pods would run without any credentials."""
    found = {each.name.removeprefix("identity-"): each for each in identity().of_type(ASSOCIATION)}
    assert {name: (each["namespace"], each["serviceAccount"]) for name, each in found.items()} == ACCOUNTS
    for workload, association in found.items():
        role = identity().named(ROLE, f"identity-{workload}")
        assert (association["clusterName"], association["roleArn"]) == ("prism", role.outputs["arn"])
        # A pod that starts has all rights.
        assert identity().named(GRANTS, f"identity-{workload}-grants").urn in association.dependencies
        (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": CONTEXT.account_id},
            "ArnEquals": {"aws:SourceArn": CLUSTER_ARN},
        }
    assert identity().outputs["service_accounts"] == {name: account for name, (_, account) in ACCOUNTS.items()}
    assert identity().outputs["role_arns"].keys() == ACCOUNTS.keys()


def test_no_role_exceeds_the_boundary() -> None:
    for role in identity().of_type(ROLE):
        assert (role["permissionsBoundary"], role["path"]) == (ROLES.boundary_arn, ROLES.path)
