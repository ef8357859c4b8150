"""Whoever has the pipeline's credentials cannot take, open, shorten or lose what the platform keeps.

Each question is asked of the deployment role, and of a role with all rights that it could make for itself within the
boundary: what only the deployment role's own policies refused, a detour over such a role would give.
"""

import json

import pytest
from iam.conftest import ACCOUNT, REGION, STATE_BUCKET, STATE_KEY, Iam

from fakes.iam.evaluator import Caller

DEPLOY, PREVIEW = "delivery-deploy", "delivery-preview"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/ai-prism/prod/"
POLICIES = f"arn:aws:iam::{ACCOUNT}:policy/ai-prism/prod/"
FOREIGN = f"arn:aws:iam::{ACCOUNT}:role/administrators"
KEY, BUCKET, SECRET = "aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:secretsmanager/secret:Secret"

SNAPSHOT = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster-snapshot:nightly"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:ai-prism-prod"
CACHE = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:cache"
CACHE_NODE = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:cluster:cache-001"
CACHE_SNAPSHOT = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:snapshot:nightly"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/eks/ai-prism-prod/cluster"
SEARCH = f"arn:aws:es:{REGION}:{ACCOUNT}:domain/ai-prism-prod"
BACKUP = f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:nightly"

KEPT = {
    "read documents": ("s3:GetObject", "documents"),
    "read old versions of documents": ("s3:GetObjectVersion", "documents"),
    "read secrets": ("secretsmanager:GetSecretValue", "secret"),
    "read many secrets": ("secretsmanager:BatchGetSecretValue", "*"),
    "log in to the database": ("rds-db:connect", f"arn:aws:rds-db:{REGION}:{ACCOUNT}:dbuser:cluster-1/prism_app"),
    "query the database over HTTP": ("rds-data:ExecuteStatement", DATABASE),
    "turn on queries over HTTP": ("rds:EnableHttpEndpoint", DATABASE),
    "set the owner's password": ("rds:ModifyDBCluster", DATABASE),
    "read the database's log": ("rds:DownloadDBLogFilePortion", DATABASE),
    "stream what the database does": ("rds:StartActivityStream", DATABASE),
    "let the database write to buckets": ("rds:AddRoleToDBCluster", DATABASE),
    "log in to the cache": ("elasticache:Connect", CACHE),
    "let another user into the cache": ("elasticache:ModifyUserGroup", CACHE),
    "set a user's rights in the cache": ("elasticache:ModifyUser", CACHE),
    "take the cache's users away, so that it is open": ("elasticache:ModifyReplicationGroup", CACHE),
    "search the logs": ("es:ESHttpGet", f"{SEARCH}/_search"),
    "open the search domain": ("es:UpdateDomainConfig", SEARCH),
    "send the pods' logs elsewhere": ("logs:PutSubscriptionFilter", LOGS),
    "share a snapshot": ("rds:ModifyDBClusterSnapshotAttribute", SNAPSHOT),
    "copy a snapshot under another key": ("rds:CopyDBClusterSnapshot", SNAPSHOT),
    "export a snapshot": ("rds:StartExportTask", SNAPSHOT),
    "restore a snapshot": ("rds:RestoreDBClusterFromSnapshot", SNAPSHOT),
    "restore a point in time": ("rds:RestoreDBClusterToPointInTime", DATABASE),
    "replicate the database to another region": ("rds:CreateGlobalCluster", DATABASE),
    "clone the database by blue and green": ("rds:CreateBlueGreenDeployment", DATABASE),
    "copy a snapshot of the cache to a bucket": ("elasticache:CopySnapshot", CACHE_SNAPSHOT),
    "restore the cache for oneself": ("elasticache:CreateReplicationGroup", CACHE),
    "export the logs": ("logs:CreateExportTask", LOGS),
    "open the bucket": ("s3:PutBucketPolicy", "bucket"),
    "open the bucket to the public": ("s3:PutBucketPublicAccessBlock", "bucket"),
    "replicate the bucket elsewhere": ("s3:PutReplicationConfiguration", "bucket"),
    "copy the bucket by a batch": ("s3:CreateJob", "*"),
    "reach the bucket by an access point": ("s3:CreateAccessPoint", "*"),
    "list the bucket's content elsewhere": ("s3:PutInventoryConfiguration", "bucket"),
    "share a secret": ("secretsmanager:PutResourcePolicy", "secret"),
    "replicate a secret": ("secretsmanager:ReplicateSecretToRegions", "secret"),
    "share images": ("ecr:SetRepositoryPolicy", "*"),
    "replicate images": ("ecr:PutReplicationConfiguration", "*"),
    "share a volume's snapshot": ("ec2:ModifySnapshotAttribute", "*"),
    "read a volume's snapshot": ("ebs:GetSnapshotBlock", "*"),
    "open the key by its policy": ("kms:PutKeyPolicy", "key"),
    "lend the key to oneself": ("kms:CreateGrant", "key"),
    "replicate the key": ("kms:ReplicateKey", "key"),
    "stop the key": ("kms:DisableKey", "key"),
    "delete the key": ("kms:ScheduleKeyDeletion", "key"),
    "take the key from who has it": ("kms:RevokeGrant", "key"),
    "stop the key's rotation": ("kms:DisableKeyRotation", "key"),
    "encrypt the bucket otherwise": ("s3:PutEncryptionConfiguration", "bucket"),
    "encrypt a secret otherwise": ("secretsmanager:UpdateSecret", "secret"),
    "encrypt logs otherwise": ("logs:AssociateKmsKey", LOGS),
    "keep backups for a day": ("rds:ModifyDBCluster", DATABASE),
    "keep snapshots of the cache for no day": ("elasticache:ModifyReplicationGroup", CACHE),
    "keep snapshots of one of its nodes for no day": ("elasticache:ModifyCacheCluster", CACHE_NODE),
    "expire documents": ("s3:PutLifecycleConfiguration", "bucket"),
    "keep no versions": ("s3:PutBucketVersioning", "bucket"),
    "keep logs for a day": ("logs:PutRetentionPolicy", LOGS),
    "delete the database": ("rds:DeleteDBCluster", DATABASE),
    "delete a snapshot": ("rds:DeleteDBClusterSnapshot", SNAPSHOT),
    "delete backups": ("rds:DeleteDBClusterAutomatedBackup", DATABASE),
    "delete the cache": ("elasticache:DeleteReplicationGroup", CACHE),
    "delete a snapshot of the cache": ("elasticache:DeleteSnapshot", CACHE_SNAPSHOT),
    "delete a document": ("s3:DeleteObject", "documents"),
    "delete old versions of documents": ("s3:DeleteObjectVersion", "documents"),
    "delete the bucket": ("s3:DeleteBucket", "bucket"),
    "delete a secret": ("secretsmanager:DeleteSecret", "secret"),
    "delete logs": ("logs:DeleteLogGroup", LOGS),
    "delete the search domain": ("es:DeleteDomain", SEARCH),
    "delete images": ("ecr:BatchDeleteImage", "*"),
    "delete what AWS Backup keeps": ("backup:DeleteRecoveryPoint", BACKUP),
}

