"""Places for secrets, of which the program never sees a value."""

import fnmatch
import json

import pytest
from alone import CONTEXT, KEY_ARN, build

from components.secrets import Secrets, SecretsArgs
from recording.graph import Graph

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type's token


def secrets(*, protect: bool = True) -> Graph:
    args = SecretsArgs(context=CONTEXT, key_arn=KEY_ARN, protect=protect)
    return build(lambda opts: Secrets("secrets", args, opts))


def test_people_and_rotations_find_each_secret_under_its_name() -> None:
    assert {secret.name: secret["name"] for secret in secrets().of_type(SECRET)} == {
        "secrets-database": "ai-prism/test/database",
        "secrets-api-keys": "ai-prism/test/api-keys",
        "secrets-argo-cd": "ai-prism/test/argo-cd",
    }


def test_whoever_reads_a_secret_needs_the_key_it_is_given() -> None:
    assert {secret["kmsKeyId"] for secret in secrets().of_type(SECRET)} == {KEY_ARN}


@pytest.mark.parametrize(("protect", "days"), [(True, 30), (False, 0)])
def test_a_secret_that_matters_can_be_restored_for_30_days_and_a_stack_that_does_not_can_be_made_again_at_once(
    protect: bool, days: int
) -> None:
    for secret in secrets(protect=protect).of_type(SECRET):
        assert (secret["recoveryWindowInDays"], secret.protect) == (days, protect)


def test_no_value_of_a_secret_is_in_the_program(known: Graph) -> None:
    assert known.of_type(SECRET)
    assert not known.of_type("aws:secretsmanager/secretVersion:SecretVersion")


def granted(known: Graph, role: str) -> dict[str, list[str]]:
    """Return the resources that a role of External Secrets may use, by the first of the actions."""
    policy = json.loads(known.named("aws:iam/rolePolicy:RolePolicy", f"identity-{role}-grants")["policy"])
    return {statement["Action"][0]: statement["Resource"] for statement in policy["Statement"]}


def fits(resource: str, arn: str) -> bool:
    return fnmatch.fnmatchcase(resource, arn.rpartition(":")[2])


def test_each_secret_can_be_brought_into_one_namespace_and_no_other(known: Graph) -> None:
    brought = {
        namespace: granted(known, f"secrets-{namespace}")["secretsmanager:GetSecretValue"]
        for namespace in ("ai-prism", "argocd")
    }
    for secret in known.of_type(SECRET):
        where = [name for name, arns in brought.items() if any(fits(f"{secret['name']}-AbCdEf", arn) for arn in arns)]
        assert where == ["argocd" if secret["name"].endswith("argo-cd") else "ai-prism"], secret["name"]
        assert secret["name"].startswith(f"ai-prism/{known.stack}/")


def test_external_secrets_reads_nothing_but_by_the_role_of_a_store(known: Graph) -> None:
    assert list(granted(known, "external-secrets")) == ["sts:AssumeRole"]
    (assumed,) = granted(known, "external-secrets")["sts:AssumeRole"]
    roles = {role.name: role for role in known.of_type("aws:iam/role:Role")}
    path = roles["identity-external-secrets"]["path"]
    # Pulumi names a role after its logical name.
    may = [name for name in roles if fits(f"role{path}{name}-1a2b3c", assumed)]
    assert sorted(may) == ["identity-secrets-ai-prism", "identity-secrets-argocd"]
    for name in may:
        (statement,) = json.loads(roles[name]["assumeRolePolicy"])["Statement"]
        assert statement["Principal"]["AWS"].split("/")[-1].startswith("identity-external-secrets")


def test_a_store_serves_one_namespace_and_what_is_asked_of_it_lies_there(known: Graph) -> None:
    stores = {
        store.name: store["spec"] for store in known.of_type("kubernetes:external-secrets.io/v1:ClusterSecretStore")
    }
    assert {name: store["conditions"] for name, store in stores.items()} == {
        "aws-secrets-manager": [{"namespaces": ["ai-prism"]}],
        "aws-secrets-manager-argo-cd": [{"namespaces": ["argocd"]}],
    }
    for name, namespace in (("aws-secrets-manager", "ai-prism"), ("aws-secrets-manager-argo-cd", "argocd")):
        assert f"identity-secrets-{namespace}" in stores[name]["provider"]["aws"]["role"]
    for wanted in known.of_type("kubernetes:external-secrets.io/v1:ExternalSecret"):
        allowed = stores[wanted["spec"]["secretStoreRef"]["name"]]["conditions"]
        assert allowed == [{"namespaces": [wanted["metadata"]["namespace"]]}]


def test_secrets_are_encrypted_with_the_data_key(unknown: Graph) -> None:
    key = unknown.named("aws:kms/key:Key", "encryption-data").urn
    for secret in unknown.of_type(SECRET):
        assert secret.property_dependencies["kmsKeyId"] == (key,)
