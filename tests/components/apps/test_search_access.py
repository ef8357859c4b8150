"""Who may do what within OpenSearch, how logs lie there, when they go, and how the job asks for it."""

import functools
import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from alone_in_cluster import in_cluster, namespace, waits_for

from components.apps.search_access import SearchAccess, SearchAccessArgs, SearchDomain
from recording.graph import Graph, Resource

JOB = "kubernetes:batch/v1:Job"
LOGS = ["logs-*"]


@functools.cache
def access(*, days: int = 60, gib: float = 240) -> Graph:
    domain = SearchDomain(
        endpoint="search.example.com", gib_for_logs=gib, retention_days=days, reader_arns=["arn:anna", "arn:ben"]
    )
    return in_cluster(
        lambda installer, role, opts: SearchAccess(
            "search-access",
            SearchAccessArgs(
                installer=installer,
                region="eu-west-1",
                domain=domain,
                service_account="master",
                writer_arn="arn:collector",
                after=[role],
            ),
            opts,
        )
    )


def job(graph: Graph) -> Resource:
    return graph.named(JOB, "search-access")


def variables(**kind: Any) -> dict[str, str]:
    (container,) = job(access(**kind))["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"]}


def document(name: str, **kind: Any) -> dict[str, Any]:
    return json.loads(variables(**kind)[name])


def test_it_asks_the_domain_of_the_stack_in_its_region() -> None:
    assert (variables()["HOST"], variables()["REGION"]) == ("search.example.com", "eu-west-1")


def test_it_has_the_master_users_role_as_long_as_it_runs_in_the_namespace_of_the_collector() -> None:
    graph = access()
    assert job(graph)["metadata"]["namespace"] == "logging"
    assert job(graph)["spec"]["template"]["spec"]["serviceAccountName"] == "master"
    account = graph.named("kubernetes:core/v1:ServiceAccount", "master")
    assert account["metadata"] == {"name": "master", "namespace": "logging"}
    for each in (account, job(graph)):
        assert "role" in waits_for(graph, each)
        assert each.deleted_with == namespace(graph, "logging")


def test_the_collector_writes_logs_and_can_neither_read_nor_delete_them() -> None:
    assert document("WRITER") == {
        "cluster_permissions": ["indices:data/write/bulk"],
        "index_permissions": [
            {"index_patterns": LOGS, "allowed_actions": ["create_index", "indices:data/write/bulk*", "index"]}
        ],
    }
    assert document("WRITERS") == {"backend_roles": ["arn:collector"]}


def test_administrators_read_logs_and_keep_their_views_of_them() -> None:
    assert document("READER") == {
        "cluster_permissions": ["cluster_composite_ops_ro"],
        "index_permissions": [{"index_patterns": LOGS, "allowed_actions": ["read", "indices:admin/mappings/get"]}],
        "tenant_permissions": [{"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_write"]}],
    }
    assert document("READERS") == {"backend_roles": ["arn:anna", "arn:ben"]}


def test_a_day_is_one_shard_and_a_copy_so_that_a_years_worth_fits_the_nodes() -> None:
    """A thousand shards a node: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-sharding.html."""
    template = document("TEMPLATE")
    assert (template["index_patterns"], template["priority"]) == (LOGS, 1)
    shards = template["template"]["settings"]
    assert (shards["number_of_shards"], shards["number_of_replicas"]) == (1, 1)


def test_slow_requests_are_logged() -> None:
    """None is without thresholds: …/developerguide/createdomain-configure-slow-logs.html."""
    limits = document("TEMPLATE")["template"]["settings"]
    assert limits["index.search.slowlog.threshold.query.warn"] == "5s"
    assert limits["index.indexing.slowlog.threshold.index.warn"] == "5s"


def test_two_programs_may_call_different_things_by_one_name_and_no_line_is_refused() -> None:
    assert document("TEMPLATE")["template"]["mappings"] == {
        "date_detection": False,
        "properties": {"@timestamp": {"type": "date"}, "fields": {"type": "flat_object"}},
    }


def test_who_was_refused_and_who_changed_what_is_audited_and_not_every_call() -> None:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/audit-logs.html"""
    granted = ["GRANTED_PRIVILEGES", "AUTHENTICATED"]
    assert document("AUDIT") == {
        "enabled": True,
        "audit": {
            "enable_rest": True,
            "disabled_rest_categories": granted,
            "enable_transport": True,
            "disabled_transport_categories": granted,
        },
    }


def test_each_new_index_of_logs_has_the_policy_of_retention() -> None:
    policy = document("RETENTION")["policy"]
    assert policy["ism_template"] == [{"index_patterns": LOGS, "priority": 1}]
    assert policy["default_state"] == "keep-0"
    assert policy["states"][-1] == {"name": "delete", "actions": [{"delete": {}}], "transitions": []}


def test_a_day_goes_after_the_retention_and_one_twice_its_share_after_half_of_it() -> None:
    # 240 GiB are 120 for each of two copies, so each of 60 days has 2 GiB of its own.
    *states, _ = document("RETENTION", days=60, gib=240)["policy"]["states"]
    assert [each["name"] for each in states] == [f"keep-{step}" for step in range(6)]
    ages = [each["transitions"][-1] for each in states]
    assert [each["state_name"] for each in ages] == ["delete"] * 6
    assert [each["conditions"] for each in ages] == [{"min_index_age": f"{days}d"} for days in (60, 30, 15, 7, 3, 1)]
    sizes = [each["transitions"][0] for each in states[:-1]]
    assert [each["state_name"] for each in sizes] == [f"keep-{step}" for step in range(1, 6)]
    assert [each["conditions"] for each in sizes] == [
        {"min_size": f"{mib}mb"} for mib in (2048, 4096, 8192, 16384, 32768)
    ]
    assert all(each["actions"] == [] for each in states)


@pytest.mark.parametrize("days", [1, 2, 365])
def test_the_largest_day_stays_for_one_day_whatever_the_retention(days: int) -> None:
    *states, _ = document("RETENTION", days=days)["policy"]["states"]
    assert states[0]["transitions"][-1]["conditions"] == {"min_index_age": f"{days}d"}
    assert states[-1]["transitions"] == [{"state_name": "delete", "conditions": {"min_index_age": "1d"}}]


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
    (container,) = job(access(days=365))["spec"]["template"]["spec"]["containers"]
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
    assert "arn:collector" in asked[2]
    # Nothing secret stands among the arguments.
    assert not any("secret" in line or "token" in line for line in asked)
    credentials = (tmp_path / "seen.credentials").read_text(encoding="utf-8").splitlines()
    assert credentials[:2] == ['user = "key:secret"', 'header = "x-amz-security-token: token"']
