"""Every call that a refresh or a deployment makes is allowed; what takes an administrator is listed."""

import pytest
from iam.conftest import Iam

from fakes.aws.calls import VERBS, Verb, calls, tagging
from fakes.iam.roles import callers
from recording.graph import Graph

DEPLOY, PREVIEW = "delivery-deploy", "delivery-preview"

ADMINISTRATORS: dict[str, tuple[Verb, ...]] = {
    # What holds data, its keys and its backups: made, opened, shortened and deleted by an administrator.
    **dict.fromkeys(
        (
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/user:User",
            "aws:elasticache/userGroup:UserGroup",
            "aws:kms/key:Key",
            "aws:opensearch/domain:Domain",
            "aws:rds/cluster:Cluster",
            "aws:s3/bucket:Bucket",
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            "aws:s3/bucketLogging:BucketLogging",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            "aws:s3/bucketPolicy:BucketPolicy",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "aws:s3/bucketVersioning:BucketVersioning",
            "aws:secretsmanager/secret:Secret",
        ),
        ("create", "update", "delete"),
    ),
    # Logs are evidence: how long they are kept, who reads them, and where they go.
    "aws:cloudwatch/logGroup:LogGroup": ("create", "update", "delete"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("create", "update", "delete"),
    "aws:ec2/flowLog:FlowLog": ("create", "delete"),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": ("create", "update", "delete"),
    # Images are there to roll back to.
    "aws:ecr/repository:Repository": ("create", "update", "delete"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("create", "update", "delete"),
    # From where the account takes images, and what becomes of them.
    "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": ("create", "update", "delete"),
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": ("create", "update", "delete"),
    # Whom the account trusts, and how far.
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ("create", "update", "delete"),
    "aws:iam/policy:Policy": ("create", "update", "delete"),
    # The cluster, with what its pods keep.
    "aws:eks/cluster:Cluster": ("delete",),
}
"""What the deployment role may not do. Roles are asked for by name, in test_deployment.py."""

BY_NAME = (
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/serviceLinkedRole:ServiceLinkedRole",
)


def types(iam: Iam) -> list[str]:
    found = sorted({each.type for each in iam.graph.resources if each.type.startswith("aws:")})
    assert found
    return found


@pytest.mark.parametrize("role", [PREVIEW, DEPLOY])
def test_a_refresh_may_read_every_resource_of_the_platform(each_iam: Iam, role: str) -> None:
    refused = {
        type_: [call for call in calls(type_, "read") if not each_iam.may(role, call)] for type_ in types(each_iam)
    }
    assert {type_: missing for type_, missing in refused.items() if missing} == {}


def test_a_preview_changes_nothing(each_iam: Iam) -> None:
    for type_ in types(each_iam):
        changes = {call for verb in VERBS for call in calls(type_, verb)} - set(calls(type_, "read"))
        for call in changes:
            reads = call.partition(":")[2].startswith(("Describe", "Get", "List", "View"))
            assert reads or not each_iam.may(PREVIEW, call), (type_, call)


def test_a_deployment_may_do_what_no_administrator_has_to(each_iam: Iam) -> None:
    refused = {
        (type_, verb): missing
        for type_ in types(each_iam)
        for verb in VERBS
        if type_ not in BY_NAME
        and verb not in ADMINISTRATORS.get(type_, ())
        and (missing := [call for call in calls(type_, verb) if not each_iam.may(DEPLOY, call)])
    }
    assert refused == {}


def test_what_takes_an_administrator_is_refused_to_a_deployment(each_iam: Iam) -> None:
    for type_, verbs in ADMINISTRATORS.items():
        if type_ in types(each_iam):
            for verb in verbs:
                assert [call for call in calls(type_, verb) if not each_iam.may(DEPLOY, call)], (type_, verb)


def test_a_deployment_may_set_tags_on_everything(each_iam: Iam) -> None:
    """A tag for all resources, as for the costs of a team, is a change of one line."""
    own = each_iam.callers[DEPLOY].arn.rpartition("/")[0]
    for type_ in types(each_iam):
        for call in tagging(type_):
            resource = {
                "iam:TagRole": f"{own}/identity-api-1",
                "iam:UntagRole": f"{own}/identity-api-1",
                "iam:TagPolicy": each_iam.arn("aws:iam/policy:Policy"),
                "iam:UntagPolicy": each_iam.arn("aws:iam/policy:Policy"),
            }.get(call, "*")
            if "OpenIDConnectProvider" in call:
                resource = each_iam.arn("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
            assert each_iam.may(DEPLOY, call, resource), (type_, call)


def test_a_type_that_nobody_described_is_an_error() -> None:
    with pytest.raises(LookupError, match="which calls aws:new/thing:Thing takes"):
        calls("aws:new/thing:Thing", "read")


def test_previews_look_at_everything_in_the_cluster_but_secrets_and_administer_nothing(known: Graph) -> None:
    role = callers(known.resources)[PREVIEW].arn
    associations = known.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert [each["policyArn"].rpartition("/")[2] for each in associations if each["principalArn"] == role] == [
        "AmazonEKSViewPolicy"
    ]
    assert role in [each["principalArn"] for each in known.of_type("aws:eks/accessEntry:AccessEntry")]
