"""Logs: from every node to the one place that a stack keeps them in."""

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import STACKS, recorded

RELEASE = "kubernetes:helm.sh/v3:Release"
JOB = "kubernetes:batch/v1:Job"
WITH = ("staging", "prod")


def values(stack: str) -> dict[str, Any]:
    return recorded(stack, known=True).named(RELEASE, "fluent-bit")["values"]


def output(stack: str) -> dict[str, str]:
    lines = [line.strip() for line in values(stack)["config"]["outputs"].splitlines()]
    return dict(line.split(" ", 1) for line in lines if line and line[0] not in "[#")


@pytest.mark.parametrize("stack", STACKS)
def test_the_collector_runs_on_every_node_and_has_no_more_rights_there_than_files_take(stack: str) -> None:
    assert values(stack)["tolerations"] == [{"operator": "Exists"}]
    context = values(stack)["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    mounts = {mount["mountPath"]: mount for mount in values(stack)["daemonSetVolumeMounts"]}
    assert mounts["/var/log"]["readOnly"]


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_not_sent_yet_lies_on_a_bounded_part_of_the_disk(stack: str) -> None:
    config = values(stack)["config"]
    assert "storage.type filesystem" in config["inputs"]
    assert "storage.total_limit_size" in config["outputs"]


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_refused_again_and_again_is_given_up_and_what_is_not_is_seen_to_be_taken(stack: str) -> None:
    assert int(output(stack)["Retry_Limit"]) > 1
    if stack in WITH:
        # Each of a chunk's records is named in the answer, and it has about 2 MB of them.
        assert int(output(stack)["Buffer_Size"].removesuffix("MB")) >= 2


@pytest.mark.parametrize("stack", STACKS)
def test_logs_go_to_where_the_stack_keeps_them_and_nobody_makes_another_place(stack: str) -> None:
    graph, told = recorded(stack, known=True), output(stack)
    if stack in WITH:
        (domain,) = graph.of_type("aws:opensearch/domain:Domain")
        assert (told["Name"], told["Host"], told["Port"]) == ("opensearch", domain.outputs["endpoint"], "443")
        assert (told["tls"], told["AWS_Auth"]) == ("On", "On")
    else:
        group = graph.named("aws:cloudwatch/logGroup:LogGroup", "observability-pods")
        assert (told["Name"], told["log_group_name"]) == ("cloudwatch_logs", group.outputs["name"])
        assert told["auto_create_group"] == "Off"


@pytest.mark.parametrize("stack", WITH)
def test_the_collector_starts_when_it_may_write(stack: str) -> None:
    graph = recorded(stack, known=True)
    job = graph.named(JOB, "search-access")
    assert job.urn in graph.needs(graph.named(RELEASE, "fluent-bit"))


CURL = """#!/bin/sh
# Takes what is signed from a pipe, notes what is asked for, and answers as the domain would.
case "$*" in
  *"$AWS_CONTAINER_CREDENTIALS_FULL_URI"*)
    printf '{\\n "AccessKeyId":"key",\\n "SecretAccessKey":"secret",\\n "Token":"token"}'
    exit;;
esac
cat >> "$SEEN.credentials"
printf '%s\\n' "$*" >> "$SEEN"
case "$*" in
  *PUT*) ;;
  *) cat "$KNOWN";;
esac
"""


@pytest.mark.parametrize(
    ("known", "query"),
    [
        ('{"error": {}, "status": 404}', ""),
        ('{"_id":"logs","_version":2,"_seq_no":7,"_primary_term":3,"policy":{}}', "?if_primary_term=3&if_seq_no=7"),
    ],
)
def test_the_job_gives_each_role_its_rights_and_replaces_the_policy_that_is_there(
    tmp_path: Path, known: str, query: str
) -> None:
    job = recorded("prod", known=True).named(JOB, "search-access")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (tmp_path / "curl").write_text(CURL, encoding="utf-8")
    (tmp_path / "curl").chmod(stat.S_IRWXU)
    (tmp_path / "token").write_text("pod", encoding="utf-8")
    (tmp_path / "known").write_text(known, encoding="utf-8")
    environment = {item["name"]: item["value"] for item in container["env"]}
    subprocess.run(  # noqa: S603  # the program's own command
        container["command"],
        env={
            **environment,
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SEEN": str(tmp_path / "seen"),
            "KNOWN": str(tmp_path / "known"),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        },
        check=True,
        timeout=30,
    )
    asked = (tmp_path / "seen").read_text(encoding="utf-8").splitlines()
    paths = [line.rpartition(f"https://{environment['HOST']}/")[2] for line in asked]
    assert paths == [
        "_index_template/logs",
        "_plugins/_security/api/roles/logs_writer",
        "_plugins/_security/api/rolesmapping/logs_writer",
        "_plugins/_security/api/roles/logs_reader",
        "_plugins/_security/api/rolesmapping/logs_reader",
        "_plugins/_security/api/audit/config",
        "_plugins/_ism/policies/logs",
        f"_plugins/_ism/policies/logs{query}",
    ]
    assert '"min_index_age": "365d"' in asked[-1]
    assert "role/ai-prism/prod/identity-fluent-bit" in asked[2]
    # Nothing secret stands among the arguments.
    assert not any("secret" in line or "token" in line for line in asked)
    credentials = (tmp_path / "seen.credentials").read_text(encoding="utf-8").splitlines()
    assert credentials[:2] == ['user = "key:secret"', 'header = "x-amz-security-token: token"']