ESCALATION = {
    "make a user": ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
    "make a key for a user": ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/me", {}),
    "become a member of a group": ("iam:AddUserToGroup", f"arn:aws:iam::{ACCOUNT}:group/admins", {}),
    "make a role without the boundary": ("iam:CreateRole", f"{ROLES}mine", {}),
    "make a role with a boundary of one's own": (
        "iam:CreateRole",
        f"{ROLES}mine",
        {"iam__PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/anything"},
    ),
    "make a role that reads data": ("iam:CreateRole", f"{ROLES}identity-mine", {"iam__PermissionsBoundary": "own"}),
    "widen a role that reads data": (
        "iam:PutRolePolicy",
        f"{ROLES}identity-api-1",
        {"iam__PermissionsBoundary": "own"},
    ),
    "be trusted by a role that reads data": ("iam:UpdateAssumeRolePolicy", f"{ROLES}identity-api-1", {}),
    "widen the deployment role": (
        "iam:PutRolePolicy",
        f"{ROLES}ai-prism-prod-deploy",
        {"iam__PermissionsBoundary": "own"},
    ),
    "narrow the deployment role's denials": (
        "iam:DeleteRolePolicy",
        f"{ROLES}ai-prism-prod-deploy",
        {"iam__PermissionsBoundary": "own"},
    ),
    "let others deploy": ("iam:UpdateAssumeRolePolicy", f"{ROLES}ai-prism-prod-deploy", {}),
    "let others preview": ("iam:UpdateAssumeRolePolicy", f"{ROLES}ai-prism-prod-preview", {}),
    "widen a role of others": ("iam:AttachRolePolicy", FOREIGN, {}),
    "pass a role of others": ("iam:PassRole", FOREIGN, {"iam__PassedToService": "eks.amazonaws.com"}),
    "become a role of others": ("sts:AssumeRole", FOREIGN, {}),
    "become a role that reads data": ("sts:AssumeRole", f"{ROLES}identity-api-1", {}),
    "take the boundary off": ("iam:DeleteRolePermissionsBoundary", f"{ROLES}network-flow-1", {}),
    "exchange the boundary": ("iam:PutRolePermissionsBoundary", f"{ROLES}network-flow-1", {}),
    "make another boundary": ("iam:CreatePolicy", f"{POLICIES}wide", {}),
    "rewrite the boundary": ("iam:CreatePolicyVersion", f"{POLICIES}roles-boundary", {}),
    "go back to an older boundary": ("iam:SetDefaultPolicyVersion", f"{POLICIES}roles-boundary", {}),
    "leave the organization": ("organizations:LeaveOrganization", "*", {}),
    "run a function": ("lambda:CreateFunction", "*", {}),
    "run a build": ("codebuild:CreateProject", "*", {}),
    "run commands on nodes": ("ssm:SendCommand", "*", {}),
}


