"""Places for secrets, of which the program never sees a value."""

import fnmatch
import json

from recording.graph import Graph

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type's token


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


def test_a_secret_that_matters_can_be_brought_back_and_another_stack_can_come_back_at_once(known: Graph) -> None:
    matters = known.stack in ("staging", "prod")
    for secret in known.of_type(SECRET):
        assert secret["recoveryWindowInDays"] == (30 if matters else 0)
        assert secret.protect is matters
