"""What whoever has the pipeline's credentials could want: calls that take, open, shorten or lose what is kept.

All in the stack prod of one account. `documents`, `bucket`, `key` and `secret` stand for what a test has of these.
"""

from iam.conftest import ACCOUNT, REGION

ROLES = f"arn:aws:iam::{ACCOUNT}:role/ai-prism/prod/"
POLICIES = f"arn:aws:iam::{ACCOUNT}:policy/ai-prism/prod/"
FOREIGN = f"arn:aws:iam::{ACCOUNT}:role/administrators"

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
