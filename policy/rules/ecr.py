"""Image repositories in ECR."""

import fnmatch

from policy import resource_types as types
from policy.access import lets_anybody_in
from policy.documents import Statement, statements
from policy.keys import customer_key
from policy.properties import Findings, Properties, Undetermined, attempt
from policy.registry import CRITICAL, HIGH, LOW, MEDIUM, Context, rule
from policy.view import Resource


@rule(
    "ecr-immutable",
    "A tag names one image for ever",
    types=(*types.REPOSITORY, *types.REPOSITORY_TEMPLATE),
    severity=MEDIUM,
    controls=("ECR.2", "CKV_AWS_51"),
    paths=("imageTagMutability", "imageTagMutabilityExclusionFilters[].filter"),
    why="Whoever can move a tag decides what runs at the next restart, without a deployment.",
    fix='Set image_tag_mutability="IMMUTABLE".',
    strict=True,
)
def immutable(repository: Resource, _: Context) -> Findings:
    mutability = repository.text("imageTagMutability")
    if mutability == "IMMUTABLE_WITH_EXCLUSION":
        yield from repository.each("imageTagMutabilityExclusionFilters", _excludes_all)
    elif mutability != "IMMUTABLE":
        yield "imageTagMutability", "tags can be moved to other images"


def _excludes_all(node: Properties) -> Findings:
    if not node.text("filter").strip("*"):
        yield node.at("filter"), "every tag is an exception"


@rule(
    "ecr-scan",
    "Images are scanned when they are pushed",
    types=types.REPOSITORY,
    kind="stack",
    severity=HIGH,
    controls=("ECR.1", "CKV_AWS_163"),
    paths=("imageScanningConfiguration.scanOnPush", "name"),
    why="An image that nobody scans brings its known holes along.",
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
                unsure = Undetermined("", f"a rule of {registry.name} may scan it: {unknown.path} {unknown.reason}")
    if unsure:
        raise unsure
    yield "imageScanningConfiguration.scanOnPush", "pushed images are not scanned"


def _scans(node: Properties, repository: Resource) -> bool:
    """Whether a rule of the registry is about the repository."""
    if node.text("scanFrequency") not in {"SCAN_ON_PUSH", "CONTINUOUS_SCAN"}:
        return False
    filters = [each.text("filter") for each in node.nodes("repositoryFilters")]
    if "*" in filters:
        return True
    name = repository.text("name")
    return any(fnmatch.fnmatchcase(name, each if "*" in each else f"*{each}*") for each in filters)


@rule(
    "ecr-lifecycle",
    "Repositories drop images that nobody needs",
    types=types.REPOSITORY,
    kind="stack",
    severity=LOW,
    controls=("ECR.3",),
    why="Images pile up with every build, are paid for, and are scanned for holes that concern nobody.",
    fix="Give the repository a LifecyclePolicy.",
)
def lifecycle(repository: Resource, context: Context) -> Findings:
    if not context.stack.referrers(repository, "repository", *types.REPOSITORY_LIFECYCLE):
        yield "", "images are kept for ever"


@rule(
    "ecr-kms",
    "Images are encrypted with a customer key",
    types=types.REPOSITORY,
    severity=MEDIUM,
    controls=("ECR.5", "CKV_AWS_136"),
    paths=("encryptionConfigurations[].encryptionType", "encryptionConfigurations[].kmsKey"),
    why="Encryption is settled when the repository is made; AWS's own key cannot be taken away from anybody.",
    fix='Set encryption_configurations=[{"encryption_type": "KMS", "kms_key": ...}].',
)
def encryption(repository: Resource, _: Context) -> Findings:
    given = repository.nodes("encryptionConfigurations")
    if not given:
        yield "encryptionConfigurations", "not encrypted with a customer key"
    for node in given:
        yield from attempt(_uses_no_customer_key, node, repository)


def _uses_no_customer_key(node: Properties, repository: Resource) -> Findings:
    if not node.text("encryptionType").startswith("KMS"):
        yield node.at("encryptionType"), "not encrypted with KMS"
    elif not customer_key(node, "kmsKey", repository):
        yield node.at("kmsKey"), "no customer key"


@rule(
    "ecr-public",
    "Repository policies name whom they let in",
    types=types.REPOSITORY_POLICY,
    severity=CRITICAL,
    controls=("CKV_AWS_32",),
    paths=("policy",),
    why="A policy that allows everybody hands out the images, or lets the world replace them.",
    fix="Name principals, or narrow `*` with a condition on account, organization or network.",
)
def public(resource: Resource, _: Context) -> Findings:
    for statement in statements(resource, "policy"):
        yield from attempt(_lets_anybody_in, statement)


def _lets_anybody_in(statement: Statement) -> Findings:
    if lets_anybody_in(statement):
        yield statement.at("Principal"), "everybody is let in"
