"""Fluent Bit: what it reads with which rights, what it keeps on the node, and where it sends it."""

import functools
from typing import Any

import pytest
from alone_in_cluster import RESTRICTED, asks, cached, in_cluster, origin, release, values, waits_for

from components.apps.fluent_bit import FluentBit, FluentBitArgs, LogGroup, log_destination
from components.apps.search_access import SearchDomain
from recording.graph import Graph

NAME = "fluent-bit"
DOMAIN = SearchDomain(endpoint="search.example.com", gib_for_logs=10, retention_days=30, reader_arns=[])
GROUP = LogGroup(name="pods")


@functools.cache
def collector(destination: str = "search") -> Graph:
    return in_cluster(
        lambda installer, role, opts: FluentBit(
            NAME,
            FluentBitArgs(
                installer=installer,
                region="eu-west-1",
                destination=DOMAIN if destination == "search" else GROUP,
                service_account="collecting",
                after=[role],
            ),
            opts,
        )
    )


def chart() -> dict[str, Any]:
    return values(collector(), NAME)


def section(name: str, destination: str = "search") -> dict[str, str]:
    """Return the keys of the one section of a part of the configuration."""
    text = values(collector(destination), NAME)["config"][name]
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert [line for line in lines if line.startswith("[")] == [f"[{name.removesuffix('s').upper()}]"]
    pairs = [line.split(maxsplit=1) for line in lines[1:]]
    return dict(pairs)


def test_it_runs_on_every_node_in_its_own_namespace_with_the_role_that_writes_logs() -> None:
    assert origin(collector(), NAME) == (NAME, "logging", NAME)
    assert chart()["serviceAccount"] == {"name": "collecting"}
    assert "role" in waits_for(collector(), release(collector(), NAME))
    assert chart()["tolerations"] == [{"operator": "Exists"}]
    assert chart()["priorityClassName"] == "system-node-critical"


def test_it_reads_log_files_as_root_without_any_capability_and_writes_to_one_folder_of_the_node() -> None:
    assert chart()["securityContext"] == {**RESTRICTED, "runAsNonRoot": False, "runAsUser": 0}
    assert chart()["daemonSetVolumes"] == [
        {"name": "logs", "hostPath": {"path": "/var/log"}},
        {"name": "state", "hostPath": {"path": "/var/lib/fluent-bit", "type": "DirectoryOrCreate"}},
    ]
    assert chart()["daemonSetVolumeMounts"] == [
        {"name": "logs", "mountPath": "/var/log", "readOnly": True},
        {"name": "state", "mountPath": "/var/lib/fluent-bit"},
    ]


def test_it_leaves_the_node_to_the_pods_and_prometheus_sees_it() -> None:
    assert chart()["resources"] == asks("50m", "64Mi", limit="256Mi")
    assert chart()["serviceMonitor"] == {"enabled": True}
    assert chart()["testFramework"] == {"enabled": False}
    assert chart()["image"] == {"repository": cached("docker.io/fluent/fluent-bit")}


def test_a_restart_neither_loses_nor_repeats_logs_and_a_burst_lies_on_the_disk() -> None:
    """https://docs.fluentbit.io/manual/administration/buffering-and-storage"""
    inputs, service = section("inputs"), section("service")
    assert inputs["DB"] == "/var/lib/fluent-bit/positions.db"
    assert inputs["storage.type"] == "filesystem"
    assert inputs["Mem_Buf_Limit"] == "16MB"
    assert service["storage.path"] == "/var/lib/fluent-bit/buffer"
    assert service["storage.max_chunks_up"] == "64"


def test_it_reads_the_output_of_all_containers_but_its_own_which_would_feed_it_in_a_loop() -> None:
    inputs = section("inputs")
    assert inputs["Name"] == "tail"
    assert inputs["Tag"] == "kube.*"
    assert inputs["Path"] == "/var/log/containers/*.log"
    assert inputs["Exclude_Path"] == "/var/log/containers/fluent-bit-*_logging_*.log"
    # Lines that the runtime has cut are put together, and one that is longer stops nothing.
    assert inputs["multiline.parser"] == "docker, cri"
    assert inputs["Skip_Long_Lines"] == "On"


def test_a_line_of_json_has_its_fields_below_one_name_beside_those_of_its_pod() -> None:
    assert section("filters") == {
        "Name": "kubernetes",
        "Match": "kube.*",
        "Merge_Log": "On",
        "Merge_Log_Key": "fields",
        "Keep_Log": "Off",
        "Annotations": "Off",
        # No pod decides by itself that its logs are dropped, or how they are read.
        "K8S-Logging.Parser": "Off",
        "K8S-Logging.Exclude": "Off",
    }


def test_its_probes_and_prometheus_ask_it_where_the_chart_says() -> None:
    service = section("service")
    assert service == {
        "Daemon": "Off",
        "Flush": "{{ .Values.flush }}",
        "Log_Level": "{{ .Values.logLevel }}",
        "Parsers_File": "/fluent-bit/etc/parsers.conf",
        "HTTP_Server": "On",
        "HTTP_Listen": "0.0.0.0",  # noqa: S104
        "HTTP_Port": "{{ .Values.metricsPort }}",
        "Health_Check": "On",
        "storage.path": "/var/lib/fluent-bit/buffer",
        "storage.max_chunks_up": "64",
    }


def test_logs_go_to_the_domain_signed_and_encrypted_one_index_a_day() -> None:
    found = section("outputs")
    assert (found["Name"], found["Match"]) == ("opensearch", "kube.*")
    assert (found["Host"], found["Port"], found["tls"]) == ("search.example.com", "443", "On")
    assert (found["AWS_Auth"], found["AWS_Region"]) == ("On", "eu-west-1")
    assert (found["Logstash_Format"], found["Logstash_Prefix"]) == ("On", "logs")


def test_the_domain_takes_each_record_once_whatever_the_labels_of_its_pod() -> None:
    found = section("outputs")
    assert found["Generate_ID"] == "On"
    # Labels such as app and app.kubernetes.io/name cannot be fields of one document otherwise.
    assert found["Replace_Dots"] == "On"
    assert found["Suppress_Type_Name"] == "On"
    assert found["Buffer_Size"] == "4MB"


def test_logs_go_to_the_log_group_that_is_there() -> None:
    found = section("outputs", "group")
    assert found == {
        "Name": "cloudwatch_logs",
        "Match": "kube.*",
        "region": "eu-west-1",
        "log_group_name": "pods",
        "log_stream_prefix": "pods-",
        "auto_create_group": "Off",
        "Retry_Limit": "20",
        "storage.total_limit_size": "1G",
    }


@pytest.mark.parametrize("destination", ["search", "group"])
def test_what_cannot_be_sent_for_hours_is_given_up_and_takes_a_bounded_part_of_the_disk(destination: str) -> None:
    """https://docs.fluentbit.io/manual/administration/scheduling-and-retries"""
    found = section("outputs", destination)
    assert (found["Retry_Limit"], found["storage.total_limit_size"]) == ("20", "1G")


def test_logs_are_kept_in_one_place() -> None:
    assert log_destination(DOMAIN, None) is DOMAIN
    assert log_destination(None, "pods") == GROUP
    for domain, group in ((None, None), (DOMAIN, "pods")):
        with pytest.raises(ValueError, match="either in OpenSearch or in CloudWatch"):
            log_destination(domain, group)
