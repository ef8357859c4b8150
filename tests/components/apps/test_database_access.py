"""The job that makes the application's role: where it may go, whose password it reads, and how it connects.

What its SQL does is tried on a real PostgreSQL in test_logins.py.
"""

import functools
import ipaddress
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alone_in_cluster import cached, in_cluster, namespace, waits_for

from components.apps import database_access
from components.apps.database_access import SQL, DatabaseAccess, DatabaseAccessArgs
from prismctl.project import ROOT
from recording.graph import Graph, Resource

NAME = "database-access"


@functools.cache
def access() -> Graph:
    return in_cluster(
        lambda installer, role, opts: DatabaseAccess(
            NAME,
            DatabaseAccessArgs(
                installer=installer,
                region="eu-west-1",
                vpc_cidr=ipaddress.IPv4Network("10.9.0.0/16"),
                endpoint="database.example.com",
                secret_arn="arn:owner",  # noqa: S106
                service_account="granting",
                after=[role],
            ),
            opts,
        )
    )


def job() -> Resource:
    return access().named("kubernetes:batch/v1:Job", NAME)


def pod() -> dict[str, Any]:
    return job()["spec"]["template"]["spec"]


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_it_has_a_namespace_of_its_own_and_the_role_that_reads_the_owners_password() -> None:
    assert job()["metadata"]["namespace"] == NAME
    assert pod()["serviceAccountName"] == "granting"
    assert {"role", "granting", f"{NAME}-flows"} <= waits_for(access(), job())


def test_it_goes_with_its_namespace() -> None:
    for type_ in ("core/v1:ServiceAccount", "networking.k8s.io/v1:NetworkPolicy", "batch/v1:Job"):
        (found,) = access().of_type(f"kubernetes:{type_}")
        assert found["metadata"]["namespace"] == NAME
        assert found.deleted_with == namespace(access(), NAME)


def test_it_reaches_its_credentials_the_database_and_secrets_manager_and_nothing_reaches_it() -> None:
    policy = access().named("kubernetes:networking.k8s.io/v1:NetworkPolicy", f"{NAME}-flows")
    assert policy["metadata"]["name"] == "job"
    assert "role" in waits_for(access(), policy)
    assert policy["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80, "protocol": "TCP"}]},
            {
                "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}],
                "ports": [{"port": 5432, "protocol": "TCP"}, {"port": 443, "protocol": "TCP"}],
            },
            # The certificates of RDS's authorities.
            {
                "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}],
                "ports": [{"port": 443, "protocol": "TCP"}],
            },
        ],
    }


def test_the_password_lies_in_memory_and_is_gone_with_the_pod() -> None:
    assert pod()["volumes"] == [{"name": "login", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}]
    for container in (*pod()["initContainers"], *pod()["containers"]):
        assert container["volumeMounts"] == [{"name": "login", "mountPath": "/login"}]
    # Both containers, whose users differ, read it.
    assert pod()["securityContext"] == {"fsGroup": 70, "runAsNonRoot": True}


def test_the_password_is_fetched_from_the_owners_secret_before_anything_logs_in() -> None:
    (fetch,) = pod()["initContainers"]
    assert (fetch["name"], fetch["image"]) == ("password", cached("quay.io/curl/curl:8.17.0"))
    assert fetch["securityContext"]["runAsUser"] == 100
    assert variables(fetch) == {"REGION": "eu-west-1", "SECRET": "arn:owner"}


def test_the_owner_runs_the_sql_once_the_server_has_shown_whose_it_is() -> None:
    (run,) = pod()["containers"]
    assert (run["name"], run["image"]) == ("psql", cached("docker.io/library/postgres:17.7-alpine"))
    assert run["securityContext"]["runAsUser"] == 70
    assert variables(run) == {
        "SQL": SQL,
        "ROLE": "prism_app",
        "PGHOST": "database.example.com",
        "PGPORT": "5432",
        "PGUSER": "prism_owner",
        "PGDATABASE": "ai_prism",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/login/authorities.pem",
        "PGCONNECT_TIMEOUT": "10",
    }
    script = run["command"][-1]
    assert 'export PGPASSWORD="$(cat /login/password)"' in script
    assert 'psql -X -v user="$ROLE" -v database="$PGDATABASE"' in script


@pytest.mark.parametrize(
    "escape", [lambda text: text, lambda text: text.replace("<", "\\u003c").replace("=", "\\u003D")]
)
@pytest.mark.parametrize("password", ["plain", "a\\b|&<>=$*~[u0041]", "x" * 40, "\\\\n{}%s:,"])
def test_the_job_finds_the_password_in_the_answer_of_secrets_manager(
    tmp_path: Path, password: str, escape: Callable[[str], str]
) -> None:
    secret = escape(json.dumps({"username": "prism_owner", "password": password}))
    answer = json.dumps({"Name": "rds!cluster", "SecretString": secret, "VersionStages": ["AWSCURRENT"]}, indent=1)
    (tmp_path / "answer").write_text(escape(answer), encoding="utf-8")
    (tmp_path / "token").write_text("token", encoding="utf-8")
    curl = tmp_path / "curl"
    curl.write_text(f'#!/bin/sh\ncase "$*" in *secretsmanager*) cat "{tmp_path}/answer";; esac\n', encoding="utf-8")
    curl.chmod(0o755)
    script = database_access._FETCH.replace("/login/", f"{tmp_path}/")
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "REGION": "us-east-1",
        "SECRET": "arn",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    }
    subprocess.run(["/bin/sh", "-c", script], env=variables, check=True, stdin=subprocess.DEVNULL)  # noqa: S603
    assert (tmp_path / "password").read_text(encoding="utf-8") == password


@pytest.mark.skipif(not shutil.which("jq"), reason="the runbook's command takes jq")
def test_people_ask_the_database_from_a_pod_that_is_the_jobs_and_runs_none_of_its_sql(tmp_path: Path) -> None:
    runbook = (ROOT / "docs/runbooks/ask-the-database.md").read_text(encoding="utf-8")
    (function,) = re.findall(r"^```sh\n(.*?)^```", runbook, re.MULTILINE | re.DOTALL)
    spec = job()["spec"]
    (tmp_path / "jobs").write_text(
        json.dumps({"items": [{"metadata": {"creationTimestamp": "2026"}, "spec": spec}]}), encoding="utf-8"
    )
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\ncase "$3" in get) cat jobs;; create) cat > pod;; esac\n', encoding="utf-8")
    kubectl.chmod(0o755)

    def pod(command: str) -> Any:
        subprocess.run(  # noqa: S603
            ["sh", "-euc", f"{function}\n{command}"],  # noqa: S607
            cwd=tmp_path,
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
            check=True,
        )
        return json.loads((tmp_path / "pod").read_text())["spec"]

    expected = json.loads(json.dumps(spec["template"]["spec"]))
    serving, beside = pod("database_pod"), pod("database_pod other.example.com arn:other")
    assert serving["containers"][0].pop("command") == ["sleep", "3600"]
    expected["containers"][0].pop("command")
    assert serving == expected
    assert {"name": "PGHOST", "value": "other.example.com"} in beside["containers"][0]["env"]
    assert {"name": "SECRET", "value": "arn:other"} in beside["initContainers"][0]["env"]
