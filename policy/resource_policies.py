"""Where policies of resources stand: by type and property, with what they guard."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy import resource_types as types
from policy.documents import Statement, statements
from policy.view import Resource


@dataclass(frozen=True)
class Guard:
    """A property that holds a policy of a resource."""

    path: str
    what: str
    """What the policy guards, as it is called in a sentence."""
    change: str
    """The action that changes such a policy."""


_OWN_RULES: Mapping[Guard, tuple[str, ...]] = {
    Guard("policy", "the key", "kms:PutKeyPolicy"): (*types.KEY, *types.KEY_POLICY, *types.OTHER_KEYS),
    Guard("policy", "the bucket", "s3:PutBucketPolicy"): (
        *types.BUCKET_POLICY,
        *types.BUCKET,
        "aws:s3control/bucketPolicy:BucketPolicy",
    ),
    Guard("policy", "the access point", "s3:PutAccessPointPolicy"): (
        *types.ACCESS_POINT,
        "aws:s3control/accessPointPolicy:AccessPointPolicy",
        "aws:s3control/objectLambdaAccessPointPolicy:ObjectLambdaAccessPointPolicy",
    ),
    Guard("details.policy", "the access point", "s3:PutMultiRegionAccessPointPolicy"): (
        "aws:s3control/multiRegionAccessPointPolicy:MultiRegionAccessPointPolicy",
    ),
    Guard("resourcePolicy", "the tables", "s3tables:PutTableBucketPolicy"): (
        "aws:s3tables/tableBucketPolicy:TableBucketPolicy",
        "aws:s3tables/tablePolicy:TablePolicy",
    ),
    Guard("policy", "the vectors", "s3vectors:PutVectorBucketPolicy"): (
        "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy",
    ),
    Guard("policy", "the repository", "ecr:SetRepositoryPolicy"): types.REPOSITORY_POLICY,
    Guard("policy", "the registry", "ecr:PutRegistryPolicy"): types.REGISTRY_POLICY,
    Guard("repositoryPolicy", "the repositories", "ecr:SetRepositoryPolicy"): types.REPOSITORY_TEMPLATE,
}
"""Those that the rules of keys, buckets and repositories look at."""

_OTHERS: Mapping[Guard, tuple[str, ...]] = {
    Guard("policy", "the secret", "secretsmanager:PutResourcePolicy"): (*types.SECRET, *types.SECRET_POLICY),
    Guard("policy", "the topic", "sns:SetTopicAttributes"): (
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
    ),
    Guard("policy", "the queue", "sqs:SetQueueAttributes"): (
        "aws:sqs/queue:Queue",
        "aws:sqs/queuePolicy:QueuePolicy",
    ),
    Guard("accessPolicies", "the domain", "es:UpdateDomainConfig"): (
        "aws:opensearch/domain:Domain",
        "aws:opensearch/domainPolicy:DomainPolicy",
        "aws:elasticsearch/domain:Domain",
        "aws:elasticsearch/domainPolicy:DomainPolicy",
    ),
    Guard("policyDocument", "the log groups", "logs:PutResourcePolicy"): (
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    ),
    Guard("accessPolicy", "the destination of logs", "logs:PutDestinationPolicy"): (
        "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy",
    ),
    Guard("deliveryDestinationPolicy", "the destination of logs", "logs:PutDeliveryDestinationPolicy"): (
        "aws:cloudwatch/logDeliveryDestinationPolicy:LogDeliveryDestinationPolicy",
    ),
    Guard("policy", "the event bus", "events:PutPermission"): ("aws:cloudwatch/eventBusPolicy:EventBusPolicy",),
    Guard("policy", "the backups", "backup:PutBackupVaultAccessPolicy"): ("aws:backup/vaultPolicy:VaultPolicy",),
    Guard("accessPolicy", "the archive", "glacier:SetVaultAccessPolicy"): ("aws:glacier/vault:Vault",),
    Guard("policy", "the file system", "elasticfilesystem:PutFileSystemPolicy"): (
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
    ),
    Guard("policy", "the API", "apigateway:UpdateRestApiPolicy"): (
        "aws:apigateway/restApi:RestApi",
        "aws:apigateway/restApiPolicy:RestApiPolicy",
    ),
    Guard("policy", "the function", "lambda:PutResourcePolicy"): ("aws:lambda/resourcePolicy:ResourcePolicy",),
    Guard("policy", "the catalog", "glue:PutResourcePolicy"): ("aws:glue/resourcePolicy:ResourcePolicy",),
    Guard("policy", "the table", "dynamodb:PutResourcePolicy"): ("aws:dynamodb/resourcePolicy:ResourcePolicy",),
    Guard("policy", "the stream", "kinesis:PutResourcePolicy"): ("aws:kinesis/resourcePolicy:ResourcePolicy",),
    Guard("policy", "the cluster", "kafka:PutClusterPolicy"): ("aws:msk/clusterPolicy:ClusterPolicy",),
    Guard("policy", "the warehouse", "redshift:PutResourcePolicy"): (
        "aws:redshift/resourcePolicy:ResourcePolicy",
        "aws:redshiftserverless/resourcePolicy:ResourcePolicy",
    ),
    Guard("policy", "the certificate authority", "acm-pca:PutPolicy"): ("aws:acmpca/policy:Policy",),
    Guard("policy", "the identity", "ses:PutIdentityPolicy"): (
        "aws:ses/identityPolicy:IdentityPolicy",
        "aws:sesv2/emailIdentityPolicy:EmailIdentityPolicy",
    ),
    Guard("policyDocument", "the packages", "codeartifact:PutDomainPermissionsPolicy"): (
        "aws:codeartifact/domainPermissions:DomainPermissions",
        "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy",
    ),
    Guard("policy", "the project", "codebuild:PutResourcePolicy"): ("aws:codebuild/resourcePolicy:ResourcePolicy",),
    Guard("policy", "the schemas", "schemas:PutResourcePolicy"): ("aws:schemas/registryPolicy:RegistryPolicy",),
    Guard("resourcePolicy", "the models", "sagemaker:PutModelPackageGroupPolicy"): (
        "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
    ),
    Guard("policy", "the agent", "bedrock-agentcore:PutResourcePolicy"): (
        "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy",
    ),
    Guard("policy", "the images", "ecr-public:SetRepositoryPolicy"): (
        "aws:ecrpublic/repositoryPolicy:RepositoryPolicy",
    ),
    Guard("policy", "the container", "mediastore:PutContainerPolicy"): (
        "aws:mediastore/containerPolicy:ContainerPolicy",
    ),
    Guard("accessPolicy", "the domain", "cloudsearch:UpdateServiceAccessPolicies"): (
        "aws:cloudsearch/domainServiceAccessPolicy:DomainServiceAccessPolicy",
    ),
    Guard("policy", "the service", "vpc-lattice:PutAuthPolicy"): (
        "aws:vpclattice/authPolicy:AuthPolicy",
        "aws:vpclattice/resourcePolicy:ResourcePolicy",
    ),
    Guard("policy", "the cluster", "dsql:PutClusterPolicy"): ("aws:dsql/clusterPolicy:ClusterPolicy",),
    Guard("policy", "the sink", "oam:PutSinkPolicy"): ("aws:oam/sinkPolicy:SinkPolicy",),
    Guard("policy", "the pipeline", "osis:PutResourcePolicy"): ("aws:opensearchingest/resourcePolicy:ResourcePolicy",),
    Guard("policyDocument", "the workspace", "aps:PutResourcePolicy"): ("aws:amp/resourcePolicy:ResourcePolicy",),
    Guard("policyDocument", "the traces", "xray:PutResourcePolicy"): ("aws:xray/resourcePolicy:ResourcePolicy",),
}

_BY_TYPE = {type_: guard for table in (_OWN_RULES, _OTHERS) for guard, names in table.items() for type_ in names}
STORES = tuple(type_ for type_ in _BY_TYPE if type_.startswith("aws:s3"))
OTHERS = tuple(type_ for names in _OTHERS.values() for type_ in names)
ALL = tuple(_BY_TYPE)
PATHS = tuple(dict.fromkeys(guard.path for guard in _BY_TYPE.values()))
OTHER_PATHS = tuple(dict.fromkeys(guard.path for guard in _OTHERS))


def guard(resource: Resource) -> Guard:
    """Return where the policy of a resource stands."""
    return _BY_TYPE[resource.type]


def policy_of(resource: Resource) -> tuple[Statement, ...]:
    """Return the statements of a resource's policy; raises Undetermined where it is unknown."""
    path = guard(resource).path
    value = resource.peek(path)
    # Where no policy is, some services have an empty text.
    return () if value == "" else tuple(statements(resource, path))
