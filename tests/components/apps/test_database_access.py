"""The job that makes the application's role: whose password it reads, where it runs, and what waits for it.

What its SQL does is tried on a real PostgreSQL in test_logins.py.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import application, recorded

from components.apps import database_access
from prismctl.project import ROOT
from recording.graph import Graph

JOB = "kubernetes:batch/v1:Job"


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


def test_only_the_job_may_read_the_owners_password() -> None:
    graph = recorded("prod", known=True)
    (cluster,) = graph.of_type("aws:rds/cluster:Cluster")
    arn = cluster.outputs["masterUserSecrets"][0]["secretArn"]
    readers = [each.name for each in graph.of_type("aws:iam/rolePolicy:RolePolicy") if arn in each["policy"]]
    assert readers == ["identity-database-access-grants"]


def test_nobody_else_runs_pods_where_the_owners_password_may_be_read(known: Graph) -> None:
    job = known.named(JOB, "database-access")
    place = job["metadata"]["namespace"]
    inside = [
        each.name
        for each in known.resources
        if (each.get("metadata") or {}).get("namespace") == place or each.get("namespace") == place
    ]
    assert sorted(inside) == [
        "database-access",
        "database-access",
        "database-access-default-deny",
        "database-access-flows",
        "database-access-needed-flows",
        "identity-database-access",
    ]
    (project,) = [each for each in known.resources if each.get("kind") == "AppProject"]
    assert place not in {destination["namespace"] for destination in project["spec"]["destinations"]}
    assert job["spec"]["template"]["spec"]["serviceAccountName"] == "database-access"


def test_the_application_comes_when_it_may_log_in_and_goes_before_that_ends(known: Graph) -> None:
    assert known.named(JOB, "database-access").urn in known.needs(application(known))


def test_an_update_long_after_the_job_still_finds_it_so_that_it_has_nothing_to_do(known: Graph) -> None:
    assert "ttlSecondsAfterFinished" not in known.named(JOB, "database-access")["spec"]


@pytest.mark.skipif(not shutil.which("jq"), reason="the runbook's command takes jq")
def test_people_ask_the_database_from_a_pod_that_is_the_jobs_and_runs_none_of_its_sql(tmp_path: Path) -> None:
    runbook = (ROOT / "docs/runbooks/ask-the-database.md").read_text(encoding="utf-8")
    (function,) = re.findall(r"^```sh\n(.*?)^```", runbook, re.MULTILINE | re.DOTALL)
    spec = recorded("prod", known=True).named(JOB, "database-access")["spec"]
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

    job = json.loads(json.dumps(spec["template"]["spec"]))
    serving, beside = pod("database_pod"), pod("database_pod other.example.com arn:other")
    assert serving["containers"][0].pop("command") == ["sleep", "3600"]
    job["containers"][0].pop("command")
    assert serving == job
    assert {"name": "PGHOST", "value": "other.example.com"} in beside["containers"][0]["env"]
    assert {"name": "SECRET", "value": "arn:other"} in beside["initContainers"][0]["env"]
