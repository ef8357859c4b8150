"""Places for secrets, of which the program never sees a value."""

from prismctl.graph import Graph

SECRET = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a type's token


def test_no_value_of_a_secret_is_in_the_program(known: Graph) -> None:
    assert known.of_type(SECRET)
    assert not known.of_type("aws:secretsmanager/secretVersion:SecretVersion")


def test_secrets_lie_where_external_secrets_may_read(known: Graph) -> None:
    grants = known.named("aws:iam/rolePolicy:RolePolicy", "identity-external-secrets-grants")["policy"]
    for secret in known.of_type(SECRET):
        assert secret["name"].startswith(f"ai-prism/{known.stack}/")
    assert f":secret:ai-prism/{known.stack}/*" in grants


def test_secrets_are_encrypted_with_the_data_key(unknown: Graph) -> None:
    key = unknown.named("aws:kms/key:Key", "encryption-data").urn
    for secret in unknown.of_type(SECRET):
        assert secret.property_dependencies["kmsKeyId"] == (key,)


def test_a_secret_that_matters_can_be_brought_back_and_another_stack_can_come_back_at_once(known: Graph) -> None:
    matters = known.stack in ("staging", "prod")
    for secret in known.of_type(SECRET):
        assert secret["recoveryWindowInDays"] == (30 if matters else 0)
        assert secret.protect is matters
