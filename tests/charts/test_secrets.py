"""Secrets come from Secrets Manager, follow a rotation, and stand nowhere in plain text."""

import pytest
from chart import ALL_WORKLOADS, Rendering, pod_spec, render

DATABASE = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ai-prism/prod/database-AbCdEf"
API_KEYS = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ai-prism/prod/api-keys-AbCdEf"
PATHS = {"DATABASE_CREDENTIALS_PATH": "postgres-credentials", "API_KEYS_PATH": "api-keys"}
"""Of which secret the files are, by the setting that says where they are."""


def _spec(rendering, name):
    return rendering.one("ExternalSecret", name)["spec"]


def test_the_databases_credentials_are_read_every_hour(rendering: Rendering):
    spec = _spec(rendering, "ai-prism-database-secret")
    assert spec["refreshInterval"] == "1h"
    assert spec["target"]["name"] == "postgres-credentials"
    read = {each["secretKey"]: (each["remoteRef"]["key"], each["remoteRef"]["property"]) for each in spec["data"]}
    assert read == {key: (DATABASE, key) for key in ("username", "password", "host")}


def test_the_api_keys_are_read_every_six_hours_whatever_they_are_called(rendering: Rendering):
    spec = _spec(rendering, "ai-prism-api-keys")
    assert spec["refreshInterval"] == "6h"
    assert spec["target"]["name"] == "api-keys"
    (source,) = spec["dataFrom"]
    assert source["extract"]["key"] == API_KEYS


def test_secrets_belong_to_what_made_them_and_stay_when_their_source_is_gone(rendering: Rendering):
    for each in rendering.of("ExternalSecret"):
        assert each["apiVersion"] == "external-secrets.io/v1"
        assert each["spec"]["secretStoreRef"] == {"name": "aws-secrets-manager", "kind": "ClusterSecretStore"}
        assert each["spec"]["target"]["creationPolicy"] == "Owner"
        assert each["spec"]["target"]["deletionPolicy"] == "Retain"


def test_a_key_without_which_the_application_does_not_work_is_asked_for_by_name():
    # Of a secret that is taken as a whole, a key that is gone is no error.
    spec = _spec(render("prod", {"secrets": {"apiKeys": {"required": ["PAYMENT_KEY"]}}}), "ai-prism-api-keys")
    ((name, key, property_),) = (
        (each["secretKey"], each["remoteRef"]["key"], each["remoteRef"]["property"]) for each in spec["data"]
    )
    assert (name, key, property_) == ("PAYMENT_KEY", API_KEYS, "PAYMENT_KEY")
    assert "dataFrom" in spec


def test_a_rotation_reaches_the_primary_and_is_no_new_version(rendering: Rendering):
    """https://docs.flagger.app/usage/how-it-works#canary-target"""
    for each in rendering.of("ExternalSecret"):
        template = each["spec"]["target"]["template"]
        assert template["metadata"]["annotations"] == {"flagger.app/config-tracking": "disabled"}
        # The keys come along, since the template has none of its own.
        assert template["mergePolicy"] == "Merge"
        assert not {"data", "templateFrom"} & template.keys()


def test_pods_read_secrets_from_files_which_change_with_them(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        settings = rendering.one("ConfigMap", f"{workload['metadata']['name']}-config")["data"]
        (container,) = pod_spec(workload)["containers"]
        mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
        volumes = {each["name"]: each for each in pod_spec(workload)["volumes"]}
        for setting, secret in PATHS.items():
            if setting not in settings:
                continue
            mount = mounts[settings[setting]]
            assert mount["readOnly"] is True
            # A file mounted by subPath would keep what was in it.
            assert "subPath" not in mount
            assert volumes[mount["name"]]["secret"].items() >= {"secretName": secret, "defaultMode": 0o440}.items()
        assert all("secretRef" not in each for each in container["envFrom"])
        assert all("valueFrom" not in each for each in container["env"])


@pytest.mark.parametrize(
    ("name", "secrets", "settings"),
    [
        ("api", {"postgres-credentials", "api-keys"}, {"DATABASE", "CACHE", "API"}),
        ("worker", {"postgres-credentials", "api-keys"}, {"DATABASE", "API"}),
        ("web", set(), set()),
    ],
)
def test_a_workload_gets_what_it_has_access_to_and_no_more(name, secrets, settings):
    rendering = render("prod", ALL_WORKLOADS)
    spec = pod_spec(rendering.one("Deployment", f"ai-prism-{name}"))
    assert {each["secret"]["secretName"] for each in spec["volumes"] if "secret" in each} == secrets
    (container,) = spec["containers"]
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}
    assert container["envFrom"] == [{"configMapRef": {"name": f"ai-prism-{name}-config"}}]
    told = {each.partition("_")[0] for each in rendering.one("ConfigMap", f"ai-prism-{name}-config")["data"]}
    assert told & {"DATABASE", "CACHE", "API"} == settings


def test_pods_wait_for_keys_but_not_for_the_databases_password_which_they_do_not_log_in_with(rendering: Rendering):
    for workload in rendering.of("Deployment"):
        found = {each["name"]: each["secret"] for each in pod_spec(workload)["volumes"] if "secret" in each}
        assert [name for name, secret in found.items() if secret.get("optional")] == (
            ["postgres-credentials"] if "postgres-credentials" in found else []
        )
