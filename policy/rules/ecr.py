"""Image repositories in ECR."""

import fnmatch

from policy import resource_types as types
from policy.access import strangers
from policy.keys import customer_key
from policy.properties import Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, LOW, MEDIUM, Context, rule
from policy.resource_policies import policy_of
from policy.view import Resource


@rule(
    "ecr-immutable",
    "Image tags are immutable",
    types=(*types.REPOSITORY, *types.REPOSITORY_TEMPLATE),
    severity=MEDIUM,
    controls=("ECR.2", "CKV_AWS_51"),
    paths=("imageTagMutability", "imageTagMutabilityExclusionFilters[].filter"),
    why="Anyone who can push can move a mutable tag to another image, which runs at the next restart.",
    fix='Set image_tag_mutability="IMMUTABLE".',
    strict=True,
    remedy={"imageTagMutability": "IMMUTABLE"},
)
def immutable(repository: Resource, _: Context) -> Findings:
    mutability = repository.text("imageTagMutability")
    if mutability == "IMMUTABLE_WITH_EXCLUSION":
        yield from repository.each("imageTagMutabilityExclusionFilters", _excludes_all)
    elif mutability != "IMMUTABLE":
        yield "imageTagMutability", "tags are mutable"


def _excludes_all(node: Properties) -> Findings:
    if not node.text("filter").strip("*"):
        yield node.at("filter"), "the exclusion filter matches every tag"


@rule(
    "ecr-scan",
    "Images are scanned on push",
    types=types.REPOSITORY,
    kind="stack",
    severity=HIGH,
    controls=("ECR.1", "CKV_AWS_163"),
    paths=("imageScanningConfiguration.scanOnPush", "name"),
    why="Without a scan, known vulnerabilities in an image go unnoticed.",
    fix='Set image_scanning_configuration={"scan_on_push": True}, or a RegistryScanningConfiguration for all.',
)
def scan(repository: Resource, context: Context) -> Findings:
    if repository.flag("imageScanningConfiguration.scanOnPush"):
        return
    unsure = None
    for registry in context.stack.of_type(*types.REGISTRY_SCANNING):
        for node in registry.nodes("rules"):
            try:
                if _scans(node, repository):
                    return
            except Undetermined as unknown:
                unsure = Undetermined(
                    "", f"a scanning rule of {registry.name} may match it: {unknown.path} {unknown.reason}"
                )
    if unsure:
        raise unsure
    yield "imageScanningConfiguration.scanOnPush", "images are not scanned on push"


def _scans(node: Properties, repository: Resource) -> bool:
    """Whether a scanning rule of the registry matches the repository."""
    if node.text("scanFrequency") not in {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"}:
        return False
    filters = [each.text("filter") for each in node.nodes("repositoryFilters")]
    if "*" in filters:
        return True
    name = repository.text("name")
    return any(fnmatch.fnmatchcase(name, each if "*" in each else f"*{each}*") for each in filters)


@rule(
    "ecr-lifecycle",
    "Repositories have a lifecycle policy",
    types=types.REPOSITORY,
    kind="stack",
    severity=LOW,
    controls=("ECR.3",),
    why="Every build adds an image. Old images cost storage and clutter scan results, although nothing runs them.",
    fix="Add a LifecyclePolicy for the repository.",
)
def lifecycle(repository: Resource, context: Context) -> Findings:
    if not context.stack.referrers(repository, "repository", *types.REPOSITORY_LIFECYCLE):
        yield "", "has no lifecycle policy, so images are never deleted"


@rule(
    "ecr-kms",
    "Image repositories are encrypted with a customer managed key",
    types=types.REPOSITORY,
    severity=MEDIUM,
    controls=("ECR.5", "CKV_AWS_136"),
    paths=("encryptionConfigurations[].encryptionType", "encryptionConfigurations[].kmsKey"),
    why="Encryption cannot be changed after creation, and access to an AWS managed key cannot be revoked.",
    fix='Set encryption_configurations=[{"encryption_type": "KMS", "kms_key": ...}].',
)
def encryption(repository: Resource, _: Context) -> Findings:
    given = repository.nodes("encryptionConfigurations")
    if not given:
        yield "encryptionConfigurations", "not encrypted with a customer managed key"
    for node in given:
        yield from attempt(_uses_no_customer_key, node, repository)


def _uses_no_customer_key(node: Properties, repository: Resource) -> Findings:
    if not node.text("encryptionType").startswith("KMS"):
        yield node.at("encryptionType"), "not encrypted with KMS"
    elif not customer_key(node, "kmsKey", repository):
        yield node.at("kmsKey"), "no customer managed key"


@rule(
    "ecr-public",
    "Policies of image repositories and of the registry name their principals",
    types=(*types.REPOSITORY_POLICY, *types.REGISTRY_POLICY, *types.REPOSITORY_TEMPLATE),
    severity=CRITICAL,
    controls=("CKV_AWS_32",),
    paths=("policy", "repositoryPolicy"),
    why="A policy that allows `*` lets anyone pull the images, or replace them.",
    fix="Name principals, or restrict `*` with a condition on account, organization or network.",
)
def public(resource: Resource, _: Context) -> Findings:
    yield from strangers(policy_of(resource))