def _resolve(iam: Iam, resource: str) -> str:
    documents = iam.arn(BUCKET, "storage-documents")
    return {
        "documents": f"{documents}/customers/1.pdf",
        "bucket": documents,
        "key": iam.arn(KEY, "encryption-data"),
        "secret": iam.arn(SECRET, "secrets-api-keys"),
    }.get(resource, resource)


def both(iam: Iam) -> list[str | Caller]:
    return [DEPLOY, iam.made_by_a_deployment()]


@pytest.mark.parametrize("what", KEPT)
def test_a_deployment_cannot(iam: Iam, what: str) -> None:
    action, resource = KEPT[what]
    for role in both(iam):
        decision = iam.may(role, action, _resolve(iam, resource))
        assert not decision, what
        assert "is not authorized to perform" in decision.reason


@pytest.mark.parametrize("what", ESCALATION)
def test_a_deployment_gets_no_more_rights_than_it_has(iam: Iam, what: str) -> None:
    action, resource, context = ESCALATION[what]
    own = iam.arn("aws:iam/policy:Policy")
    for role in both(iam):
        assert not iam.may(role, action, resource, **{k: own if v == "own" else v for k, v in context.items()}), what


# Which only its own policies refuse: a role that it makes has other uses for them.
OF_DEPLOYMENTS = {
    "copy a volume": ("ec2:CreateSnapshot", "*"),
    "put a volume into another machine": ("ec2:AttachVolume", "*"),
    "make an image of a node": ("ec2:CreateImage", "*"),
    "delete a volume": ("ec2:DeleteVolume", "*"),
    "watch the nodes' traffic": ("ec2:CreateTrafficMirrorSession", "*"),
    "take the certificate's key": ("acm:ExportCertificate", "*"),
    "delete the cluster": ("eks:DeleteCluster", "*"),
    "open what somebody stored under the key": ("kms:Decrypt", "key"),
}


@pytest.mark.parametrize("what", OF_DEPLOYMENTS)
def test_a_deployment_itself_cannot(iam: Iam, what: str) -> None:
    action, resource = OF_DEPLOYMENTS[what]
    assert not iam.may(DEPLOY, action, _resolve(iam, resource))


def test_a_deployment_changes_another_region_in_nothing(iam: Iam) -> None:
    for action in ("ec2:RunInstances", "rds:CreateDBInstance", "eks:CreateCluster"):
        assert iam.may(DEPLOY, action)
        assert not iam.may(DEPLOY, action, aws__RequestedRegion="eu-west-1")


