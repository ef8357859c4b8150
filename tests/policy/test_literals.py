"""A secret in plain text is found by its form, or by the name that it is given; what only speaks of secrets is not.

Keys are put together here, so that no scanner takes this file for a leak.
"""

import base64
import json
import random
import string

import pytest
import yaml

from policy.literals import is_secret, literals
from recording.graph import UNKNOWN, Secret

LETTERS = random.Random(7)  # noqa: S311  # the same letters in each run


def made(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return "".join(LETTERS.choices(alphabet, k=length))


HEX, UPPER = "0123456789abcdef", string.ascii_uppercase + string.digits
PASSWORD = f"Zq7!{made(9)}"
TOKENS = {
    "AWS access key": "AKIA" + made(16, UPPER),
    "AWS temporary key": "ASIA" + made(16, UPPER),
    "GitHub token": "ghp_" + made(36),
    "GitHub fine-grained token": "github_pat_" + made(22) + "_" + made(59),
    "GitLab token": "glpat-" + made(20),
    "Slack token": "xoxb-" + made(12, string.digits) + "-" + made(12, string.digits) + "-" + made(24),
    "Stripe key": "sk_live_" + made(24),
    "SendGrid key": "SG." + made(22) + "." + made(43),
    "npm token": "//npm.example.com/:_authToken=npm_" + made(36),
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" + made(70),
    "Google key": "AIza" + made(35),
    "Anthropic key": "sk-ant-" + made(30),
    "Vault token": "hvs." + made(24),
    "JSON web token": ".".join(
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
        for each in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1234567890", "name": "web"})
    )
    + "."
    + made(43),
    "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\n" + made(64) + "\n",
    "Azure storage": "DefaultEndpointsProtocol=https;AccountName=web;AccountKey=" + made(86) + "==",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("around", ["{}", "run --with {} now", '{{"x": "{}"}}', "first: line\nother: {}\n"])
def test_a_token_is_found_wherever_it_stands(token: str, around: str) -> None:
    assert is_secret("anything", around.format(token))
    assert is_secret("anything", base64.b64encode(around.format(token).encode()).decode())


@pytest.mark.parametrize(
    "name",
    [
        *("password", "DB_PASSWORD", "PGPASSWORD", "DBPASSWORD", "MYSQL_PWD", "grafana.adminPassword", "rootPassword"),
        *("SECRET_KEY_BASE", "clientSecret", "API_KEY", "apiKey", "JWT_KEY", "signing_key", "access_token", "DB_PASS"),
        *("masterUserPassword", "encryptionKey", "authToken", "AWS_SECRET_ACCESS_KEY", "redis-password", "_authToken"),
        *("SMTP_PASSWD", "keystorePassphrase", "sessionSecret", "DJANGO_SECRET_KEY", "FERNET_KEY"),
    ],
)
def test_a_password_is_found_by_its_name(name: str) -> None:
    assert [*literals({name: PASSWORD})] != []
    assert [*literals({"set": [{"name": name, "value": PASSWORD}]})] == ["set[0].value"]
    assert [*literals({"settings": json.dumps({"nested": {name: PASSWORD}})})] == ["settings"]
    assert [*literals({"settings": yaml.safe_dump({"a": 1, "nested": {name: PASSWORD}})})] == ["settings"]
    assert [*literals({"args": [f"--{name}={PASSWORD}"]})] == ["args[0]"]
    assert [*literals({"args": ["--user", "web", f"--{name}", PASSWORD]})] == ["args[3]"]
    assert [*literals({"command": ["sh", "-c", f"export {name}='{PASSWORD}'; exec web"]})] == ["command[2]"]
    assert [*literals({"data": base64.b64encode(f"colour=blue\n{name}={PASSWORD}\n".encode()).decode()})] == ["data"]


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://web:{PASSWORD}@db:5432/web",
        f"jdbc:postgresql://db:5432/web?user=web&password={PASSWORD}&ssl=true",
        f"Server=db;Database=web;User Id=web;Password={PASSWORD};",
        f"redis://:{PASSWORD}@cache:6379/0",
        f"amqps://web:{PASSWORD}@queue/web",
        f"curl -s -u admin:{PASSWORD} https://example.com",
        f"mysql -h db -u root -p{PASSWORD} web",
        f"redis-cli -h cache -a {PASSWORD} ping",
        f"sshpass -p {PASSWORD} ssh web@host",
        f"PGPASSWORD={PASSWORD} psql -h db",
        f"docker login -u web -p {PASSWORD} registry.example.com",
        f"Authorization: Bearer {made(30)}",
        f"machine example.com login web password {PASSWORD}",
        f"Server=db;Database=web;User Id=web;Pwd={PASSWORD};",
        f"maxmemory 100mb\nrequirepass {PASSWORD}",
        f"<settings><password>{PASSWORD}</password></settings>",
    ],
)
def test_a_password_is_found_in_addresses_and_commands(text: str) -> None:
    assert is_secret("anything", text)
    assert is_secret("anything", f"set -e\n{text}\n")


