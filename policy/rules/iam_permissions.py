"""What identities may do on all of a service: read data, get credentials, open resources, change anything."""

from collections.abc import Sequence
from functools import partial

from policy.actions import is_limitable, is_reading
from policy.allowances import each_document, each_statement, element, granted, is_on_everything, listed, narrows
from policy.documents import Statement
from policy.grants import ATTACHMENT_PATHS, ATTACHMENTS, DOCUMENT_PATHS, DOCUMENTS, attached, granting
from policy.properties import Findings
from policy.registry import HIGH, LOW, Context, rule
from policy.view import Resource

_READING_DATA = (
    *("s3:GetObject", "s3:GetObjectVersion", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"),
    *("secretsmanager:GetSecretValue", "dynamodb:Scan", "dynamodb:ExportTableToPointInTime", "ebs:GetSnapshotBlock"),
    *("rds:CopyDBSnapshot", "rds:CopyDBClusterSnapshot", "rds:StartExportTask", "rds:DownloadCompleteDBLogFile"),
    *("ec2:CopySnapshot", "ec2:CreateInstanceExportTask", "sqs:ReceiveMessage", "kinesis:GetRecords"),
    *("glacier:GetJobOutput", "codecommit:GitPull", "redshift-data:GetStatementResult", "athena:GetQueryResults"),
)


@rule(
    "iam-data",
    "No identity can read all data of a service",
    types=DOCUMENTS,
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_288",),
    paths=DOCUMENT_PATHS,
    why="One leaked identity gives away every bucket's objects, every secret or every snapshot.",
    fix="Name the buckets, secrets, parameters or tables, or add a condition on a tag of the resource.",
)
def data(resource: Resource, context: Context) -> Findings:
    check = partial(_allows, _READING_DATA, "allows on any resource {}, which reads data")
    yield from granting(resource, context, each_document(partial(each_statement, check), resource))


def _allows(actions: Sequence[str], said: str, statement: Statement, given: Sequence[Statement]) -> Findings:
    found = granted(statement, given, actions)
    if found:
        yield element(statement), said.format(listed(found))


_GIVING_CREDENTIALS = (
    *("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateAccessKey", "iam:CreateServiceSpecificCredential"),
    *(
        "iam:ResetServiceSpecificCredential",
        "sts:AssumeRole",
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWithWebIdentity",
    ),
    *("sts:GetFederationToken", "sts:GetSessionToken", "sts:AssumeRoot", "sso:GetRoleCredentials"),
    *(
        "ec2:GetPasswordData",
        "rds-db:connect",
        "redshift:GetClusterCredentials",
        "redshift:GetClusterCredentialsWithIAM",
    ),
    *("redshift-serverless:GetCredentials", "cognito-identity:GetOpenIdToken", "cognito-idp:GetSigningCertificate"),
    *("cognito-identity:GetCredentialsForIdentity", "cognito-identity:GetOpenIdTokenForDeveloperIdentity"),
    *("codeartifact:GetAuthorizationToken", "codepipeline:PollForJobs", "appsync:CreateApiKey", "chime:CreateApiKey"),
    *("connect:GetFederationToken", "gamelift:RequestUploadCredentials", "grafana:CreateWorkspaceApiKey"),
    *("airflow:CreateCliToken", "airflow:CreateWebLoginToken", "lightsail:GetInstanceAccessDetails"),
    *("lightsail:DownloadDefaultKeyPair", "lightsail:GetRelationalDatabaseMasterUserPassword"),
    *("emr-containers:GetManagedEndpointSessionCredentials", "elasticmapreduce:GetClusterSessionCredentials"),
    *("events:RetrieveConnectionCredentials", "gamelift:GetInstanceAccess", "license-manager:GetAccessToken"),
    *("cloud9:CreateEnvironmentToken", "mediapackage:RotateIngestEndpointCredentials", "dsql:DbConnectAdmin"),
)


@rule(
    "iam-credentials",
    "No identity can get credentials of any other",
    types=DOCUMENTS,
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_287",),
    paths=DOCUMENT_PATHS,
    why="These calls return passwords, keys or tokens of whatever user, role or database they are asked for.",
    fix="Name the users, roles or databases.",
)
def credentials(resource: Resource, context: Context) -> Findings:
    check = partial(_allows, _GIVING_CREDENTIALS, "allows on any resource {}, which returns credentials")
    yield from granting(resource, context, each_document(partial(each_statement, check), resource))


_OPENING = (
    *("s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:DeleteBucketPolicy"),
    *("s3:PutBucketPublicAccessBlock", "s3:PutAccessPointPolicy", "s3:PutAccountPublicAccessBlock"),
    *("s3:BypassGovernanceRetention", "s3:PutBucketOwnershipControls", "kms:PutKeyPolicy", "kms:CreateGrant"),
    *("lambda:AddPermission", "lambda:AddLayerVersionPermission", "lambda:RemovePermission", "sqs:AddPermission"),
    *("sqs:SetQueueAttributes", "sns:AddPermission", "sns:SetTopicAttributes", "ecr:SetRepositoryPolicy"),
    *("ecr:DeleteRepositoryPolicy", "ecr:PutRegistryPolicy", "secretsmanager:PutResourcePolicy"),
    *("secretsmanager:DeleteResourcePolicy", "ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute"),
    *("rds:ModifyDBSnapshotAttribute", "rds:ModifyDBClusterSnapshotAttribute", "logs:PutResourcePolicy"),
    *("glue:PutResourcePolicy", "events:PutPermission", "backup:PutBackupVaultAccessPolicy", "es:UpdateDomainConfig"),
    *("elasticfilesystem:PutFileSystemPolicy", "glacier:SetVaultAccessPolicy", "dynamodb:PutResourcePolicy"),
    *("kinesis:PutResourcePolicy", "ses:PutIdentityPolicy", "ram:CreateResourceShare", "ram:AssociateResourceShare"),
    *("acm-pca:PutPolicy", "codeartifact:PutDomainPermissionsPolicy", "codeartifact:PutRepositoryPermissionsPolicy"),
    *("codebuild:PutResourcePolicy", "redshift:AuthorizeSnapshotAccess", "redshift:PutResourcePolicy"),
    *("redshift:AuthorizeDataShare", "apigateway:UpdateRestApiPolicy", "ssm:ModifyDocumentPermission"),
    *("ec2:ModifyVpcEndpointServicePermissions", "ec2:CreateNetworkInterfacePermission", "kafka:PutClusterPolicy"),
    *(
        "states:PutResourcePolicy",
        "vpc-lattice:PutAuthPolicy",
        "vpc-lattice:PutResourcePolicy",
        "aps:PutResourcePolicy",
    ),
    *("lakeformation:GrantPermissions", "organizations:PutResourcePolicy", "xray:PutResourcePolicy"),
    *(
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:AttachGroupPolicy",
        "iam:PutRolePolicy",
        "iam:PutUserPolicy",
    ),
    *("iam:PutGroupPolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy"),
    *("iam:CreatePolicy", "iam:CreateRole", "iam:CreateUser", "iam:PassRole", "iam:AddUserToGroup"),
    *("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteUserPolicy", "iam:DetachUserPolicy", "iam:DeleteRole"),
    *("iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:DeactivateMFADevice"),
    *("iam:DeleteUserPermissionsBoundary", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary"),
    *("iam:UpdateRole", "iam:UpdateUser", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:CreateAccessKey"),
    *("iam:CreateSAMLProvider", "iam:UpdateSAMLProvider", "iam:CreateOpenIDConnectProvider"),
    *("iam:AddClientIDToOpenIDConnectProvider", "iam:UpdateOpenIDConnectProviderThumbprint", "iam:UpdateAccessKey"),
)


@rule(
    "iam-exposure",
    "No identity can change the policies of any resource",
    types=DOCUMENTS,
    kind="stack",
    severity=HIGH,
    controls=("CKV_AWS_289",),
    paths=DOCUMENT_PATHS,
    why="Whoever can change a bucket's, key's or snapshot's policy can let strangers in.",
    fix="Name the resources, or leave these actions to the roles that deploy.",
)
def exposure(resource: Resource, context: Context) -> Findings:
    check = partial(_allows, _OPENING, "allows on any resource {}, which decides who gets in")
    yield from granting(resource, context, each_document(partial(each_statement, check), resource))


@rule(
    "iam-write",
    "Actions that change something are limited to resources",
    types=DOCUMENTS,
    kind="stack",
    severity=LOW,
    controls=("CKV_AWS_290",),
    paths=DOCUMENT_PATHS,
    why="An identity that can change every resource of a service can destroy other applications' data as well.",
    fix="Name the resources, or add a condition on a tag of theirs.",
)
def writing(resource: Resource, context: Context) -> Findings:
    yield from granting(resource, context, each_document(partial(each_statement, _is_unlimited), resource))


_ADDING_LOGS = ("logs:createloggroup", "logs:createlogstream", "logs:putlogevents")
"""What every workload that logs has, and harms no other's logs."""


def _is_unlimited(statement: Statement, given: Sequence[Statement]) -> Findings:
    if not is_on_everything(statement) or any(narrows(each) for each in statement.conditions):
        return
    if statement.not_actions:
        yield element(statement), "allows on any resource every action except a few"
        return
    found = [
        each for each in statement.actions if is_limitable(each) and not is_reading(each) and each not in _ADDING_LOGS
    ]
    denied = [each for other in given if not other.allows and not other.conditions for each in other.actions]
    found = [each for each in found if each not in denied]
    if found:
        yield element(statement), f"allows {listed(found)} on any resource"


_FULL = ("*FullAccess", "*FullAccessV2", "job-function/DatabaseAdministrator", "job-function/NetworkAdministrator")


@rule(
    "iam-service",
    "Policies list actions instead of a service's all",
    types=(*DOCUMENTS, *ATTACHMENTS),
    kind="stack",
    severity=LOW,
    controls=("IAM.21",),
    paths=(*DOCUMENT_PATHS, *ATTACHMENT_PATHS),
    why="`s3:*` includes deleting buckets and changing their policies, and whatever AWS adds to the service.",
    fix="List the actions that are needed.",
)
def services(resource: Resource, context: Context) -> Findings:
    yield from attached(resource, *_FULL)
    if resource.type in DOCUMENTS:
        yield from granting(resource, context, each_document(partial(each_statement, _allows_service), resource))


def _allows_service(statement: Statement, _: Sequence[Statement]) -> Findings:
    found = [each for each in statement.actions if ":" in each and not each.partition(":")[2].strip("*?")]
    if found and is_on_everything(statement) and not any(narrows(each) for each in statement.conditions):
        yield element(statement), f"allows every action of {found[0].partition(':')[0]}"