def test_a_deployment_makes_roles_within_the_boundary_and_passes_them_to_services_that_the_platform_uses(
    iam: Iam,
) -> None:
    own = {"iam__PermissionsBoundary": iam.arn("aws:iam/policy:Policy")}
    for action in ("CreateRole", "PutRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "DeleteRolePolicy"):
        assert iam.may(DEPLOY, f"iam:{action}", f"{ROLES}network-flow-1", **own), action
    for action in ("UpdateAssumeRolePolicy", "DeleteRole", "TagRole", "UpdateRole"):
        assert iam.may(DEPLOY, f"iam:{action}", f"{ROLES}network-flow-1"), action
    for service in ("ec2", "eks", "pods.eks", "monitoring.rds", "vpc-flow-logs"):
        assert iam.may(
            DEPLOY, "iam:PassRole", f"{ROLES}network-flow-1", iam__PassedToService=f"{service}.amazonaws.com"
        )
    assert not iam.may(DEPLOY, "iam:PassRole", f"{ROLES}mine", iam__PassedToService="lambda.amazonaws.com")


def test_a_deployment_takes_a_services_own_role_along_when_the_service_goes(iam: Iam) -> None:
    roles = iam.graph.of_type("aws:iam/serviceLinkedRole:ServiceLinkedRole")
    assert roles
    for role in roles:
        service = role["awsServiceName"]
        arn = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/AWSServiceRole"
        for action in ("CreateServiceLinkedRole", "TagRole", "DeleteServiceLinkedRole"):
            assert iam.may(DEPLOY, f"iam:{action}", arn, iam__AWSServiceName=service), action
        assert iam.may(DEPLOY, "iam:GetServiceLinkedRoleDeletionStatus", arn)


def test_services_get_the_key_for_what_a_deployment_sets_up_and_nobody_else_gets_it(iam: Iam) -> None:
    key = iam.arn(KEY, "encryption-data")
    assert iam.may(DEPLOY, "kms:CreateGrant", key, kms__GrantIsForAWSResource="true")
    assert not iam.may(DEPLOY, "kms:CreateGrant", key, kms__GrantIsForAWSResource="false")
    for service, allowed in {"rds": True, "elasticache": True, "s3": False, "secretsmanager": False}.items():
        via = {"kms__ViaService": f"{service}.{REGION}.amazonaws.com"}
        assert bool(iam.may(DEPLOY, "kms:Decrypt", key, **via)) is allowed, service


def test_the_state_is_written_by_deployments_and_only_read_by_previews(iam: Iam) -> None:
    state = f"arn:aws:s3:::{STATE_BUCKET}/.pulumi/stacks/ai-prism/prod.json"
    for action, preview in {"GetObject": True, "PutObject": False, "DeleteObject": False}.items():
        assert iam.may(DEPLOY, f"s3:{action}", state), action
        assert bool(iam.may(PREVIEW, f"s3:{action}", state)) is preview, action
    for action, preview in {"Decrypt": True, "Encrypt": False, "GenerateDataKey": False}.items():
        assert iam.may(DEPLOY, f"kms:{action}", STATE_KEY), action
        assert bool(iam.may(PREVIEW, f"kms:{action}", STATE_KEY)) is preview, action
    assert not iam.may(DEPLOY, "s3:DeleteObjectVersion", state)
    assert not iam.may(DEPLOY, "kms:PutKeyPolicy", STATE_KEY)


def test_each_delivery_role_is_assumed_from_its_own_place_in_the_one_repository(iam: Iam) -> None:
    for role, subject in {PREVIEW: "pull_request", DEPLOY: "environment:prod"}.items():
        (made,) = [each for each in iam.graph.of_type("aws:iam/role:Role") if each.name == role]
        (statement,) = json.loads(made["assumeRolePolicy"])["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": f"repo:acme/infra:{subject}",
            }
        }


def test_policies_are_short_enough_for_iam(each_iam: Iam) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html counts no white space."""
    limits = {"aws:iam/policy:Policy": 6144, "aws:iam/rolePolicy:RolePolicy": 10240}
    for type_, limit in limits.items():
        for policy in each_iam.graph.of_type(type_):
            assert len("".join(policy["policy"].split())) <= limit, policy.name