def test_a_password_among_the_arguments_of_a_command_is_found() -> None:
    assert [*literals({"command": ["mysqladmin", "ping", "-uprobe", f"-p{PASSWORD}"]})] == ["command"]
    assert [*literals({"command": ["mysqladmin", "ping", "-uprobe"]})] == []
    assert [*literals({"args": ["--listen=:8443", "--db-password=qT7#vLm29xZr!kW4"]})] == ["args[1]"]


KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "users": [{"name": "admin", "user": {"token": made(40)}}],
}


@pytest.mark.parametrize("text", [json.dumps(KUBECONFIG), yaml.safe_dump(KUBECONFIG)], ids=["JSON", "YAML"])
def test_a_token_in_a_kubeconfig_is_found(text: str) -> None:
    assert [*literals({"kubeconfig": text})] == ["kubeconfig"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", ""),
        ("password", "${DB_PASSWORD}"),
        ("password", "$DB_PASSWORD"),
        ("password", "{{ .Values.password }}"),
        ("password", "$(cat /run/secrets/db)"),
        ("password", "<password>"),
        ("password", "REPLACE_ME"),
        ("password", "your-password-here"),
        ("password", "********"),
        ("password", "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"),
        ("password", "vault:secret/data/db#password"),
        ("password", "/run/secrets/password"),
        ("PASSWORD_FILE", "/run/secrets/password"),
        ("secretName", "database"),
        ("existingSecret", "database"),
        ("passwordSecretRef", "database"),
        ("MAX_TOKENS", "4096"),
        ("tokenUrl", "https://login.example.com/token"),
        ("passwordPolicy", "at least twelve characters"),
        ("automountServiceAccountToken", "true"),
        ("generatePassword", "true"),
        ("manageMasterUserPassword", "true"),
        ("partitionKey", "customer_id"),
        ("cacheKey", "web-2026-01-01"),
        ("publicKey", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"),
        ("kmsKeyId", "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("image", "registry.example.com/web@sha256:" + "ab12" * 16),
        ("checksum/secret", "ab12" * 16),
        ("description", "the password: is rotated every thirty days"),
        ("url", "https://example.com/reset?token={{token}}"),
        ("url", "https://user@example.com/path"),
        ("url", "postgres://web:${DB_PASSWORD}@db/web"),
        ("message", "Set the token: see the guide"),
        ("certificateAuthority", base64.b64encode(b"certificate-authority-data=").decode()),
        ("ca.crt", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"),
        ("args", "--token-ttl=3600"),
        ("args", "--secret-name=database"),
        ("script", "TOKEN=$(aws ecr get-login-password)\nexport DB_PASSWORD=`pass`"),
        ("creationToken", "documents"),
        ("encryptionKey", "alias/documents"),
        ("encryptionKey", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("authorization", "AWS_IAM"),
        ("authorization", "COGNITO_USER_POOLS"),
        ("ec2SshKey", "operations"),
        ("accessToken", "hours"),
        ("config", "# password: hunter22\nlevel: info"),
    ],
)
def test_what_only_speaks_of_a_secret_is_none(name: str, value: str) -> None:
    assert [*literals({name: value})] == []


def test_a_variable_whose_value_is_kept_elsewhere_is_no_secret() -> None:
    variable = {"name": "DB_PASSWORD", "type": "SECRETS_MANAGER", "value": "prism/db:password"}
    assert [*literals({"environmentVariables": [variable]})] == []
    assert [*literals({"environmentVariables": [{**variable, "type": "PLAINTEXT"}]})] != []


def test_what_is_marked_or_not_known_is_no_plain_text() -> None:
    assert [*literals({"password": Secret(PASSWORD), "token": UNKNOWN, "list": [Secret({"password": PASSWORD})]})] == []
