"""Fluent Bit: brings what containers write to where it is kept and searched."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.apps.installer import RESTRICTED, Chart, Installer, resources
from components.apps.search_access import INDEX_PREFIX, MERGED, SearchDomain
from components.namespaces import LOGGING
from components.search import PORT

CHART = Chart("fluent-bit", LOGGING)
_STATE = "/var/lib/fluent-bit"


@dataclass(frozen=True, kw_only=True)
class LogGroup:
    """A log group of CloudWatch that keeps the logs."""

    name: pulumi.Input[str]


def log_destination(domain: SearchDomain | None, log_group: pulumi.Input[str] | None) -> SearchDomain | LogGroup:
    """Return the one place that keeps the logs; raises ValueError unless there is one."""
    if domain is not None and log_group is None:
        return domain
    if domain is None and log_group is not None:
        return LogGroup(name=log_group)
    raise ValueError("a stack keeps its pods' logs either in OpenSearch or in CloudWatch")


@dataclass(frozen=True, kw_only=True)
class FluentBitArgs:
    """Arguments of FluentBit."""

    installer: Installer
    region: str
    destination: SearchDomain | LogGroup
    service_account: str
    """Its pods have the role that may write to the destination."""
    after: Sequence[pulumi.Resource] = ()
    """Above all the association with the role, and within a domain the role's rights: writes are refused before."""


class FluentBit(pulumi.ComponentResource):
    """Every container's output on every node, sent encrypted to the one place that the stack keeps logs in."""

    def __init__(self, name: str, args: FluentBitArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ai-prism:cluster:FluentBit", name, None, opts)

        args.installer.install(
            CHART,
            {
                # The chart's registry is a mirror of this one.
                "image": {"repository": args.installer.place_of("docker.io/fluent/fluent-bit")},
                "testFramework": {"enabled": False},
                "serviceAccount": {"name": args.service_account},
                "serviceMonitor": {"enabled": True},
                # All nodes, whatever they are kept free for.
                "tolerations": [{"operator": "Exists"}],
                "priorityClassName": "system-node-critical",
                "resources": resources("50m", "64Mi", memory_limit="256Mi"),
                # Log files belong to root; root without any capability reads what is its own, and no more.
                "securityContext": {**RESTRICTED, "runAsNonRoot": False, "runAsUser": 0},
                "daemonSetVolumes": [
                    {"name": "logs", "hostPath": {"path": "/var/log"}},
                    {"name": "state", "hostPath": {"path": _STATE, "type": "DirectoryOrCreate"}},
                ],
                "daemonSetVolumeMounts": [
                    {"name": "logs", "mountPath": "/var/log", "readOnly": True},
                    {"name": "state", "mountPath": _STATE},
                ],
                "config": {
                    "service": _SERVICE,
                    "inputs": _INPUTS,
                    "filters": _FILTERS,
                    "outputs": _outputs(args.destination, args.region),
                },
            },
            parent=self,
            after=args.after,
        )
        self.register_outputs({})


# Positions and what is not sent yet lie on the node: a restart neither loses nor repeats logs, and a burst fills a
# bounded part of the disk instead of memory (https://docs.fluentbit.io/manual/administration/buffering-and-storage).
_SERVICE = f"""\
[SERVICE]
    Daemon Off
    Flush {{{{ .Values.flush }}}}
    Log_Level {{{{ .Values.logLevel }}}}
    Parsers_File /fluent-bit/etc/parsers.conf
    HTTP_Server On
    HTTP_Listen 0.0.0.0
    HTTP_Port {{{{ .Values.metricsPort }}}}
    Health_Check On
    storage.path {_STATE}/buffer
    storage.max_chunks_up 64
"""
_INPUTS = f"""\
[INPUT]
    Name tail
    Tag kube.*
    Path /var/log/containers/*.log
    # Its own would come back to it for ever.
    Exclude_Path /var/log/containers/{CHART.name}-*_{LOGGING}_*.log
    multiline.parser docker, cri
    DB {_STATE}/positions.db
    Mem_Buf_Limit 16MB
    Skip_Long_Lines On
    storage.type filesystem
"""
_FILTERS = f"""\
[FILTER]
    Name kubernetes
    Match kube.*
    Merge_Log On
    Merge_Log_Key {MERGED}
    Keep_Log Off
    Annotations Off
    K8S-Logging.Parser Off
    K8S-Logging.Exclude Off
"""


def _outputs(destination: SearchDomain | LogGroup, region: str) -> pulumi.Input[str]:
    """Return the section on where logs go; credentials are the pod's.

    Sources: https://docs.fluentbit.io/manual/pipeline/outputs/opensearch, …/outputs/cloudwatch
    """
    match destination:
        case SearchDomain():
            return pulumi.Output.format(
                _TO_SEARCH, host=destination.endpoint, port=PORT, region=region, prefix=INDEX_PREFIX, tries=_TRIES
            )
        case LogGroup():
            return pulumi.Output.format(_TO_CLOUDWATCH, group=destination.name, region=region, tries=_TRIES)


_TRIES = 20
"""How often a chunk is sent before it is given up: one that is refused whatever happens would come back for ever.

The wait before it is random, and soon up to half an hour. A destination may thus be away for some hours, between three
and four on average, before anything is lost (https://docs.fluentbit.io/manual/administration/scheduling-and-retries).
"""
_TO_SEARCH = """\
[OUTPUT]
    Name opensearch
    Match kube.*
    Host {host}
    Port {port}
    tls On
    AWS_Auth On
    AWS_Region {region}
    Suppress_Type_Name On
    Logstash_Format On
    Logstash_Prefix {prefix}
    # Labels such as app and app.kubernetes.io/name cannot be fields of one document otherwise.
    Replace_Dots On
    Generate_ID On
    # The answer names each record. One that is cut off and tells of an error counts as a refusal of all, even where
    # those that are not new are there already; 4 KB is the default, and a chunk has about 2 MB.
    Buffer_Size 4MB
    Retry_Limit {tries}
    storage.total_limit_size 1G
"""
_TO_CLOUDWATCH = """\
[OUTPUT]
    Name cloudwatch_logs
    Match kube.*
    region {region}
    log_group_name {group}
    log_stream_prefix pods-
    auto_create_group Off
    Retry_Limit {tries}
    storage.total_limit_size 1G
"""
